"""How large an operation is, counted before anything is spent on it."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.security.limits import depth_of, root_fields_of


def measured(text: str) -> tuple[int, int]:
    """(depth, root fields) of the first operation."""
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return depth_of(document, operation), root_fields_of(document, operation)


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
