"""graphql-transport-ws against a real server, spoken by another's client library."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.security.identity import load_tokens
from gateway.web.routes import WebLimits
from gateway.web.websocket import MAX_OPERATIONS
from tests.e2e.waiting import until_async
from tests.web.toy import RunningWeb, running_web

TOKENS = """
tokens:
  - {token: demo-token, name: counter-3, scopes: [public]}
"""


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeb]:
    file = tmp_path_factory.mktemp("tokens") / "tokens.yaml"
    file.write_text(TOKENS)
    with running_web(
        authenticator=load_tokens(file),
        limits=WebLimits(deadline_s=5, max_streams=120),
        cors_origins=("https://portal.example",),
    ) as running:
        yield running


class Socket:
    """One WebSocket of a client."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.connection.recv())
        return found

    async def subscribe(self, name: str, query: str, **variables: Any) -> None:
        await self.send(id=name, type="subscribe", payload={"query": query, "variables": variables})

    async def close_code(self) -> int:
        with suppress(ConnectionClosed):
            async for _ in self.connection:
                pass
        code = self.connection.close_code
        assert code is not None
        return code


@asynccontextmanager
async def opened(web: RunningWeb, **how: Any) -> AsyncIterator[Socket]:
    url = web.url.replace("http", "ws") + "/graphql"
    how = {"subprotocols": ["graphql-transport-ws"], "proxy": None, **how}
    async with connect(url, **how) as connection:
        yield Socket(connection)


@asynccontextmanager
async def introduced(web: RunningWeb, payload: Any = None, **how: Any) -> AsyncIterator[Socket]:
    async with opened(web, **how) as socket:
        await socket.send(type="connection_init", payload=payload)
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket


async def test_events_come_in_order_and_then_the_end(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        await socket.subscribe("a", "subscription ($to: Int!) { count(to: $to) }", to=3)
        got = [await socket.receive() for _ in range(4)]
    assert got == [
        *({"id": "a", "type": "next", "payload": {"data": {"count": number}}} for number in range(3)),
        {"id": "a", "type": "complete"},
    ]


async def test_queries_and_mutations_are_answered_once(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        await socket.subscribe("q", '{ hello(name: "渝") }')
        assert await socket.receive() == {
            "id": "q",
            "type": "next",
            "payload": {"data": {"hello": "hello 渝"}},
        }
        assert await socket.receive() == {"id": "q", "type": "complete"}


async def test_several_operations_share_a_socket_and_one_can_be_left(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        await socket.subscribe("live", "subscription { releases }")
        await until_async(lambda: web.engine.streams == 1)
        await socket.subscribe("go", "mutation { release }")
        got = [await socket.receive() for _ in range(3)]
        assert {"id": "live", "type": "next", "payload": {"data": {"releases": 0}}} in got
        await socket.send(id="live", type="complete")
        await until_async(lambda: web.engine.streams == 0)
        await socket.subscribe("live", "{ hello }")  # its name is free again
        assert (await socket.receive())["payload"] == {"data": {"hello": "hello 全域"}}


async def test_leaving_the_socket_ends_its_streams(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        await socket.subscribe("live", "subscription { releases }")
        await until_async(lambda: web.engine.streams == 1)
    await until_async(lambda: web.engine.streams == 0)


async def test_an_operation_that_cannot_run_is_an_error_and_the_socket_goes_on(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        await socket.subscribe("a", "subscription { nothing }")
        refused = await socket.receive()
        assert (refused["id"], refused["type"]) == ("a", "error")
        assert "nothing" in refused["payload"][0]["message"]
        await socket.send(id="b", type="subscribe", payload={"query": 7})
        assert (await socket.receive())["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        await socket.subscribe("c", "{ hello }")
        assert (await socket.receive())["type"] == "next"


async def test_a_fault_of_the_engine_is_a_reference_and_no_detail(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        await socket.subscribe("a", "subscription { crashes }")
        assert (await socket.receive())["payload"] == {"data": {"crashes": 1}}
        failed = await socket.receive()
        assert failed["type"] == "error"
        assert failed["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "secret" not in json.dumps(failed)


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        ({"Authorization": "Bearer demo-token"}, {}),
        ({"headers": {"authorization": "Bearer demo-token"}}, {}),
        (None, {"Authorization": "Bearer demo-token"}),
    ],
)
async def test_the_caller_is_who_the_payload_or_the_handshake_says(
    web: RunningWeb, payload: Any, headers: dict[str, str]
) -> None:
    async with introduced(web, payload, additional_headers=headers) as socket:
        await socket.subscribe("a", "{ caller }")
        assert (await socket.receive())["payload"]["data"]["caller"].startswith("counter-3 ")


async def test_a_wrong_token_closes_with_forbidden(web: RunningWeb) -> None:
    async with opened(web) as socket:
        await socket.send(type="connection_init", payload={"authorization": "Bearer nobody's"})
        assert await socket.close_code() == 4403


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"id": "a", "type": "subscribe", "payload": {"query": "{ hello }"}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "start", "id": "a"}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "payload": {"query": "{ hello }"}}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": "a", "payload": "x"}], 4400),
        ([{"type": "connection_init", "payload": 3}], 4400),
        ([["no", "object"]], 4400),
        (
            [
                {"type": "connection_init"},
                {"type": "subscribe", "id": "a", "payload": {"query": "subscription { releases }"}},
                {"type": "subscribe", "id": "a", "payload": {"query": "subscription { releases }"}},
            ],
            4409,
        ),
    ],
)
async def test_breaking_the_protocol_closes_with_its_code(
    web: RunningWeb, messages: list[Any], code: int
) -> None:
    async with opened(web) as socket:
        for message in messages:
            await socket.connection.send(json.dumps(message))
        assert await socket.close_code() == code
    await until_async(lambda: web.engine.streams == 0)


@pytest.mark.parametrize("raw", ["{", b"\x00\x01", "[" * 5000])
async def test_what_is_no_message_closes_with_bad_request(web: RunningWeb, raw: str | bytes) -> None:
    async with opened(web) as socket:
        await socket.connection.send(raw)
        assert await socket.close_code() == 4400


async def test_pings_are_answered_before_and_after_the_introduction(web: RunningWeb) -> None:
    async with opened(web) as socket:
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.send(type="connection_init")
        await socket.receive()
        await socket.send(type="ping", payload={"any": 1})
        assert await socket.receive() == {"type": "pong"}


async def test_another_sub_protocol_is_refused(web: RunningWeb) -> None:
    async with opened(web, subprotocols=None) as socket:
        assert await socket.close_code() == 4406


@pytest.mark.parametrize(
    ("origin", "taken"), [("https://portal.example", True), ("https://evil.example", False)]
)
async def test_pages_of_other_origins_cannot_open_one(web: RunningWeb, origin: str, taken: bool) -> None:
    if taken:
        async with introduced(web, origin=origin):
            return
    with pytest.raises(InvalidStatus) as refused:
        async with opened(web, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_of_the_gateway_itself_can_open_one(web: RunningWeb) -> None:
    async with introduced(web, origin=web.url):
        pass


async def test_one_socket_holds_a_bounded_number_of_operations(web: RunningWeb) -> None:
    async with introduced(web) as socket:
        for number in range(MAX_OPERATIONS):
            await socket.subscribe(str(number), "subscription { releases }")
        await socket.subscribe("more", "subscription { releases }")
        refused = await socket.receive()
        assert (refused["id"], refused["type"]) == ("more", "error")
        assert refused["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    await until_async(lambda: web.engine.streams == 0)


async def test_the_process_holds_a_bounded_number_of_streams(web: RunningWeb) -> None:
    async with introduced(web) as one, introduced(web) as other:
        for number in range(MAX_OPERATIONS):
            await one.subscribe(str(number), "subscription { releases }")
        for number in range(21):
            await other.subscribe(str(number), "subscription { releases }")
        refused = await other.receive()
        assert refused["payload"][0]["extensions"]["code"] == "STREAMS_EXHAUSTED"
    await until_async(lambda: web.engine.streams == 0)
