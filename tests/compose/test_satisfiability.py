"""Reachability: what the subgraphs together can answer, what they cannot, and how the message says it."""

from __future__ import annotations

import pytest

from schema.compose import Composition, SubgraphSchema, compose
from tests.compose.error_cases import fed


def composed(**sdls: str) -> Composition:
    return compose([SubgraphSchema(name, None, fed(sdl)) for name, sdl in sdls.items()])


def test_the_message_has_the_query_and_the_missing_key() -> None:
    found = composed(
        a='type Query { shops: [Shop] } type Shop @key(fields: "id") { id: ID! best: Item } type Item @key(fields: "sku") { sku: ID! }',
        b='type Item @key(fields: "code") { code: ID! price: Int }',
    )
    messages = {error.coordinate: error.message for error in found.errors}
    assert messages["Item.price"] == (
        "no subgraph can answer { shops { best { price } } }: the object comes from a; b resolves it, but its "
        '@key(fields: "code") needs Item.code, which cannot be had from there; add a common key'
    )


def test_a_fragment_stands_in_the_query_where_the_type_is_abstract() -> None:
    found = composed(
        a="type Query { any: U } union U = A type A { v: Int }",
        b="type A { w: Int }",
    )
    assert "{ any { ... on A { w } } }" in found.errors[0].message
    assert "A has no resolvable @key there" in found.errors[0].message


@pytest.mark.parametrize(
    "sdls",
    [
        pytest.param(
            {
                "a": 'type Query { t: T } type T @key(fields: "a") { a: ID! }',
                "b": 'type T @key(fields: "a") @key(fields: "b") { a: ID! b: ID! }',
                "c": 'type T @key(fields: "b") { b: ID! v: Int }',
            },
            id="a hop over a third subgraph",
        ),
        pytest.param(
            {
                "a": 'type Query { t: T } type T @key(fields: "id") { id: ID! owner: O @shareable } type O @key(fields: "code") { code: ID! }',
                "b": 'type T @key(fields: "id owner { code }") { id: ID! owner: O @shareable v: Int } type O @key(fields: "code") { code: ID! }',
            },
            id="a nested key",
        ),
        pytest.param(
            {
                "a": "type Query { p: P @shareable } type P @shareable { c: C } type C @shareable { v: Int }",
                "b": "type Query { p: P @shareable } type P @shareable { c: C } type C { v: Int @shareable w: Int }",
            },
            id="a value type that is entered through its shared parent",
        ),
        pytest.param(
            {
                "a": 'type Query { n: N } interface N @key(fields: "id") { id: ID! } type A implements N @key(fields: "id") { id: ID! }',
                "b": 'type N @key(fields: "id") @interfaceObject { id: ID! score: Int }',
            },
            id="an interface object",
        ),
        pytest.param(
            {
                "a": 'type Query { t: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }',
                "b": 'type T @key(fields: "id") { id: ID! x: Int @requires(fields: "z") z: Int @external }',
                "c": 'type T @key(fields: "id") { id: ID! z: Int }',
            },
            id="requires upon requires",
        ),
        pytest.param(
            {
                "a": 'type Query { t: T @provides(fields: "v") } type T @key(fields: "id", resolvable: false) { id: ID! v: Int @external }',
                "b": 'type Query { x: T } type T @key(fields: "id", resolvable: false) { id: ID! v: Int @shareable }',
            },
            id="a field that @provides gives",
        ),
        pytest.param(
            {
                "a": "type Query { a: Int } type Mutation { go: Query }",
                "b": "type Query { b: Int }",
            },
            id="the root, from below",
        ),
        pytest.param(
            {
                "a": "type Query { t: T } type T { v: Int }",
                "b": "type Query { x: Int } type T { w: Int @inaccessible }",
            },
            id="what nobody can ask for",
        ),
    ],
)
def test_is_answerable(sdls: dict[str, str]) -> None:
    assert composed(**sdls).errors == ()


@pytest.mark.parametrize(
    ("sdls", "coordinate"),
    [
        pytest.param(
            {
                "a": 'type Query { t: T } type T @key(fields: "id", resolvable: false) { id: ID! }',
                "b": 'type T @key(fields: "id", resolvable: false) { id: ID! v: Int }',
            },
            "T.v",
            id="no resolvable key",
        ),
        pytest.param(
            {
                "a": 'type Query { t: T } type T @key(fields: "id") { id: ID! x: Int @external y: Int @requires(fields: "x") }',
                "b": 'type T @key(fields: "id") { id: ID! y: Int @external x: Int @requires(fields: "y") }',
            },
            "T.y",
            id="requires in a circle",
        ),
        pytest.param(
            {
                "a": 'type Query { t: T } type T @key(fields: "k") { k: ID! @external v: Int }',
                "b": 'type T @key(fields: "k") { k: ID! w: Int }',
            },
            "T.w",
            id="a key that is only mentioned",
        ),
        pytest.param(
            {
                "a": "type Query { t: T } type T { v: Int w: Int } type Mutation { m: T }",
                "b": "type Mutation { o: T } type T { x: Int }",
            },
            "T.v",
            id="from a mutation",
        ),
        pytest.param(
            {
                "a": "type Query { t: T } type T { v: Int }",
                "b": 'type Query { b: Int } type T { v: Int @override(from: "a", label: "beta") }',
            },
            "T.v",
            id="only as long as a label does not hold",
        ),
    ],
)
def test_is_not_answerable(sdls: dict[str, str], coordinate: str) -> None:
    found = composed(**sdls).errors
    assert {error.code for error in found} == {"SATISFIABILITY_ERROR"}
    assert coordinate in {error.coordinate for error in found}


def test_a_field_is_reported_once_however_many_places_lead_to_it() -> None:
    roots = " ".join(f"r{n}: T" for n in range(20))
    found = composed(a=f"type Query {{ {roots} }} type T {{ v: Int }}", b="type T { w: Int }")
    assert [error.coordinate for error in found.errors] == ["T.w"]


def test_shared_value_types_in_chains_do_not_multiply() -> None:
    """30 levels of a shared type in 8 subgraphs: states are shared, paths would be 8**30."""
    sdls = {}
    for number in range(8):
        links = " ".join(f"type L{n} @shareable {{ next: L{n + 1} v: Int }}" for n in range(30))
        sdls[f"s{number}"] = f"type Query {{ top: L0 @shareable }} {links} type L30 @shareable {{ v: Int }}"
    assert composed(**sdls).errors == ()


CONTEXT = (
    'type P @key(fields: "id") @context(name: "c") { id: ID! n: Int t: T } '
    'type T @key(fields: "id") { id: ID! v(a: Int @fromContext(field: "$c { n }")): Int }'
)


def test_a_field_that_reads_a_context_must_stand_below_one() -> None:
    """Nor does an object read what it sets itself."""
    found = composed(a=f"type Query {{ p: P any: U }} union U = P | Q type Q {{ t: [T] }} {CONTEXT}")
    assert [error.message for error in found.errors] == [
        "no subgraph can answer { any { ... on Q { t { v } } } }: the field reads the context c of a, which no object "
        "above it sets; set it with @context on a type on the way"
    ]
    itself = CONTEXT.replace(' @context(name: "c")', "").replace(
        'type T @key(fields: "id")', 'type T @key(fields: "id") @context(name: "c")'
    )
    assert [
        error.code
        for error in composed(
            a=f"type Query {{ p: P }} {itself.replace('id: ID! v', 'id: ID! n: Int v')}"
        ).errors
    ] == ["SATISFIABILITY_ERROR"]
    assert composed(a=f"type Query {{ p: P }} {CONTEXT}").errors == ()


def test_a_field_that_another_subgraph_resolves_without_the_context_may_stand_anywhere() -> None:
    shared = CONTEXT.replace("): Int }", "): Int @shareable }")
    found = composed(
        a=f"type Query {{ p: P t: T }} {shared}", b='type T @key(fields: "id") { id: ID! v: Int @shareable }'
    )
    assert found.errors == ()


def test_what_a_context_reads_may_be_external() -> None:
    found = composed(
        a='type Query { p: P } type P @key(fields: "id") { id: ID! n: Int }',
        b=CONTEXT.replace("n: Int", "n: Int @external"),
    )
    assert found.errors == ()
