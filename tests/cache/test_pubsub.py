"""Messages reach whoever listens now, in this process and, over a server, in others; a server that is away is told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from cache.pubsub import EmbeddedPubSub, PubSub
from cache.redis_pubsub import RedisPubSub
from tests.services import RedisServer, redis_server


@pytest.fixture(params=["embedded", "redis"])
async def pubsub(request: pytest.FixtureRequest) -> AsyncIterator[PubSub]:
    if request.param == "embedded":
        one: PubSub = EmbeddedPubSub()
    else:
        server: RedisServer = request.getfixturevalue("shared_redis")
        one = RedisPubSub(server.url, f"t{uuid.uuid4().hex}:", op_timeout_s=10)
    yield one
    await one.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a server does not announce itself
            await asyncio.sleep(0.01)


async def connected(*all_: PubSub) -> None:
    await until(lambda: all(one.available for one in all_))


async def test_every_listener_of_a_channel_hears_a_message_and_no_other_does(pubsub: PubSub) -> None:
    heard: dict[str, list[bytes]] = {"a": [], "b": [], "other": []}
    pubsub.listen("c", heard["a"].append)
    pubsub.listen("c", heard["b"].append)
    pubsub.listen("d", heard["other"].append)
    await connected(pubsub)
    for one in heard.values():
        one.clear()
    await pubsub.publish("c", b"one")
    await pubsub.publish("c", b"two")
    await until(lambda: heard["a"][-1:] == [b"two"])
    assert heard == {"a": [b"one", b"two"], "b": [b"one", b"two"], "other": []}


async def test_who_stops_listening_hears_nothing_more(pubsub: PubSub) -> None:
    gone: list[bytes] = []
    there: list[bytes] = []
    stop = pubsub.listen("c", gone.append)
    pubsub.listen("c", there.append)
    await connected(pubsub)
    gone.clear()
    stop()
    stop()
    await pubsub.publish("c", b"one")
    await until(lambda: there[-1:] == [b"one"])
    assert gone == []


async def test_a_message_of_another_process_is_heard_once_and_ones_own_too(shared_redis: RedisServer) -> None:
    prefix = f"t{uuid.uuid4().hex}:"
    ours, theirs = (RedisPubSub(shared_redis.url, prefix, op_timeout_s=10) for _ in range(2))
    heard: list[bytes] = []
    echo: list[bytes] = []
    ours.listen("c", heard.append)
    theirs.listen("c", echo.append)
    await connected(ours, theirs)
    heard.clear()
    echo.clear()
    await theirs.publish("c", b"from there")
    await until(lambda: heard == [b"from there"])
    await ours.publish("c", b"from here")
    await until(lambda: echo[-1:] == [b"from here"])
    assert (heard, echo) == ([b"from there", b"from here"], [b"from there", b"from here"])
    await ours.close()
    await theirs.close()


@pytest.mark.parametrize("fault", ["kill", "hang"])
async def test_a_server_that_is_away_is_told_and_its_return_says_that_some_may_be_missed(
    shared_redis: RedisServer, fault: str
) -> None:
    del shared_redis  # for its rule on machines without one
    with redis_server() as server:
        one = RedisPubSub(server.url, op_timeout_s=0.5)
        heard: list[bytes] = []
        one.listen("c", heard.append)
        await connected(one)
        heard.clear()
        server.kill() if fault == "kill" else server.hang()
        await one.publish("c", b"while it is away")
        assert heard == [b"while it is away"], "listeners of this process need no server"
        await until(lambda: not one.available)
        server.start() if fault == "kill" else server.wake()
        await connected(one)
        if fault == "kill":
            await until(lambda: b"" in heard)
        await one.close()
