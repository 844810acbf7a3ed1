"""Everything that the page of migrations shows, gathered once for each view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from gateway.ledger.writer import now_us
from gateway.migration.desk import Desk
from gateway.migration.tables import NUMBER
from gateway.migration.trend import Trend, read_trend
from schema.migration_port import Facts

__all__ = ["Board", "Numbers", "read_board"]

USAGE_DAYS = 30
MOST_CALLERS = 50
MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of the identifier map. bound: old numbers with a new one; reserved: without one yet."""

    bound: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Board:
    """all: every migration; chosen: the one that the rest is of, None where there is none of this name. retirement:
    gates of RETIRED; callers: who asked in `USAGE_DAYS`, the most first; history: the newest first."""

    all: Sequence[Facts]
    read_us: int
    chosen: Facts | None = None
    history: Sequence[Facts] = ()
    gates: Sequence[Facts] = ()
    retirement: Sequence[Facts] = ()
    parity: Facts | None = None
    trend: Trend | None = None
    callers: Sequence[Facts] = ()
    numbers: Numbers | None = None


async def read_board(desk: Desk, system: str | None) -> Board:
    """system: the one to show in full, None for the first. Raises DatabaseUnavailable."""
    every = await desk.migrations()
    at = now_us()
    chosen = next((one for one in every if system in (None, one["system"])), None)
    if chosen is None:
        return Board(every, at)
    code = chosen["system"]
    return Board(
        every,
        at,
        chosen,
        list(reversed(await desk.history(code)))[:MOST_STEPS],
        await desk.gates(code, None),
        await desk.gates(code, "RETIRED"),
        await desk.parity(code),
        await read_trend(desk.readiness.database, code, now_us=at),
        (await desk.usage(code, USAGE_DAYS))[:MOST_CALLERS],
        await _numbers(desk, code),
    )


async def _numbers(desk: Desk, system: str) -> Numbers:
    wanted = select(func.count(), func.count(NUMBER.c.new)).where(NUMBER.c.system == system)
    async with desk.readiness.database.read() as connection:
        whole, bound = (await connection.execute(wanted)).one()
    return Numbers(int(bound), int(whole) - int(bound))
