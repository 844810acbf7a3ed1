"""Subscriptions through the gateway, and what is under way while a new generation comes into service."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.e2e.gateways import Client, here
from tests.e2e.services import Service, declare, service
from tests.e2e.waiting import until

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { boats: [Boat!] }
type Mutation { moor(no: ID!): String }
type Subscription { sighted: Boat }
type Boat @key(fields: "no") { no: ID! home: Region }
type Region @key(fields: "code") { code: RegionCode! }
scalar RegionCode
"""
SIGHTED = "subscription { sighted { no home { name } } }"
SSE = "subscriptions: {protocol: sse}"


class Sightings:
    """Events that a test gives one by one."""

    def __init__(self) -> None:
        self.given = 0
        self.readers = 0

    def show(self) -> None:
        self.given += 1

    async def __call__(self, _info: Any) -> AsyncGenerator[dict[str, Any], None]:
        self.readers += 1
        seen = 0
        try:
            while True:
                if seen < self.given:
                    seen += 1
                    yield {"sighted": {"no": str(seen), "home": {"code": "500107"}}}
                await asyncio.sleep(0.005)
        finally:
            self.readers -= 1


def boats(sightings: Callable[..., Any], **root: Any) -> Any:
    return service("boats", SDL, root={"sighted": sightings, "boats": [], **root})


def boat(number: int) -> dict[str, Any]:
    return {"data": {"sighted": {"no": str(number), "home": {"name": "九龙坡区"}}}}


def test_each_event_is_completed_by_other_subgraphs_and_leaving_unsubscribes(
    systems_dir: Path, tmp_path: Path
) -> None:
    sightings = Sightings()
    with boats(sightings) as running:
        declare(systems_dir, running, more=SSE)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            with client.events(SIGHTED) as events:
                for number in (1, 2):
                    sightings.show()
                    assert next(events) == boat(number)
            until(lambda: sightings.readers == 0, what="the service is unsubscribed")
            until(lambda: client.metric('quanyu_streams_open{transport="sse"}') == 0, what="none is open")
            assert client.metric('quanyu_streams_total{outcome="left",transport="sse"}') == 1


def test_the_same_by_websocket(systems_dir: Path, tmp_path: Path) -> None:
    sightings = Sightings()
    with boats(sightings) as running:
        declare(systems_dir, running, more=SSE)
        with (
            here(tmp_path, systems_dir, {}, watch=False) as client,
            connect(
                client.url.replace("http", "ws") + "/graphql",
                subprotocols=[Subprotocol("graphql-transport-ws")],
                proxy=None,
            ) as socket,
        ):
            socket.send('{"type": "connection_init"}')
            assert json.loads(socket.recv()) == {"type": "connection_ack"}
            socket.send(json.dumps({"id": "a", "type": "subscribe", "payload": {"query": SIGHTED}}))
            sightings.show()
            assert json.loads(socket.recv()) == {"id": "a", "type": "next", "payload": boat(1)}


def test_an_event_whose_completion_fails_is_given_with_its_error(systems_dir: Path, tmp_path: Path) -> None:
    sightings = Sightings()
    sdl = SDL.replace("no: ID! home: Region", "no: ID! home: Region crew: Crew").replace(
        "scalar", 'type Crew @key(fields: "id") { id: ID! }\nscalar'
    )
    crews = service(
        "crews",
        SDL.split("type Query")[0]
        + 'type Query { x: Int } type Crew @key(fields: "id") { id: ID! size: Int }',
    )

    async def sighted(_info: Any) -> AsyncGenerator[dict[str, Any], None]:
        async for event in sightings(_info):
            yield {"sighted": {**event["sighted"], "crew": {"id": "7"}}}

    with service("boats", sdl, root={"sighted": sighted}) as running, crews as other:
        declare(systems_dir, running, more=SSE)
        declare(systems_dir, other)
        with (
            here(tmp_path, systems_dir, {}, watch=False) as client,
            client.events("subscription { sighted { no crew { size } } }") as events,
        ):
            other.entity = lambda one: {**one, "size": 3}
            sightings.show()
            assert next(events) == {"data": {"sighted": {"no": "1", "crew": {"size": 3}}}}
            other.stop()
            sightings.show()
            answer = next(events)
            assert answer["data"] == {"sighted": {"no": "2", "crew": {"size": None}}}
            assert answer["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"
            other.start()


def test_a_service_that_dies_ends_the_stream_with_an_error(systems_dir: Path, tmp_path: Path) -> None:
    sightings = Sightings()
    with boats(sightings) as running:
        declare(systems_dir, running, more=SSE)
        with (
            here(tmp_path, systems_dir, {}, watch=False) as client,
            client.events(SIGHTED) as events,
        ):
            sightings.show()
            assert next(events) == boat(1)
            running.stop()
            last = next(events)
            assert last["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"
            assert list(events) == []


def test_a_subgraph_without_event_streams_says_so_before_any_event(systems_dir: Path, tmp_path: Path) -> None:
    """The service answers by server-sent events, the file says WebSocket."""
    with boats(Sightings()) as running:
        declare(systems_dir, running)
        with here(tmp_path, systems_dir, {}, watch=False) as client, client.events(SIGHTED) as events:
            answer = next(events)
            assert answer["errors"][0]["extensions"]["service"] == "boats"
            assert list(events) == []


@pytest.fixture
def waiting() -> threading.Event:
    return threading.Event()


def test_streams_and_mutations_finish_on_the_generation_that_they_began_with(
    systems_dir: Path, tmp_path: Path, waiting: threading.Event
) -> None:
    sightings = Sightings()
    begun: list[str] = []

    def moor(_info: Any, no: str) -> str:
        begun.append(no)
        assert waiting.wait(20)
        return f"moored {no}"

    with (
        boats(sightings, moor=moor) as running,
        ThreadPoolExecutor() as pool,
    ):
        declare(systems_dir, running, more=SSE, timeout_ms=30_000)
        with here(tmp_path, systems_dir, {}, max_deadline_ms=30_000) as client:
            other = Client(client.url)
            with client.events(SIGHTED) as events:
                sightings.show()
                assert next(events) == boat(1)
                mooring = pool.submit(other.ask, 'mutation { moor(no: "7") }')
                until(lambda: begun == ["7"], what="the mutation is under way")
                before = generation(client)
                change(running, systems_dir)
                until(lambda: generation(client) > before, what="the change is in service")
                assert client.data("{ harbour }") == {"harbour": "朝天门"}
                sightings.show()
                assert next(events) == boat(2)
                waiting.set()
                assert mooring.result(20).data == {"moor": "moored 7"}
            assert begun == ["7"]  # sent once
            until(lambda: sightings.readers == 0, what="the old generation has let the service go")
            other.close()


def generation(client: Client) -> int:
    return int(client.ready()[1]["generation"])


def change(running: Service, systems_dir: Path) -> None:
    running.root = {**running.root, "harbour": "朝天门"}
    running.sdl = SDL.replace("boats: [Boat!]", "boats: [Boat!] harbour: String")
    declare(systems_dir, running, more=SSE + "\ntitle: 船", timeout_ms=30_000)
