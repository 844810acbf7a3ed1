"""Events of one subgraph, completed by the others, one answer each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.fetch import (
    FetchError,
    FetchOperation,
    FetchResult,
    PreparedFetch,
    PreparedSubscription,
    RequestContext,
    Subgraph,
)
from adapters.testing import ScriptedSubgraph
from gateway.operation import ExecutionAnswer, OperationError, PreparedOperation, prepare
from gateway.planner import pretty
from schema.compose import SubgraphSchema, compose

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.4", import: ["@key"])\n'
EVENTS = LINK + (
    "type Query { x: Int } type Subscription { moved(city: String): Move } "
    'type Move { at: String! case: Case! } type Case @key(fields: "id") { id: ID! }'
)
CASES = LINK + 'type Case @key(fields: "id") { id: ID! title: String! }'


@dataclass
class Events:
    """A subgraph with a stream: what it gives, what it was asked, and whether it was left."""

    given: list[FetchResult | Exception]
    name: str = "events"
    sdl: str = EVENTS
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    is_left: bool = False

    def prepare(self, operation: FetchOperation) -> PreparedFetch:
        raise AssertionError(operation)

    def subscribe(self, operation: FetchOperation) -> PreparedSubscription:
        async def stream(
            variables: Mapping[str, Any], context: RequestContext
        ) -> AsyncGenerator[FetchResult, None]:
            self.asked.append((operation.text, variables))
            try:
                for item in self.given:
                    if isinstance(item, Exception):
                        raise item
                    yield item
            finally:
                self.is_left = True

        return stream


def moved(number: int) -> FetchResult:
    case = {"__typename": "Case", "id": f"c{number}"}
    return FetchResult({"moved": {"__typename": "Move", "at": f"t{number}", "case": case}})


def cases(**changes: Any) -> ScriptedSubgraph:
    return ScriptedSubgraph(
        "cases", CASES, entities={"Case": lambda rep: {**rep, "title": f"title of {rep['id']}"}}, **changes
    )


def prepared(text: str, *subgraphs: Subgraph) -> PreparedOperation | list[OperationError]:
    composition = compose([SubgraphSchema(item.name, None, item.sdl) for item in subgraphs])
    assert composition.supergraph is not None, composition.errors
    assert composition.api_schema is not None
    by_name = {item.name: item for item in subgraphs}
    return prepare(composition.api_schema, composition.supergraph, by_name, text)


async def answers(text: str, *subgraphs: Subgraph, **variables: Any) -> list[ExecutionAnswer]:
    operation = prepared(text, *subgraphs)
    assert isinstance(operation, PreparedOperation), operation
    context = RequestContext(deadline=asyncio.get_running_loop().time() + 60)
    return [item async for item in operation.subscribe(variables, context)]


WITH_TITLE = "subscription ($city: String) { moved(city: $city) { at case { title } } }"


async def test_each_event_is_completed_and_answered_in_order() -> None:
    source = Events([moved(1), moved(2)])
    found = await answers(WITH_TITLE, source, cases(), city="重庆")
    assert [item.data for item in found] == [
        {"moved": {"at": "t1", "case": {"title": "title of c1"}}},
        {"moved": {"at": "t2", "case": {"title": "title of c2"}}},
    ]
    assert all(item.errors == [] for item in found)
    assert source.asked[0][1] == {"city": "重庆"}
    assert source.is_left


def test_the_plan_shows_what_streams_and_what_completes() -> None:
    operation = prepared(WITH_TITLE, Events([]), cases())
    assert isinstance(operation, PreparedOperation)
    lines = [line.strip() for line in pretty(operation.plan).splitlines()]
    assert lines[1:4] == ["Subscription {", "Primary {", 'Fetch(service: "events") {']
    assert operation.plan.to_json()["node"]["rest"]["kind"] == "Flatten"


async def test_an_event_that_cannot_be_completed_does_not_end_the_stream() -> None:
    found = await answers(WITH_TITLE, Events([moved(1), moved(2)]), cases(failure=FetchError("down")))
    assert [item.data for item in found] == [{"moved": None}, {"moved": None}]
    assert [item.errors[0]["path"] for item in found] == [["moved", "case"]] * 2


async def test_an_event_with_errors_only_is_an_answer_with_errors() -> None:
    lost = FetchResult(None, (FetchError("lost", (), {"code": "GONE"}),))
    found = await answers(WITH_TITLE, Events([moved(1), lost]), cases())
    assert found[1].data == {"moved": None}
    assert [item["extensions"]["code"] for item in found[1].errors] == ["GONE"]


async def test_a_stream_that_breaks_ends_with_an_error_that_tells_no_cause() -> None:
    found = await answers(WITH_TITLE, Events([moved(1), RuntimeError("secret")]), cases())
    assert [bool(item.errors) for item in found] == [False, True]
    assert found[1].errors[0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in str(found[1].errors)


async def test_closing_the_answers_leaves_the_stream() -> None:
    source = Events([moved(1), moved(2)])
    operation = prepared(WITH_TITLE, source, cases())
    assert isinstance(operation, PreparedOperation)
    stream = operation.subscribe({}, RequestContext(deadline=float("inf")))
    await anext(stream)
    assert not source.is_left
    await stream.aclose()
    assert source.is_left


async def test_each_event_has_its_own_deadline() -> None:
    """A stream lives longer than any request; completing an event must not."""
    source = Events([moved(1)])
    operation = prepared(WITH_TITLE, source, cases())
    assert isinstance(operation, PreparedOperation)
    context = RequestContext(deadline=0.0)
    late = [item async for item in operation.subscribe({}, context, event_timeout_s=-1)]
    assert late[0].errors[0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
    in_time = [item async for item in operation.subscribe({}, context)]
    assert in_time[0].errors == []


async def test_bad_variables_and_other_operations_are_refused_with_one_answer() -> None:
    (refused,) = await answers(WITH_TITLE, Events([moved(1)]), cases(), city=["x", "y"])
    assert not refused.executed
    (refused,) = await answers("{ x }", ScriptedSubgraph("events", EVENTS), cases())
    assert refused.errors[0]["extensions"]["code"] == "SUBSCRIPTION_EXPECTED"
    operation = prepared(WITH_TITLE, Events([moved(1)]), cases())
    assert isinstance(operation, PreparedOperation)
    answer = await operation.execute({}, RequestContext(deadline=float("inf")))
    assert answer.errors[0]["extensions"]["code"] == "SUBSCRIPTION_NEEDS_STREAM"


def test_a_subgraph_without_streams_is_named() -> None:
    found = prepared(WITH_TITLE, ScriptedSubgraph("events", EVENTS), cases())
    assert isinstance(found, list)
    assert found[0].code == "QUERY_PLAN_UNSUPPORTED"
    assert "events" in found[0].message
