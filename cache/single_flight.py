"""Identical calls at the same time are made once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Led", "SingleFlight"]

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("led", "task", "timer", "unarmed", "waiters")

    def __init__(self) -> None:
        self.led = False
        """Made by its first caller, in that caller's own task."""
        self.waiters: set[asyncio.Future[T]] = set()
        self.task: asyncio.Task[None] | None = None
        self.unarmed: tuple[asyncio.Future[T], float] | None = None
        """The first waiter and its `until`, while it needs no timer."""
        self.timer: asyncio.TimerHandle | None = None
        """The first waiter's, once it needs one."""


class SingleFlight(Generic[T]):
    """Shares one running call among all who ask for the same key while it runs; keeps nothing afterwards."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    def __len__(self) -> int:
        """Calls under way."""
        return len(self._flights)

    def running(self, key: Hashable) -> bool:
        """Whether a call for `key` is under way, which the next caller would share."""
        return key in self._flights

    async def run(
        self,
        key: Hashable,
        make: Callable[[], Awaitable[T]],
        *,
        until: float | None = None,
        ends_itself: bool = False,
    ) -> T:
        """The result of `make()`, or of the call for `key` that is under way.

        The call runs in a task of its own: a waiter that is cancelled leaves it to the others, and the last one
        to leave cancels it. An exception is raised in every waiter, as the same object. until: `loop.time()` at
        which this waiter leaves with TimeoutError. ends_itself: `make` ends by then if nobody joins, so that a first
        waiter alone needs no timer.
        """
        loop = asyncio.get_running_loop()
        flight = self._flights.get(key)
        while flight is not None and flight.led:
            try:
                return await self._joined(flight, loop, until)
            except _LeaderLeft:
                flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            flight.task = loop.create_task(self._fly(key, flight, make))
        waiter: asyncio.Future[T] = loop.create_future()
        timer = None
        if flight.unarmed is not None:
            first, its_end = flight.unarmed
            flight.unarmed, flight.timer = None, loop.call_at(its_end, _run_out, first)
        if until is not None:
            if ends_itself and not flight.waiters:
                flight.unarmed = waiter, until
            else:  # on the waiter's own future: less than half the cost of an asyncio.timeout around it
                timer = loop.call_at(until, _run_out, waiter)
        flight.waiters.add(waiter)
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()
            self._leave(key, flight, waiter)

    def lead(self, key: Hashable) -> Led[T]:
        """Begin a call for `key` that the caller makes in its own task; only where none is `running`. End it by `landed`,
        `failed` or `left`. It needs no task and no future."""
        flight: _Flight[T] = _Flight()
        flight.led = True
        self._flights[key] = flight
        return Led(self, key, flight)

    async def _joined(self, flight: _Flight[T], loop: asyncio.AbstractEventLoop, until: float | None) -> T:
        """Raises _LeaderLeft where whoever made the call gave it up for reasons of its own."""
        waiter: asyncio.Future[T] = loop.create_future()
        timer = None if until is None else loop.call_at(until, _run_out, waiter)
        flight.waiters.add(waiter)
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()
            flight.waiters.discard(waiter)
            if waiter.done() and not waiter.cancelled():
                waiter.exception()

    async def _fly(self, key: Hashable, flight: _Flight[T], make: Callable[[], Awaitable[T]]) -> None:
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

    def _leave(self, key: Hashable, flight: _Flight[T], waiter: asyncio.Future[T]) -> None:
        flight.waiters.discard(waiter)
        if flight.unarmed is not None and flight.unarmed[0] is waiter:
            flight.unarmed = None
        if waiter.done() and not waiter.cancelled():
            waiter.exception()  # read, so that one who was cancelled in the same moment does not leave it as lost
        if not flight.waiters and self._flights.get(key) is flight:
            # Taken out at once: who comes now must not join a call that is being cancelled.
            self._forget(key, flight)
            if flight.task is not None:
                flight.task.cancel()

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
            if flight.timer is not None:
                flight.timer.cancel()


class _LeaderLeft(Exception):
    """The call was given up by whoever made it; who waited for it may ask anew."""


class Led(Generic[T]):
    """A call under way that its first caller makes."""

    __slots__ = ("_flight", "_flights", "_key")

    def __init__(self, flights: SingleFlight[T], key: Hashable, flight: _Flight[T]) -> None:
        self._flights, self._key, self._flight = flights, key, flight

    def landed(self, result: T) -> None:
        """For all who joined."""
        self._flights._forget(self._key, self._flight)
        for waiter in self._flight.waiters:
            if not waiter.done():
                waiter.set_result(result)

    def failed(self, error: Exception) -> None:
        """For all who joined, as the same object."""
        self._flights._forget(self._key, self._flight)
        for waiter in self._flight.waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def left(self) -> None:
        """It was cancelled, or only its own caller's time was over: those who joined ask anew, once for all of them."""
        self.failed(_LeaderLeft())


def _run_out(waiter: asyncio.Future[T]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
