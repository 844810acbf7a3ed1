"""However one schema is split over subgraphs, the answer is that of the unsplit schema: data and places of errors."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator

import pytest
from graphql import execute_sync, parse, validate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adapters.fetch import RequestContext
from gateway.operation import PreparedOperation, prepare
from gateway.planner import pretty
from tests.executor.compare import null_places
from tests.executor.queries import operations
from tests.executor.split_world import SplitWorld, build_split_world
from tests.executor.splits import LABEL, split

VARIABLES = {"yes": True, "no": False}
OPERATIONS_PER_SPLIT = 3
MANY = settings(
    max_examples=int(os.environ.get("SPLIT_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """Values that fail are meant here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@MANY
@given(seed=st.integers(0, 2**32), label_holds=st.booleans(), draw=st.data())
def test_any_split_answers_as_the_unsplit_schema(seed: int, label_holds: bool, draw: st.DataObject) -> None:
    """Thousands on demand: SPLIT_EXAMPLES=5000."""
    labels = frozenset({LABEL}) if label_holds else frozenset[str]()
    world = build_split_world(split(seed), labels)
    for _ in range(OPERATIONS_PER_SPLIT):
        text = draw.draw(operations(world.monolith, max_depth=3, mutations=True))
        if not validate(world.monolith, parse(text)):
            check(world, text, labels)


def check(world: SplitWorld, text: str, labels: frozenset[str]) -> None:
    """The same data, and errors at the same places of it."""
    world.log.clear()
    expected = execute_sync(world.monolith, parse(text), variable_values=VARIABLES)
    composition = world.composition
    assert composition.supergraph is not None
    assert composition.api_schema is not None
    prepared = prepare(
        composition.api_schema,
        composition.supergraph,
        world.subgraphs,
        text,
        graph=world.graph,
        labels=labels,
    )
    assert isinstance(prepared, PreparedOperation), prepared
    world.log.clear()
    found = asyncio.run(prepared.execute(VARIABLES, RequestContext(deadline=float("inf"))))
    assert found.data == expected.data, pretty(prepared.plan)
    wanted = null_places(expected.data, [error.path or () for error in expected.errors or ()])
    given = null_places(found.data, [error.get("path", ()) for error in found.errors])
    assert given == wanted, (found.errors, pretty(prepared.plan))
