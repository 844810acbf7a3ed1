"""What a caller may follow, and which events are in it: `schema.ports.LivePort` for one request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from adapters.applicant import filter_number
from adapters.fetch import RequestContext
from adapters.reach import Reach, reach_of
from gateway.live.errors import FeedRefused
from gateway.live.events import Cursor, LiveEvent, Place
from gateway.live.hub import LiveHub
from gateway.live.reader import Narrow
from schema.identifiers import applicant_ref, parse_case_id
from schema.ports import CaseUpdateFacts, SystemsPort
from schema.registry import Registry
from schema.scalars import CHINA_STANDARD_TIME

__all__ = ["LAST_EVENT_ID", "Feeds", "Sees"]

LAST_EVENT_ID = "last-event-id"
"""What a browser's EventSource sends when it connects again; newer than the `after` it began with."""

Keep = Callable[[LiveEvent], bool]
Sees = Callable[[str, RequestContext], Awaitable[str | None]]
"""(case id, request) -> None where its own system shows it to the caller, else the code of why not."""
_REFUSALS = frozenset({"CASE_NOT_FOUND", "FORBIDDEN", "SYSTEM_UNKNOWN", "IDENTIFIER_INVALID"})
_NOT_THERE = "There is no such case, or it is not yours to see."


@dataclass(frozen=True, slots=True)
class Feeds:
    """For every request; `of` gives the port of one. key: of references to people."""

    hub: LiveHub
    registry: Registry
    key: bytes = field(repr=False)
    sees: Sees

    def of(self, request: RequestContext, systems: SystemsPort) -> CallerFeeds:
        return CallerFeeds(self, request, systems, reach_of(request.caller, self.registry))


@dataclass(frozen=True, slots=True)
class CallerFeeds:
    """`schema.ports.LivePort`. All but `cursor` raise FeedRefused and what `LiveHub.follow` raises."""

    feeds: Feeds
    request: RequestContext
    systems: SystemsPort
    reach: Reach

    async def cursor(self) -> str:
        return (await self.feeds.hub.head()).text()

    async def case_changed(self, case_id: str, after: str | None) -> AsyncGenerator[CaseUpdateFacts, None]:
        parse_case_id(case_id)
        await self._may_follow(case_id)

        def keep(event: LiveEvent) -> bool:
            return event.case_id == case_id and event.told is None

        async with aclosing(self._follow(after, keep, Narrow(case_id=case_id))) as events:
            async for facts in events:
                yield facts

    async def my_case_events(self, after: str | None) -> AsyncGenerator[CaseUpdateFacts, None]:
        if self.request.caller.subject is None:
            raise FeedRefused("FORBIDDEN", "myCaseEvents needs a token of an applicant (with a subject).")
        id_type, number = filter_number(None, self.request.caller.subject)
        mine = applicant_ref(self.feeds.key, id_type, number)

        def keep(event: LiveEvent) -> bool:
            if event.told is not None:  # it was not known whose it is when it came
                return mine in event.subjects and mine != event.subject
            return mine in event.subjects

        async with aclosing(self._follow(after, keep, Narrow(subject=mine))) as events:
            async for facts in events:
                yield facts

    async def case_feed(
        self, region: str | None, department: str | None, after: str | None, *, include_descendants: bool
    ) -> AsyncGenerator[CaseUpdateFacts, None]:
        registry = self.feeds.registry
        regions: frozenset[str] | None = None
        if region is not None:
            if registry.region(region) is None:
                raise FeedRefused("NOT_FOUND", f"No division {region!r}; see regions for their codes.")
            regions = frozenset({region})
            if include_descendants:
                regions |= registry.descendants(region)
        if department is not None and registry.department(department) is None:
            raise FeedRefused("NOT_FOUND", f"No department {department!r}; see departments for their codes.")

        def wanted(event: LiveEvent, known: Place | None) -> bool:
            place = self._place(event.system, known)
            if regions is not None and place.region not in regions:
                return False
            acted = event.detail.get("departmentCode")
            if department is not None and department not in (place.department, acted):
                return False
            return self._sees(event.system, known, event.subject)

        def keep(event: LiveEvent) -> bool:
            if event.told is None:
                return wanted(event, event.place)
            # told again, now that its case's place is known: to those who did not get it by its system's own place
            return wanted(event, event.place) and not wanted(event, None)

        async with aclosing(self._follow(after, keep, None)) as events:
            async for facts in events:
                yield facts

    # --- inside ---

    async def _follow(
        self, after: str | None, keep: Keep, narrow: Narrow | None
    ) -> AsyncGenerator[CaseUpdateFacts, None]:
        start = self.request.headers.get(LAST_EVENT_ID) or after
        cursor = Cursor.parse(start) if start is not None else None
        seen = self.request.seen
        async with aclosing(self.feeds.hub.follow(cursor, keep, narrow)) as events:
            async for event in events:
                seen.cases.add(event.case_id)
                seen.subjects |= event.subjects
                seen.systems[event.system] = "LEDGER"
                seen.cursor = event.cursor.text()
                self.request.fresh_since = event.recorded_us / 1_000_000
                yield _facts(event)

    async def _may_follow(self, case_id: str) -> None:
        """By the same rules as `case`: from its file where there is one, else by asking its system."""
        place = await self.feeds.hub.place(case_id)
        if place is not None and (place.subject is not None or self.reach.everything):
            if not self._sees(case_id.partition(":")[0], place, None):
                raise FeedRefused("CASE_NOT_FOUND", _NOT_THERE)
            return
        code = await self.feeds.sees(case_id, self.request)
        if code is None:
            return
        if code in _REFUSALS or not self.reach.everything:
            raise FeedRefused(code, _NOT_THERE)
        # its system does not answer now: whoever may read every case may wait for what it tells later

    def _sees(self, code: str, known: Place | None, subject: str | None) -> bool:
        """By the rule for rows, which knows no division but the case's own."""
        place = known or Place()
        system = self.systems.system(code)
        return self.reach.sees_row(
            subject=place.subject or subject,
            department=place.department or (system.owner if system is not None else None),
            region=place.region,
            key=self.feeds.key,
        )

    def _place(self, code: str, known: Place | None) -> Place:
        """Of a case of this system; what its file does not know is that of whoever runs the system."""
        place = known or Place()
        if place.region and place.department:
            return place
        system = self.systems.system(code)
        department = place.department or (system.owner if system is not None else None)
        row = self.feeds.registry.department(department) if department is not None else None
        region = place.region or (row.region if row is not None else None)
        return Place(region, department, place.subject)


def _facts(event: LiveEvent) -> CaseUpdateFacts:
    detail = event.detail
    return CaseUpdateFacts(
        cursor=event.cursor.text(),
        id=f"L{event.leaf if event.told is None else event.told}",
        case_id=event.case_id,
        system=event.system,
        kind=event.kind,
        recorded_at=_moment(event.recorded_us),
        occurred_at=_moment(event.occurred_us) if event.occurred_us is not None else None,
        ended_at=detail.get("endedAt"),
        raw_kind=detail.get("rawKind"),
        step=detail.get("step"),
        actor=detail.get("actor"),
        department=detail.get("departmentCode"),
        state=detail.get("state"),
        raw_status=detail.get("rawStatus"),
        document_no=detail.get("documentNo"),
        corrects=event.supersedes is not None,
    )


def _moment(us: int) -> str:
    return datetime.fromtimestamp(us / 1_000_000, CHINA_STANDARD_TIME).isoformat(timespec="milliseconds")
