"""Composition: what merges, what is refused, and what clients see."""

from __future__ import annotations

import pytest
from graphql import build_schema, print_schema

from schema.compose import Composition, CompositionError, SubgraphSchema, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", '
    '"@requires", "@provides", "@shareable", "@interfaceObject", "@inaccessible", "@override"])\n'
)


def composed(**sdls: str) -> Composition:
    """Subgraphs by name; each SDL gets the federation v2 link, on its first line."""
    return compose([SubgraphSchema(name, None, LINK + sdl) for name, sdl in sdls.items()])


def problems(**sdls: str) -> list[tuple[str, str | None, str, int | None]]:
    """(code, subgraph, coordinate, line) of every error."""
    return [(item.code, item.subgraph, item.coordinate, item.line) for item in composed(**sdls).errors]


def test_merges_two_subgraphs_and_hides_the_machinery() -> None:
    found = composed(
        a='type Query { top: Product }\n"产品"\ntype Product @key(fields: "id") { id: ID! name: String @deprecated(reason: "old") }',
        b='type Product @key(fields: "id") { id: ID! stock(at: String = "x"): Int! }',
    )
    assert found.errors == ()
    assert found.api_schema is not None
    assert print_schema(found.api_schema) == (
        "type Query {\n  top: Product\n}\n\n"
        '"""产品"""\ntype Product {\n  id: ID!\n  name: String @deprecated(reason: "old")\n'
        '  stock(at: String = "x"): Int!\n}'
    )


def test_supergraph_knows_who_resolves_what() -> None:
    found = composed(
        a='type Query { top: Product } type Product @key(fields: "id") { id: ID! price: Int }',
        b='type Product @key(fields: "id") @key(fields: "sku", resolvable: false) '
        '{ id: ID! sku: ID! price: Int @external tax: Int @requires(fields: "price") }',
    ).supergraph
    assert found is not None
    product = found.types["Product"]
    assert {name: join.resolvable for name, join in product.fields["price"].joins.items()} == {
        "a": True,
        "b": False,
    }
    assert product.fields["tax"].joins["b"].requires is not None
    assert [(key.fields, key.resolvable) for key in product.joins["b"].keys] == [("id", True), ("sku", False)]
    assert list(found.root_fields("Query")) == ["top"]


def test_supergraph_sdl_is_in_the_join_spec() -> None:
    text = composed(
        a='type Query { top: Product } type Product @key(fields: "id") { id: ID! price: Int }',
        b='type Product @key(fields: "id") { id: ID! price: Int @external tax: Int @requires(fields: "price") }',
    ).supergraph_sdl
    build_schema(text)
    assert '@link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)' in text
    assert 'A @join__graph(name: "a", url: "")' in text
    assert "price: Int @join__field(graph: A) @join__field(graph: B, external: true)" in text
    assert 'tax: Int @join__field(graph: B, requires: "price")' in text
    assert '@join__type(graph: B, key: "id")' in text


def test_output_types_widen_and_input_types_narrow() -> None:
    found = composed(
        a="type Query { x(i: In, e: E): X @shareable } type X @shareable { v: Int! } input In { p: Int q: Int } enum E { ONE TWO }",
        b="type Query { x(i: In!): X @shareable } type X @shareable { v: Int } input In { p: Int! } enum E { ONE }",
    )
    assert found.errors == ()
    assert found.api_schema is not None
    text = print_schema(found.api_schema)
    assert "x(i: In!): X" in text
    assert "v: Int\n" in text
    assert "input In {\n  p: Int!\n}" in text
    assert "enum E {\n  ONE\n}" in text
    assert {hint.code for hint in found.hints} == {
        "INCONSISTENT_ARGUMENT_PRESENCE",
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE",
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
        "INCONSISTENT_INPUT_OBJECT_FIELD",
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
    }


def test_inaccessible_parts_are_not_in_the_api() -> None:
    found = composed(
        a="type Query { x: X hidden: X @inaccessible } type X { v: Int w(a: Int @inaccessible): E } "
        "enum E { A B @inaccessible } type Gone @inaccessible { v: Int }"
    )
    assert found.api_schema is not None
    text = print_schema(found.api_schema)
    assert "hidden" not in text
    assert "Gone" not in text
    assert "w: E" in text
    assert "enum E {\n  A\n}" in text


def test_renamed_imports_and_root_types_are_understood() -> None:
    sdl = (
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", as: "fed", '
        'import: [{ name: "@key", as: "@id" }])\n'
        "schema { query: Root }\n"
        'type Root { x: X } type X @id(fields: "id") { id: ID! v: Int @fed__shareable }'
    )
    found = compose([SubgraphSchema("a", None, sdl)])
    assert found.errors == ()
    assert found.supergraph is not None
    assert found.supergraph.types["X"].joins["a"].keys[0].fields == "id"
    assert list(found.supergraph.root_fields("Query")) == ["x"]


def test_federation_1_needs_no_shareable() -> None:
    found = compose(
        [
            SubgraphSchema("a", None, "type Query { x: X } type X { v: Int }"),
            SubgraphSchema("b", None, "type X { v: Int } extend type Query { y: X }"),
        ]
    )
    assert found.errors == ()


def test_override_moves_a_field() -> None:
    found = composed(
        a='type Query { x: X } type X @key(fields: "id") { id: ID! v: Int }',
        b='type X @key(fields: "id") { id: ID! v: Int @override(from: "a") }',
    )
    assert found.errors == ()
    assert found.supergraph is not None
    joins = found.supergraph.types["X"].fields["v"].joins
    assert {name: (join.resolvable, join.override) for name, join in joins.items()} == {"b": (True, "a")}


def test_fields_of_an_interface_object_reach_every_implementation() -> None:
    found = composed(
        a='type Query { n: N } interface N @key(fields: "id") { id: ID! } type A implements N @key(fields: "id") { id: ID! }',
        b='type N @key(fields: "id") @interfaceObject { id: ID! score: Int }',
    )
    assert found.errors == ()
    assert found.api_schema is not None
    assert "type A implements N {\n  id: ID!\n  score: Int\n}" in print_schema(found.api_schema)


@pytest.mark.parametrize(
    ("sdls", "expected"),
    [
        ({"a": "type Query {"}, ("INVALID_GRAPHQL", "a", "", 2)),
        ({"a": "type Query { x: Nope }"}, ("INVALID_GRAPHQL", "a", "Query.x", 2)),
        ({"a": "type X { v: Int }"}, ("NO_QUERIES", None, "Query", None)),
        (
            {"a": "type Query { x: X }\ntype X { v: Int }", "b": "type X { v: Int }"},
            ("INVALID_FIELD_SHARING", "a", "X.v", 3),
        ),
        (
            {"a": "type Query { x: X } type X @shareable { v: Int }", "b": "type X @shareable { v: String }"},
            ("FIELD_TYPE_MISMATCH", "b", "X.v", 2),
        ),
        (
            {"a": "type Query { x: X } type X { v: Int }", "b": "interface X { v: Int }"},
            ("TYPE_KIND_MISMATCH", "b", "X", 2),
        ),
        (
            {"a": 'type Query { x: X } type X @key(fields: "nope") { v: Int }'},
            ("KEY_INVALID_FIELDS", "a", "X", 2),
        ),
        (
            {"a": 'type Query { x: X } type X @key(fields: "v {") { v: Int }'},
            ("KEY_INVALID_FIELDS", "a", "X", 2),
        ),
        (
            {"a": 'type Query { x: X } type X { v: Int @requires(fields: "w") }'},
            ("REQUIRES_INVALID_FIELDS", "a", "X.v", 2),
        ),
        (
            {"a": 'type Query { x: X } type X { w: Int v: Int @requires(fields: "w") }'},
            ("REQUIRES_FIELDS_MISSING_EXTERNAL", "a", "X.v", 2),
        ),
        (
            {"a": 'type Query { x: X @provides(fields: "w") } type X { v: Int }'},
            ("PROVIDES_INVALID_FIELDS", "a", "Query.x", 2),
        ),
        (
            {"a": 'type Query { x: Int @provides(fields: "w") }'},
            ("PROVIDES_ON_NON_OBJECT_FIELD", "a", "Query.x", 2),
        ),
        (
            {"a": "type Query { x(e: E): E } enum E { A B }", "b": "enum E { A }"},
            ("ENUM_VALUE_MISMATCH", "b", "E.B", 2),
        ),
        (
            {"a": "type Query { x(i: I): Int } input I { p: Int! }", "b": "input I { q: Int }"},
            ("REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH", "b", "I.p", 2),
        ),
        (
            {"a": "type Query { x(p: Int!): Int @shareable }", "b": "type Query { x: Int @shareable }"},
            ("REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH", "b", "Query.x", 2),
        ),
        (
            {"a": "type Query { x(p: Int): Int @shareable }", "b": "type Query { x(p: ID): Int @shareable }"},
            ("FIELD_ARGUMENT_TYPE_MISMATCH", "b", "Query.x", 2),
        ),
        (
            {
                "a": "type Query { x(p: Int = 1): Int @shareable }",
                "b": "type Query { x(p: Int = 2): Int @shareable }",
            },
            ("FIELD_ARGUMENT_DEFAULT_MISMATCH", "b", "Query.x", 2),
        ),
        (
            {
                "a": "type Query { n: N } interface N { v: Int } type A implements N { v: Int }",
                "b": "interface N { w: Int } type B implements N { v: Int w: Int }",
            },
            ("INTERFACE_FIELD_NO_IMPLEM", "a", "A.w", 2),
        ),
        (
            {"a": 'type Query { x: Int @override(from: "a") }'},
            ("OVERRIDE_FROM_SELF_ERROR", "a", "Query.x", 2),
        ),
    ],
)
def test_refuses(sdls: dict[str, str], expected: tuple[str, str | None, str, int | None]) -> None:
    assert expected in problems(**sdls)


def test_unknown_federation_version_is_refused() -> None:
    sdl = 'extend schema @link(url: "https://specs.apollo.dev/federation/v3.0")\ntype Query { x: Int }'
    assert [error.code for error in compose([SubgraphSchema("a", None, sdl)]).errors] == [
        "UNKNOWN_FEDERATION_LINK_VERSION"
    ]


def test_two_subgraphs_of_one_name_are_refused() -> None:
    twice = [SubgraphSchema("a", None, "type Query { x: Int }")] * 2
    assert [error.code for error in compose(twice).errors] == ["INVALID_SUBGRAPH_NAME"]


def test_all_problems_come_at_once_and_say_where() -> None:
    found = composed(
        a='type Query { x: X y: Y }\ntype X @key(fields: "nope") { v: Int }\ntype Y { v: Int }',
        b="type Y { v: Int }",
    )
    assert found.supergraph is None
    assert {error.code for error in found.errors} == {"KEY_INVALID_FIELDS", "INVALID_FIELD_SHARING"}
    first = next(error for error in found.errors if error.code == "KEY_INVALID_FIELDS")
    assert isinstance(first, CompositionError)
    assert str(first) == (
        'KEY_INVALID_FIELDS [a:3] [a] @key(fields: "nope") on X: X has no field nope here; '
        "add it or take it out of the fields"
    )


def test_a_hundred_subgraphs_of_one_entity_compose() -> None:
    """Composition does not grow out of hand with the number of subgraphs."""
    sdls = {f"s{n}": f'type Item @key(fields: "id") {{ id: ID! f{n}: Int }}' for n in range(100)}
    found = composed(root='type Query { items: [Item] } type Item @key(fields: "id") { id: ID! }', **sdls)
    assert found.errors == ()
    assert found.supergraph is not None
    assert len(found.supergraph.types["Item"].fields) == 101
