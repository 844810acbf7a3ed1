"""Turns at SQLite's one write lock, between tasks and between processes.

SQLite itself waits by sleeping ever longer, up to a tenth of a second, while whoever has the lock takes it again at
once: with two busy processes one can wait for seconds. Here tasks of a process queue, and processes look for a free
file lock every millisecond (measured with two processes that write all the time: 2 s and more became some 20 ms).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
from pathlib import Path
from types import TracebackType

__all__ = ["WriteTurn"]

POLL_S = 0.001


class WriteTurn:
    """An async context manager. The lock is on a file beside the database, and ends with its process.

    Raises TimeoutError where another process has it for longer than `longest_s`; OSError where there can be no file.
    """

    def __init__(self, database: Path, longest_s: float) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._longest_s = longest_s
        self._tasks = asyncio.Lock()
        self._descriptor: int | None = None

    async def __aenter__(self) -> None:
        await self._tasks.acquire()
        try:
            await self._take()
        except BaseException:
            self._tasks.release()
            raise

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._tasks.release()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    async def _take(self) -> None:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = asyncio.get_running_loop().time() + self._longest_s
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() > until:
                    raise TimeoutError(
                        f"another process writes for more than {self._longest_s:g} s"
                    ) from None
                await asyncio.sleep(POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads the looks
            else:
                return
