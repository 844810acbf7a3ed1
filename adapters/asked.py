"""What a question is put to: a system, or what stands in its place while it is being replaced."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from adapters.compiled import CompiledConnector
from adapters.declaration import Declaration
from adapters.mapping.scope import Gap
from adapters.paging import Position
from adapters.source import NO_TRACE, Page

__all__ = ["Asked"]


class Asked(Protocol):
    """`adapters.source.Source` is one; `adapters.migration.route.Side` another."""

    @property
    def code(self) -> str: ...

    @property
    def declaration(self) -> Declaration:
        """Of the code that it answers under."""
        ...

    @property
    def connectors(self) -> dict[str, CompiledConnector]: ...

    def can(self, verb: str) -> bool: ...

    def mapped_of_cases(self) -> frozenset[str]: ...

    def only_in_case(self, fields: Collection[str]) -> frozenset[str]: ...

    async def ask(
        self,
        verb: str,
        args: Mapping[str, Any],
        *,
        fields: Collection[str],
        deadline: float,
        position: Position = None,
        gaps: list[Gap] | None = None,
        trace: Mapping[str, str] = NO_TRACE,
        roots: Mapping[str, Any] = NO_TRACE,
        live: bool = False,
        max_age_s: float | None = None,
        learn: bool = False,
    ) -> Page: ...
