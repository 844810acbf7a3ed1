"""One run for one system: under its lease, page by page, each page durable before the next is asked for.

Late, repeated and re-ordered events give the same ledger, because appending is idempotent and the watermark never goes
back. What cannot be read is quarantined. A run is bounded; what is left waits for the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from adapters.applicant import filter_number
from adapters.mapping.scope import Trouble
from adapters.source import Page, Source
from adapters.traffic.errors import SourceError, SourceNotFound
from gateway.casefile.files import CaseFiles, Snapshot
from gateway.casefile.record import SubjectRef, micros, new_event, subject_of
from gateway.harvest.store import HarvestState, HarvestStore, Rejected
from gateway.ledger import NewEvent, Writer
from gateway.telemetry.logs import mask_personal_data
from schema.canonical import CASE, CHANGE
from schema.scalars import CHINA_STANDARD_TIME

__all__ = ["HarvestLimits", "HarvestReport", "Harvester", "OnEvents"]

log = structlog.get_logger("gateway.harvest")

OnEvents = Callable[[Sequence[NewEvent]], Awaitable[None]]
"""Told of events that the ledger has only now learnt of, in order."""

BEGINNING = "1990-01-01T00:00:00+08:00"
_CHANGE_FIELDS = tuple(one.name for one in CHANGE.fields)
_CASE_FIELDS = tuple(one.name for one in CASE.fields)


@dataclass(frozen=True, slots=True)
class HarvestLimits:
    """Of one run. overlap: how far back of the watermark is asked again, for what arrives late.

    cases: single cases asked for after their changes; at_once: of these at the same time.
    """

    pages: int = 500
    page_timeout_s: float = 30.0
    lease_s: float = 120.0
    overlap: timedelta = timedelta(hours=24)
    cases: int = 500
    at_once: int = 8
    raw_chars: int = 8000


@dataclass(slots=True)
class HarvestReport:
    """What came of a run. skipped: another process has the lease. more: the run ended at its limits."""

    system: str
    events: int = 0
    repeated: int = 0
    rejected: int = 0
    cases: int = 0
    pages: int = 0
    skipped: bool = False
    more: bool = False
    fault_code: str | None = None
    fault: str | None = None


class _Fault(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class _LeaseLost(Exception):
    """Another process goes on."""


@dataclass(slots=True)
class _Run:
    source: Source
    state: HarvestState
    report: HarvestReport
    touched: dict[str, None] = field(default_factory=dict)
    """Case ids in order of their first event."""
    pages: set[bytes] = field(default_factory=set)


class Harvester:
    """holder: name of this process for leases. clock: microseconds since 1970."""

    def __init__(
        self,
        sources: Callable[[], Mapping[str, Source]],
        store: HarvestStore,
        writer: Writer,
        files: CaseFiles,
        subject_ref: SubjectRef,
        *,
        holder: str,
        clock: Callable[[], int],
        on_events: OnEvents | None = None,
        limits: HarvestLimits | None = None,
    ) -> None:
        self._sources, self._store, self._writer, self._files = sources, store, writer, files
        self._subject_ref, self._holder, self._clock = subject_ref, holder, clock
        self._on_events = on_events
        self._limits = limits or HarvestLimits()

    async def run(self, system: str) -> HarvestReport:
        """Never raises for what the system does. Raises DatabaseUnavailable; nothing acknowledged is lost then."""
        report = HarvestReport(system)
        source = self._sources().get(system)
        if source is None or not await self._store.begin(system, self._holder, lease_s=self._limits.lease_s):
            report.skipped = True
            return report
        run = _Run(source, replace(await self._store.state(system), started_us=self._clock()), report)
        try:
            await self._harvest(run)
        except _LeaseLost:
            report.skipped = True
            return report
        except (SourceError, _Fault) as error:
            report.fault_code, report.fault = error.code, str(error)
        await self._ended(run)
        return report

    # --- one run ---

    async def _harvest(self, run: _Run) -> None:
        await self._again_after_a_fix(run)
        if run.source.can("changes"):
            await self._pages(run, "changes", _CHANGE_FIELDS, self._take_changes)
            await self._look_at_touched(run)
        elif run.source.can("cases"):
            await self._pages(run, "cases", _CASE_FIELDS, self._take_cases)
        else:
            raise _Fault("HARVEST_IMPOSSIBLE", "the declaration has neither `changes` nor `cases`")

    async def _again_after_a_fix(self, run: _Run) -> None:
        """Another declaration than the one that could not read something: it is asked for again."""
        mapping = run.source.namespace
        if run.state.mapping == mapping:
            return
        count, since = await self._store.quarantined(run.report.system)
        if count and run.state.mapping is not None:
            run.state = replace(run.state, watermark=since, position=None)
        run.state = replace(run.state, mapping=mapping)

    async def _pages(
        self,
        run: _Run,
        verb: str,
        fields: Sequence[str],
        take: Callable[[_Run, Page], Awaitable[str | None]],
    ) -> None:
        """take: appends a page and gives the latest moment in it."""
        since, begun_us = run.state.watermark, self._clock()
        highest = since
        while True:
            page = await self._ask(run, verb, fields, since)
            self._refuse_loops(run, page)
            latest = await take(run, page)
            highest = _later(highest, latest, self._clock())
            await self._quarantine(run, verb, page.troubles, since)
            run.report.pages += 1
            ended = page.next is None
            run.state = replace(run.state, position=page.next, watermark=highest if ended else since)
            if not ended and run.report.pages >= self._limits.pages:
                run.report.more = True
                await self._save(run)
                return
            await self._save(run)
            if ended:
                break
        await self._store.let_go(run.report.system, begun_us, since and self._from(since))

    async def _ask(self, run: _Run, verb: str, fields: Sequence[str], since: str | None) -> Page:
        start = self._from(since)
        asked: dict[str, Any] = {"since": start}
        if verb == "cases":
            none = dict.fromkeys(("applicant", "states", "department", "region", "to"))
            asked = {**none, "from": start}
        deadline = asyncio.get_running_loop().time() + self._limits.page_timeout_s
        return await run.source.ask(
            verb, asked, fields=fields, deadline=deadline, position=run.state.position
        )

    def _from(self, since: str | None) -> str:
        if since is None:
            return BEGINNING
        moment = datetime.fromisoformat(since) - self._limits.overlap
        return moment.isoformat(timespec="seconds")

    def _refuse_loops(self, run: _Run, page: Page) -> None:
        """A list that comes to the same page again would never end."""
        if not page.records or page.next is None:
            return
        mark = orjson.dumps([page.records[0], page.records[-1], len(page.records)], default=str)
        if mark in run.pages:
            run.state = replace(run.state, position=None)
            raise _Fault("HARVEST_REPEATS", f"page {run.report.pages + 1} is one that came before")
        run.pages.add(mark)

    async def _take_changes(self, run: _Run, page: Page) -> str | None:
        events = [new_event(run.report.system, str(one["localNo"]), one) for one in page.records]
        await self._append(run, events)
        return max((str(one["occurredAt"]) for one in page.records), default=None)

    async def _take_cases(self, run: _Run, page: Page) -> str | None:
        """Cases with their events; a case without any is an event of its own, when it was applied for."""
        events: list[NewEvent] = []
        snapshots: dict[str, Snapshot] = {}
        for record in page.records:
            snapshot = self._snapshot(record, page.as_of)
            snapshots[f"{run.report.system}:{record['localNo']}"] = snapshot
            told = record.get("events") or [{"kind": "SUBMIT", "occurredAt": record["appliedAt"]}]
            events += [
                new_event(run.report.system, str(record["localNo"]), one, subject=snapshot.subject)
                for one in told
                if isinstance(one, dict) and one.get("occurredAt")
            ]
        await self._append(run, events)
        await self._files.update(list(snapshots), snapshots)
        run.report.cases += len(snapshots)
        return max((str(one["appliedAt"]) for one in page.records), default=None)

    async def _append(self, run: _Run, events: Sequence[NewEvent]) -> None:
        appended = await self._writer.append_events(events)
        new = [event for event, one in zip(events, appended, strict=True) if one.state != "repeated"]
        run.report.events += len(new)
        run.report.repeated += len(events) - len(new)
        run.touched |= dict.fromkeys(event.case_id for event in new)
        if new and self._on_events is not None:
            await self._on_events(new)

    async def _look_at_touched(self, run: _Run) -> None:
        """What the cases that changed show now; the ledger's events alone, where the system cannot tell or fails."""
        cases = list(run.touched)
        asked = cases[: self._limits.cases] if run.source.can("case") else []
        places = asyncio.Semaphore(self._limits.at_once)

        async def look(case: str) -> tuple[str, Snapshot | None]:
            async with places:
                return case, await self._look(run, case.partition(":")[2])

        found = dict(await asyncio.gather(*map(look, asked)))
        snapshots = {case: one for case, one in found.items() if one is not None}
        await self._files.update(cases, snapshots)
        run.report.cases += len(cases)

    async def _look(self, run: _Run, local_no: str) -> Snapshot | None:
        deadline = asyncio.get_running_loop().time() + self._limits.page_timeout_s
        try:
            page = await run.source.ask("case", {"number": local_no}, fields=_CASE_FIELDS, deadline=deadline)
        except SourceNotFound:
            return None
        except SourceError as error:
            run.report.fault_code, run.report.fault = error.code, str(error)
            return None
        return self._snapshot(page.records[0], page.as_of) if page.records else None

    def _snapshot(self, record: Mapping[str, Any], as_of: float) -> Snapshot:
        return Snapshot(
            record, subject_of(record, self._subject_ref, filter_number), round(as_of * 1_000_000)
        )

    async def _quarantine(self, run: _Run, verb: str, troubles: Sequence[Trouble], since: str | None) -> None:
        left_out = [one for one in troubles if one.left_out is not None]
        if not left_out:
            return
        rejected = [
            Rejected(
                run.report.system,
                verb,
                mask_personal_data(one.message),
                mask_personal_data(_text(one.left_out))[: self._limits.raw_chars],
                since,
            )
            for one in left_out
        ]
        await self._store.quarantine(rejected, self._clock())
        run.report.rejected += len(rejected)

    # --- its end ---

    async def _save(self, run: _Run) -> None:
        if not await self._store.save(run.state, self._holder, lease_s=self._limits.lease_s):
            raise _LeaseLost

    async def _ended(self, run: _Run) -> None:
        report, now = run.report, self._clock()
        state = await self._store.state(report.system)
        failed = report.fault_code is not None
        state = replace(
            run.state,
            events=state.events + report.events,
            repeated=state.repeated + report.repeated,
            ended_us=now,
            good_us=state.good_us if failed else now,
            failures=state.failures + 1 if failed else 0,
            fault_code=report.fault_code,
            fault=report.fault,
        )
        await self._store.save(state, self._holder, lease_s=self._limits.lease_s)
        await self._store.give_up(report.system, self._holder)
        tell = log.warning if failed else log.info
        if failed or report.events or report.rejected:
            tell(
                "harvest",
                system=report.system,
                events=report.events,
                repeated=report.repeated,
                rejected=report.rejected,
                pages=report.pages,
                code=report.fault_code,
                fault=report.fault,
            )


def _later(known: str | None, latest: str | None, now_us: int) -> str | None:
    """The later of the two; a moment in the future is none, and the mark never goes back."""
    if latest is None:
        return known
    at, before = micros(latest), micros(known) if known is not None else None
    if at is None:
        return known
    at = min(at, now_us)
    if before is not None and at <= before:
        return known
    return datetime.fromtimestamp(at / 1_000_000, CHINA_STANDARD_TIME).isoformat(timespec="seconds")


def _text(node: Any) -> str:
    return orjson.dumps(node, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
