"""What every server does with its cases: find one, select some by applicant and date, cut a page, list changes.

A `Register` holds each case with the text (or dict) in which its server tells it, made once at start-up.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from samples.cases import Case, Change, changes_of, generate_cases
from samples.catalogue import SYSTEMS
from samples.registry import load_registry

__all__ = ["Dialect", "Register", "Selection", "open_cases"]

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a system names things: canonical -> raw.

    events: kinds of event it knows; statuses: canonical state -> raw status, where the status is not the last
    event's code; stray: a raw status that stands in no code table.
    """

    events: Mapping[str, str]
    statuses: Mapping[str, str]
    case_types: Mapping[str, str]
    channels: Mapping[str, str]
    stray: str

    def status(self, case: Case) -> str:
        if case.stray:
            return self.stray
        return self.status_after(case.events[-1].kind, case.state)

    def status_after(self, kind: str, state: str) -> str:
        return self.statuses.get(kind) or self.statuses.get(state) or self.events[kind]


@dataclass(frozen=True, slots=True)
class Selection(Generic[Row]):
    """One page and the number of all rows that match."""

    rows: tuple[Row, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Register(Generic[Row]):
    """cases: newest application first; summaries and details by position and number."""

    cases: tuple[Case, ...]
    summaries: tuple[Row, ...]
    details: Mapping[str, Row]
    changes: tuple[Change, ...]

    def select(
        self,
        *,
        start: int,
        size: int,
        applicant: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Selection[Row]:
        """Rows from `start` (0-based); `applicant` empty for all; applied within [since, until], both inclusive."""
        matching = [
            index
            for index, case in enumerate(self.cases)
            if (not applicant or case.applicant.id_number == applicant)
            and (since is None or case.applied_at >= since)
            and (until is None or case.applied_at <= until)
        ]
        rows = tuple(self.summaries[index] for index in matching[start : start + size])
        return Selection(rows, len(matching))

    def changes_since(
        self, since: datetime | None, size: int, *, start: int = 0
    ) -> tuple[tuple[Change, ...], bool]:
        """Changes strictly after `since`, oldest first, at most `size`; whether there are more."""
        first = 0
        if since is not None:
            first = bisect.bisect_right(self.changes, since, key=lambda change: change.event.at)
        first += start
        return self.changes[first : first + size], first + size < len(self.changes)


def open_cases(
    system: str,
    *,
    seed: int,
    dialect: Dialect,
    summary: Callable[[Case], Row],
    detail: Callable[[Case], Row],
    only_filed: frozenset[str] = frozenset(),
) -> Register[Row]:
    """Generate a system's cases and render each of them once. only_filed: events that none of these have."""
    kinds = frozenset(dialect.events) - only_filed
    cases = generate_cases(SYSTEMS[system], load_registry(), seed=seed, kinds=kinds)
    return Register(
        cases=cases,
        summaries=tuple(summary(case) for case in cases),
        details={case.number: detail(case) for case in cases},
        changes=changes_of(cases),
    )
