"""The federated answer equals that of one schema over the same data, executed by graphql-core."""

from __future__ import annotations

import asyncio
import os

from graphql import execute_sync, parse, validate
from hypothesis import HealthCheck, assume, given, settings

from adapters.fetch import RequestContext
from gateway.operation import PreparedOperation, prepare
from gateway.planner import pretty
from tests.executor.queries import operations
from tests.executor.world import World, build_world

WORLD = build_world()
MAX_EXAMPLES = int(os.environ.get("PARITY_EXAMPLES", "150"))


def answer(
    world: World, text: str, variables: dict[str, object]
) -> tuple[object, list[object], PreparedOperation]:
    """Data, errors and the prepared operation."""
    composition = world.composition
    assert composition.supergraph is not None
    assert composition.api_schema is not None
    prepared = prepare(
        composition.api_schema, composition.supergraph, world.subgraphs, text, graph=world.graph
    )
    assert isinstance(prepared, PreparedOperation), prepared
    found = asyncio.run(prepared.execute(variables, RequestContext(deadline=float("inf"))))
    return found.data, list(found.errors), prepared


def check(world: World, text: str, variables: dict[str, object]) -> None:
    """Same data; errors in the one exactly if there are errors in the other."""
    expected = execute_sync(world.monolith, parse(text), variable_values=variables)
    data, errors, prepared = answer(world, text, variables)
    assert data == expected.data, pretty(prepared.plan)
    assert bool(errors) == bool(expected.errors), (errors, expected.errors)


@settings(max_examples=MAX_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=operations(WORLD.monolith))
def test_any_query_is_answered_as_by_one_schema(text: str) -> None:
    """Thousands on demand: PARITY_EXAMPLES=5000."""
    assume(not validate(WORLD.monolith, parse(text)))
    check(WORLD, text, {"yes": True, "no": False})
