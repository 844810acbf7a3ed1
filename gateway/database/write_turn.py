"""Turns at SQLite's one write lock, between tasks and between processes.

SQLite itself waits by sleeping ever longer, up to a tenth of a second, while whoever has the lock takes it again at
once: with two busy processes one can wait for seconds. Here tasks of a process queue, and processes pass two file
locks: the door, then the lock itself. Who waits for the lock has the door, so whoever had the lock cannot take it
again before them.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["WriteTurn"]

POLL_S = 0.001


class _Queue:
    """One at a time; of those that wait the urgent first. Whoever had a turn waits again behind those that are there,
    so that the urgent, too, take turns with the others."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, urgent: bool) -> None:
        if not self._taken:
            self._taken = True
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._others).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the turn came at the same moment
                self.release()
            raise

    def release(self) -> None:
        for waiting in (self._urgent, self._others):
            while waiting:
                place = waiting.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self._taken = False


class WriteTurn:
    """`async with turn.take(urgent=...)`. The locks are on files beside the database, and end with their process.

    Raises TimeoutError where another process has it for longer than `longest_s`; OSError where there can be no file.
    """

    def __init__(self, database: Path, longest_s: float) -> None:
        self._paths = [database.with_name(database.name + suffix) for suffix in (".door", ".lock")]
        self._longest_s = longest_s
        self._tasks = _Queue()
        self._descriptors: list[int] = []

    @asynccontextmanager
    async def take(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """urgent: somebody's answer waits for it, so it goes before what this process does in its own time."""
        await self._tasks.acquire(urgent=urgent)
        try:
            await self._take()
            try:
                yield
            finally:
                fcntl.flock(self._descriptors[1], fcntl.LOCK_UN)
        finally:
            self._tasks.release()

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    async def _take(self) -> None:
        while len(self._descriptors) < len(self._paths):
            path = self._paths[len(self._descriptors)]
            self._descriptors.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        door, lock = self._descriptors
        until = asyncio.get_running_loop().time() + self._longest_s
        await self._wait_for(door, until)
        try:
            await self._wait_for(lock, until)
        finally:
            fcntl.flock(door, fcntl.LOCK_UN)

    async def _wait_for(self, descriptor: int, until: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() > until:
                    raise TimeoutError(
                        f"another process writes for more than {self._longest_s:g} s"
                    ) from None
                await asyncio.sleep(POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads the looks  # nosec B311
            else:
                return
