"""GraphQL over SSE in single connection mode, against a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.security.identity import load_tokens
from tests.e2e.waiting import until_async
from tests.web.toy import RunningWeb, running_web

STREAM = "/graphql/stream"
TOKEN = "x-graphql-event-stream-token"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeb]:
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.yaml"
    tokens.write_text("tokens:\n  - {token: counter-three, name: counter-3, scopes: ['cases:read']}\n")
    with running_web(authenticator=load_tokens(tokens)) as running:
        yield running


@pytest.fixture
async def client(web: RunningWeb) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=20) as http:
        yield http


async def reserve(client: httpx.AsyncClient, **headers: str) -> str:
    answer = await client.put(STREAM, headers=headers)
    assert answer.status_code == 201
    return answer.text


async def start(
    client: httpx.AsyncClient, token: str, name: str, query: str, **headers: str
) -> httpx.Response:
    body = {"query": query, "extensions": {"operationId": name}}
    return await client.post(STREAM, json=body, headers={TOKEN: token, **headers})


@asynccontextmanager
async def opened(client: httpx.AsyncClient, token: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    async with client.stream(
        "GET", STREAM, headers={TOKEN: token, "accept": "text/event-stream"}
    ) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"

        async def events() -> AsyncIterator[tuple[str, Any]]:
            name = ""
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

        yield events()


async def test_operations_of_one_stream_are_told_apart_by_their_ids(client: httpx.AsyncClient) -> None:
    token = await reserve(client)
    assert (await start(client, token, "q", "{ hello }")).status_code == 202  # before it is open, too
    async with opened(client, token) as events:
        assert (await start(client, token, "s", "subscription { count(to: 2) }")).status_code == 202
        assert (await start(client, token, "x", "{ nope }")).status_code == 202
        got = [await anext(events) for _ in range(7)]
    of = {name: [(kind, one.get("payload")) for kind, one in got if one["id"] == name] for name in "qsx"}
    assert of["q"] == [("next", {"data": {"hello": "hello 全域"}}), ("complete", None)]
    assert of["s"] == [("next", {"data": {"count": 0}}), ("next", {"data": {"count": 1}}), ("complete", None)]
    assert [kind for kind, _ in of["x"]] == ["next", "complete"]
    assert "data" not in of["x"][0][1]


async def test_an_operation_ends_by_its_id_and_all_when_the_client_leaves(
    client: httpx.AsyncClient, web: RunningWeb
) -> None:
    token = await reserve(client)
    async with opened(client, token):
        for name in ("a", "b"):
            await start(client, token, name, "subscription { releases }")
        await until_async(lambda: web.engine.streams == 2)
        assert (
            await client.delete(STREAM, params={"operationId": "a"}, headers={TOKEN: token})
        ).status_code == 200
        await until_async(lambda: web.engine.streams == 1)
    await until_async(lambda: web.engine.streams == 0)
    assert (await start(client, token, "c", "{ hello }")).status_code == 404


async def test_a_stream_is_opened_once_and_an_id_runs_once(client: httpx.AsyncClient) -> None:
    token = await reserve(client)
    async with opened(client, token):
        again = await client.get(STREAM, params={"token": token}, headers={"accept": "text/event-stream"})
        assert (again.status_code, again.json()["errors"][0]["extensions"]["code"]) == (409, "STREAM_OPEN")
        await start(client, token, "a", "subscription { releases }")
        twice = await start(client, token, "a", "{ hello }")
        assert (twice.status_code, twice.json()["errors"][0]["extensions"]["code"]) == (
            409,
            "OPERATION_EXISTS",
        )
        nameless = await client.post(STREAM, json={"query": "{ hello }"}, headers={TOKEN: token})
        assert nameless.status_code == 400


async def test_a_stream_is_its_callers_own(client: httpx.AsyncClient) -> None:
    clerk = {"authorization": "Bearer counter-three"}
    token = await reserve(client, **clerk)
    stranger = await start(client, token, "a", "{ caller }")
    assert (stranger.status_code, stranger.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    async with opened(client, token) as events:  # an EventSource sends no token: the stream's own is enough
        await start(client, token, "a", "{ caller }", **clerk)
        _, answer = await anext(events)
    assert answer["payload"]["data"]["caller"].startswith("counter-3 ")


async def test_a_stream_that_was_not_reserved_is_not_there(client: httpx.AsyncClient) -> None:
    assert (await client.get(STREAM, params={"token": "x"})).status_code == 404
    assert (await client.put(STREAM, headers={"authorization": "Bearer nobody"})).status_code == 401
    assert (await client.patch(STREAM)).status_code == 405
