"""httpx over the wire behaves as plain httpx does, and fails with httpx's own exceptions."""

from __future__ import annotations

import gzip
import socket
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.wire import WireTransport
from tests.wire.servers import Exchange, RawServer, Script, say, uvicorn_server, wire_to


async def echo(request: Request) -> Response:
    body = await request.body()
    kept = {
        key: request.headers.get(key) for key in ("content-type", "x-case", "content-length", "authorization")
    }
    return JSONResponse(
        {
            "method": request.method,
            "query": str(request.query_params),
            "headers": kept,
            "body": body.decode("latin-1"),
        }
    )


async def packed(_: Request) -> Response:
    return Response(
        gzip.compress("办件".encode() * 500), headers={"Content-Encoding": "gzip"}, media_type="text/plain"
    )


async def cookies(_: Request) -> Response:
    response = PlainTextResponse("set")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def streamed(_: Request) -> Response:
    return StreamingResponse(
        (f"line {number}\n" for number in range(100)), media_type="text/plain; charset=gb18030"
    )


async def large(_: Request) -> Response:
    return Response(b"x" * 1_000_000)


async def empty(_: Request) -> Response:
    return Response(status_code=204)


async def away(_: Request) -> Response:
    return RedirectResponse("/echo?from=away", status_code=303)


def city() -> Starlette:
    handlers = {"echo": echo, "packed": packed, "cookies": cookies, "streamed": streamed, "large": large}
    handlers |= {"empty": empty, "away": away}
    methods = ["GET", "POST", "PUT", "DELETE"]
    return Starlette(
        routes=[Route(f"/{name}", handler, methods=methods) for name, handler in handlers.items()]
    )


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/echo?a=1&b=张", {}),
    ("POST", "/echo", {"json": {"name": "张三"}}),
    ("POST", "/echo", {"data": {"a": "1"}, "headers": {"X-Case": "7"}}),
    ("PUT", "/echo", {"content": b"put", "auth": ("user", "pass")}),
    ("GET", "/packed", {}),
    ("GET", "/cookies", {}),
    ("GET", "/streamed", {}),
    ("GET", "/large", {}),
    ("DELETE", "/empty", {}),
    ("HEAD", "/large", {}),
    ("GET", "/nowhere", {}),
    ("POST", "/away", {"content": b"x", "follow_redirects": True}),
]


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS)
async def test_an_answer_is_the_one_of_plain_httpx(method: str, path: str, options: dict[str, Any]) -> None:
    async with uvicorn_server(city()) as origin, wire_to(origin) as wire:
        seen = []
        for transport in (None, WireTransport(wire)):
            async with httpx.AsyncClient(transport=transport) as client:
                response = await client.request(method, origin + path, **options)
                seen.append(_comparable(response, dict(client.cookies)))
    assert seen[0] == seen[1]


def _comparable(response: httpx.Response, cookies: dict[str, str]) -> dict[str, Any]:
    about_raw_body = {"date", "content-encoding", "content-length", "transfer-encoding"}
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "text": response.text,
        "headers": [pair for pair in response.headers.multi_items() if pair[0] not in about_raw_body],
        "cookies": cookies,
        "history": [str(one.url) for one in response.history],
        "url": str(response.url),
    }


async def hold(exchange: Exchange) -> None:
    await exchange.hold()


BOMB = gzip.compress(bytes(2_000_000), mtime=0)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (hold, httpx.ReadTimeout),
        (say(b"nonsense"), httpx.RemoteProtocolError),
        (say(b"", hang_up=True), httpx.RemoteProtocolError),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"), httpx.ReadError),
        (
            say(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
                % (len(BOMB), BOMB)
            ),
            httpx.DecodingError,
        ),
    ],
)
async def test_failures_are_httpx_exceptions(
    raw: RawServer, script: Script, expected: type[Exception]
) -> None:
    raw.script = script
    async with wire_to(raw.origin, max_body_bytes=1_000_000) as wire:
        async with httpx.AsyncClient(transport=WireTransport(wire), timeout=0.2) as client:
            with pytest.raises(expected) as caught:
                await client.get(raw.origin + "/secret?name=zhang")
        raw.let_go.set()
    assert isinstance(caught.value, httpx.RequestError)
    assert caught.value.request.method == "GET"
    assert "zhang" not in str(caught.value)


async def test_a_refused_connection_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with wire_to(origin) as wire, httpx.AsyncClient(transport=WireTransport(wire)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(origin)


async def test_an_unregistered_origin_is_an_unsupported_address(raw: RawServer) -> None:
    async with wire_to("http://legacy") as wire, httpx.AsyncClient(transport=WireTransport(wire)) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get(raw.origin)
    assert raw.connections == 0


async def test_without_a_timeout_the_default_bounds_the_call(raw: RawServer) -> None:
    raw.script = hold
    async with wire_to(raw.origin) as wire:
        transport = WireTransport(wire, default_timeout_s=0.1)
        async with httpx.AsyncClient(transport=transport, timeout=None) as client:  # noqa: S113  # the point
            with pytest.raises(httpx.ReadTimeout):
                await client.get(raw.origin)
        raw.let_go.set()


@pytest.mark.parametrize("close_wire", [True, False])
async def test_the_wire_is_closed_with_the_client_only_if_asked(raw: RawServer, close_wire: bool) -> None:
    async with wire_to(raw.origin) as wire:
        async with httpx.AsyncClient(transport=WireTransport(wire, close_wire=close_wire)) as client:
            await client.get(raw.origin)
        assert (wire.counts()[raw.origin].idle == 0) is close_wire
    assert raw.requests
