"""The command centre's view 监察: how much is open, late, warned, by department, item and who has to act; where it stands
still. Counted by the database, over open cases only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.tables import CASE_FILE
from gateway.views.worklist import Order, WorkFilter, work_page

__all__ = [
    "WAITS_FOR",
    "Counts",
    "count_open",
    "counts_by",
    "counts_by_waiting",
    "stuck_cases",
    "total_of",
    "waits_for",
]

WAITS_FOR: Mapping[str, str] = {
    "DRAFT": "APPLICANT",
    "CORRECTION_REQUIRED": "APPLICANT",
    "SPECIAL_PROCEDURE": "PROCEDURE",
    "SUSPENDED": "PROCEDURE",
    "TRANSFERRED": "OTHER_DEPARTMENT",
}
"""State -> who has to act; in every other open state the department itself."""


def waits_for(state: str) -> str:
    return WAITS_FOR.get(state, "DEPARTMENT")


@dataclass(frozen=True, slots=True)
class Counts:
    """Of open cases. overdue: past their due time; due_soon: due by the time asked; without_limit: no due time known."""

    open: int = 0
    overdue: int = 0
    due_soon: int = 0
    without_limit: int = 0
    notice: int = 0
    yellow: int = 0
    red: int = 0


Counted = Sequence[Sequence[Any]]
"""Department, item, state, and the seven numbers of `Counts`: one row for each of the three that has open cases."""
_KEY = 3


async def count_open(connection: AsyncConnection, wanted: WorkFilter, now_us: int, soon_us: int) -> Counted:
    """One walk over an index of what is open, which gives every sum of them."""
    table = CASE_FILE.c
    key = (table.department, table.item, table.state)
    query = select(*key, *_sums(now_us, soon_us)).where(*wanted.conditions()).group_by(*key)
    return (await connection.execute(query)).all()


def total_of(counted: Counted) -> Counts:
    return Counts(*(sum(column) for column in list(zip(*counted, strict=True))[_KEY:]))


def counts_by(counted: Counted, place: int) -> list[tuple[str | None, Counts]]:
    """By one part of the key (0 department, 1 item, 2 state): the most overdue first."""
    return _sorted(_summed((row[place], row[_KEY:]) for row in counted))


def counts_by_waiting(counted: Counted) -> list[tuple[str, Counts]]:
    """By who has to act: the most first."""
    found = _summed((waits_for(row[2]), row[_KEY:]) for row in counted)
    return sorted(
        ((str(who), Counts(*sums)) for who, sums in found.items()), key=lambda one: (-one[1].open, one[0])
    )


def _summed(rows: Iterable[tuple[str | None, Sequence[int]]]) -> dict[str | None, list[int]]:
    """In lists, as a city has ten thousand rows, and four sums of them while nobody else gets the loop."""
    summed: dict[str | None, list[int]] = {}
    for key, numbers in rows:
        sums = summed.get(key)
        if sums is None:
            summed[key] = list(numbers)
        else:
            for at, number in enumerate(numbers):
                if number:
                    sums[at] += number
    return summed


def _sorted(summed: Mapping[str | None, Sequence[int]]) -> list[tuple[str | None, Counts]]:
    found = [(key, Counts(*sums)) for key, sums in summed.items()]
    return sorted(found, key=lambda one: (-one[1].overdue, -one[1].open, one[0] or ""))


async def stuck_cases(
    connection: AsyncConnection, wanted: WorkFilter, before_us: int, limit: int
) -> list[Any]:
    """Open cases without a step since then, the longest first."""
    found = await work_page(connection, wanted, Order.STEP, after=None, limit=limit)
    return [row for row in found if row.step_us is not None and row.step_us <= before_us]


def _sums(now_us: int, soon_us: int) -> Sequence[ColumnElement[int]]:
    due, level = CASE_FILE.c.due_us, CASE_FILE.c.level

    def count_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    return (
        func.count(),
        count_of(due < now_us),
        count_of((due >= now_us) & (due <= soon_us)),
        count_of(due.is_(None)),
        count_of(level == 1),
        count_of(level == 2),
        count_of(level == 3),
    )
