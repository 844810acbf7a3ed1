"""Budgets that workers share on one Redis-compatible server, by the server's own clock."""

from __future__ import annotations

from functools import partial
from typing import Final

from redis.asyncio import Redis

from cache.budgets import Allowance, Budgets, EmbeddedBudgets, Spent
from cache.redis_link import FaultListener, RedisLink, command

__all__ = ["RedisBudgets"]

# KEYS[1]: when the budget is full again, in microseconds. ARGV: what is taken and the whole window, likewise.
_SPEND: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local taken, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = full + taken - now - window
if wait > 0 then return {0, string.format('%.0f', full - now), string.format('%.0f', wait)} end
redis.call('SET', KEYS[1], string.format('%.0f', full + taken), 'PX', math.ceil((full + taken - now) / 1000) + 1000)
return {1, string.format('%.0f', full + taken - now), '0'}
"""


class RedisBudgets:
    """Under `prefix + name`; they end by themselves. While the server is ill each process counts for itself."""

    def __init__(
        self,
        url: str,
        prefix: str = "quanyu:budget:",
        *,
        op_timeout_s: float = 0.05,
        on_fault: FaultListener | None = None,
        fallback: Budgets | None = None,
    ) -> None:
        self._link = RedisLink(url, op_timeout_s=op_timeout_s, on_fault=on_fault)
        self._prefix = prefix
        self._fallback = fallback or EmbeddedBudgets()

    async def spend(self, name: str, amount: float, allowance: Allowance) -> Spent:
        taken_us = round(min(amount, allowance.limit) * allowance.unit_s * 1e6)
        window_us = round(allowance.window_s * 1e6)
        answer = await self._link.run(partial(_spend, self._prefix + name, taken_us, window_us))
        if answer is None:
            return await self._fallback.spend(name, amount, allowance)
        granted, full_s, wait_s = answer
        return Spent(granted, max(0.0, allowance.limit - full_s / allowance.unit_s), wait_s, full_s)

    async def close(self) -> None:
        await self._link.close()
        await self._fallback.close()


async def _spend(key: str, taken_us: int, window_us: int, client: Redis) -> tuple[bool, float, float]:
    granted, full_us, wait_us = await command(client, "EVAL", _SPEND, 1, key, taken_us, window_us)
    return bool(granted), float(full_us) / 1e6, float(wait_us) / 1e6
