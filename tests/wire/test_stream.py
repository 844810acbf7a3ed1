"""Files are sent and received in pieces, on connections of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.rest.multipart import FilePart, Multipart
from adapters.wire import UrlGuard, Wire, WireRequest
from adapters.wire.errors import (
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ProtocolError,
    ReadTimeout,
    UrlRefused,
)
from adapters.wire.stream import StreamLimits
from tests.wire.servers import Exchange, RawServer, uvicorn_server

LIMITS = StreamLimits(head_s=5, idle_s=5)


async def pieces_of(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def received(wire: Wire, url: str, limits: StreamLimits = LIMITS) -> bytes:
    async with wire.stream(WireRequest("GET", url), limits=limits) as answer:
        return b"".join([piece async for piece in answer.chunks])


def wire_to(origin: str) -> Wire:
    return Wire(guard=UrlGuard([origin]))


BODY = bytes(range(256)) * 1000


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 256000\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 256000\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
)
async def test_a_body_comes_in_pieces_whole_and_in_order(head: bytes) -> None:
    async with RawServer() as server:

        async def script(exchange: Exchange) -> None:
            await exchange.say(head + BODY)
            exchange.hang_up()

        server.script = script
        wire = wire_to(server.origin)
        assert await received(wire, f"{server.origin}/f") == BODY
        assert b"connection: close" in server.requests[0].lower()
        await wire.close()


async def test_a_chunked_body_is_put_together() -> None:
    async with RawServer() as server:

        async def script(exchange: Exchange) -> None:
            await exchange.say(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            )

        server.script = script
        wire = wire_to(server.origin)
        assert await received(wire, f"{server.origin}/f") == b"abcde"
        await wire.close()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", ConnectionLost),
        (b"garbage that is no HTTP\r\n\r\n", ProtocolError),
        (b"", ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", BodyTooLarge),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, BodyTooLarge),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, ProtocolError),
    ],
)
async def test_what_is_no_whole_file_is_an_error(said: bytes, error: type[Exception]) -> None:
    async with RawServer() as server:

        async def script(exchange: Exchange) -> None:
            await exchange.say(said)
            exchange.hang_up()

        server.script = script
        wire = wire_to(server.origin)
        with pytest.raises(error):
            await received(wire, f"{server.origin}/f", StreamLimits(max_body_bytes=4000, head_s=5, idle_s=5))
        await wire.close()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
async def test_a_server_that_stops_in_the_middle_is_given_up(said: bytes) -> None:
    async with RawServer() as server:

        async def script(exchange: Exchange) -> None:
            await exchange.say(said)
            await exchange.hold()

        server.script = script
        wire = wire_to(server.origin)
        with pytest.raises(ReadTimeout):
            await received(wire, f"{server.origin}/f", StreamLimits(head_s=0.2, idle_s=0.2))
        server.let_go.set()
        await wire.close()


async def test_only_registered_origins_are_asked() -> None:
    wire = wire_to("http://127.0.0.1:9")
    with pytest.raises(UrlRefused):
        wire.stream(WireRequest("GET", "http://127.0.0.1:8/f"), limits=LIMITS)
    with pytest.raises(ConnectFailed):
        await received(wire, "http://127.0.0.1:9/f")
    await wire.close()


async def test_a_reader_that_waits_holds_the_sender_up() -> None:
    """The server cannot get rid of its 64 MB while nobody reads: what is buffered on the way is bounded."""
    sent = 0
    async with RawServer() as server:

        async def script(exchange: Exchange) -> None:
            nonlocal sent
            await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
            for _ in range(64):
                await exchange.say(bytes(1 << 20))
                sent += 1

        server.script = script
        wire = wire_to(server.origin)
        async with wire.stream(WireRequest("GET", f"{server.origin}/f"), limits=LIMITS) as answer:
            first = await anext(answer.chunks)
            for _ in range(2000):  # turns in which a sender that nothing holds up would be done
                await asyncio.sleep(0)
            assert sent < 32
            size = len(first)
            async for piece in answer.chunks:
                size += len(piece)
        assert (size, sent) == (64 << 20, 64)
        await wire.close()


async def echo(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    headers = request.headers
    told = headers.get("content-length") or headers.get("transfer-encoding")
    return JSONResponse({"size": size, "framing": told})


@pytest.mark.parametrize("length", [None, len(BODY)])
async def test_a_body_is_sent_in_pieces(length: int | None) -> None:
    async with uvicorn_server(Starlette(routes=[Route("/up", echo, methods=["PUT"])])) as origin:
        wire = wire_to(origin)
        request = WireRequest("PUT", f"{origin}/up", (("Content-Type", "application/pdf"),))
        async with wire.stream(request, limits=LIMITS, body=pieces_of(BODY), length=length) as answer:
            body = b"".join([piece async for piece in answer.chunks])
        framing = str(length) if length is not None else "chunked"
        assert body == b'{"size":256000,"framing":"%s"}' % framing.encode()
        await wire.close()


@pytest.mark.parametrize("length", [len(BODY) - 1, len(BODY) + 1])
async def test_a_body_of_another_length_than_told_is_not_sent_as_if_whole(length: int) -> None:
    async with uvicorn_server(Starlette(routes=[Route("/up", echo, methods=["PUT"])])) as origin:
        wire = wire_to(origin)
        stream = wire.stream(
            WireRequest("PUT", f"{origin}/up"), limits=LIMITS, body=pieces_of(BODY), length=length
        )
        with pytest.raises(ValueError, match="than its length says"):
            async with stream:
                pass
        await wire.close()


@pytest.mark.parametrize("size", [None, len(BODY)])
async def test_a_form_with_a_file_is_read_by_another_library(size: int | None) -> None:
    seen: dict[str, object] = {}

    async def take(request: Request) -> Response:
        seen["head"] = dict(request.headers)
        seen["body"] = await request.body()
        return Response("ok")

    part = FilePart("file", '营业"执照\r\n.pdf', "application/pdf", pieces_of(BODY), size)
    form = Multipart({"no": "渝1", 'a"b': "x"}, part)
    async with uvicorn_server(Starlette(routes=[Route("/up", take, methods=["POST"])])) as origin:
        wire = wire_to(origin)
        request = WireRequest("POST", f"{origin}/up", (("Content-Type", form.content_type),))
        async with wire.stream(request, limits=LIMITS, body=form.chunks(), length=form.length) as answer:
            assert answer.status == 200
        await wire.close()
    from email import message_from_bytes  # the standard library's own reader of MIME

    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    body = seen["body"]
    assert isinstance(body, bytes)
    parts = message_from_bytes(head + body).get_payload()
    assert isinstance(parts, list)
    payloads = [part.get_payload(decode=True) for part in parts]  # type: ignore[union-attr]
    assert payloads == ["渝1".encode(), b"x", BODY]
    assert b"\r\n.pdf" not in body
