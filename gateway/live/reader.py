"""Sealed events of cases from the database, in the trail's order, with where their cases belong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.tables import CASE_FILE
from gateway.database import Database
from gateway.ledger.records import Stream, read_body
from gateway.ledger.tables import CASE_EVENT, LEAF
from gateway.live.errors import CursorRefused
from gateway.live.events import Cursor, LiveEvent, Place

__all__ = ["LiveReader", "Narrow"]


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a page may leave out: whoever reads it chooses again. Events of this case, or of this applicant."""

    case_id: str | None = None
    subject: str | None = None


class LiveReader:
    """All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self) -> Cursor:
        """After the newest sealed record of whatever kind."""
        async with self._database.read() as connection:
            return await _head(connection)

    async def check(self, cursor: Cursor) -> None:
        """Raises CursorRefused unless this trail has that place."""
        if cursor.position == 0:
            return
        async with self._database.read() as connection:
            value = await connection.scalar(select(LEAF.c.hash).where(LEAF.c.idx == cursor.position - 1))
        if value is None or Cursor.after(cursor.position - 1, bytes(value)) != cursor:
            raise CursorRefused(
                "the trail has no such place: the cursor is of another one, or of one that was rolled back since; "
                "start again without it"
            )

    async def page(
        self, start: int, *, limit: int, narrow: Narrow | None = None
    ) -> tuple[list[LiveEvent], Cursor]:
        """Events from leaf `start` on, and where to go on: the trail's end if there are fewer than `limit`."""
        async with self._database.read() as connection:
            # the end first: on PostgreSQL both see one state, and so they do on SQLite within the transaction
            head = await _head(connection)
            rows = (await connection.execute(_query(start, head.position, limit, narrow))).all()
            places = await _places(connection, {row.case_id for row in rows})
        events = [_event(row, places.get(row.case_id)) for row in rows]
        full = len(events) == limit
        return events, events[-1].cursor if full else max(head, Cursor(start), key=lambda one: one.position)

    async def place(self, case_id: str) -> Place | None:
        """Of a case that has a file."""
        async with self._database.read() as connection:
            return (await _places(connection, [case_id])).get(case_id)


async def _head(connection: AsyncConnection) -> Cursor:
    last = select(LEAF.c.idx, LEAF.c.hash).order_by(LEAF.c.idx.desc()).limit(1)
    row = (await connection.execute(last)).first()
    return Cursor.after(row.idx, bytes(row.hash)) if row is not None else Cursor(0)


def _query(start: int, end: int, limit: int, narrow: Narrow | None) -> Any:
    table = CASE_EVENT
    joined = and_(
        LEAF.c.stream == int(Stream.CASE_EVENT), LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq
    )
    wanted: list[ColumnElement[bool]] = [LEAF.c.idx >= start, LEAF.c.idx < end]
    if narrow is not None and narrow.case_id is not None:
        wanted.append(table.c.case_id == narrow.case_id)
    if narrow is not None and narrow.subject is not None:
        own = select(CASE_FILE.c.case_id).where(CASE_FILE.c.subject == narrow.subject)
        wanted.append(or_(table.c.subject == narrow.subject, table.c.case_id.in_(own)))
    return (
        select(LEAF.c.idx, LEAF.c.hash, table.c.case_id, table.c.at_us, table.c.body)
        .join(table, joined)
        .where(*wanted)
        .order_by(LEAF.c.idx)
        .limit(limit)
    )


async def _places(connection: AsyncConnection, cases: Iterable[str]) -> dict[str, Place]:
    table = CASE_FILE
    columns = (table.c.case_id, table.c.region, table.c.department, table.c.subject)
    wanted = sorted(cases)
    if not wanted:
        return {}
    rows = await connection.execute(select(*columns).where(table.c.case_id.in_(wanted)))
    return {row.case_id: Place(row.region, row.department, row.subject) for row in rows}


def _event(row: Any, place: Place | None) -> LiveEvent:
    fields = read_body(bytes(row.body))["record"]
    return LiveEvent(
        row.idx,
        Cursor.after(row.idx, bytes(row.hash)),
        fields["system"],
        fields["case"],
        fields["key"],
        fields["kind"],
        fields["occurred"],
        row.at_us,
        fields["subject"],
        fields["supersedes"],
        fields["detail"],
        place,
    )
