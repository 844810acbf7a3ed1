"""Finds records: by case, subject, system, actor, purpose and time, in keyset pages; and all, in the order of the trail.

A page goes on after a `Position`. Moments are those of recording; records of another process may become visible a
little late, so whoever must miss nothing (a feed, an index) reads `sealed_after`, whose order never changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, select, tuple_

from gateway.database import Database
from gateway.ledger.records import RecordRef, Stream, read_body
from gateway.ledger.tables import (
    ACCESS_ABOUT,
    ACCESS_RECORD,
    CASE_EVENT,
    CHANGE_RECORD,
    CHECKPOINT,
    LEAF,
    RECORDS,
)

__all__ = ["LedgerReader", "Page", "Position", "StoredRecord", "Window"]

LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a page ended: moment (microseconds since 1970), writer, number."""

    at_us: int
    writer: str
    seq: int

    def text(self) -> str:
        return f"{self.at_us}.{self.writer}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Raises ValueError."""
        at, writer, seq = text.split(".")
        return cls(int(at), writer, int(seq))


@dataclass(frozen=True, slots=True)
class Window:
    """Moments from `start` to before `end`, microseconds since 1970; None is open."""

    start_us: int | None = None
    end_us: int | None = None

    def conditions(self, column: ColumnElement[int]) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.start_us is not None:
            found.append(column >= self.start_us)
        if self.end_us is not None:
            found.append(column < self.end_us)
        return found


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it was written. fields: `record` of its body (see `records.py`). leaf: its hash, in hex."""

    ref: RecordRef
    at_us: int
    fields: Mapping[str, Any]
    leaf: str

    @property
    def position(self) -> Position:
        return Position(self.at_us, self.ref.writer, self.ref.seq)


@dataclass(frozen=True, slots=True)
class Page:
    """Records in order, and where the next page begins; None where there is none."""

    records: tuple[StoredRecord, ...]
    next: Position | None


class LedgerReader:
    """All methods raise DatabaseUnavailable. limit: 1 to LARGEST_PAGE. newest_first turns the order of time round."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def case_events(
        self,
        *,
        case_id: str | None = None,
        subject: str | None = None,
        system: str | None = None,
        window: Window | None = None,
        after: Position | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page:
        """Events of a case, a subject or a system; at least one is wanted (everything: `sealed_after`)."""
        table = CASE_EVENT
        wanted = [
            column == value
            for column, value in (
                (table.c.case_id, case_id),
                (table.c.subject, subject),
                (table.c.system, system),
            )
            if value is not None
        ]
        if not wanted:
            raise ValueError("case_events wants a case, a subject or a system")
        wanted += (window or Window()).conditions(table.c.at_us)
        return await self._page(Stream.CASE_EVENT, _all_of(table), table, wanted, after, limit, newest_first)

    async def access_records(
        self,
        *,
        actor: str | None = None,
        subject: str | None = None,
        case_id: str | None = None,
        purpose: str | None = None,
        window: Window | None = None,
        after: Position | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page:
        """Looks: by who looked, at whom (subject) or at what (case), why and when; without any, all in time."""
        table, place = ACCESS_RECORD, ACCESS_RECORD
        query = _all_of(table)
        wanted: list[ColumnElement[bool]] = []
        about = ("case", case_id) if case_id is not None else ("subject", subject)
        if about[1] is not None:
            place = ACCESS_ABOUT
            query = query.join(place, and_(place.c.writer == table.c.writer, place.c.seq == table.c.seq))
            wanted += [place.c.kind == about[0], place.c.ref == about[1]]
        if case_id is not None and subject is not None:
            other = ACCESS_ABOUT.alias()
            query = query.join(other, and_(other.c.writer == table.c.writer, other.c.seq == table.c.seq))
            wanted += [other.c.kind == "subject", other.c.ref == subject, other.c.at_us == table.c.at_us]
        if actor is not None:
            wanted.append(table.c.actor == actor)
        if purpose is not None:
            wanted.append(table.c.purpose == purpose)
        wanted += (window or Window()).conditions(place.c.at_us)
        return await self._page(Stream.ACCESS_RECORD, query, place, wanted, after, limit, newest_first)

    async def change_records(
        self,
        *,
        action: str | None = None,
        target: str | None = None,
        window: Window | None = None,
        after: Position | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page:
        """Changes by what was done or to what; at least one is wanted."""
        table = CHANGE_RECORD
        wanted = [
            column == value
            for column, value in ((table.c.action, action), (table.c.target, target))
            if value is not None
        ]
        if not wanted:
            raise ValueError("change_records wants an action or a target")
        wanted += (window or Window()).conditions(table.c.at_us)
        return await self._page(
            Stream.CHANGE_RECORD, _all_of(table), table, wanted, after, limit, newest_first
        )

    async def sealed_after(
        self, leaf: int, *, streams: Sequence[Stream] = tuple(Stream), limit: int = 100
    ) -> list[tuple[int, StoredRecord]]:
        """Records from a leaf on (0 for all), each with its leaf, in the trail's order: what is read once never
        changes its place. Records that retention took are left out."""
        found: list[tuple[int, StoredRecord]] = []
        async with self._database.read() as connection:
            for stream in streams:
                table = RECORDS[stream]
                rows = await connection.execute(
                    select(LEAF.c.idx, *_columns(table))
                    .join(table, and_(LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq))
                    .where(LEAF.c.stream == int(stream), LEAF.c.idx >= leaf)
                    .order_by(LEAF.c.idx)
                    .limit(_checked(limit))
                )
                found += [(row[0], _stored(stream, row[1:])) for row in rows]
        found.sort(key=lambda one: one[0])
        return found[:limit]

    async def leaf_of(self, ref: RecordRef) -> int | None:
        """Its place in the tree; None before it is sealed."""
        async with self._database.read() as connection:
            found = await connection.scalar(
                select(LEAF.c.idx).where(
                    LEAF.c.stream == int(ref.stream), LEAF.c.writer == ref.writer, LEAF.c.seq == ref.seq
                )
            )
        return int(found) if found is not None else None

    async def newest_checkpoint(self) -> str | None:
        """Its signed note."""
        async with self._database.read() as connection:
            note = await connection.scalar(
                select(CHECKPOINT.c.note).order_by(CHECKPOINT.c.size.desc()).limit(1)
            )
        return str(note) if note is not None else None

    async def _page(
        self,
        stream: Stream,
        query: Select[Any],
        place: Table,
        wanted: Sequence[ColumnElement[bool]],
        after: Position | None,
        limit: int,
        newest_first: bool,
    ) -> Page:
        order = (place.c.at_us, place.c.writer, place.c.seq)
        conditions = list(wanted)
        if after is not None:
            here = tuple_(after.at_us, after.writer, after.seq)
            conditions.append(tuple_(*order) < here if newest_first else tuple_(*order) > here)
        directed = [column.desc() for column in order] if newest_first else list(order)
        async with self._database.read() as connection:
            rows = (
                await connection.execute(
                    query.where(*conditions).order_by(*directed).limit(_checked(limit) + 1)
                )
            ).all()
        records = tuple(_stored(stream, row) for row in rows[:limit])
        return Page(records, records[-1].position if len(rows) > limit else None)


def _columns(table: Table) -> tuple[ColumnElement[Any], ...]:
    return (table.c.writer, table.c.seq, table.c.at_us, table.c.leaf, table.c.body)


def _all_of(table: Table) -> Select[Any]:
    return select(*_columns(table))


def _stored(stream: Stream, row: Sequence[Any]) -> StoredRecord:
    writer, seq, at_us, leaf, body = row
    return StoredRecord(
        RecordRef(stream, writer, seq), at_us, read_body(bytes(body))["record"], bytes(leaf).hex()
    )


def _checked(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise ValueError(f"limit must be 1 to {LARGEST_PAGE}, got {limit}")
    return limit
