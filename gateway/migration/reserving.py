"""The identifier map as the outbox's rows use it, and what of the outbox one side still lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from adapters.submission.dispatcher import wall_ms
from adapters.submission.outbox import OutboxUnavailable
from adapters.submission.sides import NumberTaken, reservation_owner, second_owner
from gateway.database import Database, DatabaseUnavailable
from gateway.migration.errors import MigrationConflict
from gateway.migration.numbers import NumberMap
from gateway.outbox.tables import ROWS
from schema.vocabulary import SubmissionState

__all__ = ["OutboxNumbers", "open_writes"]

IN_TIME_MS = 60_000
"""What one side got, the other one may lack for so long before it counts as a divergence."""


@dataclass(frozen=True, slots=True)
class OutboxNumbers:
    """`adapters.submission.sides.Numbers`."""

    map: NumberMap

    async def new_number(self, system: str, old: str) -> str | None:
        with _translated():
            return await self.map.new_number(system, old)

    async def reserve(self, system: str, old: str) -> bool:
        with _translated():
            return await self.map.reserve(system, old)

    async def bind(self, system: str, old: str, new: str) -> None:
        with _translated():
            await self.map.bind(system, old, new)

    async def free(self, system: str, old: str) -> None:
        with _translated():
            await self.map.free(system, old)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as error:
        raise OutboxUnavailable("the identifier map cannot be read or written now") from error
    except MigrationConflict as error:
        raise NumberTaken(str(error)) from error


async def open_writes(database: Database, system: str) -> tuple[int, int]:
    """(writes that one side has and the other lacks for longer than they take, writes to the old side that are not
    settled at all). Raises DatabaseUnavailable."""
    beside = ROWS.c.owner.in_([second_owner(system), reservation_owner(system)])
    late = or_(
        ROWS.c.state == str(SubmissionState.NEEDS_PERSON),
        ROWS.c.recorded_at < wall_ms() - IN_TIME_MS,
        ROWS.c.attempts > 1,
    )
    is_open = ROWS.c.settled_at.is_(None)
    async with database.read() as connection:
        diverging = await connection.scalar(select(func.count()).where(is_open, beside, late))
        old = await connection.scalar(
            select(func.count()).where(is_open, or_(ROWS.c.system == system, beside))
        )
    return int(diverging or 0), int(old or 0)
