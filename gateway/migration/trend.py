"""What comparisons have shown over time: counts in a few slots of equal length, for charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, count

from sqlalchemy import ColumnElement, func, select

from gateway.database import Database
from gateway.migration.statistics import Interval, wilson
from gateway.migration.tables import COUNT

__all__ = ["HOUR_US", "SLOTS", "Cell", "Trend", "read_trend"]

HOUR_US = 3_600_000_000
SLOTS = 24


@dataclass(frozen=True, slots=True)
class Cell:
    """One field in one slot. mismatch: the share of `compared` that differs, without noise."""

    compared: int
    different: int

    @property
    def mismatch(self) -> Interval:
        return wilson(self.different, self.compared)


@dataclass(frozen=True, slots=True)
class Trend:
    """starts_us: of the slots, oldest first, each `width_us` long. verdicts: of whole records, by slot. fields: by
    path, None where nothing was compared."""

    width_us: int
    starts_us: tuple[int, ...] = ()
    verdicts: tuple[Mapping[str, int], ...] = ()
    fields: Mapping[str, tuple[Cell | None, ...]] = field(default_factory=dict)


async def read_trend(database: Database, system: str, *, now_us: int, slots: int = SLOTS) -> Trend:
    """Under every mapping: that mending one helped is what a trend shows. Summed by the database, so that what is read
    is bounded by slots and fields. Raises DatabaseUnavailable."""
    here = (COUNT.c.system == system) & ((COUNT.c.scope == "verdict") | COUNT.c.scope.startswith("path:"))
    async with database.read() as connection:
        first: int | None = await connection.scalar(select(func.min(COUNT.c.bucket_us)).where(here))
        if first is None:
            return Trend(HOUR_US)
        width = slot_width_us(first, now_us, slots)
        slot: ColumnElement[int] = (COUNT.c.bucket_us // width).label("slot")
        wanted = select(slot, COUNT.c.scope, COUNT.c.name, func.sum(COUNT.c.n).label("n")).where(here)
        rows = (await connection.execute(wanted.group_by(slot, COUNT.c.scope, COUNT.c.name))).all()
    begin, end = first // width, now_us // width
    counts: dict[str, list[dict[str, int]]] = {}
    for row in rows:
        place = int(row.slot) - begin
        by_slot = counts.setdefault(row.scope, [{} for _ in range(end - begin + 1)])
        if place < len(by_slot):  # a clock of another process may be ahead
            by_slot[place][row.name] = int(row.n)
    return Trend(
        width,
        tuple(one * width for one in range(begin, end + 1)),
        tuple(counts.get("verdict", [{} for _ in range(end - begin + 1)])),
        {scope[5:]: tuple(map(_cell, found)) for scope, found in counts.items() if scope != "verdict"},
    )


def slot_width_us(first_us: int, now_us: int, slots: int) -> int:
    """Hours as people count them, or whole days: so many that all fits into `slots`, the two that are cut included."""
    for hours in chain((1, 2, 3, 4, 6, 8, 12), count(24, 24)):
        width = hours * HOUR_US
        if now_us // width - first_us // width + 1 <= slots:
            return width
    raise AssertionError("count never ends")


def _cell(counts: Mapping[str, int]) -> Cell | None:
    compared = sum(counts.get(name, 0) for name in ("same", "explained", "noise", "different"))
    return Cell(compared, counts.get("different", 0)) if compared else None
