"""So many calls to one system at once, so many more that may wait, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque

from adapters.traffic.deadline import Deadline

__all__ = ["Bulkhead"]


class Bulkhead:
    """`concurrency` places and a queue of `queue` waiters. Not reentrant; one event loop."""

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency = concurrency
        self._queue = queue
        self._in_flight = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def waiting(self) -> int:
        return sum(not waiter.done() for waiter in self._waiters)

    @property
    def free(self) -> bool:
        """Whether `take` would get a place now."""
        return self._in_flight < self._concurrency and not (self._waiters and self.waiting)

    def take(self) -> bool:
        """A place at once, if there is one and nobody waits for it."""
        if not self.free:
            return False
        self._in_flight += 1
        return True

    async def wait(self, deadline: Deadline) -> bool:
        """A place, in the order of asking; False where the queue is full or the deadline comes first."""
        if self.take():
            return True
        loop = asyncio.get_running_loop()
        if self.waiting >= self._queue or deadline.left_s(loop.time()) <= 0:
            return False
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        try:
            async with deadline.limit(loop.time()):
                await waiter
        except TimeoutError:
            self._leave(waiter)
            return False
        except BaseException:
            self._leave(waiter)
            raise
        return True

    def give_back(self) -> None:
        """The place of a call that has ended goes to the first who waits."""
        self._in_flight -= 1
        self._admit()

    def resize(self, concurrency: int, queue: int) -> None:
        """Other bounds from now on; calls under way and waiters stay."""
        self._concurrency = concurrency
        self._queue = queue
        self._admit()

    def _admit(self) -> None:
        while self._waiters and self._in_flight < self._concurrency:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._in_flight += 1
                waiter.set_result(None)

    def _leave(self, waiter: asyncio.Future[None]) -> None:
        """A waiter goes; if a place was given to it in the same moment, the place goes on to the next."""
        if waiter.done() and not waiter.cancelled():
            self.give_back()
            return
        waiter.cancel()
        if waiter in self._waiters:
            self._waiters.remove(waiter)
