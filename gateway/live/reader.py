"""Sealed events of cases from the database, in the trail's order, with where their cases belong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.files import PLACED
from gateway.casefile.tables import CASE_FILE
from gateway.database import Database
from gateway.ledger.records import Stream, read_body
from gateway.ledger.tables import CASE_EVENT, CHANGE_RECORD, LEAF
from gateway.live.errors import CursorRefused
from gateway.live.events import Cursor, LiveEvent, Place

__all__ = ["LiveReader", "Narrow"]


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a page may leave out: whoever reads it chooses again. Events of this case, or of this applicant."""

    case_id: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class _Again:
    row: Any
    case_id: str
    cursor: Cursor


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
            full = len(rows) == limit
            last = rows[-1].idx if full else head.position - 1
            again = await _told_again(connection, start, last, narrow)
            cases = {row.case_id for row in rows} | {row.case_id for row in again}
            places = await _places(connection, cases)
            shown = await _shown_at(connection, cases)
        events = [
            # what came before its case was shown had no place then, and is told again where it has
            _event(row, None if row.idx < shown.get(row.case_id, -1) else places.get(row.case_id))
            for row in rows
        ]
        events += [_again(row, places.get(row.case_id)) for row in again]
        events.sort(key=lambda one: one.leaf)
        if full:
            return events, events[-1].cursor
        return events, max(head, Cursor(start), key=lambda one: one.position)

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


async def _told_again(
    connection: AsyncConnection, start: int, last: int, narrow: Narrow | None
) -> list[_Again]:
    """Events that were recorded before their case was first shown, at the leaf that says that it was."""
    if narrow is not None and narrow.case_id is not None:
        return []  # who follows one case has had them
    mark, own, change = LEAF.alias(), LEAF.alias(), CHANGE_RECORD
    before = LEAF.alias()
    marked = and_(
        mark.c.stream == int(Stream.CHANGE_RECORD),
        mark.c.writer == change.c.writer,
        mark.c.seq == change.c.seq,
    )
    event = and_(
        own.c.stream == int(Stream.CASE_EVENT),
        own.c.writer == CASE_EVENT.c.writer,
        own.c.seq == CASE_EVENT.c.seq,
    )
    wanted: list[ColumnElement[bool]] = [
        change.c.action == PLACED,
        mark.c.idx >= start,
        mark.c.idx <= last,
        own.c.idx < mark.c.idx,
    ]
    if narrow is not None and narrow.subject is not None:
        mine = select(CASE_FILE.c.case_id).where(CASE_FILE.c.subject == narrow.subject)
        wanted.append(change.c.target.in_(mine))
    rows = await connection.execute(
        select(
            *(mark.c.idx, mark.c.hash, before.c.hash.label("before"), own.c.idx.label("told")),
            *(CASE_EVENT.c.case_id, CASE_EVENT.c.at_us, CASE_EVENT.c.body),
        )
        .select_from(mark)
        .join(change, marked)
        .join(before, before.c.idx == mark.c.idx - 1)
        .join(CASE_EVENT, CASE_EVENT.c.case_id == change.c.target)
        .join(own, event)
        .where(*wanted)
        .order_by(mark.c.idx, own.c.idx)
    )
    found = rows.all()
    ends = [one.idx != after.idx for one, after in pairwise(found)] + [True]
    return [
        _Again(row, row.case_id, Cursor.after(row.idx, bytes(row.hash)) if end else _before(row))
        for row, end in zip(found, ends, strict=False)
    ]


def _before(row: Any) -> Cursor:
    """Only behind the last of those that are told at one leaf does a reader go on after it."""
    return Cursor.after(row.idx - 1, bytes(row.before))


def _again(one: _Again, place: Place | None) -> LiveEvent:
    return replace(_event(one.row, place), cursor=one.cursor, told=one.row.told)


async def _shown_at(connection: AsyncConnection, cases: Iterable[str]) -> dict[str, int]:
    """Case -> the leaf that says that it was shown after some of its events; beyond all where that is not sealed yet."""
    wanted = sorted(cases)
    if not wanted:
        return {}
    table = CHANGE_RECORD
    sealed = and_(
        LEAF.c.stream == int(Stream.CHANGE_RECORD), LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq
    )
    rows = await connection.execute(
        select(table.c.target, LEAF.c.idx)
        .join(LEAF, sealed, isouter=True)
        .where(table.c.action == PLACED, table.c.target.in_(wanted))
    )
    return {row.target: row.idx if row.idx is not None else 1 << 62 for row in rows}


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
