"""What the resolvers of the `migration` subgraph need from outside, and the facts they hand over as plain values."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Facts", "MigrationContext", "MigrationDesk"]

Facts = Mapping[str, Any]
"""JSON values under the names of the type's fields."""


class MigrationDesk(Protocol):
    """Raises errors with a `code` for what is refused."""

    async def migrations(self) -> Sequence[Facts]:
        """Every migration that is declared."""

    async def migration(self, system: str) -> Facts | None:
        """None where nothing replaces the system."""

    async def history(self, system: str) -> Sequence[Facts]: ...

    def events(self, system: str | None, after: str | None) -> AsyncGenerator[Facts, None]:
        """Steps as they are made, of one system or of all; each has a `cursor` to go on from. Never ends."""

    async def gates(self, system: str, to: str | None) -> Sequence[Facts]: ...

    async def parity(self, system: str) -> Facts: ...

    async def overlap(self, a: str, b: str, deadline: float) -> Facts:
        """What two systems both hold. deadline: event-loop time."""

    async def usage(self, system: str, days: int) -> Sequence[Facts]: ...

    async def move(
        self,
        system: str,
        kind: str,
        actor: str,
        reason: str,
        *,
        to: str | None = None,
        percent: float | None = None,
        sample: float | None = None,
        force: bool = False,
    ) -> Facts: ...

    async def accept(self, system: str, field: str, actor: str, reason: str) -> Facts: ...


class MigrationContext(Protocol):
    """The context of every query against the subgraph."""

    @property
    def desk(self) -> MigrationDesk: ...

    @property
    def deadline(self) -> float:
        """Event-loop time after which nothing more is worth starting."""
        ...

    @property
    def actor(self) -> str:
        """Who asks, for the record."""
        ...
