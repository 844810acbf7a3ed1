"""GraphQL over server-sent events against a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.waiting import until_async
from tests.web.toy import RunningWeb, running_web

EVENTS = {"Accept": "text/event-stream"}
URQL = {"Accept": "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"}


@pytest.fixture(scope="module")
def web() -> Iterator[RunningWeb]:
    with running_web() as running:
        yield running


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            data = line.removeprefix("data:").strip()
            yield name, json.loads(data) if data else None


async def ask(web: RunningWeb, query: str, headers: dict[str, str] = EVENTS) -> list[tuple[str, Any]]:
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("POST", web.url + "/graphql", json={"query": query}, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        return [event async for event in events(response)]


async def test_events_come_in_order_and_then_the_end(web: RunningWeb) -> None:
    assert await ask(web, "subscription { count(to: 2) }") == [
        ("next", {"data": {"count": 0}}),
        ("next", {"data": {"count": 1}}),
        ("complete", None),
    ]


async def test_a_query_may_be_asked_so_too(web: RunningWeb) -> None:
    assert await ask(web, "{ hello }") == [("next", {"data": {"hello": "hello 全域"}}), ("complete", None)]


async def test_a_refused_operation_is_an_event(web: RunningWeb) -> None:
    [(kind, body), end] = await ask(web, "subscription { nothing }")
    assert (kind, end) == ("next", ("complete", None))
    assert "data" not in body
    assert "nothing" in body["errors"][0]["message"]


async def test_a_client_that_takes_both_gets_events_for_subscriptions_only(web: RunningWeb) -> None:
    assert len(await ask(web, "subscription { count(to: 2) }", URQL)) == 3
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(web.url + "/graphql", json={"query": "{ hello }"}, headers=URQL)
    assert answer.headers["content-type"].startswith("application/graphql-response+json")


async def test_a_subscription_by_get_as_browsers_send_it(web: RunningWeb) -> None:
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream(
            "GET",
            web.url + "/graphql",
            params={"query": "subscription { count(to: 1) }"},
            headers=EVENTS,
        ) as response,
    ):
        assert [kind async for kind, _ in events(response)] == ["next", "complete"]


async def test_a_mutation_by_get_is_refused(web: RunningWeb) -> None:
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream(
            "GET", web.url + "/graphql", params={"query": "mutation { release }"}, headers=EVENTS
        ) as response,
    ):
        [(_, body), _] = [event async for event in events(response)]
    assert "errors" in body
    assert "data" not in body


async def test_what_is_no_request_is_an_http_error(web: RunningWeb) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            web.url + "/graphql", content=b"{", headers={**EVENTS, "Content-Type": "application/json"}
        )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "MALFORMED_JSON"


async def test_leaving_ends_the_stream_at_its_source(web: RunningWeb) -> None:
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream(
            "POST", web.url + "/graphql", json={"query": "subscription { releases }"}, headers=EVENTS
        ),
    ):
        await until_async(lambda: web.engine.streams == 1)
    await until_async(lambda: web.engine.streams == 0)


async def test_a_fault_of_the_engine_is_the_last_event(web: RunningWeb) -> None:
    got = await ask(web, "subscription { crashes }")
    assert got[0] == ("next", {"data": {"crashes": 1}})
    assert got[1][1]["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in json.dumps(got)


async def test_stopping_ends_streams_without_saying_that_they_are_complete() -> None:
    with running_web() as web:
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            client.stream(
                "POST", web.url + "/graphql", json={"query": "subscription { releases }"}, headers=EVENTS
            ) as response,
        ):
            await until_async(lambda: web.engine.streams == 1)
            web.stop()
            assert [event async for event in events(response)] == []
