"""The connections to one origin: a bounded number, the most recently used first, callers in order of arrival.

Every connection in the pool, being opened, or lent out holds one slot. A slot is given back in `release`, in a
`finally` of the borrower, so that no cancellation can lose one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.wire.connection import Connection
from adapters.wire.errors import PoolTimeout, WireClosed
from adapters.wire.model import WireLimits

__all__ = ["OriginPool", "PoolCounts"]

Opener: TypeAlias = Callable[[float], Awaitable[Connection]]
"""Opens a connection within the seconds given; raises ConnectFailed."""
Grant: TypeAlias = Connection | None
"""What a waiting caller gets: a connection, or a slot to open one in."""


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """A look at the pool: slots in use (idle ones included), idle connections, waiting callers."""

    slots: int
    idle: int
    waiting: int


class OriginPool:
    """LIFO, so that few connections stay warm and the rest expire. All steps are O(1)."""

    __slots__ = ("_closed", "_idle", "_limits", "_open", "_origin", "_slots", "_sweep_timer", "_waiters")

    def __init__(self, origin: str, limits: WireLimits, open_connection: Opener) -> None:
        self._origin = origin
        self._limits = limits
        self._open = open_connection
        self._slots = 0
        self._idle: dict[Connection, float] = {}  # -> loop time since when; the oldest first
        self._waiters: OrderedDict[asyncio.Future[Grant], None] = OrderedDict()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._closed = False

    def counts(self) -> PoolCounts:
        return PoolCounts(self._slots, len(self._idle), len(self._waiters))

    def take(self, now: float) -> Connection | None:
        """A usable idle connection, if there is one: the fast path."""
        oldest = now - self._limits.keepalive_s
        while self._idle:
            connection, since = self._idle.popitem()
            if since >= oldest and connection.usable:
                return connection
            connection.close()
            self._free_slot()
        return None

    async def acquire(self, *, deadline: float, connect_timeout_s: float, fresh: bool = False) -> Connection:
        """A connection, waiting for a slot if all are in use; `fresh` ones are newly opened.

        Raises PoolTimeout, ConnectFailed, WireClosed. The caller must `release` what it gets.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise WireClosed(origin=self._origin)
        granted: Grant = None
        if self._slots < self._limits.max_connections:
            self._slots += 1
        else:
            granted = await self._wait(deadline, loop)
        if granted is not None:
            if granted.usable and not fresh:
                return granted
            granted.close()
        try:
            return await self._open(min(connect_timeout_s, max(0.0, deadline - loop.time())))
        except BaseException:
            self._free_slot()
            raise

    def release(self, connection: Connection, now: float) -> None:
        """Take back a connection: to the next caller, to the idle ones, or closed if it is not usable."""
        if not connection.usable or self._closed:
            connection.close()
            self._free_slot()
        elif not self._grant(connection):
            self._idle[connection] = now
            if self._sweep_timer is None:
                self._schedule_sweep(now)

    def forget(self, connection: Connection) -> None:
        """The system closed a connection; if it was idle, its slot is free."""
        if self._idle.pop(connection, None) is not None:
            self._free_slot()

    def close(self) -> None:
        """Close idle connections, fail waiting callers; those lent out close when they come back."""
        self._closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        idle, self._idle = self._idle, {}
        for connection in idle:
            connection.close()
            self._slots -= 1
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_exception(WireClosed(origin=self._origin))

    # steps

    async def _wait(self, deadline: float, loop: asyncio.AbstractEventLoop) -> Grant:
        waiter: asyncio.Future[Grant] = loop.create_future()
        self._waiters[waiter] = None
        timer = loop.call_at(deadline, self._expire_waiter, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # granted and cancelled in the same turn of the loop
                self._pass_on(waiter.result(), loop.time())
            raise
        finally:
            timer.cancel()
            self._waiters.pop(waiter, None)

    def _expire_waiter(self, waiter: asyncio.Future[Grant]) -> None:
        if not waiter.done():
            busy = self._limits.max_connections
            waiter.set_exception(PoolTimeout(f"all {busy} connections stayed busy", origin=self._origin))

    def _pass_on(self, granted: Grant, now: float) -> None:
        if granted is None:
            self._free_slot()
        else:
            self.release(granted, now)

    def _free_slot(self) -> None:
        if self._closed or not self._grant(None):
            self._slots -= 1

    def _grant(self, granted: Grant) -> bool:
        """Give to the caller that has waited longest; False if nobody waits."""
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(granted)
                return True
        return False

    def _schedule_sweep(self, now: float) -> None:
        oldest = next(iter(self._idle.values()), now)
        loop = asyncio.get_running_loop()
        self._sweep_timer = loop.call_at(oldest + self._limits.keepalive_s, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long, so that systems do not hold connections of a quiet gateway."""
        self._sweep_timer = None
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection, since = next(iter(self._idle.items()))
            if since + self._limits.keepalive_s > now:
                self._schedule_sweep(now)
                return
            del self._idle[connection]
            connection.close()
            self._free_slot()
