"""Every composition error: its code, its place, and that one bad graph's errors come all at once."""

from __future__ import annotations

import pytest

from schema.compose import SubgraphSchema, compose
from schema.compose.codes import ERROR_CODES
from tests.compose.error_cases import ERROR_CASES, Case, fed

READER_ONLY = {"INVALID_FEDERATION_SUPERGRAPH", "UNSUPPORTED_LINKED_FEATURE"}
"""What only a finished supergraph can be refused for: see test_reader.py."""


@pytest.mark.parametrize("case", ERROR_CASES, ids=lambda case: case.code)
def test_refuses_and_says_where(case: Case) -> None:
    found = compose([SubgraphSchema(name, None, sdl) for name, sdl in case.sdls.items()])
    places = [(error.code, error.subgraph, error.coordinate, error.line) for error in found.errors]
    assert (case.code, case.subgraph, case.coordinate, case.line) in places
    assert found.supergraph is None
    assert found.supergraph_sdl == ""


def test_every_code_has_a_case() -> None:
    assert {case.code for case in ERROR_CASES} | READER_ONLY == set(ERROR_CODES)


def test_names_the_file_and_the_line() -> None:
    found = compose([SubgraphSchema("a", None, fed("type Query {\n  x: Nope\n}"), file="graphs/a.graphql")])
    assert str(found.errors[0]).startswith("INVALID_GRAPHQL [graphs/a.graphql:3] [a] Unknown type")


def test_errors_of_all_subgraphs_and_steps_come_at_once() -> None:
    found = compose(
        [
            SubgraphSchema(
                "a", None, fed('type Query { t: T } type T @key(fields: "no") { v: Int @external }')
            ),
            SubgraphSchema("b", None, fed("type T { v: Int w: [Int] @listSize(assumedSize: -1) }")),
            SubgraphSchema("c", None, fed("type T @inaccessible { v: String }")),
        ]
    )
    assert {error.code for error in found.errors} >= {
        "KEY_INVALID_FIELDS",
        "EXTERNAL_UNUSED",
        "LIST_SIZE_INVALID_ASSUMED_SIZE",
        "FIELD_TYPE_MISMATCH",
        "INVALID_FIELD_SHARING",
        "REFERENCED_INACCESSIBLE",
    }


def test_no_error_is_reported_twice() -> None:
    for case in ERROR_CASES:
        errors = compose([SubgraphSchema(name, None, sdl) for name, sdl in case.sdls.items()]).errors
        assert len(errors) == len(set(errors)), case.code


@pytest.mark.parametrize(
    "sdl",
    [
        "",
        "scalar Date",
        "type Query { x: Int } schema { query: Query } schema { query: Query }",
        "type Query { x: Int } union U = Query | Query",
        "extend schema @link(url: 5) type Query { x: Int }",
        "extend schema @link type Query { x: Int }",
        "type Query { x(a: Query): Int }",
        "input I { i: I! } type Query { x(i: I): Int }",
        "type Query implements Query { x: Int }",
        "type Query { __x: Int }",
        "directive @a(b: Int @a) on ARGUMENT_DEFINITION type Query { x: Int }",
        "{ x }",
        'type Query { t: T } type T @key(fields: "id") { id: ID v: Int @external w: Int @requires(fields: "v {") }',
        'type Query { t: T @provides(fields: "...F") } type T { id: ID }',
        'type Query { t: T } type T @key(fields: "t { t { id } }") { id: ID t: [T!] }',
        "interface A implements B { x: Int } interface B implements A { x: Int } type Query { a: A }",
        'type Query { x: Int } type T @key(fields: "id") @key(fields: null) { id: ID }',
    ],
)
def test_never_raises_for_what_an_sdl_says(sdl: str) -> None:
    found = compose([SubgraphSchema("a", None, sdl), SubgraphSchema("b", None, fed(sdl))])
    assert found.supergraph is not None or found.errors
