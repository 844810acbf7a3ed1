"""A Redis that dies, hangs or holds nonsense costs answers from the cache, and nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest
from redis.asyncio import Redis

from cache.redis_store import RedisStore
from tests.services import RedisServer, free_port, redis_server

OP_TIMEOUT_S = 0.2


@pytest.fixture
def own_redis(shared_redis: RedisServer) -> Iterator[RedisServer]:
    """A server to be stopped; `shared_redis` first, for its rule on machines without one."""
    with redis_server() as server:
        yield server


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - a server does not announce its return
            await asyncio.sleep(0.02)


async def kept(store: RedisStore, key: str, value: bytes) -> None:
    """Put until it is really there."""

    async def put_and_found() -> bool:
        await store.put(key, value, keep_s=60)
        entry = await store.get(key)
        return entry is not None and entry.value == value

    await eventually(put_and_found)


async def test_a_killed_server_is_a_miss_and_is_used_again_once_it_is_back(own_redis: RedisServer) -> None:
    faults: list[str] = []
    store = RedisStore(own_redis.url, op_timeout_s=OP_TIMEOUT_S, on_fault=faults.append)
    await kept(store, "k", b"before")
    faults.clear()
    own_redis.kill()
    assert await store.get("k") is None
    await store.put("k", b"lost", keep_s=60)
    await store.delete("k")
    assert faults == ["connection"], "one fault, after which the server is left alone"
    assert not store.available
    own_redis.start()
    await kept(store, "k", b"after")
    assert store.available
    await store.close()


async def test_a_hung_server_costs_one_timeout_and_never_mixes_up_answers(own_redis: RedisServer) -> None:
    faults: list[str] = []
    store = RedisStore(own_redis.url, op_timeout_s=OP_TIMEOUT_S, on_fault=faults.append)
    for name in ("a", "b", "c"):
        await kept(store, name, name.encode())
    faults.clear()
    own_redis.hang()
    assert await store.get("a") is None
    answers = [await store.get(name) for _ in range(200) for name in ("a", "b", "c")]
    assert not any(answers)
    assert faults == ["timeout"]
    assert store.faults >= 1
    own_redis.wake()

    async def b_is_back() -> bool:
        entry = await store.get("b")
        assert entry is None or entry.value == b"b", "the late answer to `a` must not be taken for `b`"
        return entry is not None

    await eventually(b_is_back)
    await store.close()


async def test_callers_that_wait_when_the_server_hangs_are_all_let_go(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url, op_timeout_s=OP_TIMEOUT_S)
    await kept(store, "k", b"v")
    own_redis.hang()
    async with asyncio.timeout(20):
        results = await asyncio.gather(*(store.get(f"k{number}") for number in range(1000)))
    assert results == [None] * 1000
    own_redis.wake()
    await store.close()


async def test_a_server_that_was_never_there_is_a_miss() -> None:
    faults: list[str] = []
    store = RedisStore(
        f"redis://127.0.0.1:{free_port()}/0", op_timeout_s=OP_TIMEOUT_S, on_fault=faults.append
    )
    await store.put("k", b"v", keep_s=60)
    assert await store.get("k") is None
    assert faults == ["connection"]
    await store.close()


async def test_something_that_is_no_redis_is_a_miss() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", op_timeout_s=OP_TIMEOUT_S)
        assert await store.get("k") is None
        assert store.faults == 1
        await store.close()


async def test_an_entry_that_is_not_ours_is_a_miss_and_told(shared_redis: RedisServer) -> None:
    faults: list[str] = []
    store = RedisStore(shared_redis.url, "foreign:", op_timeout_s=10, on_fault=faults.append)
    async with Redis.from_url(shared_redis.url) as client:
        await client.set("foreign:short", b"x")
        await client.set("foreign:other", b"some other program's value")
        await client.rpush("foreign:list", b"not a string")
    assert [await store.get(key) for key in ("short", "other", "list")] == [None] * 3
    assert faults == ["unreadable", "unreadable"]
    await store.put("k", b"v", keep_s=60)
    assert await store.get("k") is not None
    await store.close()


async def test_a_value_too_large_to_keep_takes_the_old_one_with_it(shared_redis: RedisServer) -> None:
    store = RedisStore(shared_redis.url, "large:", op_timeout_s=10, max_value_bytes=10)
    await store.put("k", b"small", keep_s=60)
    await store.put("k", b"much too large", keep_s=60)
    assert await store.get("k") is None
    await store.close()


def test_a_malformed_url_is_refused_when_the_store_is_made() -> None:
    with pytest.raises(ValueError, match="scheme"):
        RedisStore("http://127.0.0.1")
