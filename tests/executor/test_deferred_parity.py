"""Whatever is deferred, the parts put together are the answer of the unsplit schema; and nobody's errors are lost."""

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
from gateway.planner.deferrals import with_defer
from tests.executor.compare import null_places
from tests.executor.deferring import PutTogether, differs, with_deferred_fragments
from tests.executor.queries import operations
from tests.executor.split_world import SplitWorld, build_split_world
from tests.executor.splits import LABEL, split

VARIABLES = {"yes": True, "no": False}
OPERATIONS_PER_SPLIT = 3
MANY = settings(
    max_examples=int(os.environ.get("DEFER_EXAMPLES", "30")),
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
def test_parts_put_together_are_the_whole_answer(seed: int, label_holds: bool, draw: st.DataObject) -> None:
    """Thousands on demand: DEFER_EXAMPLES=5000."""
    labels = frozenset({LABEL}) if label_holds else frozenset[str]()
    world = build_split_world(split(seed), labels)
    for number in range(OPERATIONS_PER_SPLIT):
        text = draw.draw(operations(world.monolith, max_depth=3))
        deferring = with_deferred_fragments(text, world.monolith, seed + number)
        if not validate(with_defer(world.monolith), parse(deferring)):
            check(world, text, deferring, labels)


def check(world: SplitWorld, text: str, deferring: str, labels: frozenset[str]) -> None:
    expected = execute_sync(world.monolith, parse(text), variable_values=VARIABLES)
    together, prepared = asyncio.run(in_parts(world, deferring, labels))
    shown = f"{deferring}\n{pretty(prepared.plan)}"
    wrong = differs(expected.data, together.data, together.failed)
    assert wrong is None, f"{wrong}\n{shown}"
    wanted = null_places(expected.data, [error.path or () for error in expected.errors or ()])
    given = null_places(expected.data, [error.get("path", ()) for error in together.errors])
    assert given == wanted, f"{together.errors}\n{shown}"


async def in_parts(
    world: SplitWorld, text: str, labels: frozenset[str]
) -> tuple[PutTogether, PreparedOperation]:
    composition = world.composition
    assert composition.supergraph is not None
    assert composition.api_schema is not None
    prepared = prepare(
        with_defer(composition.api_schema),
        composition.supergraph,
        world.subgraphs,
        text,
        graph=world.graph,
        labels=labels,
        deferring=frozenset({"yes"}),
    )
    assert isinstance(prepared, PreparedOperation), prepared
    together = PutTogether()
    context = RequestContext(deadline=float("inf"))
    if prepared.parts is None:
        whole = await prepared.execute(VARIABLES, context)
        together.data, together.errors = whole.data, list(whole.errors)
        return together, prepared
    async for payload in prepared.execute_in_parts(VARIABLES, context):
        together.take(payload)
        last = payload
    assert last.has_next is False
    return together, prepared
