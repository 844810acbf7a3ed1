"""What routing between two systems needs from outside: where a migration stands, numbers, and someone to tell."""

# ruff: noqa: ARG002 - the port that knows of no migration ignores what it is told
from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from adapters.migration.compare import Result
from adapters.migration.placement import LEGACY_ONLY, Placement

__all__ = ["Comparison", "Declared", "MigrationPort", "NoMigrations", "SideName"]

SideName = Literal["old", "new"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One record asked of both sides.

    mapping: fingerprint of both declarations. noise: paths on which the old system contradicted itself when it was asked
    twice, None where it was not. problem: why there is no result: the error code of a side that gave none.
    """

    system: str
    mapping: str
    verb: str
    number: str
    result: Result
    noise: frozenset[str] | None = None
    old_ms: float = 0.0
    new_ms: float = 0.0
    problem: str | None = None
    problem_of: SideName = "new"

    @property
    def real(self) -> frozenset[str]:
        """Paths that differ, noise left out."""
        return frozenset(self.result.differences.keys() - (self.noise or frozenset()))

    @property
    def verdict(self) -> str:
        """`timeout`, `old_error` or `new_error` where a side gave no answer; else `different`, `noise`, `explained` or
        `same`."""
        if self.problem is not None:
            return "timeout" if self.problem == "SOURCE_TIMEOUT" else f"{self.problem_of}_error"
        if self.real:
            return "different"
        if self.result.differences:
            return "noise"
        return "explained" if self.result.explained else "same"


@dataclass(frozen=True, slots=True)
class Declared:
    """A migration as the declarations have it. mapping: as of Comparison. missing: what only the old system can do."""

    system: str
    successor: str
    mapping: str
    critical: tuple[str, ...] = ()
    numbers_mapped: bool = False
    missing: tuple[str, ...] = ()


class MigrationPort(Protocol):
    """Called in the event loop: all but the two look-ups must be quick, and none may raise for what it is told."""

    def declare(self, declared: Collection[Declared]) -> None:
        """All migrations of the declarations in service."""

    def placement(self, system: str, verb: str) -> Placement: ...

    def asked(self, system: str, side: SideName, code: str | None, elapsed_s: float, *, beside: bool) -> None:
        """One question answered by a side, or its error's code. beside: to compare, nobody waited for it."""

    def fell_back(self, system: str, code: str) -> None:
        """The new side failed and the old one was asked in its place."""

    def compared(self, comparison: Comparison) -> None: ...

    def not_compared(self, system: str, reason: str) -> None:
        """A question that was to be compared was not, for want of room."""

    async def new_number(self, system: str, old: str) -> str | None:
        """The new system's number of a case; None where it has none."""

    async def old_numbers(self, system: str, new: Collection[str]) -> Mapping[str, str]:
        """New number -> old one, of those that have one."""


class NoMigrations:
    """Every system is where it was."""

    def declare(self, declared: Collection[Declared]) -> None:
        return

    def placement(self, system: str, verb: str) -> Placement:
        return LEGACY_ONLY

    def asked(self, system: str, side: SideName, code: str | None, elapsed_s: float, *, beside: bool) -> None:
        return

    def fell_back(self, system: str, code: str) -> None:
        return

    def compared(self, comparison: Comparison) -> None:
        return

    def not_compared(self, system: str, reason: str) -> None:
        return

    async def new_number(self, system: str, old: str) -> str | None:
        return old

    async def old_numbers(self, system: str, new: Collection[str]) -> Mapping[str, str]:
        return {number: number for number in new}
