"""Identical calls at the same time are made once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["SingleFlight"]

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("task", "waiters")

    def __init__(self) -> None:
        self.waiters: set[asyncio.Future[T]] = set()
        self.task: asyncio.Task[None] | None = None


class SingleFlight(Generic[T]):
    """Shares one running call among all who ask for the same key while it runs; keeps nothing afterwards."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    def __len__(self) -> int:
        """Calls under way."""
        return len(self._flights)

    def running(self, key: str) -> bool:
        """Whether a call for `key` is under way, which the next caller would share."""
        return key in self._flights

    async def run(self, key: str, make: Callable[[], Awaitable[T]], *, until: float | None = None) -> T:
        """The result of `make()`, or of the call for `key` that is under way.

        The call runs in a task of its own: a waiter that is cancelled leaves it to the others, and the last one
        to leave cancels it. An exception is raised in every waiter, as the same object. until: `loop.time()` at
        which this waiter leaves with TimeoutError.
        """
        loop = asyncio.get_running_loop()
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            flight.task = loop.create_task(self._fly(key, flight, make))
        waiter: asyncio.Future[T] = loop.create_future()
        flight.waiters.add(waiter)
        # A timer on the waiter's own future costs less than half of an asyncio.timeout around it.
        timer = None if until is None else loop.call_at(until, _run_out, waiter)
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()
            self._leave(key, flight, waiter)

    async def _fly(self, key: str, flight: _Flight[T], make: Callable[[], Awaitable[T]]) -> None:
        try:
            result = await make()
        except asyncio.CancelledError:  # the last waiter has left, or the loop is being shut down
            self._forget(key, flight)
            for waiter in flight.waiters:
                waiter.cancel()
            raise
        except BaseException as error:
            self._forget(key, flight)
            for waiter in flight.waiters:
                if not waiter.done():
                    waiter.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._forget(key, flight)
            for waiter in flight.waiters:
                if not waiter.done():
                    waiter.set_result(result)

    def _leave(self, key: str, flight: _Flight[T], waiter: asyncio.Future[T]) -> None:
        flight.waiters.discard(waiter)
        if waiter.done() and not waiter.cancelled():
            waiter.exception()  # read, so that one who was cancelled in the same moment does not leave it as lost
        if not flight.waiters and self._flights.get(key) is flight:
            # Taken out at once: who comes now must not join a call that is being cancelled.
            self._forget(key, flight)
            if flight.task is not None:
                flight.task.cancel()

    def _forget(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def _run_out(waiter: asyncio.Future[T]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
