"""What operations may cost: @cost and @listSize, connections, variables, conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.security.cost import CostTable, OperationCost, cost_table
from schema.compose import SubgraphSchema, compose

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@cost", "@listSize"])
type Query {
  one: Thing
  dear: Thing @cost(weight: 7)
  plain: [Thing]
  sized: [Thing] @listSize(assumedSize: 4)
  page(first: Int = 20, last: Int, after: String): ThingConnection
  strict(first: Int, last: Int): [Thing] @listSize(slicingArguments: ["first", "last"])
  loose(n: Int, m: Int): Box @listSize(slicingArguments: ["n", "m"], sizedFields: ["items"], requireOneSlicingArgument: false)
  find(filter: Filter, filters: [Filter], word: String @cost(weight: 3)): Thing
  either: Either
  node: Node
}
type Mutation { change: Thing }
type ThingConnection { nodes: [Thing] edges: [Edge] totalCount: Int }
type Edge { node: Thing }
type Box { items: [Thing] other: [Thing] }
type Thing implements Node { id: ID! name: String slow: Int @cost(weight: 5) part: Thing parts: [Part] }
type Part @cost(weight: 2) { id: ID! }
interface Node { slow: Int }
union Either = Thing | Part
input Filter { word: String @cost(weight: 2) inner: Filter }
"""


def table() -> CostTable:
    composition = compose([SubgraphSchema("a", None, SDL)])
    assert composition.supergraph is not None, composition.errors
    return cost_table(composition.supergraph)


TABLE = table()


def compiled(query: str) -> OperationCost:
    document = parse(query)
    [operation] = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return TABLE.compile(document, operation)


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 0),
        ("{ one { id name } }", 1),
        ("{ one { part { part { id } } } }", 3),
        ("{ dear { id } }", 7),
        ("{ one { slow } }", 1 + 5),
        ("{ node { slow } }", 1 + 5),
        ("{ plain { id } }", 10),
        ("{ sized { id part { id } } }", 4 * 2),
        ("{ one { parts { id } } }", 1 + 10 * 2),
        ("{ page { nodes { id } } }", 1 + 20),
        ("{ page(first: 5) { nodes { part { id } } edges { node { id } } totalCount } }", 1 + 5 * 2 + 5 * 2),
        ("{ page(first: 5, last: 9) { nodes { id } } }", 1 + 9),
        ("{ page(first: 3) { totalCount } }", 1),
        ("{ strict(first: 6) { id } }", 6),
        ("{ loose(n: 2, m: 3) { items { id } other { id } } }", 1 + 3 + 10),
        ("{ loose { items { id } } }", 1 + 10),
        ('{ find(word: "x") { id } }', 3 + 1),
        ('{ find(filter: {word: "x", inner: {word: "y"}}) { id } }', (1 + 2) + (1 + 2) + 1),
        ("{ find(filters: [{}, {}]) { id } }", 2 + 1),
        ("{ either { ... on Part { id } } }", 2),
        ("mutation { change { id } }", 10 + 1),
        ("{ one { id } ...F ...F } fragment F on Query { dear { id } }", 1 + 7 + 7),
        ("{ a: one { id } b: one { id } }", 2),
        ("{ one @skip(if: true) { id } dear @include(if: false) { id } }", 0),
    ],
)
def test_a_fixed_operation_has_its_cost(query: str, cost: float) -> None:
    found = compiled(query)
    assert found.unsized == ()
    assert found.fixed == cost
    assert found.of({}) == cost


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("query ($f: Int) { page(first: $f) { nodes { id } } }", {"f": 7}, 1 + 7),
        ("query ($f: Int) { page(first: $f) { nodes { id } } }", {}, 1 + 20),
        ("query ($f: Int = 3) { page(first: $f) { nodes { id } } }", {}, 1 + 3),
        ("query ($f: Int = 3) { page(first: $f) { nodes { id } } }", {"f": None}, 1 + 20),
        ("query ($f: Int) { page(first: $f) { nodes { id } } }", {"f": "many"}, 1 + 20),
        ("query ($f: Int) { page(first: $f) { nodes { id } } }", {"f": True}, 1 + 20),
        ("query ($f: Int) { page(first: $f) { nodes { id } } }", {"f": -5}, 1),
        ("query ($f: Int) { strict(first: $f) { id } }", {"f": 9}, 9),
        ("query ($a: Boolean!) { one @include(if: $a) { id } }", {"a": False}, 0),
        ("query ($a: Boolean = true) { one @include(if: $a) { id } }", {}, 1),
        ("query ($a: Boolean = true) { one @skip(if: $a) { id } }", {}, 0),
        ("query ($f: Filter) { find(filter: $f) { id } }", {"f": {"word": "x", "inner": {}}}, 1 + 2 + 1 + 1),
        ("query ($f: [Filter]) { find(filters: $f) { id } }", {"f": [{}, {}, {}]}, 3 + 1),
    ],
)
def test_variables_count_with_what_they_hold(query: str, variables: Mapping[str, Any], cost: float) -> None:
    found = compiled(query)
    assert found.fixed is None
    assert found.of(variables) == cost


@pytest.mark.parametrize("query", ["{ strict { id } }", "{ strict(first: 1, last: 1) { id } }"])
def test_a_list_that_demands_one_size_is_told_of(query: str) -> None:
    assert compiled(query).unsized == ("strict needs one of first, last",)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_pages_within_pages_multiply(sizes: list[int]) -> None:
    """Each entry of the outer list is one object, with one more list in it."""
    query, cost = "id", 0
    for size in reversed(sizes):
        query = f"one {{ part {{ id }} }} page(first: {size}) {{ nodes {{ id }} }}"
        cost = 2 + 1 + size
    assert compiled("{" + query + "}").of({}) == cost
    nested = "id"
    total = 0.0
    for size in sizes:
        nested = f"parts {{ id }} {nested}" if size % 2 else nested
        total += 20 if size % 2 else 0
    assert compiled("{ one {" + nested + "} }").of({}) == 1 + total


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["word", "inner", "x"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_any_variables_have_a_cost_that_is_a_number(value: Any) -> None:
    query = "query ($f: Filter, $n: Int, $a: Boolean) { find(filter: $f) { id } page(first: $n) { nodes { id } } one @skip(if: $a) { id } }"
    cost = compiled(query).of({"f": value, "n": value, "a": value})
    assert 0 <= cost < float("inf")
