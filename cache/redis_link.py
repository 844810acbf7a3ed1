"""The way to a Redis-compatible server that may be ill: the only file that knows redis-py's client.

While the server answers, work runs on it within `op_timeout_s`. After a fault nothing is sent any more, so a
server that hangs costs one timeout and not one per call; a background task knocks with growing pauses until the
server answers again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = ["FaultListener", "RedisLink", "RedisListener", "command"]

T = TypeVar("T")

FaultListener = Callable[[str], None]
"""Told the kind of each fault: `timeout`, `connection`, `refused` (an error reply), `unexpected`."""

_PAUSE_MIN_S: Final = 0.1
_PAUSE_MAX_S: Final = 5.0
_MAX_CONNECTIONS: Final = 8


class RedisLink:
    """Runs work on the server, or says None.

    url: `redis://`, `rediss://` or `unix://`; a malformed one raises ValueError here. op_timeout_s: for one piece of
    work. connect_timeout_s: for the background task, which may take longer to set up TLS than a caller may wait.
    """

    def __init__(
        self,
        url: str,
        *,
        op_timeout_s: float = 0.05,
        connect_timeout_s: float = 1.0,
        on_fault: FaultListener | None = None,
    ) -> None:
        self._client: Redis = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),  # a second try would only use up the caller's time
            socket_connect_timeout=connect_timeout_s,
            max_connections=_MAX_CONNECTIONS,
        )
        self._op_timeout_s = op_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._on_fault = on_fault
        self._knocking: asyncio.Task[None] | None = None
        self._closed = False
        self.faults = 0

    @property
    def available(self) -> bool:
        """False between a fault and the server's next sign of life, and after `close`."""
        return self._knocking is None and not self._closed

    async def run(self, work: Callable[[Redis], Awaitable[T]]) -> T | None:
        """The result of `work`, or None where the server is ill; only cancellation is raised."""
        if not self.available:
            return None
        try:
            async with asyncio.timeout(self._op_timeout_s):
                return await work(self._client)
        except (
            Exception
        ) as error:  # redis-py lets OSError, parser and loop errors through: all are one fault here
            self._note(error)
            return None

    async def close(self) -> None:
        self._closed = True
        if self._knocking is not None:
            self._knocking.cancel()
            await asyncio.gather(self._knocking, return_exceptions=True)
            self._knocking = None
        await self._drop_connections()

    def _note(self, error: Exception) -> None:
        self.faults += 1
        kind = _kind(error)
        if kind != "refused" and self._knocking is None and not self._closed:
            self._knocking = asyncio.get_running_loop().create_task(self._knock())
        if self._on_fault is not None:
            self._on_fault(kind)

    async def _knock(self) -> None:
        """Wait and ask for a sign of life until there is one."""
        pause_s = _PAUSE_MIN_S
        while True:
            await self._drop_connections()
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads workers, no secret  # nosec B311
            pause_s = min(_PAUSE_MAX_S, pause_s * 2)
            try:
                async with asyncio.timeout(self._connect_timeout_s):
                    await self._client.ping()
            except Exception:  # noqa: S112 - reported when it broke; knocking goes on  # nosec B112
                continue
            self._knocking = None
            return

    async def _drop_connections(self) -> None:
        """A connection that timed out may still carry the answer to an older question: never use it again."""
        try:
            async with asyncio.timeout(self._op_timeout_s):
                await self._client.connection_pool.disconnect(inuse_connections=True)
        except Exception:
            return


OnMessage = Callable[[str | None, bytes], Awaitable[None]]
"""(channel, message); no channel when the connection is new and some may have been missed."""


class RedisListener:
    """One connection that listens to channels, opened anew after each fault. Nothing is asked before `add`.

    quiet_s: after so long without a message the server is asked for a sign of life.
    """

    def __init__(
        self,
        url: str,
        on_message: OnMessage,
        *,
        connect_timeout_s: float = 1.0,
        quiet_s: float = 2.0,
        on_fault: FaultListener | None = None,
    ) -> None:
        self._client: Redis = Redis.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_connect_timeout=connect_timeout_s
        )
        self._on_message, self._on_fault, self._quiet_s = on_message, on_fault, quiet_s
        self._channels: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._more = asyncio.Event()
        self.connected = False

    def add(self, channel: str) -> None:
        if channel in self._channels:
            return
        self._channels[channel] = None
        self._more.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._client.aclose()

    async def _run(self) -> None:
        pause_s = _PAUSE_MIN_S
        while True:
            try:
                await self._listen()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # as in `RedisLink.run`
                if self.connected and self._on_fault is not None:
                    self._on_fault(_kind(error))
                pause_s = _PAUSE_MIN_S if self.connected else min(_PAUSE_MAX_S, pause_s * 2)
            finally:
                self.connected = False
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads workers, no secret  # nosec B311

    async def _listen(self) -> None:
        async with self._client.pubsub() as pubsub:
            self._more.set()
            asked_s = 0.0
            while True:
                if self._more.is_set():
                    self._more.clear()
                    await pubsub.subscribe(*self._channels)
                message = await pubsub.get_message(timeout=self._quiet_s / 4)
                if message is None:
                    asked_s += self._quiet_s / 4
                    if asked_s >= 2 * self._quiet_s:
                        raise RedisTimeoutError("no sign of life")
                    if asked_s >= self._quiet_s:
                        await pubsub.ping()
                    continue
                asked_s = 0.0
                if message["type"] == "subscribe":
                    self.connected = True
                    await self._on_message(None, b"")
                elif message["type"] == "message":
                    await self._on_message(message["channel"].decode(), message["data"])


async def command(client: Redis, *words: str | bytes | int) -> Any:  # Any: each command has its own reply
    """One command; redis-py leaves this method without types."""
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


def _kind(error: Exception) -> str:
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return "timeout"
    if isinstance(error, RedisConnectionError | OSError):
        return "connection"
    return "refused" if isinstance(error, RedisError) else "unexpected"
