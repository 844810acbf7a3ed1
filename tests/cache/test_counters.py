"""Counts add up, over workers too, and stay bounded."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from cache.counters import OVERFLOW, Counted, Counters, EmbeddedCounters
from cache.redis_counters import RedisCounters
from tests.services import RedisServer, free_port, redis_server


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture(params=["embedded", "redis"])
async def counters(request: pytest.FixtureRequest, now: list[float]) -> AsyncIterator[Counters]:
    if request.param == "embedded":
        made: Counters = EmbeddedCounters(max_members=10, clock=lambda: now[0])
    else:
        server: RedisServer = request.getfixturevalue("shared_redis")
        prefix = f"t{uuid.uuid4().hex}:"
        made = RedisCounters(server.url, prefix, op_timeout_s=10, max_members=10, clock=lambda: now[0])
    yield made
    await made.close()


async def test_counts_add_up_with_first_and_last_time_and_first_sample(
    counters: Counters, now: list[float]
) -> None:
    await counters.add("registry:state", "待定", sample="cases.state")
    now[0] = 2000.0
    await counters.add("registry:state", "待定", 4, sample="case.state")
    await counters.add("registry:state", "99")
    assert await counters.read("registry:state") == [
        Counted("待定", 5, 1000.0, 2000.0, "cases.state"),
        Counted("99", 1, 2000.0, 2000.0, None),
    ]


async def test_names_are_apart_and_an_unknown_name_is_empty(counters: Counters) -> None:
    await counters.add("a", "x")
    assert await counters.read("b") == []


async def test_members_beyond_the_bound_are_counted_together(counters: Counters) -> None:
    for number in range(25):
        await counters.add("a", f"value {number}", sample="s")
        await counters.read("a")
    await counters.add("a", "value 3")
    read = {counted.member: counted.count for counted in await counters.read("a")}
    assert len(read) == 11
    assert read[OVERFLOW] == 15
    assert read["value 3"] == 2


async def test_a_long_member_is_cut(counters: Counters) -> None:
    await counters.add("a", "长" * 10_000)
    (counted,) = await counters.read("a")
    assert counted.member == "长" * 200


async def test_an_odd_member_comes_back_as_it_was(counters: Counters) -> None:
    odd = ["", " ", "a:b", "n", "'\"\\", "\r\n", "🏛"]
    for member in odd:
        await counters.add("a", member)
    assert {counted.member for counted in await counters.read("a")} == set(odd)


async def test_two_workers_add_up(shared_redis: RedisServer) -> None:
    prefix = f"t{uuid.uuid4().hex}:"
    one, other = (RedisCounters(shared_redis.url, prefix, op_timeout_s=10) for _ in range(2))
    for worker in (one, other):
        for _ in range(100):
            await worker.add("a", "x")
        await worker.add("a", "y")
    await one.close()  # sends what it has gathered
    assert [(counted.member, counted.count) for counted in await other.read("a")] == [("x", 200), ("y", 2)]
    await other.close()


async def test_without_a_server_a_worker_tells_its_own_counts() -> None:
    counters = RedisCounters(f"redis://127.0.0.1:{free_port()}/0")
    await counters.add("a", "x", 3)
    assert [(counted.member, counted.count) for counted in await counters.read("a")] == [("x", 3)]
    await counters.close()


async def test_what_was_counted_while_the_server_was_away_is_sent_later(shared_redis: RedisServer) -> None:
    with redis_server() as server:
        server.kill()
        counters = RedisCounters(server.url, op_timeout_s=1)
        await counters.add("a", "x", 3)
        await counters.read("a")
        server.start()
        other = RedisCounters(server.url, op_timeout_s=10)
        async with asyncio.timeout(30):
            while not await other.read("a"):
                await counters.read("a")
        assert [(counted.member, counted.count) for counted in await other.read("a")] == [("x", 3)]
        await counters.close()
        await other.close()
