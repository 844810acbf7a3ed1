"""The command centre's view 监察: how much is open, late, warned, by department, item and who has to act; where it stands
still. Counted by the database, over open cases only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.tables import CASE_FILE
from gateway.views.worklist import Order, WorkFilter, work_page

__all__ = ["WAITS_FOR", "Counts", "count_open", "counts_by", "stuck_cases", "waits_for"]

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

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in Counts.__slots__))


async def count_open(
    connection: AsyncConnection, wanted: WorkFilter, now_us: int, soon_us: int
) -> dict[tuple[str | None, str | None, str], Counts]:
    """(department, item, state) -> counts: one walk over what is open gives every sum of them."""
    table = CASE_FILE.c
    key = (table.department, table.item, table.state)
    query = select(*key, *_sums(now_us, soon_us)).where(*wanted.conditions()).group_by(*key)
    return {(row[0], row[1], row[2]): _counts(row) for row in await connection.execute(query)}


def counts_by(
    counted: Mapping[tuple[str | None, str | None, str], Counts], place: int
) -> list[tuple[str | None, Counts]]:
    """By one part of the key (0 department, 1 item, 2 state): the most overdue first."""
    summed: dict[str | None, Counts] = {}
    for key, counts in counted.items():
        summed[key[place]] = summed.get(key[place], Counts()) + counts
    return sorted(summed.items(), key=lambda one: (-one[1].overdue, -one[1].open, one[0] or ""))


async def stuck_cases(
    connection: AsyncConnection, wanted: WorkFilter, before_us: int, limit: int
) -> list[Any]:
    """Open cases without a step since then, the longest first."""
    found = await work_page(connection, wanted, Order.STEP, after=None, limit=limit)
    return [row for row in found if row.step_us is not None and row.step_us <= before_us]


def _sums(now_us: int, soon_us: int) -> Sequence[ColumnElement[int]]:
    due, level = CASE_FILE.c.due_us, CASE_FILE.c.level

    def sum_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    return (
        func.count(),
        sum_of(due < now_us),
        sum_of((due >= now_us) & (due <= soon_us)),
        sum_of(due.is_(None)),
        sum_of(level == 1),
        sum_of(level == 2),
        sum_of(level == 3),
    )


def _counts(row: Row[Any]) -> Counts:
    sums: Sequence[Any] = row[3:]
    return Counts(*(int(value or 0) for value in sums))
