"""What a caller may not have is found wherever it stands in a document, and is gone from what is planned."""

from __future__ import annotations

import pytest
from graphql import DocumentNode, OperationDefinitionNode, build_schema, parse, print_ast, validate
from hypothesis import given
from hypothesis import strategies as st

from gateway.security.authorise import denied_fields, withhold

SCHEMA = build_schema("""
  type Query { open: Node secret: Node own: String }
  interface Thing { name: String hidden: String }
  type Node implements Thing { name: String hidden: String next: Node things: [Thing] }
  type Other implements Thing { name: String hidden: String }
""")
READ, OWN = frozenset({"read"}), frozenset({"own", "more"})
PERMISSIONS = {
    ("Query", "secret"): (READ, OWN),
    ("Query", "own"): (OWN,),
    ("Node", "hidden"): (READ,),
    ("Thing", "hidden"): (READ,),
    ("Other", "hidden"): (READ,),
}


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    return next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))


def denied(text: str, *scopes: str) -> list[tuple[str, ...]]:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    return [
        one.path
        for one in denied_fields(document, operation_of(document), SCHEMA, PERMISSIONS, frozenset(scopes))
    ]


def planned(text: str, *scopes: str) -> str:
    document = parse(text)
    found = denied_fields(document, operation_of(document), SCHEMA, PERMISSIONS, frozenset(scopes))
    return " ".join(print_ast(withhold(document, SCHEMA, found)).split())


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{secret {name}}", [("secret",)]),
        ("{s: secret {name} own}", [("s",), ("own",)]),
        ("{... on Query {secret {name}}}", [("secret",)]),
        ("{open {next {x: hidden}}}", [("open", "next", "x")]),
        ("{open {things {hidden ... on Other {hidden}}}}", [("open", "things", "hidden")] * 2),
        ("{open {name}}", []),
    ],
)
def test_a_field_is_found_where_it_stands(text: str, paths: list[tuple[str, ...]]) -> None:
    assert denied(text) == paths
    assert denied(text, "read", "own", "more") == []


def test_one_way_of_several_is_enough_and_all_of_it_is_needed() -> None:
    assert denied("{secret {name}}", "read") == []
    assert denied("{secret {name}}", "own", "more") == []
    assert denied("{secret {name}}", "own") == [("secret",)]


def test_a_field_in_a_fragment_is_told_at_the_place_where_it_is_spread() -> None:
    text = "{open {...F} two: open {next {...F}}} fragment F on Node {hidden}"
    assert sorted(denied(text)) == [("open", "hidden"), ("two", "next", "hidden")]


def test_the_planned_document_is_valid_and_asks_for_nothing_that_is_denied() -> None:
    text = "query Q($v: Boolean!) {secret @include(if: $v) {name} open {hidden name}}"
    document = parse(text)
    found = denied_fields(document, operation_of(document), SCHEMA, PERMISSIONS, frozenset())
    rest = withhold(document, SCHEMA, found)
    assert denied_fields(rest, operation_of(rest), SCHEMA, PERMISSIONS, frozenset()) == []
    assert "hidden" not in planned("{open {hidden name}}").replace("_withheld_hidden", "")


def test_a_selection_of_nothing_else_keeps_its_type() -> None:
    assert planned("{open {hidden}}") == "{ open { _withheld_hidden: __typename } }"


FIELDS = st.recursive(
    st.sampled_from(["name", "h: hidden", "hidden"]),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: "next {" + " ".join(dict.fromkeys(parts)) + "}"
    ),
    max_leaves=12,
)


@given(st.lists(FIELDS, min_size=1, max_size=4), st.sets(st.sampled_from(["read", "own", "more"])))
def test_whatever_is_asked_what_is_left_may_be_had(parts: list[str], scopes: set[str]) -> None:
    text = "{open {" + " ".join(f"... on Node {{{part}}}" for part in parts) + "}}"
    document = parse(text)
    found = denied_fields(document, operation_of(document), SCHEMA, PERMISSIONS, frozenset(scopes))
    rest = withhold(document, SCHEMA, found)
    assert denied_fields(rest, operation_of(rest), SCHEMA, PERMISSIONS, frozenset(scopes)) == []
    assert bool(found) == ("hidden" in text and "read" not in scopes)
