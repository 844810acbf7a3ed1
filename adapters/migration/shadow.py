"""Questions to the other side of a migration, beside the answers: few at once, dropped first, never waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["SHADOWS_AT_ONCE", "Shadow"]

_log = logging.getLogger(__name__)

SHADOWS_AT_ONCE: Final = 4
"""Of one system in one process."""

LATE_S: Final = 0.02
"""A comparison that the event loop gets to so late is not made: requests need the time."""

COMPARE_S: Final = 10.0
"""Longest time of one comparison."""


class Shadow:
    """The bulkhead of one system's comparisons. One event loop."""

    def __init__(self, at_once: int = SHADOWS_AT_ONCE) -> None:
        self._at_once = at_once
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        return len(self._tasks)

    def offer(self, work: Callable[[], Awaitable[None]], dropped: Callable[[str], None]) -> None:
        """Starts `work` behind the caller, or tells `dropped` why not. Never raises, never waits."""
        if len(self._tasks) >= self._at_once:
            dropped("busy")
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._run(work, dropped, loop.time()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """When all that runs now has ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.settled()

    async def _run(
        self, work: Callable[[], Awaitable[None]], dropped: Callable[[str], None], offered: float
    ) -> None:
        if asyncio.get_running_loop().time() - offered > LATE_S:
            dropped("late")
            return
        try:
            async with asyncio.timeout(COMPARE_S):
                await work()
        except TimeoutError:
            dropped("time")
        except Exception:
            _log.exception("a comparison failed in the gateway itself")
            dropped("fault")
