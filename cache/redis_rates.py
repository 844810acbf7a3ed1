"""Rates that workers share on one Redis-compatible server: the generic cell rate algorithm (ITU-T I.371) in a script,
by the server's own clock, so that workers whose clocks differ agree."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from redis.asyncio import Redis

from cache.redis_link import FaultListener, RedisLink, command

__all__ = ["RedisRates"]

# KEYS[1]: theoretical arrival time of the next call, in microseconds. ARGV: gap, tolerance and longest wait, likewise.
_RESERVE: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local gap, tolerance, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = math.max(0, arrival - tolerance - now)
if wait > most then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', arrival + gap), 'PX', math.ceil((arrival + gap - now) / 1000) + 1000)
return wait
"""


class RedisRates:
    """Counts under `prefix + name`; they end by themselves. One round trip a reservation."""

    def __init__(
        self,
        url: str,
        prefix: str = "quanyu:rate:",
        *,
        op_timeout_s: float = 0.05,
        on_fault: FaultListener | None = None,
    ) -> None:
        self._link = RedisLink(url, op_timeout_s=op_timeout_s, on_fault=on_fault)
        self._prefix = prefix

    async def reserve(self, name: str, per_s: float, *, at_most_s: float) -> float | None:
        """As many as one second's worth at once, like `adapters.traffic.rate.Rate`."""
        gap_us = 1e6 / per_s
        tolerance_us = (max(1.0, per_s) - 1.0) * gap_us
        words = (round(gap_us), round(tolerance_us), max(0, math.floor(at_most_s * 1e6)))
        wait_us = await self._link.run(partial(_reserve, self._prefix + name, words))
        return None if wait_us is None else wait_us / 1e6

    async def close(self) -> None:
        await self._link.close()


async def _reserve(key: str, words: tuple[int, int, int], client: Redis) -> float:
    return float(await command(client, "EVAL", _RESERVE, 1, key, *words))
