"""Counts that several gateway workers add up on one Redis-compatible server.

Additions are gathered here and sent together, so that a thousand unmapped values in one answer cost one round
trip; what could not be sent is kept and sent later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from redis.asyncio import Redis

from cache.counters import MAX_MEMBERS, MAX_TEXT, OVERFLOW, Counted, EmbeddedCounters, by_count
from cache.redis_link import FaultListener, RedisLink, command

__all__ = ["RedisCounters"]

_FLUSH_AFTER_S: Final = 0.2
_KEEP_S: Final = 90 * 24 * 3600
_MAX_UNSENT: Final = 10_000  # members waiting for a server that is away; beyond it new ones are dropped

# One hash for each name: c:MEMBER count, f:MEMBER and l:MEMBER times, s:MEMBER sample, and n, the number of members.
# In one script, since two workers must not both take the last free place.
_ADD: Final = """
local key, max, keep, overflow = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]
for i = 4, #ARGV, 5 do
  local member, count, first, last, sample = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3], ARGV[i+4]
  if member ~= overflow and redis.call('HEXISTS', key, 'c:' .. member) == 0 then
    if tonumber(redis.call('HGET', key, 'n') or '0') >= max then
      member, sample = overflow, ''
    else
      redis.call('HINCRBY', key, 'n', 1)
    end
  end
  redis.call('HINCRBY', key, 'c:' .. member, count)
  redis.call('HSETNX', key, 'f:' .. member, first)
  redis.call('HSET', key, 'l:' .. member, last)
  if sample ~= '' then redis.call('HSETNX', key, 's:' .. member, sample) end
end
redis.call('EXPIRE', key, keep)
return 1
"""


@dataclass(slots=True)
class _Unsent:
    count: int
    first_seen: float
    last_seen: float
    sample: str | None


class RedisCounters:
    """Counts under `prefix + name`, forgotten 90 days after the last addition. clock: Unix seconds.

    While the server is away, `read` says what this worker has counted itself.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "quanyu:counters:",
        *,
        op_timeout_s: float = 0.05,
        max_members: int = MAX_MEMBERS,
        on_fault: FaultListener | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = RedisLink(url, op_timeout_s=op_timeout_s, on_fault=on_fault)
        self._prefix = prefix
        self._max_members = max_members
        self._clock = clock
        self._own = EmbeddedCounters(max_members=max_members, clock=clock)
        self._unsent: dict[tuple[str, str], _Unsent] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    async def add(self, name: str, member: str, count: int = 1, sample: str | None = None) -> None:
        await self._own.add(name, member, count, sample)
        now = self._clock()
        short = None if sample is None else sample[:MAX_TEXT]
        self._gather((name, member[:MAX_TEXT]), _Unsent(count, now, now, short))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_AFTER_S, self._start_flush)

    async def read(self, name: str) -> list[Counted]:
        await self._flush()
        fields = await self._link.run(partial(_read_hash, self._prefix + name))
        return await self._own.read(name) if fields is None else _members(fields)

    async def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._flush()
        if self._flushing is not None:
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self._link.close()

    def _gather(self, key: tuple[str, str], more: _Unsent) -> None:
        old = self._unsent.get(key)
        if old is not None:
            old.count += more.count
            old.first_seen = min(old.first_seen, more.first_seen)
            old.last_seen = max(old.last_seen, more.last_seen)
            old.sample = old.sample or more.sample
        elif len(self._unsent) < _MAX_UNSENT:
            self._unsent[key] = more

    def _start_flush(self) -> None:
        self._timer = None
        self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """Send what has been gathered; what the server did not take is gathered again."""
        unsent, self._unsent = self._unsent, {}
        names: dict[str, dict[str, _Unsent]] = {}
        for (name, member), added in unsent.items():
            names.setdefault(name, {})[member] = added
        for name, members in names.items():
            arguments = [self._max_members, _KEEP_S, OVERFLOW, *_script_arguments(members)]
            taken = await self._link.run(partial(_add, self._prefix + name, arguments))
            if taken is None:
                for member, added in members.items():
                    self._gather((name, member), added)
        if self._unsent and self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(10 * _FLUSH_AFTER_S, self._start_flush)


def _script_arguments(members: dict[str, _Unsent]) -> list[str | int]:
    return [
        argument
        for member, added in members.items()
        for argument in (
            member,
            added.count,
            repr(added.first_seen),
            repr(added.last_seen),
            added.sample or "",
        )
    ]


async def _add(key: str, arguments: list[str | int], client: Redis) -> object:
    return await command(client, "EVAL", _ADD, 1, key, *arguments)


async def _read_hash(key: str, client: Redis) -> dict[bytes, bytes]:
    reply = await command(client, "HGETALL", key)
    return dict(reply)


def _members(fields: dict[bytes, bytes]) -> list[Counted]:
    text = {name.decode(): value.decode() for name, value in fields.items()}
    return by_count(
        Counted(
            member := name[2:],
            int(count),
            float(text[f"f:{member}"]),
            float(text[f"l:{member}"]),
            text.get(f"s:{member}"),
        )
        for name, count in text.items()
        if name.startswith("c:")
    )
