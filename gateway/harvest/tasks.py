"""The task engine: docket, over Redis where there is one, else within this process; the same tasks on both.

Docket packs the arguments of tasks with pickle, and whoever can write to Redis could then run code in every process
that takes tasks. Ours are texts, so what goes through Redis is made JSON here (decision 0025).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import orjson
import structlog
from docket import Docket, Perpetual, Worker, execution, strikelist, worker

__all__ = ["EMBEDDED", "TaskEngine"]

log = structlog.get_logger("gateway.harvest")

EMBEDDED = "memory://quanyu"
RESTART_S = 2.0
LOOK_S = 1.0
"""How often a process looks whether Redis is there."""
ANSWER_S = 5.0

Task = Callable[[str], Awaitable[None]]
Planner = Callable[[], Awaitable[None]]


class _Refused(tuple[str]):
    """What was no JSON, be it the arguments by place or by name: one of each, such as no task has. docket slices the
    ones and iterates over the names of the others outside of what it guards: anything else would end its worker."""

    def keys(self) -> tuple[str, ...]:
        return ("refused",)

    def items(self) -> tuple[tuple[str, str], ...]:
        return (("refused", self[0]),)

    def __getitem__(self, place: Any) -> Any:
        return "not JSON" if place == "refused" else super().__getitem__(place)


class _Plain:
    """In place of cloudpickle. What is no JSON makes its own task fail, and nothing else."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """What no task was given, such as the error of one that failed, is kept as the name of its kind: nobody reads
        it, and it may hold anything."""
        return orjson.dumps(value, default=lambda one: type(one).__name__)

    @staticmethod
    def loads(packed: bytes) -> Any:
        try:
            return orjson.loads(packed)
        except orjson.JSONDecodeError:
            return _Refused(("not JSON",))


for _module in (execution, strikelist, worker):
    setattr(_module, "cloudpickle", _Plain)  # noqa: B010 - docket has no other way in
# each task and, without Redis, each attempt with its traceback: told here once instead
logging.getLogger("docket").setLevel(logging.CRITICAL)


class TaskEngine:
    """Runs `task(argument)` of what `add` was told, each key once at a time, and the planners every `every_s`.

    url: of Redis, or EMBEDDED. grace_s: how long the end waits for tasks under way before they are cancelled. lease_s:
    after so long another process takes up the tasks of one that was killed.
    """

    def __init__(
        self,
        task: Task,
        planners: Mapping[str, Planner],
        *,
        url: str = EMBEDDED,
        name: str = "quanyu",
        every_s: float = 2.0,
        at_once: int = 8,
        grace_s: float = 10.0,
        lease_s: float = 60.0,
    ) -> None:
        self._task, self._planners, self._name = task, planners, name
        # within the process: queues of its own, as several gateways may live in one process
        self._url = f"{EMBEDDED}-{secrets.token_hex(4)}" if url == EMBEDDED else url
        self._every_s, self._at_once, self._grace_s = every_s, at_once, grace_s
        self._lease = timedelta(seconds=lease_s)  # docket renews it while its task runs
        self._docket: Docket | None = None
        self._loop: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()
        self.fault: str | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._loop = asyncio.create_task(self._for_ever(), name="task engine")

    async def stop(self) -> None:
        """Takes nothing new; what is under way may end within the grace, then it is cancelled."""
        self._stopping.set()
        if self._loop is None:
            return
        await asyncio.wait({self._loop}, timeout=self._grace_s)
        for task in self._under_way:
            task.cancel()
        # in a Redis that hangs nothing ends by itself
        await asyncio.wait({self._loop}, timeout=ANSWER_S)
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def add(self, argument: str) -> None:
        """Unless it waits or runs already, here or in another process. Within a planner only."""
        assert self._docket is not None  # noqa: S101 - planners run on it
        await self._docket.add(self._run, key=f"run:{argument}")(argument)

    async def _run(self, argument: str) -> None:
        current = asyncio.current_task()
        assert current is not None  # noqa: S101
        self._under_way.add(current)
        try:
            await self._task(argument)
        finally:
            self._under_way.discard(current)

    async def _for_ever(self) -> None:
        """Without Redis the tasks pause, and the engine says so once."""
        while not self._stopping.is_set():
            try:
                await self._work()
            except Exception as error:  # whatever it is, the next try may go well
                self._tell(error)
                await self._wait(RESTART_S)

    async def _work(self) -> None:
        async with AsyncExitStack() as stack:
            docket = await stack.enter_async_context(Docket(name=self._name, url=self._url))
            self._docket = docket
            self._register(docket)
            working = await stack.enter_async_context(
                Worker(
                    docket,
                    name=secrets.token_hex(6),
                    concurrency=self._at_once,
                    redelivery_timeout=self._lease,
                )
            )
            running = asyncio.create_task(working.run_forever(), name="tasks")
            stack.push_async_callback(_ended, running)
            looking = asyncio.create_task(self._look(docket), name="look at redis")
            stack.push_async_callback(_ended, looking)  # ends by itself where Redis has been away and is back
            stopping = asyncio.create_task(self._stopping.wait())
            stack.push_async_callback(_ended, stopping)
            await asyncio.wait({running, looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            else:
                # docket takes a cancelled worker for one that is to end well: it returns when its tasks have ended
                running.cancel()
                await asyncio.wait({running})

    def _register(self, docket: Docket) -> None:
        docket.register(self._run, names=["_run"])
        every = timedelta(seconds=self._every_s)
        for name, planner in self._planners.items():

            async def plan(
                perpetual: Perpetual = Perpetual(every=every, automatic=True),  # noqa: ARG001, B008 - docket's way
                *,
                planner: Planner = planner,
            ) -> None:
                await planner()

            plan.__name__ = name
            docket.register(plan)

    async def _look(self, docket: Docket) -> None:
        """The worker itself waits in silence for a Redis that is away. One that comes back may have forgotten all that
        was planned: then this returns, and a new worker plans anew."""
        lost = False
        while True:
            try:
                async with asyncio.timeout(ANSWER_S), docket.redis() as redis:
                    await redis.exists(docket.key("quanyu"))
            except Exception as error:
                lost = True
                self._tell(error)
            else:
                if self.fault is not None:
                    log.info("the harvest goes on")
                self.fault = None
                if lost:
                    return
            await asyncio.sleep(LOOK_S)

    def _tell(self, error: Exception) -> None:
        fault = f"{type(error).__name__}: {str(error)[:200]}"
        if self.fault is None:
            log.error("the harvest pauses", fault=fault)
        self.fault = fault

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
