"""Looks recorded before their answers leave: many queries wait for one commit.

Looks that come while a commit is under way go out together in the next one; nothing waits on purpose. The queue is
bounded: when it is full queries wait for room, and when a record is not durable in time the query fails.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from gateway.database import DatabaseError
from gateway.ledger.errors import AuditUnavailable
from gateway.ledger.records import Look

__all__ = ["WAIT_S", "LookRecorder"]

log = structlog.get_logger("gateway.ledger")

_Waiting = tuple[Look, "asyncio.Future[None]"]
Append = Callable[[Sequence[Look]], Awaitable[Any]]

AT_ONCE = 256
QUEUE = 4096
WAIT_S = 2.0
PROBE_S = 1.0
SLICE_S = 0.1
"""The wait is counted in such pieces, none for more than twice its length: while the event loop stands still (another
generation comes into service, the machine is busy elsewhere) it is this process that is late and not the store."""
LONGEST = 5
"""Times the wait, by the clock, whatever stood still."""


class LookRecorder:
    """append: makes looks durable, all or none, or raises. `start` and `stop` bound its life."""

    def __init__(
        self, append: Append, *, wait_s: float = WAIT_S, queue: int = QUEUE, at_once: int = AT_ONCE
    ) -> None:
        self._append, self._wait_s, self._queue, self._at_once = append, wait_s, queue, at_once
        self._waiting: deque[_Waiting] = deque()
        self._come = asyncio.Event()
        self._room = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._failing_since: float | None = None
        self._stopping = False

    @property
    def depth(self) -> int:
        return len(self._waiting)

    @property
    def failing(self) -> bool:
        """Whether the last commit failed, not long ago: another try need not wait for all the systems to answer."""
        return self._failing_since is not None and time.monotonic() - self._failing_since < PROBE_S

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes what waits, within the time that a query waits for it."""
        if self._task is None:
            return
        self._stopping = True
        self._come.set()
        await asyncio.wait([self._task], timeout=self._wait_s)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def record(self, look: Look) -> None:
        """Returns when the look is durable. Raises AuditUnavailable; the record may then still be written."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= self._queue:
            await self._until_room()
        self._waiting.append((look, done))
        self._come.set()
        try:
            await self._until_durable(done)
        finally:
            done.cancel()  # of one that is done it changes nothing

    async def _until_room(self) -> None:
        try:
            async with asyncio.timeout(self._wait_s), self._room:
                await self._room.wait_for(lambda: len(self._waiting) < self._queue)
        except TimeoutError:
            raise AuditUnavailable from None

    async def _until_durable(self, done: asyncio.Future[None]) -> None:
        now = asyncio.get_running_loop().time
        left, end = self._wait_s, now() + LONGEST * self._wait_s
        while left > 0 and now() < end:
            begun = now()
            await asyncio.wait((done,), timeout=min(SLICE_S, left))
            if done.done():
                return done.result()
            left -= min(now() - begun, 2 * SLICE_S)
        raise AuditUnavailable

    async def _run(self) -> None:
        while not self._stopping:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]
                async with self._room:
                    self._room.notify_all()
                await self._write(batch)

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._append([look for look, _ in batch])
        except DatabaseError as error:
            self._failing_since = time.monotonic()
            log.error("looks could not be recorded", count=len(batch), fault=str(error))
            _refuse(batch)
        except asyncio.CancelledError:
            _refuse(batch)
            raise
        except Exception:  # whatever it was, no answer leaves without its record
            if len(batch) > 1:  # one bad look must not cost the others their answers
                for one in batch:
                    await self._write([one])
                return
            log.exception("a look could not be recorded")
            _refuse(batch)
        else:
            self._failing_since = None
            for _, done in batch:
                if not done.done():
                    done.set_result(None)


def _refuse(batch: Sequence[_Waiting]) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(AuditUnavailable())
