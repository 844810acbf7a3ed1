"""One question to many systems: all at once under one deadline, answers merged in order, one outcome each.

A system's failure is an outcome and costs only its own part. A list is merged newest first by (appliedAt, id);
each system's position is kept apart, so that a system which missed this page delivers its records on a later
one: out of order then, but nothing is lost.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from adapters.asked import Asked
from adapters.cursor import Last, ListCursor, Mark
from adapters.mapping.scope import Gap, Trouble
from adapters.paging import Position
from adapters.source import NO_TRACE, Page
from adapters.traffic.errors import SourceError, SourceFault, SourceNotFound

__all__ = ["MAX_PAGES", "Found", "Merged", "Outcome", "Question", "ask_each", "merge_lists"]

_log = logging.getLogger(__name__)

MAX_PAGES = 20
"""Pages of one system read for one page of the answer; more wait for the next request."""

UNVERIFIABLE = (
    "records without an applicant's whole number were left out, they cannot be compared; if the system's own search is "
    "exact, map `applicant: ~` in its list"
)
_STATUS_OF_CODE = {
    "SOURCE_TIMEOUT": "TIMEOUT",
    "SOURCE_BAD_DATA": "BAD_DATA",
    "SOURCE_OVERLOADED": "OVERLOADED",
    "SOURCE_CIRCUIT_OPEN": "CIRCUIT_OPEN",
    "SOURCE_MAINTENANCE": "MAINTENANCE",
    "SOURCE_NOT_READY": "TIMEOUT",
    "SOURCE_REFUSED": "REFUSED",
}
_STATUS_OF_ANSWER = {"FRESH": "OK", "CACHED": "CACHED", "STALE": "STALE"}
_ANSWERED = frozenset({"OK", "CACHED", "STALE", "LEDGER"})


@dataclass(slots=True)
class Outcome:
    """How one system answered. `as_of`: unix seconds; `error`: also set where a stale answer stands in;
    `incomplete`: its records are there, but parts of them could not be had; `total`: of its whole list, as it says."""

    system: str
    status: str = "OK"
    as_of: float | None = None
    error: SourceError | None = None
    latency_ms: int = 0
    count: int = 0
    incomplete: SourceError | None = None
    total: int | None = None
    troubles: list[Trouble] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        return self.status in _ANSWERED

    def fail(self, error: SourceError) -> None:
        self.error = error
        self.status = _STATUS_OF_CODE.get(error.code, "UNAVAILABLE")

    def hide(self) -> None:
        """Leaves nothing that would tell a caller whether a record that they may not see is there."""
        self.status = "OK" if self.answered else self.status
        self.as_of, self.latency_ms, self.count = None, 0, 0
        self.error = None if self.status == "OK" else self.error
        self.troubles.clear()

    def add(self, page: Outcome) -> None:
        """Takes in how a further page of the same system was answered."""
        self.status, self.error = page.status, page.error
        self.total = page.total if page.total is not None else self.total
        self.as_of = page.as_of if self.as_of is None or page.as_of is None else min(self.as_of, page.as_of)
        self.latency_ms += page.latency_ms
        self.troubles.extend(page.troubles)
        self.gaps.extend(page.gaps)


@dataclass(frozen=True, slots=True)
class Found:
    """A canonical record and where it was read."""

    system: str
    record: dict[str, Any]
    page: Page

    @property
    def key(self) -> tuple[str, str]:
        return (self.record["appliedAt"], self.record["localNo"])


@dataclass(frozen=True, slots=True)
class Question:
    """keep: what the gateway itself must still filter, None if nothing."""

    args: Mapping[str, Any]
    fields: Collection[str]
    keep: Callable[[Asked], Callable[[dict[str, Any]], bool] | None]
    trace: Mapping[str, str] = field(default_factory=lambda: NO_TRACE)
    unverifiable: Callable[[Mapping[str, Any]], bool] = lambda _: False
    """Of a record that `keep` leaves out: whether it might be meant all the same."""
    live: bool = False
    max_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """cursors: where to go on after each record, only where `with_cursors` was asked for."""

    found: list[Found]
    outcomes: list[Outcome]
    end: ListCursor
    has_more: bool
    total: int | None
    cursors: list[ListCursor]


async def ask_each(
    sources: Sequence[Asked], ask: Callable[[Asked, Outcome], Awaitable[Page]]
) -> list[tuple[Outcome, Page | None]]:
    """Asks all at once. `NOT_FOUND` is an answer without records."""

    async def one(source: Asked) -> tuple[Outcome, Page | None]:
        outcome = Outcome(source.code)
        return outcome, await _timed(outcome, lambda: ask(source, outcome))

    return await _together([partial(one, source) for source in sources])


async def merge_lists(
    sources: Sequence[Asked],
    question: Question,
    *,
    first: int,
    after: ListCursor,
    deadline: float,
    with_cursors: bool = False,
) -> Merged:
    """One page of the merged list."""
    streams = [
        _Stream(source, question, deadline, after.marks.get(source.code, Mark()))
        for source in sources
        if source.code not in after.done
    ]
    found: list[Found] = []
    cursors: list[ListCursor] = []
    await _together([stream.fill for stream in streams if stream.hungry])
    # heads by key, the newest last; of equal ones the first system's is newest
    heads = sorted((stream.buffer[-1].key, -index) for index, stream in enumerate(streams) if stream.buffer)
    while heads and len(found) < first:
        _, index = heads.pop()
        best = streams[-index]
        found.append(best.take())
        if with_cursors:
            cursors.append(_cursor(streams, after))
        if best.hungry and len(found) < first:
            await best.fill()
        if best.buffer:
            insort(heads, (best.buffer[-1].key, index))
    has_more = any(stream.buffer or stream.more for stream in streams if not stream.failed)
    asked = {stream.source.code for stream in streams}
    outcomes = [stream.outcome for stream in streams]
    outcomes += [Outcome(source.code) for source in sources if source.code not in asked]
    totals = [stream.total for stream in streams]
    complete = not after.done and not after.marks and all(total is not None for total in totals)
    return Merged(
        found,
        sorted(outcomes, key=lambda outcome: outcome.system),
        _cursor(streams, after),
        has_more,
        sum(total or 0 for total in totals) if complete else None,
        cursors,
    )


def _cursor(streams: Sequence[_Stream], before: ListCursor) -> ListCursor:
    marks = {
        stream.source.code: stream.mark for stream in streams if not stream.at_end and stream.mark != Mark()
    }
    done = {stream.source.code for stream in streams if stream.at_end}
    return ListCursor(marks, before.done | done)


async def _together(jobs: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Results in order. One job needs no task; jobs do not raise for what a system did."""
    if len(jobs) == 1:
        return [await jobs[0]()]
    return list(await asyncio.gather(*(job() for job in jobs)))


async def _timed(outcome: Outcome, ask: Callable[[], Awaitable[Page]]) -> Page | None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        page = await ask()
    except SourceNotFound:
        outcome.status = "OK"
        return None
    except SourceError as error:
        outcome.fail(error)
        return None
    except Exception as error:  # a fault of ours with this system must not cost the others their answers
        _log.exception("asking %s failed in the gateway itself", outcome.system, exc_info=error)
        outcome.fail(SourceFault(outcome.system))
        return None
    finally:
        outcome.latency_ms += round((loop.time() - started) * 1000)
    outcome.status = _STATUS_OF_ANSWER[page.status]
    outcome.as_of = page.as_of if outcome.as_of is None else min(outcome.as_of, page.as_of)
    outcome.error = page.error
    outcome.total = page.total
    outcome.troubles.extend(page.troubles)
    return page


class _Stream:
    """One system's list, read page by page; `buffer` is kept oldest first, so that taking is a pop."""

    def __init__(self, source: Asked, question: Question, deadline: float, mark: Mark) -> None:
        self.source, self.question, self.deadline = source, question, deadline
        self.keep = question.keep(source)
        self.last = mark.last
        self.here: Position = mark.position
        self.next: Position = None
        self.buffer: list[Found] = []
        self.outcome = Outcome(source.code)
        self.total: int | None = None
        self.asked = False
        self.failed = False
        self.pages = 0
        self.doubt_said = False
        self.seen: set[Position] = set()
        self.before: Page | None = None

    @property
    def more(self) -> bool:
        return not self.asked or self.next is not None

    @property
    def hungry(self) -> bool:
        return not self.buffer and not self.failed and self.more and self.pages < MAX_PAGES

    @property
    def at_end(self) -> bool:
        return self.asked and not self.failed and not self.buffer and self.next is None

    @property
    def mark(self) -> Mark:
        """Where to go on: on this page while it has records left, else on the next."""
        on_next = self.asked and not self.buffer and not self.failed and self.next is not None
        return Mark(self.next if on_next else self.here, self.last)

    def take(self) -> Found:
        found = self.buffer.pop()
        self.last = (self.last or Last(found.key[0])).then(*found.key)
        self.outcome.count += 1
        return found

    async def fill(self) -> None:
        """Reads pages until there is a record, the end, or a failure."""
        if self.source.connectors["cases"].connector.order == "any":
            await self._fill_all()
            return
        while self.hungry:
            if not await self._read_page(self.next if self.asked else self.here):
                return

    async def _fill_all(self) -> None:
        """A list in no order is read whole, then sorted: a page alone says nothing of what is newest."""
        position: Position = None
        while await self._read_page(position):
            position = self.next
            if position is None:
                break
            if self.pages >= MAX_PAGES:
                message = (
                    f"a list in no order is longer than {MAX_PAGES} pages: what is on later pages is missing"
                )
                self.outcome.troubles.append(Trouble("cases.order", message))
                break
        if self.failed:
            self.buffer.clear()
        self.here = self.next = None

    async def _read_page(self, position: Position) -> bool:
        page = await _timed(self.outcome, lambda: self._ask(position))
        self.pages += 1
        if page is None:
            # NOT_FOUND for a list is an empty list
            self.asked, self.next = self.outcome.error is None or self.asked, None
            self.failed = self.outcome.error is not None
            return False
        self.asked, self.here, self.next = True, position, page.next
        if page.next is not None and (page.next == position or page.next in self.seen):
            self.outcome.troubles.append(
                Trouble("paging", "the system's pages go round in a circle; the rest was left")
            )
            self.next = None
        self.seen.add(position)
        if self._again(page):
            self.outcome.troubles.append(
                Trouble("paging", "the system gives the same page again and again; the rest was left")
            )
            self.next, self.before = None, page
            return True
        self.before = page
        self.total = page.total if page.total is not None and self.keep is None else self.total
        self.buffer.extend(self._fresh(page))
        self.buffer.sort(key=lambda found: found.key)
        return True

    def _again(self, page: Page) -> bool:
        """By the reply's bytes; or, where a reply holds the time of day, by the numbers of cases in their order."""
        before = self.before
        if before is None or not page.records:
            return False
        numbers = [record["localNo"] for record in page.records]
        return page.repeats(before) or numbers == [record["localNo"] for record in before.records]

    def _fresh(self, page: Page) -> list[Found]:
        """Records of the page that pass the gateway's own filter and were not delivered before."""
        keep, last = self.keep, self.last
        found: list[Found] = []
        for record in page.records:
            if keep is None or keep(record):
                found.append(Found(self.source.code, record, page))
            elif not self.doubt_said and self.question.unverifiable(record):
                self.doubt_said = True
                self.outcome.troubles.append(Trouble("cases.applicant", UNVERIFIABLE))
        return [one for one in found if last is None or last.before(*one.key)]

    async def _ask(self, position: Position) -> Page:
        return await self.source.ask(
            "cases",
            self.question.args,
            fields=self.question.fields,
            deadline=self.deadline,
            position=position,
            gaps=self.outcome.gaps,
            trace=self.question.trace,
            live=self.question.live,
            max_age_s=self.question.max_age_s,
            learn=True,
        )
