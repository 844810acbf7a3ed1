"""Rows of the outbox in SQLite and PostgreSQL. Every change is one short transaction; what differs by database is nothing.

Constraints of the tables, not this code, see to it that one key is one row and that of a lane one is in flight.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import RowMapping, and_, delete, exists, insert, or_, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.submission.outbox import OutboxUnavailable
from adapters.submission.row import IN_FLIGHT, Step, Submission
from gateway.database import Database, DatabaseUnavailable
from gateway.outbox.tables import ROWS
from schema.vocabulary import SubmissionState

__all__ = ["SqlOutbox"]

_PLAIN = tuple(name for name in ROWS.c.keys() if name not in ("id", "state", "detail"))  # noqa: SIM118 - no dict
_IN_DETAIL = (
    *("echo", "known", "ticket", "starts_at", "place", "code", "reason", "history"),
    *("under", "mapped", "after", "before", "public"),
)
_IN_FLIGHT = [str(state) for state in IN_FLIGHT]


class SqlOutbox:
    """`adapters.submission.outbox.Outbox`. Its tables are those of the migrations; it makes none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        return self._database

    async def record(self, new: Submission, *also: Submission) -> tuple[Submission, bool]:
        values = _values(replace(new, version=1))
        async with self._write() as connection:
            try:
                async with (
                    connection.begin_nested()
                ):  # PostgreSQL gives up a transaction whose statement failed
                    made = (
                        await connection.execute(insert(ROWS).values(values).returning(ROWS.c.id))
                    ).scalar_one()
                    for one in also:
                        await connection.execute(insert(ROWS).values(_values(replace(one, version=1))))
                return replace(new, id=made, version=1), True
            except IntegrityError:
                same = and_(ROWS.c.owner == new.owner, ROWS.c.key_hash == new.key_hash)
                found = (await connection.execute(select(ROWS).where(same))).mappings().first()
                if found is None:
                    raise
                return _submission(found), False

    async def swap(self, old: Submission, new: Submission) -> Submission | None:
        changed = replace(new, id=old.id, version=old.version + 1)
        same = and_(ROWS.c.id == old.id, ROWS.c.version == old.version)
        try:
            async with self._write() as connection:
                done = await connection.execute(update(ROWS).where(same).values(_values(changed)))
        except IntegrityError:
            return None  # another of its lane is in flight
        return changed if done.rowcount == 1 else None

    async def due(self, now: int, limit: int, *, token: str | None = None) -> Sequence[Submission]:
        other = ROWS.alias("other")
        before = exists(
            select(other.c.id).where(
                other.c.lane == ROWS.c.lane,
                other.c.id != ROWS.c.id,
                other.c.settled_at.is_(None),
                or_(other.c.id < ROWS.c.id, other.c.state.in_(_IN_FLIGHT)),
            )
        )
        found = select(ROWS).where(
            ROWS.c.settled_at.is_(None),
            ROWS.c.state != str(SubmissionState.NEEDS_PERSON),
            ROWS.c.next_at <= now,
            ROWS.c.lease_until <= now,
            ~before,
        )
        if token is not None:
            found = found.where(ROWS.c.token == token)
        return await self._rows(found.order_by(ROWS.c.next_at, ROWS.c.id).limit(limit))

    async def by_token(self, token: str) -> Submission | None:
        return await self._first(select(ROWS).where(ROWS.c.token == token))

    async def filed_as(self, system: str, number: str) -> Submission | None:
        return await self._first(
            select(ROWS).where(ROWS.c.system == system, ROWS.c.number == number, ROWS.c.operation == "submit")
        )

    async def taken_numbers(self, system: str, numbers: Collection[str]) -> frozenset[str]:
        asked = select(ROWS.c.number).where(
            ROWS.c.system == system, ROWS.c.operation == "submit", ROWS.c.number.in_(list(numbers))
        )
        async with self._read() as connection:
            return frozenset((await connection.execute(asked)).scalars())

    async def last_in_lane(self, lane: str) -> Submission | None:
        return await self._first(select(ROWS).where(ROWS.c.lane == lane).order_by(ROWS.c.id.desc()))

    async def listed(
        self, *, states: Collection[SubmissionState] = (), system: str | None = None, limit: int = 100
    ) -> Sequence[Submission]:
        found = select(ROWS)
        if states:
            found = found.where(ROWS.c.state.in_([str(state) for state in states]))
        if system is not None:
            found = found.where(ROWS.c.system == system)
        return await self._rows(found.order_by(ROWS.c.id.desc()).limit(limit))

    async def purge(self, settled_before: int) -> int:
        async with self._write() as connection:
            gone = await connection.execute(delete(ROWS).where(ROWS.c.settled_at < settled_before))
        return gone.rowcount

    # --- inside ---

    async def _first(self, statement: Any) -> Submission | None:
        rows = await self._rows(statement.limit(1))
        return rows[0] if rows else None

    async def _rows(self, statement: Any) -> list[Submission]:
        async with self._read() as connection:
            return [_submission(row) for row in (await connection.execute(statement)).mappings()]

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        with _translated():
            async with self._database.read() as connection:
                yield connection

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        with _translated():
            async with self._database.write() as connection:
                yield connection


class _translated:  # noqa: N801 - used like a function
    """The database's faults as the port's one; a broken constraint stays what it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, IntegrityError):
            return
        if isinstance(error, DatabaseUnavailable | DBAPIError):
            raise OutboxUnavailable("the outbox cannot be read or written now") from error


def _values(row: Submission) -> dict[str, Any]:
    detail = {name: getattr(row, name) for name in _IN_DETAIL if name != "history"}
    detail["history"] = [[step.at, step.state, step.note] for step in row.history]
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        "state": str(row.state),
        "detail": orjson.dumps(detail).decode(),
    }


def _submission(row: RowMapping) -> Submission:
    detail: Mapping[str, Any] = orjson.loads(row["detail"])
    given: dict[str, Any] = {name: detail.get(name) for name in _IN_DETAIL}
    given["known"] = tuple(detail["known"])
    given["mapped"] = bool(given["mapped"])  # rows of before have none
    given["history"] = tuple(Step(*step) for step in detail["history"])
    return Submission(
        id=row["id"],
        state=SubmissionState(row["state"]),
        **{name: row[name] for name in _PLAIN},
        **given,
    )
