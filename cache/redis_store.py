"""The store that several gateway workers share, on any Redis-compatible server.

Calls made while a round trip is under way are sent together in the next one: a question to a hundred systems
costs a few round trips, not a hundred, and operations keep their order.
"""

from __future__ import annotations

import asyncio
import math
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from redis.asyncio import Redis

from cache.freshness import Entry
from cache.redis_link import FaultListener, RedisLink

__all__ = ["RedisStore"]

_HEAD: Final = struct.Struct(">Bd")  # frame version, stored_at in Unix seconds; the value follows
_FRAME_VERSION: Final = 1
_BATCH_OPERATIONS: Final = 128
_BATCH_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class _Operation:
    command: tuple[str | bytes | int, ...]
    size: int
    waiters: list[asyncio.Future[Any]] = field(default_factory=list)


class RedisStore:
    """Entries under `prefix + key`, ended by the server.

    Never raises: a fault or an unreadable entry is a miss (get) or a no-op, counted in `faults` and told to
    `on_fault`. A value over `max_value_bytes` is not kept. clock: Unix seconds, written into entries.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "quanyu:",
        *,
        op_timeout_s: float = 0.05,
        connect_timeout_s: float = 1.0,
        max_value_bytes: int = 8 * 1024 * 1024,
        on_fault: FaultListener | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = RedisLink(
            url, op_timeout_s=op_timeout_s, connect_timeout_s=connect_timeout_s, on_fault=on_fault
        )
        self._prefix = prefix
        self._max_value_bytes = max_value_bytes
        self._on_fault = on_fault
        self._clock = clock
        self._unreadable = 0
        self._waiting: list[_Operation] = []
        self._reads: dict[str, _Operation] = {}  # reads in `_waiting` that a further reader may join
        self._sender: asyncio.Task[None] | None = None

    @property
    def faults(self) -> int:
        return self._link.faults + self._unreadable

    @property
    def available(self) -> bool:
        """Whether the server is being asked at present."""
        return self._link.available

    async def get(self, key: str) -> Entry | None:
        if not self._link.available:
            return None
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = self._enqueue(_Operation(("GET", self._prefix + key), size=0))
        frame = await self._done(read)
        return self._entry(frame) if isinstance(frame, bytes) else None

    async def put(self, key: str, value: bytes, *, keep_s: float) -> None:
        keep_ms = math.ceil(keep_s * 1000)
        if keep_ms <= 0 or len(value) > self._max_value_bytes:
            await self.delete(key)  # what was there before is no longer so
            return
        frame = _HEAD.pack(_FRAME_VERSION, self._clock()) + value
        await self._write(key, _Operation(("SET", self._prefix + key, frame, "PX", keep_ms), size=len(frame)))

    async def delete(self, key: str) -> None:
        await self._write(key, _Operation(("DEL", self._prefix + key), size=0))

    async def close(self) -> None:
        await self._link.close()
        if self._sender is not None:
            await asyncio.gather(self._sender, return_exceptions=True)

    async def _write(self, key: str, operation: _Operation) -> None:
        if not self._link.available:
            return
        self._reads.pop(key, None)  # a read after this write must see it
        await self._done(self._enqueue(operation))

    def _enqueue(self, operation: _Operation) -> _Operation:
        self._waiting.append(operation)
        if self._sender is None:
            # A task of its own: a caller that is cancelled must not break a round trip that others share.
            self._sender = asyncio.get_running_loop().create_task(self._send_waiting())
        return operation

    async def _done(self, operation: _Operation) -> Any:  # Any: what the server replied to the command
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        operation.waiters.append(waiter)
        return await waiter

    async def _send_waiting(self) -> None:
        batch: list[_Operation] = []
        try:
            while batch := self._take_batch():
                replies = await self._link.run(partial(_round_trip, batch))
                for operation, reply in zip(batch, replies or [None] * len(batch), strict=True):
                    _answer(operation, reply)
        finally:
            self._sender = None
            for operation in (
                *batch,
                *self._waiting,
            ):  # only when this task is cancelled: nobody may wait forever
                _answer(operation, None)
            self._waiting.clear()
            self._reads.clear()

    def _take_batch(self) -> list[_Operation]:
        size = count = 0
        for operation in self._waiting[:_BATCH_OPERATIONS]:
            size += operation.size
            if count and size > _BATCH_BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        taken = {id(operation) for operation in batch}
        self._reads = {key: read for key, read in self._reads.items() if id(read) not in taken}
        return batch

    def _entry(self, frame: bytes) -> Entry | None:
        if len(frame) >= _HEAD.size:
            version, stored_at = _HEAD.unpack_from(frame)
            if version == _FRAME_VERSION and math.isfinite(stored_at):
                return Entry(frame[_HEAD.size :], stored_at)
        self._unreadable += 1
        if self._on_fault is not None:
            self._on_fault("unreadable")
        return None


async def _round_trip(batch: list[_Operation], client: Redis) -> list[Any]:
    """Replies in the order of `batch`; an error reply stands in its place as an exception."""
    pipeline = client.pipeline(transaction=False)
    for operation in batch:
        pipeline.execute_command(*operation.command)
    return await pipeline.execute(raise_on_error=False)


def _answer(operation: _Operation, reply: object) -> None:
    for waiter in operation.waiters:
        if not waiter.done():
            waiter.set_result(reply)
