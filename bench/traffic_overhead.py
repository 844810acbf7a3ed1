"""What one `Traffic.call` costs over a bare await, in the same run. Trust the ratios, not the microseconds.

python -m bench.traffic_overhead [calls]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable

from adapters.traffic.policy import TrafficPolicy
from adapters.traffic.traffic import Traffic
from cache.embedded import EmbeddedStore
from cache.freshness import Freshness
from cache.keys import cache_key
from cache.single_flight import SingleFlight

ROUNDS = 5


async def send(_timeout_s: float) -> bytes:
    return b"answer"


async def best_us(calls: int, work: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of one call in the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        started = time.perf_counter()
        for _ in range(calls):
            await work()
        best = min(best, time.perf_counter() - started)
    return best / calls * 1e6


async def main(calls: int) -> None:
    store = EmbeddedStore()
    policy = TrafficPolicy(freshness=Freshness(3600))
    traffic = Traffic("registry", policy, store=store, flights=SingleFlight())
    rated = Traffic("rated", TrafficPolicy(rate_per_s=1e9), store=store, flights=SingleFlight())
    deadline = asyncio.get_running_loop().time() + 3600
    await traffic.call(send, key="kept", deadline=deadline)
    rows: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("bare await", lambda: send(1.0)),
        ("asyncio.timeout around it", lambda: limited(1.0)),
        ("call, no key (cache and sharing off)", lambda: traffic.call(send, key=None, deadline=deadline)),
        ("call, no key, with a rate", lambda: rated.call(send, key=None, deadline=deadline)),
        ("call, shared, not kept", lambda: traffic.call(send, key="k", deadline=deadline, freshness=None)),
        ("call, cache hit", lambda: traffic.call(send, key="kept", deadline=deadline)),
    ]
    bare_us = 0.0
    for name, work in rows:
        took_us = await best_us(calls, work)
        bare_us = bare_us or took_us
        print(f"{name:40} {took_us:8.2f} us  {took_us / bare_us:7.1f} x bare")
    started = time.perf_counter()
    for number in range(calls):
        cache_key("ns", "registry", "cases", {"idNumber": str(number), "first": 20, "after": None})
    print(f"{'cache_key':40} {(time.perf_counter() - started) / calls * 1e6:8.2f} us")


async def limited(timeout_s: float) -> bytes:
    async with asyncio.timeout(timeout_s):
        return await send(timeout_s)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
