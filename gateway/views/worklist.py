"""Worklists: keyset pages of case files, each an index range or a merge of some, at any number of cases.

A filter has at most one condition with several values that no index can order by (divisions, levels). It is taken apart:
one bounded range of the index for each value, merged. Without that a database sorts all that match, or walks along the
due times past all that do not. Cases without a due time (or step) come last, in an order of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.tables import CASE_FILE

__all__ = ["MOST_COUNTED", "Order", "Place", "WorkFilter", "count_cases", "work_page"]

MOST_RANGES = 12
"""Ranges of an index that are merged; with more values they are one condition."""
MOST_COUNTED = 100_000
"""Cases counted for `totalCount`; beyond, the count says that it is a lower bound."""


class Order(Enum):
    """Column, and whether it runs down."""

    DUE = ("due_us", False)
    DUE_LAST = ("due_us", True)
    STEP = ("step_us", False)
    CHANGED = ("changed_us", True)

    @property
    def column(self) -> Column[Any]:
        found: Column[Any] = CASE_FILE.c[self.value[0]]
        return found

    @property
    def down(self) -> bool:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: value of the order's column (None: among those without), and the case."""

    value: int | None
    case_id: str

    def text(self) -> str:
        return f"{'' if self.value is None else self.value};{self.case_id}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises ValueError."""
        value, found, case_id = text.partition(";")
        if not found:
            raise ValueError("no place")
        return cls(int(value) if value else None, case_id)


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """None (or an empty tuple of levels): any. regions, levels: one of them. due_before: microseconds, not after.

    further: what the caller may see at all, and other conditions that no index serves.
    """

    is_open: bool | None = True
    states: tuple[str, ...] = ()
    item: str | None = None
    department: str | None = None
    system: str | None = None
    handler: str | None = None
    subject: str | None = None
    regions: frozenset[str] | None = None
    levels: tuple[int, ...] = ()
    due_before: int | None = None
    further: tuple[ColumnElement[bool], ...] = field(default=())

    def conditions(self) -> list[ColumnElement[bool]]:
        table = CASE_FILE.c
        found = [
            column == value
            for column, value in (
                (table.item, self.item),
                (table.department, self.department),
                (table.system, self.system),
                (table.handler, self.handler),
                (table.subject, self.subject),
            )
            if value is not None
        ]
        if self.is_open is not None:
            found.append(table.is_open.is_(self.is_open))
        if self.states:
            found.append(_one_of(table.state, self.states))
        if self.regions is not None:
            found.append(_one_of(table.region, sorted(self.regions)))
        if self.levels:
            found.append(_one_of(table.level, self.levels))
        if self.due_before is not None:
            found.append(table.due_us <= self.due_before)
        return [*found, *self.further]

    def ranges(self) -> list[WorkFilter]:
        """The same, as filters with one value each where several would have to be sorted."""
        if self.regions is not None and 1 < len(self.regions) <= MOST_RANGES:
            return [replace(self, regions=frozenset({one})) for one in sorted(self.regions)]
        if len(self.levels) > 1 and self.regions is None:
            return [replace(self, levels=(one,)) for one in self.levels]
        return [self]


async def work_page(
    connection: AsyncConnection, wanted: WorkFilter, order: Order, *, after: Place | None, limit: int
) -> list[Any]:
    """Up to `limit` rows of `case_file`, in order, after a place."""
    rows: list[Any] = []
    if after is None or after.value is not None:
        rows += (await connection.execute(_page(wanted, order, after, limit, valued=True))).all()
    if len(rows) < limit and wanted.due_before is None:
        rest = after if after is not None and after.value is None else None
        rows += (await connection.execute(_page(wanted, order, rest, limit - len(rows), valued=False))).all()
    return rows


async def count_cases(connection: AsyncConnection, wanted: WorkFilter, most: int = MOST_COUNTED) -> int:
    """`most` + 1 where there are more."""
    inner = select(literal(1)).select_from(CASE_FILE).where(*wanted.conditions()).limit(most + 1).subquery()
    return int(await connection.scalar(select(func.count()).select_from(inner)) or 0)


def _page(wanted: WorkFilter, order: Order, after: Place | None, limit: int, *, valued: bool) -> Select[Any]:
    ranges = [_range(one, order, after, limit, valued=valued) for one in wanted.ranges()]
    if len(ranges) == 1:
        keys: Any = ranges[0].subquery()
    else:
        keys = union_all(*(select(one.subquery()) for one in ranges)).subquery()
        keys = select(keys).order_by(*_sorted(order, keys.c, valued=valued)).limit(limit).subquery()
    whole = select(CASE_FILE).join(keys, keys.c.case_id == CASE_FILE.c.case_id)
    return whole.order_by(*_sorted(order, keys.c, valued=valued))


def _range(wanted: WorkFilter, order: Order, after: Place | None, limit: int, *, valued: bool) -> Select[Any]:
    column, case_id = order.column, CASE_FILE.c.case_id
    conditions = [*wanted.conditions(), column.is_not(None) if valued else column.is_(None)]
    if after is not None:
        conditions.append(_beyond(order, after) if valued else case_id > after.case_id)
    query = select(case_id, column.label("place")).where(*conditions)
    return query.order_by(*(_directed(order, column, case_id) if valued else [case_id])).limit(limit)


def _beyond(order: Order, after: Place) -> ColumnElement[bool]:
    here = tuple_(order.column, CASE_FILE.c.case_id)
    there = tuple_(literal(after.value), literal(after.case_id))
    return here < there if order.down else here > there


def _sorted(order: Order, keys: Any, *, valued: bool) -> list[Any]:
    """Cases without a value run up by their ids, whichever way the order runs."""
    return _directed(order, keys.place, keys.case_id) if valued else [keys.case_id]


def _directed(order: Order, *columns: Any) -> list[Any]:
    return [column.desc() if order.down else column.asc() for column in columns]


def _one_of(column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)
