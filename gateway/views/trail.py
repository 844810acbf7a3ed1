"""Records of all three kinds in one order: events of cases, looks at them or at a person, changes of their cards.

The order is that of recording: moment, then kind, writer and number. Each kind is a range of an index; a page merges as
many of each as it may need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.tables import CARD
from gateway.ledger import RecordRef, Stream, Window
from gateway.ledger.records import read_body
from gateway.ledger.tables import ACCESS_ABOUT, ACCESS_RECORD, CASE_EVENT, CHANGE_RECORD, RECORDS

__all__ = ["Scope", "TrailPlace", "TrailRow", "trail_page"]


@dataclass(frozen=True, slots=True, order=True)
class TrailPlace:
    """Where a page ended."""

    at_us: int
    stream: int
    writer: str
    seq: int

    def text(self) -> str:
        return f"{self.at_us}.{self.stream}.{self.writer}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> TrailPlace:
        """Raises ValueError."""
        at, stream, writer, seq = text.split(".")
        return cls(int(at), int(Stream(int(stream))), writer, int(seq))


@dataclass(frozen=True, slots=True)
class TrailRow:
    ref: RecordRef
    at_us: int
    leaf: str
    fields: Mapping[str, Any]

    @property
    def place(self) -> TrailPlace:
        return TrailPlace(self.at_us, int(self.ref.stream), self.ref.writer, self.ref.seq)


@dataclass(frozen=True, slots=True)
class Scope:
    """cases: ids; subject: reference. A look belongs to it where it was at one of the cases or at the subject (both, where
    `both` is set). actor, purpose: of looks. told: a further condition on looks."""

    cases: tuple[str, ...] = ()
    subject: str | None = None
    actor: str | None = None
    purpose: str | None = None
    window: Window = field(default_factory=Window)
    both: bool = False
    told: Callable[[], ColumnElement[bool]] | None = None


async def trail_page(
    connection: AsyncConnection,
    scope: Scope,
    *,
    streams: Sequence[Stream] = tuple(Stream),
    after: TrailPlace | None,
    limit: int,
    newest_first: bool,
) -> list[TrailRow]:
    """Up to `limit` records after a place."""
    found: list[TrailRow] = []
    for stream in streams:
        query = _QUERIES[stream](scope, _Turn(stream, after, newest_first, limit))
        if query is None:
            continue
        for writer, seq, at_us, leaf, body in await connection.execute(query):
            ref = RecordRef(stream, writer, seq)
            found.append(TrailRow(ref, at_us, bytes(leaf).hex(), read_body(bytes(body))["record"]))
    found.sort(key=lambda one: one.place, reverse=newest_first)
    return found[:limit]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One kind's share of a page."""

    stream: Stream
    after: TrailPlace | None
    newest_first: bool
    limit: int

    def beyond(self, place: Any) -> list[ColumnElement[bool]]:
        """place: a table with at_us, writer and seq."""
        after = self.after
        if after is None:
            return []
        at, stream = place.c.at_us, int(self.stream)
        if stream != after.stream:  # of the same moment another kind is wholly before or wholly behind
            behind = (stream > after.stream) is not self.newest_first
            if self.newest_first:
                return [at <= after.at_us if behind else at < after.at_us]
            return [at >= after.at_us if behind else at > after.at_us]
        here = tuple_(at, place.c.writer, place.c.seq)
        there = tuple_(literal(after.at_us), literal(after.writer), literal(after.seq))
        return [here < there if self.newest_first else here > there]

    def order(self, place: Any) -> list[Any]:
        columns = (place.c.at_us, place.c.writer, place.c.seq)
        return [column.desc() if self.newest_first else column.asc() for column in columns]


def _events(scope: Scope, turn: _Turn) -> Select[Any] | None:
    if not scope.cases:
        return None
    table = CASE_EVENT
    wanted = [table.c.case_id.in_(scope.cases), *scope.window.conditions(table.c.at_us), *turn.beyond(table)]
    return _whole(table).where(*wanted).order_by(*turn.order(table)).limit(turn.limit)


def _looks(scope: Scope, turn: _Turn) -> Select[Any] | None:
    """By what they were about, where that is asked; an index of the looks' own else."""
    table = ACCESS_RECORD
    further = [] if scope.told is None else [scope.told()]
    if scope.actor is not None:
        further.append(table.c.actor == scope.actor)
    if scope.purpose is not None:  # one of several, with commas between
        further.append(or_(table.c.purpose == scope.purpose, table.c.purpose.contains(scope.purpose)))
    kinds = [("case", scope.cases)] if scope.cases else []
    if scope.subject is not None:
        kinds.append(("subject", (scope.subject,)))
    if not kinds:
        wanted = [*further, *scope.window.conditions(table.c.at_us), *turn.beyond(table)]
        return _whole(table).where(*wanted).order_by(*turn.order(table)).limit(turn.limit)
    parts = [_about(kind, refs, scope, turn) for kind, refs in kinds]
    if scope.both and len(parts) > 1:
        places: Any = parts[0].intersect(*parts[1:]).subquery()
    else:
        places = union(*parts).subquery()  # a look at two of them is one look
    here = and_(places.c.writer == table.c.writer, places.c.seq == table.c.seq)
    return _whole(table).join(places, here).where(*further).order_by(*turn.order(places)).limit(turn.limit)


def _about(kind: str, refs: Sequence[str], scope: Scope, turn: _Turn) -> Select[Any]:
    table = ACCESS_ABOUT
    refs_ = table.c.ref == refs[0] if len(refs) == 1 else table.c.ref.in_(refs)
    return select(table.c.at_us, table.c.writer, table.c.seq).where(
        table.c.kind == kind, refs_, *scope.window.conditions(table.c.at_us), *turn.beyond(table)
    )


def _changes(scope: Scope, turn: _Turn) -> Select[Any] | None:
    """Of the cases' cards, and of the cases and the subject themselves."""
    targets = [*scope.cases, *([scope.subject] if scope.subject is not None else [])]
    if not targets:
        return None
    table = CHANGE_RECORD
    cards = select(CARD.c.card_id).where(CARD.c.case_id.in_(scope.cases))
    about = or_(table.c.target.in_(targets), table.c.target.in_(cards))
    wanted = [about, *scope.window.conditions(table.c.at_us), *turn.beyond(table)]
    return _whole(table).where(*wanted).order_by(*turn.order(table)).limit(turn.limit)


def _whole(table: Any) -> Select[Any]:
    return select(table.c.writer, table.c.seq, table.c.at_us, table.c.leaf, table.c.body)


_QUERIES: Mapping[Stream, Callable[[Scope, _Turn], Select[Any] | None]] = {
    Stream.CASE_EVENT: _events,
    Stream.ACCESS_RECORD: _looks,
    Stream.CHANGE_RECORD: _changes,
}
assert set(_QUERIES) == set(RECORDS)  # noqa: S101 - each kind has its query
