"""What every store promises: the same tests for the embedded one and for a real Redis-compatible server."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from cache.embedded import EmbeddedStore
from cache.redis_store import RedisStore
from cache.store import Store
from tests.services import RedisServer

PATIENT_S = 10.0  # a busy test machine must not look like an ill server


@pytest.fixture(params=["embedded", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "embedded":
        made: Store = EmbeddedStore()
    else:
        server: RedisServer = request.getfixturevalue("shared_redis")
        made = RedisStore(server.url, f"t{uuid.uuid4().hex}:", op_timeout_s=PATIENT_S)
    yield made
    await made.close()


async def test_what_was_put_is_found_with_its_time(store: Store) -> None:
    before = time.time()
    await store.put("k", "办件\0".encode(), keep_s=60)
    entry = await store.get("k")
    assert entry is not None
    assert entry.value == "办件\0".encode()
    assert before <= entry.stored_at <= time.time()


async def test_what_was_never_put_is_not_found(store: Store) -> None:
    assert await store.get("k") is None


async def test_an_empty_value_is_a_value(store: Store) -> None:
    await store.put("k", b"", keep_s=60)
    entry = await store.get("k")
    assert entry is not None
    assert entry.value == b""


async def test_a_later_put_replaces(store: Store) -> None:
    await store.put("k", b"old", keep_s=60)
    await store.put("k", b"new", keep_s=60)
    entry = await store.get("k")
    assert entry is not None
    assert entry.value == b"new"


async def test_what_was_deleted_is_gone(store: Store) -> None:
    await store.put("k", b"v", keep_s=60)
    await store.delete("k")
    await store.delete("never there")
    assert await store.get("k") is None


@pytest.mark.parametrize("keep_s", [0.0, -1.0])
async def test_keeping_for_no_time_keeps_nothing_and_drops_the_old(store: Store, keep_s: float) -> None:
    await store.put("k", b"old", keep_s=60)
    await store.put("k", b"new", keep_s=keep_s)
    assert await store.get("k") is None


async def test_an_entry_ends(store: Store) -> None:
    await store.put("k", b"v", keep_s=0.02)
    async with asyncio.timeout(10):
        while await store.get("k") is not None:  # noqa: ASYNC110 - an end is not announced
            await asyncio.sleep(0.005)


async def test_a_megabyte_comes_back_whole(store: Store) -> None:
    value = bytes(range(256)) * 4096
    await store.put("k", value, keep_s=60)
    entry = await store.get("k")
    assert entry is not None
    assert entry.value == value


async def test_many_operations_at_once_answer_each_its_own(store: Store) -> None:
    keys = [f"k{number}" for number in range(500)]
    await asyncio.gather(*(store.put(key, key.encode(), keep_s=60) for key in keys))
    entries = await asyncio.gather(*(store.get(key) for key in keys))
    assert [entry.value for entry in entries if entry] == [key.encode() for key in keys]


async def test_operations_started_in_order_take_effect_in_order(store: Store) -> None:
    results = await asyncio.gather(
        store.get("k"),
        store.put("k", b"1", keep_s=60),
        store.get("k"),
        store.put("k", b"2", keep_s=60),
        store.get("k"),
        store.delete("k"),
        store.get("k"),
    )
    values = [entry.value if entry else None for entry in (results[0], results[2], results[4], results[6])]
    assert values == [None, b"1", b"2", None]


async def test_a_cancelled_caller_disturbs_no_other(store: Store) -> None:
    await store.put("k", b"v", keep_s=60)
    callers = [asyncio.create_task(store.get("k")) for _ in range(20)]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert all(getattr(result, "value", None) == b"v" for result in results[1::2])


async def test_a_closed_store_finds_nothing_and_raises_nothing(store: Store) -> None:
    await store.put("k", b"v", keep_s=60)
    await store.close()
    await store.put("k2", b"v", keep_s=60)
    assert await store.get("k") is None
    assert await store.get("k2") is None


# The embedded store alone


async def test_the_embedded_store_drops_the_least_recently_used_first() -> None:
    store = EmbeddedStore(max_bytes=3 * 1500)
    for key in ("a", "b", "c"):
        await store.put(key, b"x" * 1000, keep_s=60)
    await store.get("a")
    await store.put("d", b"x" * 1000, keep_s=60)
    assert await store.get("b") is None
    assert all([await store.get(key) for key in ("a", "c", "d")])
    assert store.size_bytes <= 3 * 1500


async def test_the_embedded_store_keeps_nothing_larger_than_itself() -> None:
    store = EmbeddedStore(max_bytes=1000)
    await store.put("small", b"x", keep_s=60)
    await store.put("k", b"x" * 1001, keep_s=60)
    assert await store.get("k") is None
    assert await store.get("small") is not None


async def test_the_embedded_store_ends_entries_by_its_monotonic_clock() -> None:
    now = {"wall": 1000.0, "monotonic": 0.0}
    store = EmbeddedStore(clock=lambda: now["wall"], monotonic=lambda: now["monotonic"])
    await store.put("k", b"v", keep_s=10)
    now["wall"] = -1e6
    now["monotonic"] = 9.9
    assert await store.get("k") is not None
    now["monotonic"] = 10.0
    assert await store.get("k") is None
    assert store.size_bytes == 0
