"""When systems are harvested: a planner looks, again and again, whose interval has passed; another scans the clocks.

Runs are taken by any process that shares the task engine; the lease in the database keeps two of one system apart, also
where processes share nothing but the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from gateway.casefile.files import CaseFiles
from gateway.database import DatabaseError
from gateway.harvest.push import Intake
from gateway.harvest.run import Harvester
from gateway.harvest.store import HarvestState, HarvestStore
from gateway.harvest.tasks import EMBEDDED, TaskEngine

__all__ = ["HarvestSchedule", "due"]

log = structlog.get_logger("gateway.harvest")

LONGEST_PAUSE_S = 900.0
"""Between tries of a system that fails, where its own interval is shorter."""


def due(state: HarvestState, every_s: float, now_us: int) -> bool:
    """Whether a system is to be harvested now. One that fails is tried less often; a run that came to its limits goes
    on at once."""
    if state.started_us is None:
        return True
    if state.unfinished:
        return True
    wait_s = every_s
    if state.failures:
        wait_s = max(every_s, min(every_s * 2 ** min(state.failures, 10), LONGEST_PAUSE_S))
    return now_us - state.started_us >= wait_s * 1_000_000


class HarvestSchedule:
    """systems: code -> seconds between two runs, of those that are to be harvested now; asked at each plan."""

    def __init__(
        self,
        harvester: Harvester,
        store: HarvestStore,
        files: CaseFiles,
        intake: Intake | None,
        systems: Callable[[], Mapping[str, float]],
        clock: Callable[[], int],
        *,
        url: str = EMBEDDED,
        plan_s: float = 2.0,
        at_once: int = 8,
        grace_s: float = 10.0,
        lease_s: float = 60.0,
    ) -> None:
        self._harvester, self._store, self._files, self._intake = harvester, store, files, intake
        self._systems, self._clock = systems, clock
        self._tasks = TaskEngine(
            self._harvest,
            {"plan_harvests": self._plan, "scan_clocks": self._scan, "read_pushed_again": self._again},
            url=url,
            every_s=plan_s,
            at_once=at_once,
            grace_s=grace_s,
            lease_s=lease_s,
        )
        self._database_fault: str | None = None

    @property
    def fault(self) -> str | None:
        """Why nothing is harvested by this process now."""
        return self._tasks.fault or self._database_fault

    async def health(self) -> Mapping[str, object]:
        """For /health/ready."""
        if self.fault is None:
            return {"status": "up"}
        return {"status": "down", "code": "HARVEST_PAUSED", "fault": self.fault}

    def start(self) -> None:
        self._tasks.start()

    async def stop(self) -> None:
        self._harvester.stop()
        await self._tasks.stop()

    async def _harvest(self, system: str) -> None:
        try:
            await self._harvester.run(system)
        except DatabaseError as error:  # nothing is lost: what was not kept is asked for again
            log.warning("a harvest was cut off", system=system, fault=str(error))
        except Exception:  # the others must go on
            log.exception("a harvest failed", system=system)

    async def _plan(self) -> None:
        try:
            states = await self._store.states()
            for system, every_s in sorted(self._systems().items()):
                if due(states.get(system, HarvestState(system)), every_s, self._clock()):
                    await self._tasks.add(system)
        except DatabaseError as error:
            self._database_fault = str(error)
        else:
            self._database_fault = None

    async def _scan(self) -> None:
        try:
            cases = await self._files.due_for_check()
            if cases:
                await self._files.update(cases)
        except DatabaseError as error:
            log.warning("a scan of the clocks was cut off", fault=str(error))
        except Exception:
            log.exception("a scan of the clocks failed")

    async def _again(self) -> None:
        """What was pushed and could not be read, after its mapping has changed."""
        if self._intake is None:
            return
        try:
            await self._intake.try_again()
        except DatabaseError as error:
            log.warning("pushed events wait", fault=str(error))
        except Exception:
            log.exception("pushed events could not be read again")
