"""Case files written: events and snapshots in, rows and cards out. Idempotent: the same events give the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.casefile.cards import LEVELS, card_json, card_of, gravest
from gateway.casefile.record import event_dict, kept_record, micros
from gateway.casefile.tables import CARD, CASE_FILE, CASE_NUMBER
from gateway.database import Database
from gateway.ledger import Change, Writer
from gateway.ledger.records import read_body
from gateway.ledger.tables import CASE_EVENT
from gateway.tracking.calendar.moments import time_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.tracking.clocks.facts import facts_of
from gateway.tracking.clocks.follow import CaseTrack, follow
from gateway.tracking.clocks.history import ENDED
from gateway.tracking.clocks.limits import CaseLimits, limits_of
from gateway.tracking.clocks.recompute import dues_of, recomputed_since
from gateway.tracking.warnings.cards import Card
from gateway.tracking.warnings.evaluate import Evaluation, evaluate
from gateway.tracking.warnings.triggers import RuleBook
from schema.ports import RegistryPort
from schema.registry import Registry
from schema.vocabulary import DeadlineKind

__all__ = [
    "AT_ONCE",
    "PLACED",
    "CaseFiles",
    "Snapshot",
    "TrackingRules",
    "card_change",
    "case_limits",
    "moment_of_us",
    "track_of",
    "us_of_moment",
]

AT_ONCE = 50
"""Cases brought up to date in one transaction."""
BREATH = 4
"""Cases evaluated before the event loop may turn to others."""
LONGEST_NUMBER = 200
PLACED = "case.placed"


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """What clocks and warnings are made with.

    basis: names what both were read from, so that files which others made can be found: `CALENDAR.RULES`, without a
    point in either. loaded_us: since when this process has them: what was written later is no older than they are.
    """

    calendar: WorkingCalendar
    book: RuleBook
    basis: str = ""
    loaded_us: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A case as its system shows it: the canonical record, the applicant's reference, and when it was read."""

    record: Mapping[str, Any]
    subject: str | None
    as_of_us: int


@dataclass(slots=True)
class _File:
    """What is known of one case before it is written."""

    record: dict[str, Any] = field(default_factory=dict)
    subject: str | None = None
    as_of_us: int = 0
    unseen: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    basis: str = ""
    dues: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Made:
    """What is to be written of one case."""

    row: dict[str, Any]
    cards: Sequence[Card]
    changes: Sequence[Change]
    """For the trail, beside those of the cards."""


class CaseFiles:
    """rules: read anew at each use, as files change. clock: microseconds since 1970. owner: code of a system -> its
    department, whose a case is that names none."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        registry: Registry,
        rules: Callable[[], TrackingRules],
        clock: Callable[[], int],
        owner: Callable[[str], str | None] = lambda _system: None,
    ) -> None:
        self._database, self._writer, self._registry = database, writer, registry
        self._rules, self._clock, self._owner = rules, clock, owner

    async def update(
        self,
        cases: Sequence[str],
        snapshots: Mapping[str, Snapshot] | None = None,
        *,
        changed: bool = False,
    ) -> int:
        """Brings these cases up to date with the ledger and what their systems showed; how many cards changed.

        changed: what their systems last showed is not all any more.
        Raises DatabaseUnavailable. What it did before is not undone: doing it again changes nothing.
        """
        cards = 0
        distinct = list(dict.fromkeys(cases))
        for start in range(0, len(distinct), AT_ONCE):
            cards += await self._update(distinct[start : start + AT_ONCE], snapshots or {}, changed)
        return cards

    async def due_for_check(self, limit: int = 10_000) -> list[str]:
        """Open cases whose clocks reach something by now, or were made with another calendar or other rules: the daily
        scan, as often as one likes."""
        now = self._clock()
        table = CASE_FILE
        rules = self._rules()
        reached = (
            select(table.c.case_id)
            .where(table.c.is_open.is_(True), table.c.next_check_us <= now)
            .order_by(table.c.next_check_us)
            .limit(limit)
        )
        # two ranges, of which there is nothing but after a change; what another process wrote since is its own affair
        others = or_(table.c.basis < rules.basis, table.c.basis > rules.basis)
        outdated = select(table.c.case_id).where(
            table.c.is_open.is_(True), others, table.c.changed_us < rules.loaded_us
        )
        async with self._database.read() as connection:
            found = list((await connection.scalars(reached)).all())
            if len(found) < limit:
                found += (await connection.scalars(outdated.limit(limit - len(found)))).all()
        return found

    async def unseen(self, system: str, limit: int) -> list[str]:
        """Cases that have changed since their system last showed them, or that it never did."""
        table = CASE_FILE
        query = select(table.c.case_id).where(table.c.system == system, table.c.unseen.is_(True))
        async with self._database.read() as connection:
            return list((await connection.scalars(query.limit(limit))).all())

    async def seen_before(self, system: str, at_us: int, limit: int) -> list[str]:
        """Open cases that their system last showed before then, the longest ago first."""
        table = CASE_FILE
        query = (
            select(table.c.case_id)
            .where(
                table.c.system == system,
                table.c.unseen.is_(False),
                table.c.is_open.is_(True),
                table.c.as_of_us < at_us,
            )
            .order_by(table.c.as_of_us)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return list((await connection.scalars(query)).all())

    async def outdated(self, system: str, since_us: int) -> list[str]:
        """Cases of which events were recorded since then, after their file was last written."""
        query = (
            select(CASE_EVENT.c.case_id)
            .join(CASE_FILE, CASE_FILE.c.case_id == CASE_EVENT.c.case_id, isouter=True)
            .where(
                CASE_EVENT.c.system == system,
                CASE_EVENT.c.at_us >= since_us,
                or_(CASE_FILE.c.case_id.is_(None), CASE_FILE.c.changed_us <= CASE_EVENT.c.at_us),
            )
            .distinct()
        )
        async with self._database.read() as connection:
            return list((await connection.scalars(query)).all())

    async def _update(self, cases: Sequence[str], snapshots: Mapping[str, Snapshot], changed: bool) -> int:
        """Counted outside the transaction, as looks wait for SQLite's one write lock meanwhile; those of which something
        has changed in between are counted again, within it."""
        made: dict[str, _Made] = {}
        async with self._database.read() as connection:
            before = await _versions(connection, cases)
            known = await _known(connection, cases)
        await self._make(made, cases, known, snapshots, changed)
        told: list[_Made] = []

        async def work(connection: AsyncConnection) -> list[Change]:
            now = await _versions(connection, cases, lock=True)
            again = [case for case in cases if now.get(case) != before.get(case)]
            if again:
                for case in again:
                    made.pop(case, None)
                await self._make(made, again, await _known(connection, again), snapshots, changed)
            told[:] = [made[case] for case in cases if case in made]
            await _upsert(connection, CASE_FILE, [one.row for one in told])
            await _upsert(connection, CASE_NUMBER, [number for one in told for number in _numbers(one.row)])
            cards = [_card_row(card, one.row) for one in told for card in one.cards]
            await _upsert(connection, CARD, cards)
            return [
                change
                for one in told
                for change in (*one.changes, *(card_change(card) for card in one.cards))
            ]

        await self._writer.append_all_with(work)
        return sum(len(one.cards) for one in told)

    async def _make(
        self,
        made: dict[str, _Made],
        cases: Sequence[str],
        known: Mapping[str, _File],
        snapshots: Mapping[str, Snapshot],
        changed: bool,
    ) -> None:
        now_us, rules = self._clock(), self._rules()
        for number, case in enumerate(cases, 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            one = known.get(case) or _File()
            was_shown = bool(one.record)
            _take(one, snapshots.get(case))
            one.unseen = one.unseen or changed
            if not one.record and not one.events:
                continue
            evaluation = self._evaluated(case, one, rules, now_us)
            row = _row(case, one, evaluation, now_us, self._owner) | {"basis": rules.basis}
            changes = _moved(case, one, evaluation, rules, now_us)
            if one.record and one.events and not was_shown:
                changes.append(_placed(case, row))
            made[case] = _Made(row, evaluation.changed, changes)

    def _evaluated(self, case: str, one: _File, rules: TrackingRules, now_us: int) -> Evaluation:
        track = track_of(case, one.record, one.events, self._registry, rules.calendar)
        return evaluate(track, rules.book, one.cards, now=moment_of_us(now_us))

    def limits(self, record: Mapping[str, Any]) -> CaseLimits:
        return case_limits(self._registry, record)


def case_limits(registry: RegistryPort, record: Mapping[str, Any]) -> CaseLimits:
    """Of the implementation that the record names, else of its item."""
    item = registry.item(str(record.get("itemCode") or ""))
    task = record.get("taskCode")
    implementation = registry.implementation(str(task)) if task else None
    if implementation is not None:
        return limits_of(implementation, item or registry.item(implementation.base_code))
    if item is None:
        return CaseLimits()
    return CaseLimits(statutory=item.statutory, promised=item.promised)


def track_of(
    case: str,
    record: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    registry: RegistryPort,
    calendar: WorkingCalendar,
) -> CaseTrack:
    """The clocks of a case, of what its system shows and what the ledger holds (`event_dict`)."""
    return follow(facts_of(case, {**record, "events": list(events)}), case_limits(registry, record), calendar)


def moment_of_us(us: int) -> int:
    """Microseconds since 1970 as a moment of `tracking.calendar`."""
    return us // 1_000_000 + 28_800


def us_of_moment(moment: int) -> int:
    return round(time_of(moment).timestamp() * 1_000_000)


def _take(one: _File, snapshot: Snapshot | None) -> None:
    """A snapshot that is not older than what is there."""
    if snapshot is None or snapshot.as_of_us < one.as_of_us:
        return
    if not snapshot.record:  # the system does not know it: what is known of it stays
        one.as_of_us, one.unseen = snapshot.as_of_us, False
        return
    one.record = kept_record(snapshot.record)
    one.subject = snapshot.subject or one.subject
    one.as_of_us, one.unseen = snapshot.as_of_us, False


def _row(
    case: str, one: _File, evaluation: Evaluation, now_us: int, owner: Callable[[str], str | None]
) -> dict[str, Any]:
    track, record = evaluation.track, one.record
    state = _state(track, record)
    last = track.events[-1] if track.events else None
    system = case.partition(":")[0]
    return {
        "case_id": case,
        "system": system,
        "item": record.get("itemCode"),
        "region": record.get("regionCode"),
        "department": record.get("departmentCode") or owner(system),
        "handler": _handler(one.events),
        "subject": one.subject,
        "state": state,
        "is_open": track.is_open and state not in ENDED,
        "applied_us": micros(record.get("appliedAt")) or (us_of_moment(track.events[0].at) if last else None),
        "accepted_us": micros(record.get("acceptedAt")),
        "due_us": _due(track, now_us),
        "next_check_us": us_of_moment(evaluation.next_check_at)
        if evaluation.next_check_at is not None
        else None,
        "level": gravest(evaluation.cards),
        "as_of_us": one.as_of_us,
        "changed_us": now_us,
        "unseen": one.unseen,
        "record": record,
        "step": str(last.event.kind) if last else None,
        "step_us": us_of_moment(last.at) if last else None,
        "dues": dues_of(track),
    }


def _moved(case: str, one: _File, evaluation: Evaluation, rules: TrackingRules, now_us: int) -> list[Change]:
    """What another calendar than the last one has moved."""
    made_with = one.basis.rpartition(".")[0]
    if not made_with or made_with == rules.basis.rpartition(".")[0]:
        return []
    version = made_with.partition("#")[0]
    found = recomputed_since(one.dues, version, evaluation.track, at=moment_of_us(now_us))
    return [Change(one_due.type, target=case, detail=one_due.record()) for one_due in found]


def _placed(case: str, row: Mapping[str, Any]) -> Change:
    """The system has shown for the first time where a case belongs, of which events were recorded before: whoever
    follows its division or its applicant is told of them where this stands in the trail (`gateway.live`)."""
    detail = {"department": row["department"], "region": row["region"]}
    return Change(PLACED, target=case, detail=detail)


def _numbers(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its other numbers; one that two names bear is there once."""
    told = row["record"].get("externalRefs")
    if not isinstance(told, Mapping):
        return []
    found = {str(number): str(name) for name, number in told.items() if isinstance(number, str | int)}
    return [
        {"number": number, "case_id": row["case_id"], "name": name}
        for number, name in found.items()
        if number and len(number) <= LONGEST_NUMBER
    ]


def _state(track: CaseTrack, record: Mapping[str, Any]) -> str:
    """What the system shows; where it shows nothing, what the events come to."""
    shown = record.get("state")
    if shown and shown != "UNKNOWN":
        return str(shown)
    return str(track.state) if track.state is not None else "UNKNOWN"


def _due(track: CaseTrack, now_us: int) -> int | None:
    """Of the promised clock, else of the statutory one, as it shows now."""
    for kind in (DeadlineKind.PROMISED, DeadlineKind.STATUTORY):
        clock = track.clock(kind)
        due = clock.show(moment_of_us(now_us)).due_at if clock is not None else None
        if due is not None:
            return round(due.timestamp() * 1_000_000)
    return None


def _handler(events: Sequence[Mapping[str, Any]]) -> str | None:
    """Who acted last; masked when it was recorded."""
    return next((one["actor"] for one in reversed(events) if one.get("actor")), None)


def _card_row(card: Card, place: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "card_id": card.id,
        "case_id": card.case_id,
        "system": place["system"],
        "region": place["region"],
        "department": place["department"],
        "rule": card.rule,
        "level": LEVELS[card.level],
        "state": str(card.state),
        "raised_us": us_of_moment(card.raised_at),
        "card": card_json(card),
    }


def card_change(card: Card) -> Change:
    """A card's last line of history, for the trail."""
    last = card.history[-1]
    detail = {
        "level": str(card.level),
        "rule": card.rule,
        "ruleVersion": card.rule_version,
        "state": str(card.state),
        "what": last.what,
    }
    return Change("card.changed", actor=last.by, target=card.id, detail=detail)


async def _known(connection: AsyncConnection, cases: Sequence[str]) -> dict[str, _File]:
    found: dict[str, _File] = {}
    table = CASE_FILE.c
    files = select(
        *(table.case_id, table.record, table.subject, table.as_of_us, table.unseen, table.basis, table.dues)
    )
    for row in await connection.execute(files.where(table.case_id.in_(cases))):
        one = _File(dict(row.record), row.subject, row.as_of_us, row.unseen)
        one.basis, one.dues = row.basis, row.dues or []
        found[row.case_id] = one
    events = (
        select(CASE_EVENT.c.case_id, CASE_EVENT.c.at_us, CASE_EVENT.c.body, CASE_EVENT.c.subject)
        .where(CASE_EVENT.c.case_id.in_(cases))
        .order_by(CASE_EVENT.c.occurred_us, CASE_EVENT.c.at_us, CASE_EVENT.c.writer, CASE_EVENT.c.seq)
    )
    for case_id, at_us, body, subject in await connection.execute(events):
        one = found.setdefault(case_id, _File())
        one.events.append(event_dict(read_body(body)["record"], at_us))
        one.subject = one.subject or subject
    cards = select(CARD.c.case_id, CARD.c.card).where(CARD.c.case_id.in_(cases))
    for case_id, card in await connection.execute(cards.order_by(CARD.c.card_id)):
        found.setdefault(case_id, _File()).cards.append(card_of(card))
    for one in found.values():
        one.cards.sort(key=lambda card: (card.raised_at, card.id))
    return found


async def _versions(
    connection: AsyncConnection, cases: Sequence[str], *, lock: bool = False
) -> dict[str, list[Any]]:
    """What is different when anything of a case is: its file's marks, how many events it has (none is ever changed), its
    cards as they are. lock: cards (where a database has locks of rows), so that what a person decides meanwhile is not
    written over."""
    found: dict[str, list[Any]] = {}
    table = CASE_FILE.c
    files = select(table.case_id, table.changed_us, table.as_of_us, table.unseen)
    events = select(CASE_EVENT.c.case_id, func.count()).group_by(CASE_EVENT.c.case_id)
    cards = select(CARD.c.case_id, CARD.c.card_id, CARD.c.card).order_by(CARD.c.card_id)
    for query in (
        files.where(table.case_id.in_(cases)),
        events.where(CASE_EVENT.c.case_id.in_(cases)),
        cards.where(CARD.c.case_id.in_(cases)).with_for_update()
        if lock
        else cards.where(CARD.c.case_id.in_(cases)),
    ):
        for row in await connection.execute(query):
            found.setdefault(row[0], []).append(tuple(row[1:]))
    return found


async def _upsert(connection: AsyncConnection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in table.primary_key]
    statement = insert(table)
    fresh = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), list(rows))
