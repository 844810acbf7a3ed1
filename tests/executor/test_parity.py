"""The federated answer equals that of one schema over the same data, executed by graphql-core."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import execute_sync, parse, validate
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from adapters.fetch import FetchError, RequestContext
from gateway.operation import PreparedOperation, prepare
from gateway.planner import pretty
from tests.executor.compare import null_places
from tests.executor.queries import operations
from tests.executor.world import REVIEWS, SDLS, World, build_world

WORLD = build_world()
WORLD_WITH_INTERFACE_OBJECT = build_world({**SDLS, "reviews": REVIEWS})
VARIABLES = {"yes": True, "no": False}
MANY = settings(
    max_examples=int(os.environ.get("PARITY_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """Nulls where the schema says non-null are meant here; their log lines only slow the search down."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def answer(world: World, text: str) -> tuple[Any, list[dict[str, Any]], PreparedOperation]:
    """Data, errors and the prepared operation."""
    composition = world.composition
    assert composition.supergraph is not None
    assert composition.api_schema is not None
    prepared = prepare(
        composition.api_schema, composition.supergraph, world.subgraphs, text, graph=world.graph
    )
    assert isinstance(prepared, PreparedOperation), prepared
    found = asyncio.run(prepared.execute(VARIABLES, RequestContext(deadline=float("inf"))))
    return found.data, found.errors, prepared


def check(world: World, text: str) -> None:
    """The same data, and errors at the same places of it."""
    expected = execute_sync(world.monolith, parse(text), variable_values=VARIABLES)
    data, errors, prepared = answer(world, text)
    assert data == expected.data, pretty(prepared.plan)
    wanted = null_places(expected.data, [error.path or () for error in expected.errors or ()])
    given = null_places(data, [error.get("path", ()) for error in errors])
    assert given == wanted, (errors, expected.errors, pretty(prepared.plan))


@MANY
@given(text=operations(WORLD.monolith))
def test_any_query_is_answered_as_by_one_schema(text: str) -> None:
    """Thousands on demand: PARITY_EXAMPLES=5000."""
    assume(not validate(WORLD.monolith, parse(text)))
    check(WORLD, text)


@MANY
@given(text=operations(WORLD_WITH_INTERFACE_OBJECT.monolith))
def test_any_query_over_an_interface_object_is_answered_as_by_one_schema(text: str) -> None:
    assume(not validate(WORLD_WITH_INTERFACE_OBJECT.monolith, parse(text)))
    check(WORLD_WITH_INTERFACE_OBJECT, text)


@MANY
@given(text=operations(WORLD.monolith), down=st.sampled_from(sorted(SDLS)))
def test_what_a_failed_subgraph_does_not_touch_is_right(text: str, down: str) -> None:
    """Every value is the right one or null, and if one is null that should not be, an error says so."""
    assume(not validate(WORLD.monolith, parse(text)))
    expected = execute_sync(WORLD.monolith, parse(text), variable_values=VARIABLES).data
    WORLD.subgraphs[down].failure = FetchError("down")
    try:
        data, errors, prepared = answer(WORLD, text)
    finally:
        WORLD.subgraphs[down].failure = None
    assert _is_part(data, expected), pretty(prepared.plan)
    assert data == expected or errors
    if down not in {fetch.subgraph for fetch in prepared.plan.fetches()}:
        assert data == expected


def _is_part(found: Any, expected: Any) -> bool:
    if found is None:
        return True
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_is_part(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_is_part, found, expected))
    return bool(found == expected)


@pytest.mark.parametrize(
    "text",
    [
        # One directive may stand once on a field of a subgraph operation.
        '{ product(upc: "u4") { strict { ... @include(if: $no) { a: always @include(if: $yes) } } } }',
        # One field under two conditions is there if either holds, and only then.
        "{ shelves { serial @skip(if: $yes) ... @include(if: $no) { serial } } }",
        "{ reviews @include(if: $yes) { text @skip(if: $yes) ... @include(if: $no) { b: text } c: id } reviews { a: id } }",
        # Only fields of an interface object: no fetch tells the real type, and none is needed.
        "{ best { about { score } } a: best @include(if: $yes) { about { __typename ... on Film { minutes } } }"
        " b: best @skip(if: $no) { id } }",
    ],
)
def test_found_once_by_the_search(text: str) -> None:
    """Failures that the properties above have found stay here."""
    check(WORLD_WITH_INTERFACE_OBJECT, "query ($yes: Boolean!, $no: Boolean!) " + text)
