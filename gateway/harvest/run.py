"""One run for one system: under its lease, page by page, each page durable before the next is asked for.

Late, repeated and re-ordered events give the same ledger, because appending is idempotent and the watermark never goes
back. What cannot be read is quarantined. A run is bounded; what is left waits for the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson
import structlog

from adapters.applicant import filter_number
from adapters.mapping.scope import Trouble
from adapters.source import Page, Source
from adapters.traffic.errors import SourceError, SourceNotFound
from gateway.casefile.files import CaseFiles, Snapshot
from gateway.casefile.record import SubjectRef, micros, names_of, new_event, subject_of
from gateway.database import DatabaseUnavailable
from gateway.harvest.model import (
    BEGINNING,
    HarvestFault,
    HarvestLimits,
    HarvestObserver,
    HarvestReport,
    LeaseLost,
    Lend,
    Run,
)
from gateway.harvest.store import HarvestState, HarvestStore, Rejected
from gateway.ledger import NewEvent, Writer
from gateway.telemetry.logs import mask_personal_data
from schema.canonical import CASE, CHANGE
from schema.scalars import CHINA_STANDARD_TIME

__all__ = ["CASE_FIELDS", "CHANGE_FIELDS", "Harvester"]

log = structlog.get_logger("gateway.harvest")

CHANGE_FIELDS = tuple(one.name for one in CHANGE.fields)
CASE_FIELDS = tuple(one.name for one in CASE.fields)


class Harvester:
    """holder: name of this process for leases. clock: microseconds since 1970. on_progress: told after each page."""

    def __init__(
        self,
        lend: Lend,
        store: HarvestStore,
        writer: Writer,
        files: CaseFiles,
        subject_ref: SubjectRef,
        *,
        holder: str,
        clock: Callable[[], int],
        on_progress: Callable[[HarvestReport], None] | None = None,
        observer: HarvestObserver | None = None,
        limits: HarvestLimits | None = None,
    ) -> None:
        self._lend, self.store, self._writer, self._files = lend, store, writer, files
        self._subject_ref, self._holder, self._clock = subject_ref, holder, clock
        self._on_progress, self._observer = on_progress, observer
        self._limits = limits or HarvestLimits()
        self._stopping = False

    def stop(self) -> None:
        """Runs under way end after their page."""
        self._stopping = True

    async def run(self, system: str) -> HarvestReport:
        """Never raises for what the system does. Raises DatabaseUnavailable; nothing acknowledged is lost then."""
        report = HarvestReport(system)
        with self._lend() as sources:
            source = sources.get(system)
            if source is None or not await self.store.begin(
                system, self._holder, lease_s=self._limits.lease_s
            ):
                report.skipped = True
                return report
            try:
                await self._run(self._begun(source, await self.store.state(system), report))
            except LeaseLost:
                report.skipped = True
            except (asyncio.CancelledError, DatabaseUnavailable):
                with contextlib.suppress(DatabaseUnavailable):
                    await self.store.give_up(system, self._holder)
                raise
        return report

    def _begun(self, source: Source, state: HarvestState, report: HarvestReport) -> Run:
        return Run(source, state, report)

    async def _run(self, run: Run) -> None:
        try:
            await self._harvest(run)
        except (SourceError, HarvestFault) as error:
            run.report.fault_code, run.report.fault = error.code, str(error)
            await self._flush(run)
        await self._ended(run)

    # --- one run ---

    async def _harvest(self, run: Run) -> None:
        await self._after_a_crash(run)
        run.state = replace(run.state, started_us=self._clock())
        await self._again_after_a_fix(run)
        await self._save(run)
        if run.verb == "changes":
            await self._pages(run, "changes", CHANGE_FIELDS, self._take_changes)
            await self._flush(run)
            await self._look_at_unseen(run)
        elif run.verb == "cases":
            await self._pages(run, "cases", CASE_FIELDS, self._take_cases)
            await self._flush(run)
            await self._look_at_unseen(run)
            await self._look_at_open(run)
        elif run.source.push is not None:  # it tells of its changes; what its cases show is asked for
            await self._look_at_unseen(run)
        else:
            raise HarvestFault(
                "HARVEST_IMPOSSIBLE", "the declaration has neither `changes` nor `cases` to ask for"
            )

    async def _after_a_crash(self, run: Run) -> None:
        """The process before may have appended events and have been killed before their case files showed them."""
        if run.state.interrupted:
            cases = await self._files.outdated(run.report.system, run.state.started_us or 0)
            await self._files.update(cases, changed=run.verb == "changes")

    async def _again_after_a_fix(self, run: Run) -> None:
        """Another declaration than the one that could not read something: it is asked for again."""
        mapping = run.source.namespace
        if run.state.mapping == mapping:
            return
        count, since = await self.store.quarantined(run.report.system)
        if count and run.state.mapping is not None:
            run.state = replace(run.state, watermark=since, position=None)
        run.state = replace(run.state, mapping=mapping)

    async def _pages(
        self,
        run: Run,
        verb: str,
        fields: Sequence[str],
        take: Callable[[Run, Page], Awaitable[str | None]],
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
            self._refuse_amnesia(run, page, since)
            run.report.pages += 1
            ended = page.next is None
            run.state = replace(run.state, position=page.next, watermark=highest if ended else since)
            await self._save(run)
            if self._on_progress is not None:
                self._on_progress(run.report)
            if ended:
                break
            if run.report.pages >= self._limits.pages or self._stopping:
                run.report.more = True
                self._refuse_standstill(run)
                return
        await self.store.let_go(run.report.system, begun_us, since and self._from(run, since))

    async def _ask(self, run: Run, verb: str, fields: Sequence[str], since: str | None) -> Page:
        start = self._from(run, since)
        asked: dict[str, Any] = {"since": start}
        if verb == "cases":
            none = dict.fromkeys(("applicant", "states", "department", "region", "to"))
            asked = {**none, "from": start}
        return await self._answer(run, verb, asked, fields, run.state.position)

    async def _answer(
        self, run: Run, verb: str, asked: Mapping[str, Any], fields: Sequence[str], position: Any = None
    ) -> Page:
        """From the system itself: a kept answer would hide what has changed."""
        deadline = asyncio.get_running_loop().time() + self._limits.page_timeout_s
        return await run.source.ask(
            verb, asked, fields=fields, deadline=deadline, position=position, live=True
        )

    def _from(self, run: Run, since: str | None) -> str:
        """Further back from fault to fault of a system that has gone back in time."""
        declared = run.source.declaration.harvest
        first = f"{declared.since}T00:00:00+08:00" if declared.since is not None else BEGINNING
        if since is None:
            return first
        overlap = timedelta(hours=declared.overlap_h)
        if run.state.fault_code == "HARVEST_WENT_BACK":
            overlap = min(overlap * 30**run.state.failures, timedelta(days=36_500))
        return max(first, (datetime.fromisoformat(since) - overlap).isoformat(timespec="seconds"))

    def _refuse_loops(self, run: Run, page: Page) -> None:
        """A list that comes to the same page again would never end."""
        if not page.records or page.next is None:
            return
        ends = orjson.dumps([page.records[0], page.records[-1], len(page.records)], default=str)
        mark = hashlib.blake2b(ends, digest_size=16).digest()
        if mark in run.pages:
            run.state = replace(run.state, position=None)
            raise HarvestFault("HARVEST_REPEATS", f"page {run.report.pages + 1} is one that came before")
        run.pages.add(mark)

    def _refuse_standstill(self, run: Run) -> None:
        """Pages that differ and hold nothing new: it goes on from there, with pauses."""
        if not run.report.events and not run.report.rejected and not self._stopping:
            raise HarvestFault("HARVEST_REPEATS", f"{run.report.pages} pages held nothing that was not known")

    def _refuse_amnesia(self, run: Run, page: Page, since: str | None) -> None:
        """What was its latest change a short while ago is asked for again in each run, because of the overlap."""
        if page.records or page.troubles or run.report.pages or since is None:
            return
        at = micros(since)
        if at is not None and self._clock() - at < self._limits.recent.total_seconds() * 1_000_000:
            raise HarvestFault(
                "HARVEST_WENT_BACK",
                f"nothing is told from {self._from(run, since)} on, though there was a change at {since}: "
                "the system's clock or data went back",
            )

    async def _take_changes(self, run: Run, page: Page) -> str | None:
        await self._append(
            run, (new_event(run.report.system, str(one["localNo"]), one) for one in page.records)
        )
        return max((str(one["occurredAt"]) for one in page.records), default=None)

    async def _take_cases(self, run: Run, page: Page) -> str | None:
        """Cases with their events, where the list has them; else each case is asked for them."""
        snapshots = self._snapshots(run, page)
        alone = run.source.only_in_case(("events",))
        if not alone:
            await self._append(run, self._events_of(run, snapshots))
        await self._files.update(list(snapshots), snapshots, changed=bool(alone))
        run.report.cases += len(snapshots)
        return max((str(one["appliedAt"]) for one in page.records), default=None)

    def _events_of(self, run: Run, snapshots: Mapping[str, Snapshot]) -> list[NewEvent]:
        """A case without any is an event of its own, when it was applied for."""
        events: list[NewEvent] = []
        for snapshot in snapshots.values():
            record = snapshot.record
            if not record:
                continue
            hidden = names_of(record)
            told = record.get("events") or [{"kind": "SUBMIT", "occurredAt": record["appliedAt"]}]
            events += [
                new_event(
                    run.report.system, str(record["localNo"]), one, subject=snapshot.subject, hidden=hidden
                )
                for one in told
                if isinstance(one, dict) and one.get("occurredAt")
            ]
        return events

    async def _append(self, run: Run, events: Iterable[NewEvent]) -> None:
        """In parts: a page may be as large as the system likes."""
        left = iter(events)
        while part := list(islice(left, self._limits.events)):
            appended = await self._writer.append_events(part)
            new = [event for event, one in zip(part, appended, strict=True) if one.state != "repeated"]
            run.report.events += len(new)
            run.report.repeated += len(part) - len(new)
            run.pending += new
            if len(run.pending) >= self._limits.flush:
                await self._flush(run)
                await self._keep_lease(run)

    async def _flush(self, run: Run) -> None:
        """Case files show what is new."""
        if not run.pending:
            return
        new, run.pending = run.pending, []
        if run.verb == "changes":  # a list of cases is shown page by page
            cases = list(dict.fromkeys(event.case_id for event in new))
            await self._files.update(cases, changed=True)
            run.report.cases += len(cases)

    # --- what the cases themselves show ---

    async def _look_at_unseen(self, run: Run) -> None:
        """Cases that have changed since the system last showed them; the ledger's events alone, where it cannot."""
        unseen = await self._files.unseen(run.report.system, self._limits.cases)
        if len(unseen) >= self._limits.listed and run.verb == "changes" and run.source.can("cases"):
            await self._list_cases(run)
            unseen = await self._files.unseen(run.report.system, self._limits.cases)
        await self._look_at_all(run, unseen)

    async def _look_at_open(self, run: Run) -> None:
        """Of a system that tells no changes: what has become of its open cases."""
        before_us = self._clock() - round(run.source.declaration.harvest.recheck_s * 1_000_000)
        await self._look_at_all(
            run, await self._files.seen_before(run.report.system, before_us, self._limits.cases)
        )

    async def _look_at_all(self, run: Run, unseen: Sequence[str]) -> None:
        if not run.source.can("case"):
            return
        for start in range(0, len(unseen), 5 * self._limits.at_once):
            if self._stopping:
                return
            part = unseen[start : start + 5 * self._limits.at_once]
            await self._look_at(run, part)
            await self._keep_lease(run)

    async def _list_cases(self, run: Run) -> None:
        """All at once, newest first, as far as one run goes."""
        asked: dict[str, Any] = dict.fromkeys(("applicant", "states", "department", "region", "to"))
        position: Any = None
        seen: set[bytes] = set()
        for _ in range(self._limits.pages):
            asked["from"] = self._from(run, None)
            page = await self._answer(run, "cases", asked, CASE_FIELDS, position)
            snapshots = self._snapshots(run, page)
            await self._files.update(list(snapshots), snapshots)
            await self._keep_lease(run)
            mark = hashlib.blake2b("|".join(snapshots).encode(), digest_size=16).digest()
            if page.next is None or mark in seen or self._stopping:
                return
            seen.add(mark)
            position = page.next

    async def _look_at(self, run: Run, cases: Sequence[str]) -> None:
        places = asyncio.Semaphore(self._limits.at_once)

        async def look(case: str) -> tuple[str, Snapshot | None]:
            async with places:
                return case, await self._look(run, case.partition(":")[2])

        found = dict(await asyncio.gather(*map(look, cases)))
        snapshots = {case: one for case, one in found.items() if one is not None}
        if run.verb == "cases":
            await self._append(run, self._events_of(run, snapshots))
        await self._files.update(list(snapshots), snapshots)
        if run.verb == "cases":
            await self._flush(run)

    async def _look(self, run: Run, local_no: str) -> Snapshot | None:
        """None: ask again in the next run. A case that the system does not know is an empty record."""
        try:
            page = await self._answer(run, "case", {"number": local_no}, CASE_FIELDS)
        except SourceNotFound:
            return Snapshot({}, None, self._clock())
        except SourceError as error:
            run.report.fault_code, run.report.fault = error.code, str(error)
            return None
        return self._snapshot(page.records[0], page.as_of) if page.records else None

    def _snapshots(self, run: Run, page: Page) -> dict[str, Snapshot]:
        return {
            f"{run.report.system}:{record['localNo']}": self._snapshot(record, page.as_of)
            for record in page.records
        }

    def _snapshot(self, record: Mapping[str, Any], as_of: float) -> Snapshot:
        return Snapshot(
            record, subject_of(record, self._subject_ref, filter_number), round(as_of * 1_000_000)
        )

    async def _quarantine(self, run: Run, verb: str, troubles: Sequence[Trouble], since: str | None) -> None:
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
        waiting, _ = await self.store.quarantined(run.report.system)
        if waiting + len(rejected) > self._limits.quarantined:
            raise HarvestFault(
                "HARVEST_QUARANTINE_FULL",
                f"{waiting} records wait for a mapping fix, and {len(rejected)} more cannot be read: "
                "the harvest stands until the mapping is mended",
            )
        await self.store.quarantine(rejected, self._clock())
        run.report.rejected += len(rejected)

    # --- its end ---

    async def _save(self, run: Run) -> None:
        if not await self.store.save(run.counted, self._holder, lease_s=self._limits.lease_s):
            raise LeaseLost

    async def _keep_lease(self, run: Run) -> None:
        if not await self.store.begin(run.report.system, self._holder, lease_s=self._limits.lease_s):
            raise LeaseLost

    async def _ended(self, run: Run) -> None:
        report, now = run.report, self._clock()
        failed = report.fault_code is not None
        state = replace(
            run.counted,
            ended_us=now,
            good_us=run.state.good_us if failed else now,
            failures=run.state.failures + 1 if failed else 0,
            fault_code=report.fault_code,
            fault=report.fault,
            unfinished=report.more and not failed,
        )
        await self.store.save(state, self._holder, lease_s=self._limits.lease_s)
        await self.store.give_up(report.system, self._holder)
        if self._observer is not None:
            self._observer.harvested(report.system, report.fault_code, report.events, report.rejected)
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
