"""A new generation has prepared what the former was asked most, before anyone asks it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from adapters.fetch import Caller, RequestContext
from adapters.testing import ScriptedSubgraph
from gateway.engine import GraphQLEngine
from gateway.in_service import Generation
from gateway.kept_operations import OperationCache
from gateway.planner import QueryGraph
from gateway.request import GraphQLRequest
from gateway.security.limits import OperationLimits
from schema.compose import SubgraphSchema, compose

SDL = "type Query { x: Int y: Int }"
CONTEXT = RequestContext(float("inf"), Caller("clerk", frozenset({"a:read"})))


async def closed() -> None:
    """Nothing to close."""


def states() -> Mapping[str, str]:
    return {}


def generation(number: int, sdl: str = SDL, *, entries: int = 1000) -> Generation:
    composition = compose([SubgraphSchema("a", None, sdl)])
    assert composition.supergraph is not None
    subgraph = ScriptedSubgraph("a", sdl, answers=[{"x": 1, "y": 2}])
    graph = QueryGraph(composition.supergraph)
    return Generation(
        number, str(number), composition, graph, {"a": subgraph}, states, closed, OperationCache(entries)
    )


@pytest.fixture
async def engine() -> GraphQLEngine:
    engine = GraphQLEngine(OperationLimits())
    assert engine.warm(generation(0)) == 0  # there is none to learn from
    engine.swap(generation(1))
    for text, times in (("{ x }", 3), ("{ y }", 1), ("{ nope }", 5)):
        for _ in range(times):
            await engine.execute(GraphQLRequest(text), CONTEXT)
    return engine


async def test_the_first_request_on_a_new_generation_finds_its_operation(engine: GraphQLEngine) -> None:
    new = generation(2)
    assert engine.warm(new) == 2
    engine.swap(new)
    misses = new.operations.misses
    answer = await engine.execute(GraphQLRequest("{ x }"), CONTEXT)
    assert answer.data == {"x": 1}
    assert (new.operations.misses, new.operations.hits) == (misses, 1)


async def test_what_the_new_schema_does_not_have_is_passed_over(engine: GraphQLEngine) -> None:
    new = generation(2, "type Query { y: Int }")
    assert engine.warm(new) == 1
    engine.swap(new)
    assert (await engine.execute(GraphQLRequest("{ x }"), CONTEXT)).errors
