"""A rate holds over all workers that share a server, by the server's clock; without it nobody is kept waiting."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from adapters.traffic.errors import SourceOverloaded
from adapters.traffic.policy import TrafficPolicy
from cache.redis_rates import RedisRates
from tests.services import RedisServer, redis_server
from tests.traffic.doubles import ScriptedSystem, in_s, traffic_of


async def test_two_workers_together_get_one_rate(shared_redis: RedisServer) -> None:
    prefix = f"t{uuid.uuid4().hex}:"
    workers = [RedisRates(shared_redis.url, prefix, op_timeout_s=10) for _ in range(2)]
    waits = [await workers[turn % 2].reserve("REG", 5, at_most_s=60) for turn in range(20)]
    assert None not in waits
    # a second's worth at once, then one every 200 ms: the last of twenty waits some three seconds, less what the test took
    assert [wait for wait in waits[:5] if wait] == []
    assert 2.5 < (waits[-1] or 0) <= 3.0
    assert await workers[0].reserve("OTHER", 5, at_most_s=0) == 0
    for one in workers:
        await one.close()


async def test_what_would_wait_too_long_takes_no_place(shared_redis: RedisServer) -> None:
    rates = RedisRates(shared_redis.url, f"t{uuid.uuid4().hex}:", op_timeout_s=10)
    assert await rates.reserve("REG", 1, at_most_s=0) == 0
    refused = [await rates.reserve("REG", 1, at_most_s=0.1) for _ in range(5)]
    assert all(wait is not None and 0.1 < wait <= 1 for wait in refused)
    assert 0 < (await rates.reserve("REG", 1, at_most_s=5) or 0) <= 1
    await rates.close()


async def test_traffic_of_two_workers_is_refused_past_the_common_rate(shared_redis: RedisServer) -> None:
    prefix = f"t{uuid.uuid4().hex}:"
    rates = [RedisRates(shared_redis.url, prefix, op_timeout_s=10) for _ in range(2)]
    policy = TrafficPolicy(rate_per_s=3, retries=0)
    systems = [ScriptedSystem(), ScriptedSystem()]
    workers = [traffic_of(policy, rates=one) for one in rates]
    calls = [
        workers[turn % 2].call(systems[turn % 2], key=f"k{turn}", deadline=in_s(0.1)) for turn in range(8)
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in results if isinstance(one, SourceOverloaded)]
    assert systems[0].attempts + systems[1].attempts == len(results) - len(refused)
    assert 3 <= len(results) - len(refused) <= 4
    for one in rates:
        await one.close()


async def test_a_worker_holds_the_rate_for_itself_while_the_server_is_away() -> None:
    with redis_server() as server:
        rates = RedisRates(server.url, op_timeout_s=1)
        assert await rates.reserve("registry", 2, at_most_s=1) == 0
        server.kill()
        assert await rates.reserve("registry", 2, at_most_s=1) is None
        system = ScriptedSystem()
        traffic = traffic_of(TrafficPolicy(rate_per_s=2, retries=0), rates=rates)
        for turn in range(2):
            await traffic.call(system, key=f"k{turn}", deadline=in_s(0.1))
        with pytest.raises(SourceOverloaded):
            await traffic.call(system, key="k9", deadline=in_s(0.1))
        assert system.attempts == 2
        await rates.close()
