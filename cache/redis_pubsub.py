"""Messages between processes over one Redis-compatible server, by its PUBLISH and SUBSCRIBE.

Listeners of the same process hear a message at once and without the server. A server that is away costs the other
processes a message; when it is back every listener is told that some may have been missed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from redis.asyncio import Redis

from cache.pubsub import EmbeddedPubSub, Heard
from cache.redis_link import FaultListener, RedisLink, RedisListener, command

__all__ = ["RedisPubSub"]

_SENDER_BYTES: Final = 8


class RedisPubSub:
    """Channels are `prefix + name`. The connection that listens is opened with the first listener."""

    def __init__(
        self,
        url: str,
        prefix: str = "quanyu:bell:",
        *,
        op_timeout_s: float = 0.25,
        on_fault: FaultListener | None = None,
    ) -> None:
        self._link = RedisLink(url, op_timeout_s=op_timeout_s, on_fault=on_fault)
        self._listener = RedisListener(url, self._heard, on_fault=on_fault)
        self._prefix = prefix
        self._sender = secrets.token_bytes(_SENDER_BYTES)
        self._here = EmbeddedPubSub()
        self._channels: set[str] = set()

    @property
    def available(self) -> bool:
        return self._link.available and (not self._channels or self._listener.connected)

    async def publish(self, channel: str, message: bytes) -> None:
        await self._here.publish(channel, message)
        await self._link.run(partial(_publish, self._prefix + channel, self._sender + message))

    def listen(self, channel: str, heard: Heard) -> Callable[[], None]:
        self._channels.add(channel)
        self._listener.add(self._prefix + channel)
        return self._here.listen(channel, heard)

    async def close(self) -> None:
        await self._listener.close()
        await self._link.close()
        await self._here.close()

    async def _heard(self, channel: str | None, message: bytes) -> None:
        if channel is None:  # connected anew
            for name in tuple(self._channels):
                await self._here.publish(name, b"")
        elif message[:_SENDER_BYTES] != self._sender:
            await self._here.publish(channel.removeprefix(self._prefix), message[_SENDER_BYTES:])


async def _publish(channel: str, message: bytes, client: Redis) -> None:
    await command(client, "PUBLISH", channel, message)
