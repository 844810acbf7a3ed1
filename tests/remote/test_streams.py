"""Event streams of a remote subgraph over real WebSockets and real server-sent events."""

from __future__ import annotations

import asyncio
import http
import json
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from adapters.fetch import FetchResult, RequestContext
from adapters.remote.streams.event_reader import EventReader, EventTooLarge
from adapters.remote.subgraph import RemoteSubgraph
from tests.e2e.waiting import until_async
from tests.remote.servers import context, operation, subgraph
from tests.remote.stream_servers import WebSockets, next_, scripted_sockets, scripted_sse

BOOKED = "subscription ($make: String) { booked { code make } }"
LIFTS = [{"data": {"booked": {"code": str(number), "make": "三菱"}}} for number in range(3)]
SSE = {"protocol": "sse"}


async def all_of(
    remote: RemoteSubgraph, ctx: RequestContext | None = None, **variables: Any
) -> list[FetchResult]:
    stream = remote.subscribe(operation(BOOKED, "subscription"))(variables, ctx or context())
    async with aclosing(stream) as results, asyncio.timeout(20):
        return [one async for one in results]


def codes(results: list[FetchResult]) -> list[Any]:
    return [error.extensions.get("code") for one in results for error in one.errors]


async def three_and_done(_server: WebSockets, socket: ServerConnection, message: dict[str, Any]) -> None:
    for lift in LIFTS:
        await socket.send(next_(lift, message["id"]))
    await socket.send(json.dumps({"id": message["id"], "type": "complete"}))


async def quiet(_server: WebSockets, _socket: ServerConnection, _message: dict[str, Any]) -> None:
    return


async def cut(_server: WebSockets, socket: ServerConnection, message: dict[str, Any]) -> None:
    await socket.send(next_(LIFTS[0], message["id"]))
    socket.transport.abort()


# --- graphql-transport-ws ---


async def test_events_of_a_socket_come_in_order_and_it_is_closed() -> None:
    async with scripted_sockets(three_and_done) as server, subgraph(server.url) as remote:
        results = await all_of(remote, make="三菱")
        assert results == [FetchResult(one["data"]) for one in LIFTS]
        await until_async(lambda: server.closed == 1)
    assert server.seen[1] == {
        "id": "1",
        "type": "subscribe",
        "payload": {"query": BOOKED, "variables": {"make": "三菱"}},
    }


async def test_the_handshake_carries_fixed_propagated_trace_and_credential_headers() -> None:
    rules = {"propagate": ["Accept-Language"], "static": {"X-Channel": "quanyu"}}
    asked = context(
        headers={"accept-language": "zh", "cookie": "not sent on"}, trace_headers={"traceparent": "00-1-2-01"}
    )
    async with (
        scripted_sockets(three_and_done) as server,
        subgraph(server.url, headers=rules, auth={"bearer": "opens the door"}) as remote,
    ):
        await all_of(remote, asked)
    [headers] = server.headers
    assert headers["accept-language"] == "zh"
    assert headers["x-channel"] == "quanyu"
    assert headers["authorization"] == "Bearer opens the door"
    assert headers["traceparent"] == "00-1-2-01"
    assert "cookie" not in headers
    assert "content-type" not in headers
    assert "payload" not in server.seen[0]


async def test_headers_may_be_repeated_in_the_introduction() -> None:
    async with (
        scripted_sockets(three_and_done) as server,
        subgraph(server.url, auth={"bearer": "x"}, subscriptions={"headersInInit": True}) as remote,
    ):
        await all_of(remote)
    assert server.seen[0]["payload"]["Authorization"] == "Bearer x"


async def test_closing_the_iterator_unsubscribes() -> None:
    async def one(_server: WebSockets, socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.send(next_(LIFTS[0], message["id"]))

    async with scripted_sockets(one) as server, subgraph(server.url) as remote:
        stream = remote.subscribe(operation(BOOKED, "subscription"))({}, context())
        assert (await anext(stream)).data == LIFTS[0]["data"]
        assert remote.streams.open == 1
        await stream.aclose()
        assert remote.streams.open == 0
        await until_async(lambda: server.closed == 1)
    assert server.seen[-1] == {"id": "1", "type": "complete"}


async def test_errors_of_the_subgraph_are_the_last_that_is_given() -> None:
    async def refuse(_server: WebSockets, socket: ServerConnection, message: dict[str, Any]) -> None:
        said = [{"message": "不可订阅", "extensions": {"code": "LIFT_GONE"}}]
        await socket.send(json.dumps({"id": message["id"], "type": "error", "payload": said}))

    async with scripted_sockets(refuse) as server, subgraph(server.url) as remote:
        [result] = await all_of(remote)
    assert (result.data, result.errors[0].message, codes([result])) == (None, "不可订阅", ["LIFT_GONE"])


async def test_a_lost_socket_is_an_error_after_what_came() -> None:
    async with scripted_sockets(cut) as server, subgraph(server.url) as remote:
        results = await all_of(remote)
    assert results[0].data == LIFTS[0]["data"]
    assert codes(results) == ["SOURCE_UNAVAILABLE"]
    assert "was lost" in results[-1].errors[0].message


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"type": "data"}',
        '{"id": "1", "type": "next", "payload": 7}',
        '{"id": "1", "type": "next", "payload": {}}',
        next_({"data": {"booked": [1]}}),
    ],
)
async def test_a_message_that_the_protocol_does_not_have_is_bad_data(text: str) -> None:
    async def send(_server: WebSockets, socket: ServerConnection, _message: dict[str, Any]) -> None:
        await socket.send(text)
        await socket.send(json.dumps({"id": "1", "type": "complete"}))

    async with scripted_sockets(send) as server, subgraph(server.url) as remote:
        assert codes(await all_of(remote)) == ["SOURCE_BAD_DATA"]


async def test_an_event_over_the_limit_ends_the_stream() -> None:
    async def send(_server: WebSockets, socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.send(next_({"data": {"booked": {"code": "x" * 300_000}}}, message["id"]))

    async with (
        scripted_sockets(send) as server,
        subgraph(server.url, traffic={"maxBodyMb": 0.1}) as remote,
    ):
        assert codes(await all_of(remote)) == ["SOURCE_BAD_DATA"]


async def test_pings_of_the_subgraph_are_answered() -> None:
    async def ping(server: WebSockets, socket: ServerConnection, message: dict[str, Any]) -> None:
        await socket.send('{"type": "ping"}')
        server.seen.append(json.loads(await socket.recv()))
        await socket.send('{"type": "pong"}')
        await three_and_done(server, socket, message)

    async with scripted_sockets(ping) as server, subgraph(server.url) as remote:
        assert len(await all_of(remote)) == 3
    assert {"type": "pong"} in server.seen


async def test_a_socket_that_never_acknowledges_is_given_up_in_time() -> None:
    async with (
        scripted_sockets(quiet, ack=None) as server,
        subgraph(server.url, traffic={"timeoutMs": 200, "retries": 0}) as remote,
    ):
        assert codes(await all_of(remote)) == ["SOURCE_TIMEOUT"]
        await until_async(lambda: server.closed == 1)


@pytest.mark.parametrize("subprotocols", [(), ("graphql-ws",)])
async def test_another_sub_protocol_is_bad_data(subprotocols: tuple[str, ...]) -> None:
    async with (
        scripted_sockets(three_and_done, subprotocols=subprotocols) as server,
        subgraph(server.url, traffic={"retries": 0}) as remote,
    ):
        [result] = await all_of(remote)
    assert result.errors[0].extensions["code"] in ("SOURCE_BAD_DATA", "SOURCE_REFUSED")


def answered(status: int, *headers: tuple[str, str]) -> Any:
    def refuse(_request: Request) -> Response:
        return Response(
            status, http.HTTPStatus(status).phrase, Headers([*headers, ("Content-Length", "0")]), b""
        )

    return refuse


@pytest.mark.parametrize(
    ("status", "code"), [(401, "SOURCE_REFUSED"), (404, "SOURCE_REFUSED"), (503, "SOURCE_UNAVAILABLE")]
)
async def test_a_refused_handshake_is_an_error(status: int, code: str) -> None:
    async with (
        scripted_sockets(quiet, refuse=answered(status)) as server,
        subgraph(server.url, traffic={"retries": 0}) as remote,
    ):
        assert codes(await all_of(remote)) == [code]
        assert remote.streams.open == 0


async def test_a_redirect_is_never_followed() -> None:
    async with scripted_sockets(three_and_done) as elsewhere:
        away = answered(302, ("Location", elsewhere.url.replace("http", "ws")))
        async with (
            scripted_sockets(quiet, refuse=away) as server,
            subgraph(server.url, traffic={"retries": 0}) as remote,
        ):
            [result] = await all_of(remote)
    assert "redirects" in result.errors[0].message
    assert elsewhere.headers == []


async def test_nobody_listening_is_an_error() -> None:
    async with subgraph("http://127.0.0.1:1/graphql", traffic={"retries": 0}) as remote:
        assert codes(await all_of(remote)) == ["SOURCE_UNAVAILABLE"]


async def test_no_more_streams_than_declared_are_open_at_once() -> None:
    async with (
        scripted_sockets(quiet) as server,
        subgraph(server.url, subscriptions={"maxOpen": 1}) as remote,
    ):
        first = remote.subscribe(operation(BOOKED, "subscription"))({}, context())
        waiting = asyncio.ensure_future(anext(first))
        await until_async(lambda: len(server.seen) == 2)
        assert codes(await all_of(remote)) == ["SOURCE_OVERLOADED"]
        waiting.cancel()
        await asyncio.wait([waiting])
        await first.aclose()
        assert remote.streams.open == 0


async def test_streams_may_have_another_address() -> None:
    async with scripted_sockets(three_and_done) as server:
        url = server.url.replace("http", "ws")
        async with subgraph("http://127.0.0.1:1/graphql", subscriptions={"url": url}) as remote:
            assert len(await all_of(remote)) == 3


# --- server-sent events ---


def sse_event(kind: str, value: Any = None) -> bytes:
    data = json.dumps(value) if value is not None else ""
    return f"event: {kind}\ndata: {data}\n\n".encode()


async def test_server_sent_events_come_in_order() -> None:
    body = [sse_event("next", one) for one in LIFTS]
    async with (
        scripted_sse(b":\n\n", *body, sse_event("complete")) as server,
        subgraph(server.url, subscriptions=SSE, auth={"bearer": "x"}) as remote,
    ):
        assert await all_of(remote, make="a") == [FetchResult(one["data"]) for one in LIFTS]
    [(headers, sent)] = server.requests
    assert json.loads(sent) == {"query": BOOKED, "variables": {"make": "a"}}
    assert headers["accept"].startswith("text/event-stream")
    assert headers["authorization"] == "Bearer x"
    assert headers["content-type"] == "application/json"


async def test_an_end_without_complete_is_a_lost_stream() -> None:
    async with (
        scripted_sse(sse_event("next", LIFTS[0])) as server,
        subgraph(server.url, subscriptions=SSE) as remote,
    ):
        results = await all_of(remote)
    assert results[0].data == LIFTS[0]["data"]
    assert codes(results) == ["SOURCE_UNAVAILABLE"]


async def test_leaving_server_sent_events_closes_the_connection() -> None:
    async with (
        scripted_sse(sse_event("next", LIFTS[0]), None) as server,
        subgraph(server.url, subscriptions=SSE) as remote,
    ):
        stream = remote.subscribe(operation(BOOKED, "subscription"))({}, context())
        await anext(stream)
        await stream.aclose()
        async with asyncio.timeout(10):
            await server.left.wait()


async def test_a_service_that_is_silent_for_longer_than_declared_is_lost() -> None:
    async with (
        scripted_sse(sse_event("next", LIFTS[0]), None) as server,
        subgraph(server.url, subscriptions={**SSE, "idleS": 0.2}) as remote,
    ):
        assert codes(await all_of(remote)) == ["SOURCE_TIMEOUT"]


REFUSED = json.dumps({"errors": [{"message": "no", "extensions": {"code": "BAD"}}]}).encode()


@pytest.mark.parametrize(
    ("head", "body", "code"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", REFUSED, "BAD"),
        ("HTTP/1.1 400 Bad\r\nContent-Type: application/graphql-response+json\r\n", REFUSED, "BAD"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", b"<html></html>", "SOURCE_BAD_DATA"),
        ("HTTP/1.1 406 No\r\nContent-Type: text/plain\r\n", b"no", "SOURCE_REFUSED"),
        ("HTTP/1.1 503 No\r\nContent-Type: text/plain\r\n", b"no", "SOURCE_UNAVAILABLE"),
        ("HTTP/1.1 302 Away\r\nLocation: http://127.0.0.1:1/\r\n", b"", "SOURCE_REFUSED"),
    ],
)
async def test_an_answer_that_is_no_stream_is_an_error(head: str, body: bytes, code: str) -> None:
    async with (
        scripted_sse(body, head=head) as server,
        subgraph(server.url, subscriptions=SSE, traffic={"retries": 0}) as remote,
    ):
        assert codes(await all_of(remote)) == [code]
        assert remote.streams.open == 0


async def test_an_event_without_end_is_cut_off_at_the_limit() -> None:
    async with (
        scripted_sse(b"data: ", *[b"x" * 50_000] * 20) as server,
        subgraph(server.url, subscriptions=SSE, traffic={"maxBodyMb": 0.1}) as remote,
    ):
        assert codes(await all_of(remote)) == ["SOURCE_BAD_DATA"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["next", "message"]),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1),
        ),
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 9),
    st.booleans(),
)
def test_events_are_the_same_however_the_bytes_are_cut(
    told: list[tuple[str, str]], end: str, size: int, bom: bool
) -> None:
    text = "".join(f": c{end}event: {kind}{end}id: 1{end}data: {data}{end}{end}" for kind, data in told)
    raw = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    reader = EventReader(10_000)
    found = [one for at in range(0, len(raw), size) for one in reader.feed(raw[at : at + size])]
    assert found == [(kind, data.encode()) for kind, data in told]


def test_lines_of_one_event_are_joined_and_an_event_without_data_is_none() -> None:
    reader = EventReader(1000)
    assert list(reader.feed(b"data:a\ndata: b\n\nevent: ping\n\nevent: complete\n\n")) == [
        ("message", b"a\nb"),
        ("complete", b""),
    ]


def test_an_event_over_the_limit_is_refused() -> None:
    reader = EventReader(10)
    with pytest.raises(EventTooLarge):
        list(reader.feed(b"data: 123456\ndata: 123456\n"))
