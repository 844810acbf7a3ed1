"""Connections are kept, bounded, queued for, renewed and given up: nothing a caller does can wedge the wire."""

from __future__ import annotations

import asyncio
import socket

import pytest

from adapters.wire import (
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    PoolCounts,
    PoolTimeout,
    ReadTimeout,
    Wire,
    WireClosed,
    WireLimits,
    WireRequest,
)
from adapters.wire.connection import Connection, connect
from adapters.wire.guard import parse_url
from adapters.wire.pool import OriginPool
from tests.wire.servers import OK, Exchange, RawServer, get, say, until, wire_to


async def ok(wire: Wire, origin: str) -> None:
    assert (await wire.send(get(origin), timeout_s=10)).body == b"ok"


async def hold_then_ok(exchange: Exchange) -> None:
    await exchange.hold()
    await exchange.say(OK)


async def test_calls_in_turn_share_one_connection(raw: RawServer) -> None:
    async with wire_to(raw.origin) as wire:
        for _ in range(20):
            await ok(wire, raw.origin)
    assert (raw.connections, len(raw.requests)) == (1, 20)


async def test_calls_at_once_are_bounded_and_all_answered(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with wire_to(raw.origin, max_connections=3) as wire, asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(ok(wire, raw.origin))
        await until(lambda: raw.holding == 3)
        counts = wire.counts()[raw.origin]
        assert (counts.slots, counts.idle, counts.waiting) == (3, 0, 17)
        raw.let_go.set()
    assert (raw.connections, len(raw.requests)) == (3, 20)


async def test_waiting_calls_are_served_in_order_of_arrival(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with wire_to(raw.origin, max_connections=1) as wire, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(wire.send(get(raw.origin, f"/{number}"), timeout_s=10))
            await until(lambda number=number: _begun(wire, raw) == number + 1)  # type: ignore[misc]
        raw.let_go.set()
    assert [request.split(b" ")[1] for request in raw.requests] == [b"/%d" % number for number in range(8)]


def _begun(wire: Wire, raw: RawServer) -> int:
    counts = wire.counts().get(raw.origin)
    return 0 if counts is None else counts.slots + counts.waiting


async def test_the_connection_used_last_is_used_first(raw: RawServer) -> None:
    """So the others go idle long enough to expire."""
    raw.script = hold_then_ok
    async with wire_to(raw.origin) as wire:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(ok(wire, raw.origin))
            await until(lambda: raw.holding == 3)
            raw.let_go.set()
        numbers = []

        async def script(exchange: Exchange) -> None:
            numbers.append(exchange.number)
            await exchange.say(OK)

        raw.script = script
        for _ in range(4):
            await ok(wire, raw.origin)
    assert numbers == [2, 3, 4, 5]


async def test_idle_connections_expire(raw: RawServer) -> None:
    async with wire_to(raw.origin, keepalive_s=0.05) as wire:
        await ok(wire, raw.origin)
        async with asyncio.timeout(10):
            await raw.all_closed.wait()
        assert wire.counts()[raw.origin].slots == 0
        await ok(wire, raw.origin)
    assert raw.connections == 2


async def test_a_connection_closed_while_idle_leaves_the_pool(raw: RawServer) -> None:
    async with wire_to(raw.origin) as wire:
        await ok(wire, raw.origin)
        raw.hang_up_all()
        await until(lambda: wire.counts()[raw.origin].slots == 0)
        await ok(wire, raw.origin)
    assert raw.connections == 2


def once_per_connection(*, reset: bool) -> object:
    """Answers the first request of a connection, and ends it when the second one comes."""

    async def script(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.say(OK)
        elif reset:
            exchange.reset()
        else:
            exchange.hang_up()

    return script


@pytest.mark.parametrize("reset", [True, False])
async def test_a_stale_connection_is_replaced_once_for_idempotent_requests(
    raw: RawServer, reset: bool
) -> None:
    raw.script = once_per_connection(reset=reset)  # type: ignore[assignment]
    async with wire_to(raw.origin) as wire:
        await ok(wire, raw.origin)
        await ok(wire, raw.origin)
        declared = WireRequest("POST", raw.origin, body=b"x", idempotent=True)
        assert (await wire.send(declared, timeout_s=10)).body == b"ok"
    assert (raw.connections, len(raw.requests)) == (3, 5)


async def test_a_request_that_may_change_something_is_not_sent_twice(raw: RawServer) -> None:
    raw.script = once_per_connection(reset=True)  # type: ignore[assignment]
    async with wire_to(raw.origin) as wire:
        await ok(wire, raw.origin)
        with pytest.raises(ConnectionLost) as caught:
            await wire.send(WireRequest("POST", raw.origin, body=b"x"), timeout_s=10)
    assert (caught.value.stale, caught.value.safe_to_retry) == (True, False)
    assert len(raw.requests) == 2


async def test_the_new_connection_is_not_replaced_again(raw: RawServer) -> None:
    async def script(exchange: Exchange) -> None:
        if len(raw.requests) == 1:
            await exchange.say(OK)
        else:
            exchange.hang_up()

    raw.script = script
    async with wire_to(raw.origin) as wire:
        await ok(wire, raw.origin)
        with pytest.raises(ConnectionLost) as caught:
            await wire.send(get(raw.origin), timeout_s=10)
        assert not caught.value.stale
        assert wire.counts()[raw.origin].slots == 0
    assert len(raw.requests) == 3


async def test_a_stale_connection_is_not_replaced_by_another_idle_one(raw: RawServer) -> None:
    """What made one stale (a restart) made the others stale too."""
    raw.script = hold_then_ok
    async with wire_to(raw.origin, max_connections=4) as wire:
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(ok(wire, raw.origin))
            await until(lambda: raw.holding == 4)
            raw.let_go.set()
        raw.script = once_per_connection(reset=True)  # type: ignore[assignment]
        await ok(wire, raw.origin)
        assert wire.counts()[raw.origin].slots <= 4
    assert (raw.connections, len(raw.requests)) == (5, 6)


async def test_a_replacement_is_a_new_connection_even_if_a_used_one_comes_free(raw: RawServer) -> None:
    """The second call gets the place of the first, and its connection comes back while the first one waits."""
    raw.script = once_per_connection(reset=True)  # type: ignore[assignment]
    async with wire_to(raw.origin, max_connections=1) as wire:
        await ok(wire, raw.origin)
        async with asyncio.TaskGroup() as group:
            group.create_task(ok(wire, raw.origin))
            group.create_task(ok(wire, raw.origin))
    assert (raw.connections, len(raw.requests)) == (3, 4)


async def test_a_connection_lost_before_its_first_use_is_safe_to_retry(raw: RawServer) -> None:
    gone = asyncio.Event()
    origin = parse_url(raw.origin).origin
    connection = await connect(
        origin, limits=WireLimits(), tls=None, timeout_s=5, on_lost=lambda _: gone.set()
    )
    await until(lambda: raw.open == 1)
    raw.hang_up_all()
    await gone.wait()
    loop = asyncio.get_running_loop()
    with pytest.raises(ConnectionLost) as caught:
        await connection.ask(b"", method="POST", idempotent=False, deadline=loop.time() + 5, loop=loop)
    assert caught.value.safe_to_retry


def pool_of(raw: RawServer, limits: WireLimits) -> OriginPool:
    origin = parse_url(raw.origin).origin

    async def open_connection(timeout_s: float) -> Connection:
        return await connect(origin, limits=limits, tls=None, timeout_s=timeout_s, on_lost=lambda _: None)

    return OriginPool(raw.origin, limits, open_connection)


async def test_an_expired_connection_is_not_lent_even_before_it_is_swept_up(raw: RawServer) -> None:
    now = asyncio.get_running_loop().time()
    pool = pool_of(raw, WireLimits(keepalive_s=15))
    for later, lent in ((14, True), (16, False)):
        connection = await pool.acquire(deadline=now + 60, connect_timeout_s=5)
        pool.release(connection, now)
        assert (pool.take(now + later) is connection) is lent
    pool.close()


@pytest.mark.parametrize("usable", [True, False])
async def test_a_place_given_to_a_caller_that_is_cancelled_in_the_same_turn_is_not_lost(
    raw: RawServer, usable: bool
) -> None:
    now = asyncio.get_running_loop().time()
    pool = pool_of(raw, WireLimits(max_connections=1))
    connection = await pool.acquire(deadline=now + 60, connect_timeout_s=5)
    waiting = asyncio.ensure_future(pool.acquire(deadline=now + 60, connect_timeout_s=5))
    await until(lambda: pool.counts().waiting == 1)
    if not usable:
        connection.close()
    pool.release(connection, now)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert pool.counts() == PoolCounts(slots=int(usable), idle=int(usable), waiting=0)
    pool.close()


async def test_a_thousand_cancelled_calls_leave_a_working_pool(raw: RawServer) -> None:
    """The case that wedges httpx: callers leave while they wait, connect, write or read."""
    turn = 0

    async def script(exchange: Exchange) -> None:
        nonlocal turn
        turn += 1
        for _ in range(turn % 7):
            await asyncio.sleep(0)
        await exchange.say(OK[: turn % len(OK)])
        for _ in range(turn % 5):
            await asyncio.sleep(0)
        await exchange.say(OK[turn % len(OK) :])

    raw.script = script
    async with wire_to(raw.origin, max_connections=8) as wire:
        for batch in range(40):
            calls = [asyncio.ensure_future(wire.send(get(raw.origin), timeout_s=10)) for _ in range(25)]
            for place, call in enumerate(calls):
                if place % 3 == 0:
                    await asyncio.sleep(0)
                if place % 5 == batch % 5:
                    await asyncio.sleep(0)
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            assert wire.counts()[raw.origin].waiting == 0
            assert wire.counts()[raw.origin].slots <= 8
        raw.script = say(OK)
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(ok(wire, raw.origin))
        counts = wire.counts()[raw.origin]
        assert counts.slots == counts.idle <= 8
        await until(lambda: raw.open == counts.idle)


async def test_a_cancelled_call_closes_its_own_connection_only(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with wire_to(raw.origin) as wire:
        calls = [asyncio.ensure_future(ok(wire, raw.origin)) for _ in range(3)]
        await until(lambda: raw.holding == 3)
        calls[1].cancel()
        await until(lambda: wire.counts()[raw.origin].slots == 2)
        raw.let_go.set()
        done = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in done] == [type(None), asyncio.CancelledError, type(None)]


async def test_a_cancelled_call_gives_its_place_to_the_next(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with wire_to(raw.origin, max_connections=1) as wire:
        first = asyncio.ensure_future(ok(wire, raw.origin))
        await until(lambda: raw.holding == 1)
        second = asyncio.ensure_future(ok(wire, raw.origin))
        third = asyncio.ensure_future(ok(wire, raw.origin))
        await until(lambda: wire.counts()[raw.origin].waiting == 2)
        second.cancel()
        first.cancel()
        raw.let_go.set()
        await third
        await asyncio.gather(first, second, return_exceptions=True)


@pytest.mark.parametrize(
    "part", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
async def test_a_slow_answer_ends_at_the_deadline(raw: RawServer, part: bytes) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.say(part)
        await exchange.hold()

    raw.script = script
    async with wire_to(raw.origin) as wire:
        with pytest.raises(ReadTimeout):
            await wire.send(get(raw.origin), timeout_s=0.1)
        assert wire.counts()[raw.origin].slots == 0
        raw.let_go.set()


async def test_each_call_on_a_kept_connection_has_its_own_deadline(raw: RawServer) -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.number == 2:
            asyncio.get_running_loop().call_later(0.2, raw.let_go.set)
            await exchange.hold()
            raw.let_go.clear()
        elif exchange.number == 3:
            await exchange.hold()
        await exchange.say(OK)

    raw.script = script
    async with wire_to(raw.origin) as wire, asyncio.timeout(10):
        await wire.send(get(raw.origin), timeout_s=0.15)
        await wire.send(get(raw.origin), timeout_s=30)
        with pytest.raises(ReadTimeout):
            await wire.send(get(raw.origin), timeout_s=0.05)
        raw.let_go.set()
    assert raw.connections == 1


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"]
)
async def test_a_byte_now_and_then_does_not_move_the_deadline(raw: RawServer, start: bytes) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.say(start)
        while True:
            await exchange.say(b"a")
            await asyncio.sleep(0.001)

    raw.script = script
    async with wire_to(raw.origin) as wire:
        with pytest.raises(ReadTimeout, match="not complete"):
            await wire.send(get(raw.origin), timeout_s=0.15)
    await raw.all_closed.wait()


async def test_a_call_that_gets_no_connection_in_time_says_so(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with wire_to(raw.origin, max_connections=1) as wire, asyncio.TaskGroup() as group:
        group.create_task(ok(wire, raw.origin))
        await until(lambda: raw.holding == 1)
        with pytest.raises(PoolTimeout) as caught:
            await wire.send(get(raw.origin), timeout_s=0.05)
        assert caught.value.safe_to_retry
        assert caught.value.method == "GET"
        assert wire.counts()[raw.origin].waiting == 0
        raw.let_go.set()
    assert len(raw.requests) == 1


async def test_no_time_left_sends_nothing(raw: RawServer) -> None:
    async with wire_to(raw.origin) as wire:
        with pytest.raises(ReadTimeout):
            await wire.send(get(raw.origin), timeout_s=0)
    assert raw.connections == 0


async def test_a_refused_connection_is_named_and_frees_its_slot() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with wire_to(origin, max_connections=1) as wire:
        for _ in range(3):
            with pytest.raises(ConnectFailed) as caught:
                await wire.send(get(origin), timeout_s=5)
            assert caught.value.safe_to_retry
        assert wire.counts()[origin].slots == 0


async def test_a_failed_connection_passes_its_slot_to_the_next_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with wire_to(origin, max_connections=1) as wire:
        calls = (wire.send(get(origin), timeout_s=5) for _ in range(20))
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ConnectFailed}


async def test_a_server_that_does_not_accept_is_given_up_at_the_connect_timeout() -> None:
    """The listen queue is full: the kernel leaves our SYN without an answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        origin = f"http://127.0.0.1:{port}"
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        async with wire_to(origin, connect_timeout_s=0.1) as wire:
            with pytest.raises(ConnectTimeout):
                await wire.send(get(origin), timeout_s=30)
            assert wire.counts()[origin].slots == 0
        for filler in fillers:
            filler.close()


async def test_a_server_that_hangs_up_on_accept_does_not_hold_the_caller() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with wire_to(origin) as wire:
            for _ in range(20):
                with pytest.raises((ConnectionLost, ConnectFailed)):
                    await wire.send(get(origin), timeout_s=10)
            assert wire.counts()[origin].slots == 0


async def test_an_early_answer_to_a_large_request_does_not_spoil_the_next(raw: RawServer) -> None:
    """The server refuses after the head: the rest of the body must not be taken for the next request."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await raw.let_go.wait()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with wire_to(origin) as wire:
            response = await wire.send(WireRequest("POST", origin, body=bytes(30_000_000)), timeout_s=10)
            assert response.status == 413
            assert wire.counts()[origin].slots == 0
        raw.let_go.set()


async def test_several_origins_have_separate_pools(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with RawServer() as tokens, wire_to(raw.origin, tokens.origin, max_connections=1) as wire:
        async with asyncio.TaskGroup() as group:
            group.create_task(ok(wire, raw.origin))
            await until(lambda: raw.holding == 1)
            await ok(wire, tokens.origin)
            raw.let_go.set()
        assert set(wire.counts()) == {raw.origin, tokens.origin}


async def test_closing_ends_calls_under_way_and_refuses_new_ones(raw: RawServer) -> None:
    raw.script = hold_then_ok
    async with wire_to(raw.origin, max_connections=1) as wire:
        calls = [asyncio.ensure_future(ok(wire, raw.origin)) for _ in range(3)]
        await until(lambda: raw.holding == 1 and wire.counts()[raw.origin].waiting == 2)
        await wire.close()
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in done] == [WireClosed] * 3
        with pytest.raises(WireClosed):
            await ok(wire, raw.origin)
        assert wire.counts()[raw.origin].slots == 0
        raw.let_go.set()
