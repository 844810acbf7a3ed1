"""What live answers show is learnt behind them: snapshots into case files, and events into the ledger.

Only what the harvest would have read by the same verb is taken, under the same keys, so that the trail tells each step
once: of a system that is harvested by its changes the case file alone learns. Bounded: what is too much is left to the
harvest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.applicant import filter_number
from adapters.source import Again, Page, Source
from adapters.traffic.errors import SourceError
from gateway.casefile.files import CaseFiles, Snapshot
from gateway.casefile.record import SubjectRef, new_event, subject_of
from gateway.database import DatabaseUnavailable
from gateway.ledger import NewEvent, Writer
from schema.canonical import CASE

__all__ = ["Learner"]

log = structlog.get_logger("gateway.casefile")

WAITING = 200
"""Answers that wait to be learnt; more are not."""
AT_ONCE = 20
PAUSE_S = 0.25
_FIELDS = tuple(one.name for one in CASE.fields)


@dataclass(frozen=True, slots=True)
class _Answer:
    source: Source
    verb: str
    again: Again


class Learner:
    """harvested_by: `changes`, `cases` or None for a system. `start` and `stop` bound its life."""

    def __init__(
        self,
        files: CaseFiles,
        writer: Writer,
        subject_ref: SubjectRef,
        harvested_by: Callable[[Source], str | None],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._files, self._writer, self._subject_ref = files, writer, subject_ref
        self._harvested_by, self._pause_s = harvested_by, pause_s
        self._waiting: deque[_Answer] = deque()
        self._come = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.left_out = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="learning from live answers")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def note(self, source: Source, verb: str, again: Again) -> None:
        """`adapters.source.OnFresh`."""
        if verb == "cases" and self._harvested_by(source) != "cases":
            return  # a list shows less of a case than the harvest has read
        if len(self._waiting) >= WAITING:
            self.left_out += 1
            return
        self._waiting.append(_Answer(source, verb, again))
        self._come.set()

    async def _run(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    await self._learn(batch)
                except DatabaseUnavailable:
                    self.left_out += len(batch)
                except Exception:  # what one answer holds must not end the learning from others
                    log.exception("live answers could not be learnt from")
                await asyncio.sleep(self._pause_s)

    async def _learn(self, batch: list[_Answer]) -> None:
        events: list[NewEvent] = []
        snapshots: dict[str, Snapshot] = {}
        for one in batch:
            try:
                page: Page = await asyncio.to_thread(one.again, _FIELDS)
            except SourceError:
                continue  # whoever asked was told
            for record in page.records:
                snapshot = self._snapshot(record, page.as_of)
                snapshots[f"{one.source.code}:{record['localNo']}"] = snapshot
                if self._harvested_by(one.source) == "cases":
                    events += _events(one.source.code, record, snapshot)
        if events:
            await self._writer.append_events(events)
        await self._files.update(list(snapshots), snapshots)

    def _snapshot(self, record: Mapping[str, Any], as_of: float) -> Snapshot:
        return Snapshot(
            record, subject_of(record, self._subject_ref, filter_number), round(as_of * 1_000_000)
        )


def _events(system: str, record: Mapping[str, Any], snapshot: Snapshot) -> list[NewEvent]:
    return [
        new_event(system, str(record["localNo"]), one, subject=snapshot.subject)
        for one in record.get("events") or ()
        if isinstance(one, dict) and one.get("occurredAt")
    ]
