"""From text to a prepared operation: what is refused and how, and what is cached."""

from __future__ import annotations

import pytest

from adapters.fetch import RequestContext
from adapters.testing import ScriptedSubgraph
from gateway.kept_operations import OperationCache
from gateway.operation import OperationError, PreparedOperation, prepare
from schema.compose import SubgraphSchema, compose

SDL = "type Query { x(n: Int!, e: E): Int y: Int } enum E { A } type Mutation { z: Int }"
SUBGRAPH = ScriptedSubgraph("a", SDL, answers=[{"x": 1, "y": 2}])
COMPOSITION = compose([SubgraphSchema("a", None, SDL)])


def make(text: str, name: str | None = None) -> PreparedOperation | list[OperationError]:
    assert COMPOSITION.supergraph is not None
    assert COMPOSITION.api_schema is not None
    return prepare(COMPOSITION.api_schema, COMPOSITION.supergraph, {"a": SUBGRAPH}, text, name)


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("{ y", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { y }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { y } query B { y }", None, "OPERATION_NAME_REQUIRED"),
        ("query A { y }", "C", "OPERATION_NAME_UNKNOWN"),
    ],
)
def test_refuses_with_a_code(text: str, name: str | None, code: str) -> None:
    refused = make(text, name)
    assert isinstance(refused, list)
    assert [error.code for error in refused] == [code]
    assert refused[0].formatted()["extensions"] == {"code": code}


def test_errors_say_the_place_in_the_document() -> None:
    refused = make("{ y\n  nope }")
    assert isinstance(refused, list)
    assert refused[0].formatted()["locations"] == [{"line": 2, "column": 3}]


async def test_bad_variables_are_errors_before_any_fetch() -> None:
    operation = make("query ($n: Int!, $e: E) { x(n: $n, e: $e) }")
    assert isinstance(operation, PreparedOperation)
    asked = len(SUBGRAPH.fetches)
    found = await operation.execute({"e": "B"}, RequestContext(deadline=float("inf")))
    assert not found.executed
    assert {error["extensions"]["code"] for error in found.errors} == {"BAD_USER_INPUT"}
    assert len(found.errors) == 2
    assert len(SUBGRAPH.fetches) == asked


def test_an_operation_is_chosen_by_name() -> None:
    operation = make("query A { y } mutation B { ...F } fragment F on Mutation { z }", "B")
    assert isinstance(operation, PreparedOperation)
    assert (operation.kind, operation.name, operation.root_fields) == ("mutation", "B", ("z",))


def test_the_cache_keeps_what_was_used_last_and_no_refusals() -> None:
    cache = OperationCache(max_entries=2)
    first = cache.get("{ y }", None, make)
    assert cache.get("{ y }", None, make) is first
    cache.get("{ a: y }", None, make)
    cache.get("{ y }", None, make)
    cache.get("{ b: y }", None, make)  # pushes out { a: y }
    assert cache.get("{ y }", None, make) is first
    cache.get("{ nope }", None, make)
    assert (len(cache), cache.hits, cache.misses) == (2, 3, 4)


def test_the_cache_keeps_one_operation_for_each_set_of_override_labels_that_holds() -> None:
    cache = OperationCache()
    before = cache.get("{ y }", None, make)
    over = cache.get("{ y }", None, make, labels=frozenset({"percent(5)"}))
    assert before is not over
    assert cache.peek("{ y }", None) is before
    assert cache.peek("{ y }", None, labels=frozenset({"percent(5)"})) is over
    assert cache.peek("{ y }", None, labels=frozenset({"other"})) is None


def test_the_cache_is_bounded_by_what_its_operations_take() -> None:
    small = make("{ y }")
    assert isinstance(small, PreparedOperation)
    cache = OperationCache(max_bytes=3 * small.estimated_bytes)
    for number in range(5):
        cache.get(f"{{ a{number}: y }}", None, make)
    assert 0 < len(cache) <= 3
    assert cache.bytes <= cache.max_bytes
    cache.put("{ y }", None, small)
    cache.put("{ y }", None, small)  # the same again weighs once
    whole = " ".join(f"b{number}: y" for number in range(200))
    cache.get(f"{{ {whole} }}", None, make)
    assert cache.peek("{ y }", None) is small  # what is larger than the whole cache pushes nothing out
    assert cache.peek(f"{{ {whole} }}", None) is None
