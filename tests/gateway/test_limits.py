"""How large an operation is, counted before anything is spent on it."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.security.limits import size_of


def measured(text: str) -> tuple[int, int]:
    """(depth, root fields) of the first operation."""
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    size = size_of(document, operation)
    return size.depth, size.root_fields


@pytest.mark.parametrize(
    ("text", "depth", "roots"),
    [
        ("{a}", 1, 1),
        ("{a b: a c {d {e}}}", 3, 3),
        ("{... on Query {a {b}} ...F} fragment F on Query {c d {e {f}}}", 3, 3),
        ("{...F ...F} fragment F on Query {a {...G}} fragment G on A {b {c}}", 3, 2),
        ("{a @include(if: false) {b}}", 2, 1),
    ],
)
def test_fields_count_wherever_they_stand(text: str, depth: int, roots: int) -> None:
    assert measured(text) == (depth, roots)


def test_introspection_is_deep_by_nature() -> None:
    assert measured("{__schema {types {fields {type {ofType {ofType {name}}}}}} a {b}}") == (2, 2)


def test_fragments_that_double_are_counted_without_being_written_out() -> None:
    doubled = " ".join(
        f"fragment F{level} on Query {{...F{level + 1} ...F{level + 1}}}" for level in range(60)
    )
    document = parse("{...F0} " + doubled + " fragment F60 on Query {a}")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert size_of(document, operation).fields == 2**60


def test_fragments_that_go_round_end() -> None:
    document = parse("{...F} fragment F on Query {a ...G} fragment G on Query {...F}")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert size_of(document, operation).fields == 1
