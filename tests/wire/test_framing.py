"""Answers of every shape that HTTP/1.1 allows, and of shapes that it does not."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest

from adapters.wire import (
    BodyTooLarge,
    ConnectionLost,
    DecompressionBomb,
    ProtocolError,
    WireError,
    WireRequest,
    WireResponse,
)
from tests.wire.servers import OK, Exchange, RawServer, get, say, until, wire_to


async def answer(server: RawServer, method: str = "GET", **limits: Any) -> WireResponse:
    async with wire_to(server.origin, **limits) as wire:
        return await wire.send(WireRequest(method, server.origin + "/x"), timeout_s=5)


@pytest.mark.parametrize(
    ("wire_bytes", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nz\r\n0\r\nTrailer: v\r\n\r\n",
            200,
            b"z",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, b""),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, b""),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad", 500, b"bad"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\na", 200, b"a"),
    ],
)
async def test_reads_a_framed_answer_and_keeps_the_connection(
    raw: RawServer, wire_bytes: bytes, status: int, body: bytes
) -> None:
    raw.script = say(wire_bytes)
    async with wire_to(raw.origin) as wire:
        for _ in range(3):
            response = await wire.send(get(raw.origin), timeout_s=5)
            assert (response.status, response.body, response.http_version) == (status, body, "1.1")
    assert raw.connections == 1


@pytest.mark.parametrize(
    ("wire_bytes", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"packed", mtime=0), b"packed"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ],
)
async def test_a_body_that_ends_with_the_connection_is_whole(
    raw: RawServer, wire_bytes: bytes, body: bytes
) -> None:
    raw.script = say(wire_bytes, hang_up=True)
    async with wire_to(raw.origin) as wire:
        assert (await wire.send(get(raw.origin), timeout_s=5)).body == body
        assert (await wire.send(get(raw.origin), timeout_s=5)).body == body
    assert raw.connections == 2


async def test_connection_close_is_obeyed_even_if_the_server_stays(raw: RawServer) -> None:
    raw.script = say(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    async with wire_to(raw.origin) as wire:
        await wire.send(get(raw.origin), timeout_s=5)
        assert wire.counts()[raw.origin].slots == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 12345678901", b"Transfer-Encoding: chunked"])
async def test_an_answer_to_head_has_no_body_and_keeps_the_connection(raw: RawServer, framing: bytes) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" if exchange.number == 1 else OK)

    raw.script = script
    async with wire_to(raw.origin) as wire:
        assert (await wire.send(WireRequest("HEAD", raw.origin), timeout_s=5)).body == b""
        assert (await wire.send(get(raw.origin), timeout_s=5)).body == b"ok"
    assert raw.connections == 1


@pytest.mark.parametrize(
    "wire_bytes",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
)
async def test_a_truncated_answer_is_a_lost_connection(raw: RawServer, wire_bytes: bytes) -> None:
    raw.script = say(wire_bytes, hang_up=True)
    with pytest.raises(ConnectionLost) as caught:
        await answer(raw)
    assert not caught.value.safe_to_retry


async def test_a_reset_never_completes_a_body_that_ends_with_the_connection(raw: RawServer) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await exchange.hold()
        exchange.reset()

    raw.script = script
    async with wire_to(raw.origin) as wire:
        call = asyncio.ensure_future(wire.send(get(raw.origin), timeout_s=5))
        await until(lambda: raw.holding == 1)
        raw.let_go.set()
        with pytest.raises(ConnectionLost):
            await call


@pytest.mark.parametrize(
    "wire_bytes",
    [
        b"220 ftp.example ready\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"<html>proxy error</html>",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nXYZ\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName: a\0b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"
        + gzip.compress(b"x" * 99, mtime=0)[:12],
    ],
)
async def test_nonsense_is_a_protocol_error(raw: RawServer, wire_bytes: bytes) -> None:
    raw.script = say(wire_bytes)
    async with wire_to(raw.origin) as wire:
        with pytest.raises(ProtocolError):
            await wire.send(get(raw.origin), timeout_s=5)
        assert wire.counts()[raw.origin].slots == 0
    await raw.all_closed.wait()


@pytest.mark.parametrize("excess", [b"HTT", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\0", OK])
async def test_bytes_after_an_answer_close_the_connection(raw: RawServer, excess: bytes) -> None:
    """Else the next caller would get an answer that was never meant for it."""
    raw.script = say(OK + excess)
    async with wire_to(raw.origin) as wire:
        for _ in range(3):
            assert (await wire.send(get(raw.origin), timeout_s=5)).body == b"ok"
            assert wire.counts()[raw.origin].slots == 0
    assert raw.connections == 3


async def test_bytes_on_an_idle_connection_close_it(raw: RawServer) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.say(OK)
        await exchange.hold()
        await exchange.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    raw.script = script
    async with wire_to(raw.origin) as wire:
        await wire.send(get(raw.origin), timeout_s=5)
        raw.let_go.set()
        async with asyncio.timeout(5):  # well before it would expire
            await raw.all_closed.wait()
        assert wire.counts()[raw.origin].slots == 0
        assert (await wire.send(get(raw.origin), timeout_s=5)).status == 200


ENDLESS_LINE = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000
MANY_LINES = b"HTTP/1.1 200 OK\r\n" + b"X-Header: abcdefghij\r\n" * 4_000
MANY_INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4_000
LONG_EXTENSION = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + b"a" * 70_000
LONG_TRAILER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 70_000


@pytest.mark.parametrize("wire_bytes", [ENDLESS_LINE, MANY_LINES, MANY_INTERIM, LONG_EXTENSION, LONG_TRAILER])
async def test_headers_without_end_are_refused(raw: RawServer, wire_bytes: bytes) -> None:
    raw.script = say(wire_bytes)
    with pytest.raises(ProtocolError, match="too large"):
        await answer(raw)


async def test_an_announced_body_over_the_cap_is_refused_before_it_comes(raw: RawServer) -> None:
    raw.script = say(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
    with pytest.raises(BodyTooLarge):
        await answer(raw, max_body_bytes=1000)


@pytest.mark.parametrize("compressed", [True, False])
async def test_a_body_at_the_cap_is_let_through(raw: RawServer, compressed: bool) -> None:
    body = bytes(range(250)) * 4
    sent = gzip.compress(body) if compressed else body
    coding = b"Content-Encoding: gzip\r\n" if compressed else b""
    raw.script = say(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (coding, len(sent), sent))
    assert (await answer(raw, max_body_bytes=1000)).body == body


async def test_a_100_mb_body_is_stopped_at_the_cap(raw: RawServer) -> None:
    """What the server got rid of bounds what the wire took: the cap, and what fits in the sockets between."""
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    said = 0

    async def script(exchange: Exchange) -> None:
        nonlocal said
        await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while said < 1600:
            await exchange.say(chunk)
            said += 1

    raw.script = script
    with pytest.raises(BodyTooLarge):
        await answer(raw, max_body_bytes=1024 * 1024)
    await raw.all_closed.wait()
    assert said * 65_536 < 32 * 1024 * 1024


@pytest.mark.parametrize("method", ["gzip", "deflate"])
async def test_a_decompression_bomb_is_stopped_at_the_cap(raw: RawServer, method: str) -> None:
    packer = zlib.compressobj(9, wbits=31 if method == "gzip" else 15)
    bomb = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(100)) + packer.flush()
    assert len(bomb) < 200_000
    raw.script = say(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (method.encode(), len(bomb), bomb)
    )
    with pytest.raises(DecompressionBomb):
        await answer(raw, max_body_bytes=1024 * 1024)


async def test_error_messages_name_method_and_origin_but_no_path_or_query(raw: RawServer) -> None:
    raw.script = say(b"garbage")
    async with wire_to(raw.origin) as wire:
        with pytest.raises(WireError) as caught:
            await wire.send(get(raw.origin, "/people/320501199001011234?name=zhang"), timeout_s=5)
    assert str(caught.value).startswith(f"GET {raw.origin}: ")
    assert "3205" not in repr(caught.value) + str(caught.value)
    assert "zhang" not in repr(caught.value) + str(caught.value)
