"""The whole history of a system that is on its way out, read once into ledger and case files.

A walk of its own beside the ordinary harvest: from the beginning, by the list of cases where there is one, with its own
place in the list, so that it goes on after its process was killed. Reading again what is known changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.source import Page, Source
from gateway.harvest.model import HarvestFault, HarvestReport, Run
from gateway.harvest.run import CASE_FIELDS, CHANGE_FIELDS, Harvester
from gateway.harvest.store import HarvestState
from gateway.migration.moved import LISTED

__all__ = ["HistoryHarvester", "Pace"]

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Pace:
    """At most so many requests a second; None: as fast as the system's own limits allow."""

    per_s: float | None = None
    clock: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    sleep: Sleep = asyncio.sleep
    _next: float = field(default=0.0, init=False)

    async def turn(self) -> None:
        if self.per_s is None:
            return
        now = self.clock()
        at = max(now, self._next)
        self._next = at + 1 / self.per_s
        if at > now:
            await self.sleep(at - now)


class HistoryHarvester(Harvester):
    """store: of a table of its own. total: cases that the system's list says it has, where it says so."""

    pace: Pace = Pace()
    total: int | None = None

    def _begun(self, source: Source, state: HarvestState, report: HarvestReport) -> Run:
        return Run(source, state, report, whole=True)

    async def _harvest(self, run: Run) -> None:
        run.state = replace(run.state, started_us=self._clock(), mapping=run.source.namespace)
        await self._save(run)
        if run.verb is None:
            raise HarvestFault(
                "HARVEST_IMPOSSIBLE", "the declaration has neither `cases` nor `changes` to ask for"
            )
        if run.state.watermark != LISTED:
            await self._list(run)
        if run.report.more:
            return
        await self._look_at_unseen(run)
        if await self._files.unseen(run.report.system, 1) and run.source.can("case"):
            run.report.more = run.report.fault_code is None

    async def _list(self, run: Run) -> None:
        if run.verb == "cases":
            await self._pages(run, "cases", CASE_FIELDS, self._take_cases)
        else:
            await self._pages(run, "changes", CHANGE_FIELDS, self._take_changes)
        await self._flush(run)
        if not run.report.more:
            run.state = replace(run.state, watermark=LISTED)
            await self._save(run)

    def _refuse_standstill(self, run: Run) -> None:
        """Pages in which all is known are what reading again comes to."""

    async def _answer(
        self, run: Run, verb: str, asked: Mapping[str, Any], fields: Sequence[str], position: Any = None
    ) -> Page:
        await self.pace.turn()
        page = await super()._answer(run, verb, asked, fields, position)
        if verb == "cases" and page.total is not None:
            self.total = page.total
        return page
