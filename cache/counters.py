"""Counts of named members, such as the raw values of a system that no code table knows.

Members and samples are stored in the clear: callers pass codes, never personal data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["MAX_MEMBERS", "MAX_TEXT", "OVERFLOW", "Counted", "Counters", "EmbeddedCounters", "by_count"]

MAX_MEMBERS: Final = 500
"""Members told apart under one name; further ones are counted together under OVERFLOW."""

OVERFLOW: Final = "…"

MAX_TEXT: Final = 200
"""Characters of a member or sample that are kept."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One member; times in Unix seconds; sample: the first one given, e.g. the mapping's path."""

    member: str
    count: int
    first_seen: float
    last_seen: float
    sample: str | None = None


class Counters(Protocol):
    """Counts that may be forgotten. Never raises for being ill."""

    async def add(self, name: str, member: str, count: int = 1, sample: str | None = None) -> None: ...

    async def read(self, name: str) -> list[Counted]:
        """Members by count, highest first, then by name."""
        ...

    async def close(self) -> None: ...


class EmbeddedCounters:
    """Counts of this process. clock: Unix seconds."""

    def __init__(self, *, max_members: int = MAX_MEMBERS, clock: Callable[[], float] = time.time) -> None:
        self._max_members = max_members
        self._clock = clock
        self._names: dict[str, dict[str, Counted]] = {}

    async def add(self, name: str, member: str, count: int = 1, sample: str | None = None) -> None:
        members = self._names.setdefault(name, {})
        member = member[:MAX_TEXT]
        if member not in members and len(members) - (OVERFLOW in members) >= self._max_members:
            member, sample = OVERFLOW, None
        now = self._clock()
        old = members.get(member)
        if old is None:
            members[member] = Counted(member, count, now, now, None if sample is None else sample[:MAX_TEXT])
        else:
            members[member] = Counted(member, old.count + count, old.first_seen, now, old.sample)

    async def read(self, name: str) -> list[Counted]:
        return by_count(self._names.get(name, {}).values())

    async def close(self) -> None:
        return


def by_count(members: Iterable[Counted]) -> list[Counted]:
    """Highest count first, then by name."""
    return sorted(members, key=lambda counted: (-counted.count, counted.member))
