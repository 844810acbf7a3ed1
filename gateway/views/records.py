"""`schema.records_port.RecordsPort` for one request: who asks, what they may see, and what they have seen.

`RecordViews` is made once; `of(request)` gives each request its own, which reads what the request asks for many at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import strawberry
from sqlalchemy import ColumnElement, false, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from adapters.applicant import filter_number
from adapters.fetch import RequestContext
from gateway.casefile.cards import LEVELS, card_of
from gateway.casefile.files import moment_of_us, track_of, us_of_moment
from gateway.casefile.record import event_dict
from gateway.casefile.tables import CARD, CASE_FILE, CASE_NUMBER
from gateway.database import Database, DatabaseUnavailable
from gateway.ledger import LedgerKeys, Stream, Window, Writer
from gateway.ledger.records import read_body
from gateway.ledger.tables import ACCESS_RECORD, CASE_EVENT
from gateway.tracking.calendar.moments import DAY, start_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.tracking.clocks.follow import CaseTrack
from gateway.tracking.warnings import cards
from gateway.tracking.warnings.cards import Card
from gateway.views.chain import check_stretch
from gateway.views.disclosure import DisclosureRules, purposes_of
from gateway.views.judge import Act, act_of, judge
from gateway.views.shapes import (
    change_of,
    event_of,
    iso_of_us,
    record_id,
    tracked_of,
    tracking_of,
    us_of_iso,
    warning_of,
)
from gateway.views.supervision import (
    Counts,
    count_open,
    counts_by,
    counts_by_waiting,
    stuck_cases,
    total_of,
)
from gateway.views.trail import Scope, TrailPlace, TrailRow, trail_page
from gateway.views.visible import Visible, visible_to
from gateway.views.worklist import MOST_COUNTED, Order, Place, WorkFilter, count_cases, work_page
from schema.errors import CursorInvalidError, RecordsUnavailableError
from schema.identifiers import applicant_ref
from schema.paging import Slice, decode_cursor, encode_cursor, fingerprint
from schema.records_port import TrailScope, WarningsWanted, WorkCount, WorkWanted
from schema.registry import Registry
from schema.scalars import JSON, Uscc
from schema.types.supervision import (
    CaseCounts,
    DepartmentCounts,
    ItemCounts,
    StateCounts,
    Supervision,
    WaitingCounts,
)
from schema.types.tracked import CaseTracking, CaseWarning, TrackedCase
from schema.types.trail import (
    AccessRecord,
    ChainCheck,
    ChainFinding,
    DisclosedAccess,
    LedgerEvent,
    TrailRecord,
)
from schema.vocabulary import CaseState, WaitsFor, WarningDecision, WorklistOrder

__all__ = ["RecordViews", "RequestRecords"]

T = TypeVar("T")
P = TypeVar("P", Place, TrailPlace)

AT_ONCE = 200
CONNECTIONS = 2
"""Of the pool, that one request takes at the same time: many root fields must not leave others without."""
MOST_GROUPS = 50
STUCK = 20
_ORDERS = {
    WorklistOrder.DUE_SOONEST: Order.DUE,
    WorklistOrder.DUE_LATEST: Order.DUE_LAST,
    WorklistOrder.LONGEST_WITHOUT_STEP: Order.STEP,
    WorklistOrder.CHANGED_LATEST: Order.CHANGED,
}


@dataclass(frozen=True, slots=True)
class RecordViews:
    """What all requests share. calendar: read anew at each use, as files change. clock: microseconds since 1970."""

    database: Database
    writer: Writer
    keys: LedgerKeys
    registry: Registry
    calendar: Callable[[], WorkingCalendar]
    clock: Callable[[], int]
    disclosure: DisclosureRules = field(default_factory=DisclosureRules)

    def of(self, request: RequestContext) -> RequestRecords:
        return RequestRecords(self, request)

    def subject_ref(self, id_type: str | None, number: str) -> str:
        """As the connector makes it. Raises IdentifierError for a number that is none."""
        return applicant_ref(self.keys.subject_ref, *filter_number(id_type, number))


class RequestRecords:
    """One request's. Its loaders answer for what is asked for in one go; what a request does not need is not made."""

    def __init__(self, views: RecordViews, request: RequestContext) -> None:
        self._views, self._request = views, request
        self._counts: dict[WorkWanted, WorkCount] = {}

    @cached_property
    def _calendar(self) -> WorkingCalendar:
        return self._views.calendar()

    @cached_property
    def _me(self) -> str | None:
        """The caller's own reference, where they are an applicant."""
        subject = self._request.caller.subject
        return self._views.subject_ref(None, subject) if subject is not None else None

    @cached_property
    def _visible(self) -> Visible:
        return visible_to(self._request.caller, self._views.registry, self._views.keys.subject_ref)

    @cached_property
    def _files(self) -> DataLoader[str, Any]:
        return DataLoader(self._load_files, max_batch_size=AT_ONCE)

    @cached_property
    def _tracks(self) -> DataLoader[str, CaseTrack | None]:
        return DataLoader(self._load_tracks, max_batch_size=AT_ONCE)

    @cached_property
    def _cards(self) -> DataLoader[str, list[Card]]:
        return DataLoader(self._load_cards, max_batch_size=AT_ONCE)

    @cached_property
    def _places(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(CONNECTIONS)

    # --- one case ---

    async def tracked(self, case_id: str) -> TrackedCase | None:
        row = await self._files.load(case_id)
        return self._tracked(row) if row is not None else None

    async def tracking(self, case_id: str) -> CaseTracking | None:
        track = await self._tracks.load(case_id)
        return tracking_of(track, moment_of_us(self._views.clock())) if track is not None else None

    async def case_warnings(self, case_id: str) -> list[CaseWarning]:
        return [warning_of(card) for card in await self._cards.load(case_id)]

    async def history(
        self, case_id: str, *, first: int, after: str | None, newest_first: bool
    ) -> Slice[LedgerEvent]:
        if await self._files.load(case_id) is None:
            return Slice((), (), has_next=False, has_previous=False)
        binding = fingerprint("history", {"case": case_id, "newest": newest_first})
        page = await self._trail_slice(
            Scope((case_id,)), [Stream.CASE_EVENT], binding, first, after, newest_first=newest_first
        )
        return _mapped(page, lambda row: event_of(row.ref, row.at_us, row.leaf, row.fields))

    # --- worklist ---

    async def worklist(
        self, wanted: WorkWanted, order: WorklistOrder, *, first: int, after: str | None
    ) -> Slice[TrackedCase]:
        binding = fingerprint("worklist", {"wanted": _plain(wanted), "order": str(order)})
        place = _place(after, binding, Place.parse)
        async with self._reading() as connection:
            rows = await work_page(
                connection, self._filter(wanted), _ORDERS[order], after=place, limit=first + 1
            )
        column = _ORDERS[order].column.name
        page = _slice(
            rows, first, after, lambda row: Place(getattr(row, column), row.case_id).text(), binding
        )
        return _mapped(page, self._tracked)

    async def count_work(self, wanted: WorkWanted) -> WorkCount:
        if wanted not in self._counts:
            async with self._reading() as connection:
                count = await count_cases(connection, self._filter(wanted))
            self._counts[wanted] = WorkCount(min(count, MOST_COUNTED), count > MOST_COUNTED)
        return self._counts[wanted]

    def _filter(self, wanted: WorkWanted) -> WorkFilter:
        levels = tuple(LEVELS[level] for level in wanted.levels)
        area = self._visible.area()
        department, regions = wanted.department, wanted.regions
        if area is not None:  # what `further` says as well, where an index finds it
            department = department or area.department
            regions = regions if area.regions is None else area.regions & (regions or area.regions)
        return WorkFilter(
            wanted.is_open,
            wanted.states,
            wanted.item,
            department,
            wanted.system,
            wanted.handler,
            regions=regions,
            levels=(0,) if wanted.without_warning else levels,
            due_before=self._due_before(wanted.days_left_max),
            further=self._visible.files(),
        )

    def _due_before(self, days_left: int | None) -> int | None:
        """The last microsecond that is so many working days away from today or less."""
        if days_left is None:
            return None
        calendar = self._calendar
        number = calendar.through(moment_of_us(self._views.clock()) // DAY) + days_left + 1
        return us_of_moment(start_of(calendar.numbered(max(number, 1)))) - 1

    # --- cards ---

    async def warnings(self, wanted: WarningsWanted, *, first: int, after: str | None) -> Slice[CaseWarning]:
        binding = fingerprint("warnings", {"wanted": _plain(wanted)})
        place = _place(after, binding, Place.parse)
        table = CARD.c
        conditions = [
            column == value
            for column, value in (
                (table.department, wanted.department),
                (table.rule, wanted.rule),
                (table.case_id, wanted.case_id),
            )
            if value is not None
        ]
        if wanted.levels:
            conditions.append(table.level.in_([LEVELS[level] for level in wanted.levels]))
        if wanted.states:
            conditions.append(table.state.in_([str(state) for state in wanted.states]))
        if wanted.regions is not None:
            conditions.append(table.region.in_(sorted(wanted.regions)))
        window = Window(us_of_iso(wanted.start), us_of_iso(wanted.end))
        conditions += [*window.conditions(table.raised_us), *self._visible.cards()]
        order = (table.raised_us, table.card_id)
        if place is not None:
            conditions.append(tuple_(*order) < (place.value, place.case_id))
        query = select(CARD).where(*conditions).order_by(*(one.desc() for one in order)).limit(first + 1)
        async with self._reading() as connection:
            rows = list((await connection.execute(query)).all())
        page = _slice(rows, first, after, lambda row: Place(row.raised_us, row.card_id).text(), binding)
        self._request.seen.cases.update(row.case_id for row in page.rows if row.case_id)
        return _mapped(page, lambda row: warning_of(card_of(row.card)))

    async def appeal(self, warning_id: str, reason: str) -> CaseWarning:
        caller = self._request.caller
        conditions = list(self._visible.cards())
        if "warnings:decide" not in caller.scopes:
            own = CARD.c.department == caller.department if caller.department is not None else false()
            conditions.append(own)
        act = self._act(lambda at: lambda card: cards.appeal(card, at=at, by=caller.name, reason=reason))
        return await self._judge(warning_id, act, conditions)

    async def decide(self, warning_id: str, decision: WarningDecision, reason: str) -> CaseWarning:
        name = self._request.caller.name
        act = self._act(lambda at: act_of(decision, at=at, by=name, reason=reason))
        return await self._judge(warning_id, act, self._visible.cards())

    def _act(self, make: Callable[[int], Act]) -> Act:
        return make(moment_of_us(self._views.clock()))

    async def _judge(
        self, warning_id: str, act: Act, conditions: Sequence[ColumnElement[bool]]
    ) -> CaseWarning:
        try:
            card = await judge(self._views.writer, warning_id, act, conditions)
        except DatabaseUnavailable as error:
            raise RecordsUnavailableError from error
        if card.case_id:
            self._request.seen.cases.add(card.case_id)
        return warning_of(card)

    # --- supervision ---

    async def supervision(
        self, regions: frozenset[str] | None, department: str | None, *, soon_days: int, stuck_days: int
    ) -> Supervision:
        now = self._views.clock()
        wanted = WorkFilter(regions=regions, department=department, further=self._visible.files())
        soon = self._due_before(soon_days)
        today = moment_of_us(now) // DAY
        still = self._calendar.numbered(max(self._calendar.through(today) - stuck_days, 1))
        before = us_of_moment(start_of(still + 1)) - 1
        async with self._reading() as connection:
            counted = await count_open(connection, wanted, now, soon if soon is not None else now)
            stuck = await stuck_cases(connection, wanted, before, STUCK)
        return Supervision(
            as_of=iso_of_us(now),
            total=_counts(total_of(counted)),
            by_department=[
                DepartmentCounts(code=Uscc(code) if code else None, counts=_counts(one))
                for code, one in counts_by(counted, 0)[:MOST_GROUPS]
            ],
            by_item=[
                ItemCounts(base_code=strawberry.ID(code) if code else None, counts=_counts(one))
                for code, one in counts_by(counted, 1)[:MOST_GROUPS]
            ],
            by_state=[
                StateCounts(state=CaseState(state), counts=_counts(one))
                for state, one in counts_by(counted, 2)
                if state is not None
            ],
            by_waiting=[
                WaitingCounts(waits_for=WaitsFor(who), counts=_counts(one))
                for who, one in counts_by_waiting(counted)
            ],
            stuck=[self._tracked(row) for row in stuck],
        )

    # --- trails ---

    async def trail(
        self, scope: TrailScope, *, first: int, after: str | None, newest_first: bool
    ) -> Slice[TrailRecord]:
        if not scope.cases and scope.subject is None:
            return Slice((), (), has_next=False, has_previous=False)  # about nothing, not about everything
        binding = fingerprint("trail", {"scope": _plain(scope), "newest": newest_first})
        self._asked(scope)
        page = await self._trail_slice(
            _scope(scope), tuple(Stream), binding, first, after, newest_first=newest_first
        )
        return _mapped(page, self._record)

    async def looks(
        self, scope: TrailScope, *, first: int, after: str | None, newest_first: bool
    ) -> Slice[AccessRecord]:
        binding = fingerprint("looks", {"scope": _plain(scope), "newest": newest_first})
        self._asked(scope)
        page = await self._trail_slice(
            _scope(scope, both=True),
            [Stream.ACCESS_RECORD],
            binding,
            first,
            after,
            newest_first=newest_first,
        )
        return _mapped(page, self._look)

    async def cases_of(
        self, *, subject: str | None, project: str | None, limit: int
    ) -> Sequence[TrackedCase]:
        query = select(CASE_FILE).where(*self._visible.files())
        if subject is not None:
            query = query.where(CASE_FILE.c.subject == subject).order_by(
                CASE_FILE.c.applied_us, CASE_FILE.c.case_id
            )
        else:
            numbered = select(CASE_NUMBER.c.case_id).where(CASE_NUMBER.c.number == project)
            query = query.where(CASE_FILE.c.case_id.in_(numbered)).order_by(CASE_FILE.c.case_id)
        async with self._reading() as connection:
            rows = (await connection.execute(query.limit(limit))).all()
        return [self._tracked(row) for row in rows]

    def subject_ref(self, id_type: str | None, number: str) -> str:
        return self._views.subject_ref(id_type, number)

    async def verify(self, start: str | None, end: str | None) -> ChainCheck:
        verifier = self._views.keys.signer.verifier
        async with self._reading() as connection:
            found = await check_stretch(connection, verifier, us_of_iso(start), us_of_iso(end))
        return ChainCheck(
            intact=not found.findings,
            complete=found.complete,
            first_leaf=found.first,
            leaves=found.end - found.first,
            dropped=found.dropped,
            size=found.size,
            root=found.root.hex() if found.root is not None else None,
            signed_by=verifier.name,
            checked_until=iso_of_us(found.until_us) if found.until_us is not None else None,
            findings=[
                ChainFinding(kind=one.kind, what=one.what, reason=one.reason, leaf=one.leaf)
                for one in found.findings
            ],
        )

    async def looks_at_me(
        self, start: str | None, end: str | None, *, first: int, after: str | None
    ) -> Slice[DisclosedAccess]:
        if self._me is None:
            return Slice((), (), has_next=False, has_previous=False)
        rules, now = self._views.disclosure, self._views.clock()
        table = ACCESS_RECORD.c
        scope = Scope(
            subject=self._me,
            window=Window(us_of_iso(start), us_of_iso(end)),
            told=lambda: rules.told_by(table.purpose, table.at_us, now),
        )
        binding = fingerprint("looksAtMe", {"me": self._me, "from": start, "to": end})
        page = await self._trail_slice(
            scope, [Stream.ACCESS_RECORD], binding, first, after, newest_first=True
        )
        self._request.seen.subjects.add(self._me)
        mine = await self._mine({case for row in page.rows for case in row.fields["cases"]})
        return _mapped(page, lambda row: self._disclosed(row, mine))

    async def _mine(self, cases: set[str]) -> frozenset[str]:
        """Those of them that are the caller's own."""
        if not cases:
            return frozenset()
        table = CASE_FILE.c
        query = select(table.case_id).where(table.case_id.in_(sorted(cases)), table.subject == self._me)
        async with self._reading() as connection:
            return frozenset((await connection.scalars(query)).all())

    async def _trail_slice(
        self,
        scope: Scope,
        streams: Sequence[Stream],
        binding: str,
        first: int,
        after: str | None,
        *,
        newest_first: bool,
    ) -> Slice[TrailRow]:
        place = _place(after, binding, TrailPlace.parse)
        async with self._reading() as connection:
            rows = await trail_page(
                connection, scope, streams=streams, after=place, limit=first + 1, newest_first=newest_first
            )
        return _slice(rows, first, after, lambda row: row.place.text(), binding)

    def _asked(self, scope: TrailScope) -> None:
        """Whoever reads a trail looks at those that it is about."""
        self._request.seen.cases.update(scope.cases)
        if scope.subject is not None:
            self._request.seen.subjects.add(scope.subject)

    def _record(self, row: TrailRow) -> TrailRecord:
        if row.ref.stream is Stream.ACCESS_RECORD:
            return self._look(row)
        make = event_of if row.ref.stream is Stream.CASE_EVENT else change_of
        return make(row.ref, row.at_us, row.leaf, row.fields)

    def _look(self, row: TrailRow) -> AccessRecord:
        fields = row.fields
        disclosure, told_from = self._views.disclosure.of(fields, row.at_us)
        return AccessRecord(
            id=record_id(row.ref),
            recorded_at=iso_of_us(row.at_us),
            leaf_hash=row.leaf,
            actor=fields["actor"],
            actor_department_code=fields.get("actorDepartment"),
            client=fields["client"],
            client_version=fields["clientVersion"],
            purposes=purposes_of(fields),
            action=fields["action"],
            operation=fields["operation"],
            operation_hash=fields["operationHash"],
            fields=fields["fields"],
            case_ids=[strawberry.ID(one) for one in fields["cases"]],
            subject_refs=[strawberry.ID(one) for one in fields["subjects"]],
            systems=JSON(fields["systems"]),
            outcome=fields["outcome"],
            trace_id=fields["trace"],
            request_id=fields["request"],
            disclosure=disclosure,
            disclosed_from=iso_of_us(told_from) if told_from is not None else None,
        )

    def _disclosed(self, row: TrailRow, mine: frozenset[str]) -> DisclosedAccess:
        """Nothing of it tells of another person: no account, no other's case."""
        fields = row.fields
        return DisclosedAccess(
            at=iso_of_us(row.at_us),
            by_myself=fields["actorSubject"] == self._me,
            department_code=fields.get("actorDepartment"),
            client=fields["client"],
            purposes=purposes_of(fields),
            action=fields["action"],
            fields=fields["fields"],
            case_ids=[strawberry.ID(one) for one in fields["cases"] if one in mine],
            outcome=fields["outcome"],
            disclosure=self._views.disclosure.of(fields, row.at_us)[0],
        )

    # --- loading ---

    async def _load_files(self, cases: list[str]) -> list[Any]:
        table = CASE_FILE.c
        query = select(CASE_FILE).where(table.case_id.in_(cases), *self._visible.files())
        async with self._reading() as connection:
            rows = {row.case_id: row for row in await connection.execute(query)}
        return [rows.get(case) for case in cases]

    async def _load_tracks(self, cases: list[str]) -> list[CaseTrack | None]:
        rows = await self._files.load_many(cases)
        seen = [row.case_id for row in rows if row is not None]
        self._request.seen.cases.update(seen)
        events = await self._events(seen)
        return [
            track_of(
                row.case_id, row.record, events.get(row.case_id, ()), self._views.registry, self._calendar
            )
            if row is not None
            else None
            for row in rows
        ]

    async def _events(self, cases: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
        """As the clocks read them, in the order of their happening."""
        table = CASE_EVENT.c
        query = (
            select(table.case_id, table.at_us, table.body)
            .where(table.case_id.in_(cases))
            .order_by(table.occurred_us, table.at_us, table.writer, table.seq)
        )
        found: dict[str, list[dict[str, Any]]] = {}
        async with self._reading() as connection:
            for case_id, at_us, body in await connection.execute(query):
                found.setdefault(case_id, []).append(event_dict(read_body(bytes(body))["record"], at_us))
        return found

    async def _load_cards(self, cases: list[str]) -> list[list[Card]]:
        query = (
            select(CARD.c.case_id, CARD.c.card)
            .where(CARD.c.case_id.in_(cases), *self._visible.cards())
            .order_by(CARD.c.raised_us, CARD.c.card_id)
        )
        found: dict[str, list[Card]] = {}
        async with self._reading() as connection:
            for case_id, card in await connection.execute(query):
                found.setdefault(case_id, []).append(card_of(card))
        self._request.seen.cases.update(found)
        return [found.get(case, []) for case in cases]

    def _tracked(self, row: Any) -> TrackedCase:
        self._request.seen.cases.add(row.case_id)
        if row.subject is not None:
            self._request.seen.subjects.add(row.subject)
        return tracked_of(row, self._calendar, self._views.clock())

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._places, self._views.database.read() as connection:
                yield connection
        except DatabaseUnavailable as error:
            raise RecordsUnavailableError from error


def _scope(scope: TrailScope, *, both: bool = False) -> Scope:
    window = Window(us_of_iso(scope.start), us_of_iso(scope.end))
    return Scope(scope.cases, scope.subject, scope.actor, scope.purpose, window, both)


def _plain(wanted: WorkWanted | WarningsWanted | TrailScope) -> list[object]:
    """What a cursor is bound to, the same in every process."""
    return [
        sorted(value) if isinstance(value, frozenset) else value
        for value in (getattr(wanted, name) for name in wanted.__slots__)
    ]


def _place(after: str | None, binding: str, parse: Callable[[str], P]) -> P | None:
    if after is None:
        return None
    try:
        return parse(decode_cursor(after, binding))
    except ValueError as error:
        if isinstance(error, CursorInvalidError):
            raise
        raise CursorInvalidError("it cannot be read") from None


def _slice(
    rows: Sequence[T], first: int, after: str | None, text: Callable[[T], str], binding: str
) -> Slice[T]:
    shown = tuple(rows[:first])
    cursors = tuple(encode_cursor(text(row), binding) for row in shown)
    return Slice(shown, cursors, has_next=len(rows) > first, has_previous=after is not None)


R = TypeVar("R")


def _mapped(page: Slice[T], make: Callable[[T], R]) -> Slice[R]:
    return Slice(
        tuple(make(row) for row in page.rows), page.cursors, page.has_next, page.has_previous, page.total
    )


def _counts(counts: Counts) -> CaseCounts:
    return CaseCounts(**{name: getattr(counts, name) for name in Counts.__slots__})
