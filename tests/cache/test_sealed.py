"""Values that a shared server cannot read, change or exchange."""

from __future__ import annotations

import pytest

from cache.embedded import EmbeddedStore
from cache.sealed import SealedStore

SECRET = b"s" * 32
VALUE = "陈某 500229197001010010".encode()


async def sealed_under(store: EmbeddedStore, key: str) -> bytes:
    found = await store.get(key)
    assert found is not None
    return found.value


async def test_what_was_put_is_found_and_the_store_itself_holds_nothing_of_it() -> None:
    inner = EmbeddedStore()
    store = SealedStore(inner, SECRET)
    await store.put("a", VALUE, keep_s=60)
    found = await store.get("a")
    assert found is not None
    assert found.value == VALUE
    assert b"5002" not in await sealed_under(inner, "a")
    await store.delete("a")
    assert await store.get("a") is None


async def test_the_same_value_is_never_sealed_alike() -> None:
    inner = EmbeddedStore()
    store = SealedStore(inner, SECRET)
    await store.put("a", VALUE, keep_s=60)
    first = await sealed_under(inner, "a")
    await store.put("a", VALUE, keep_s=60)
    assert await sealed_under(inner, "a") != first


@pytest.mark.parametrize("kind", ["changed", "cut", "empty", "plain", "another key", "another secret"])
async def test_what_is_not_as_it_was_sealed_is_a_miss(kind: str) -> None:
    inner = EmbeddedStore()
    store = SealedStore(inner, SECRET)
    await SealedStore(inner, b"t" * 32 if kind == "another secret" else SECRET).put("a", VALUE, keep_s=60)
    sealed = await sealed_under(inner, "a")
    put = {
        "changed": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "cut": sealed[:9],
        "empty": b"",
        "plain": VALUE,
    }.get(kind, sealed)
    key = "b" if kind == "another key" else "a"
    await inner.put(key, put, keep_s=60)
    assert await store.get(key) is None
    assert store.unreadable == 1


def test_without_a_secret_there_is_no_seal() -> None:
    with pytest.raises(ValueError, match="secret"):
        SealedStore(EmbeddedStore(), b"")
    assert "ssss" not in repr(SealedStore(EmbeddedStore(), SECRET))
