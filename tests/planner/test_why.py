"""Why a plan asks whom: every rule of the planner has its reason, and every field of the client one entry."""

from __future__ import annotations

from graphql import parse

from gateway.planner import QueryGraph, plan_operation
from gateway.planner.why import FetchWhy
from schema.compose import SubgraphSchema, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@requires", '
    '"@provides", "@shareable", "@override", "@interfaceObject", "@context", "@fromContext"])\n'
)


def why(query: str, *labels: str, **sdls: str) -> list[FetchWhy]:
    composition = compose([SubgraphSchema(name, None, LINK + sdl) for name, sdl in sdls.items()])
    assert composition.supergraph is not None, composition.errors
    found: list[FetchWhy] = []
    graph = QueryGraph(composition.supergraph).under(frozenset(labels))
    plan = plan_operation(graph, parse(query), why=found)
    assert [item.subgraph for item in found] == [fetch.subgraph for fetch in plan.fetches()]
    return found


def reason(found: list[FetchWhy], path: str) -> tuple[str, tuple[str, ...], str]:
    """Subgraph, codes and words of the only entry at a path."""
    ((subgraph, field),) = [
        (item.subgraph, field) for item in found for field in item.fields if ".".join(field.path) == path
    ]
    return subgraph, field.codes, field.text


A = 'type Query { t: T } type T @key(fields: "id") { id: ID! a: Int }'


def test_a_root_field_and_what_stands_beside_it() -> None:
    (fetch,) = why("{ x: t { a b: id } }", a=A)
    assert (fetch.number, fetch.texts, fetch.waits_for) == (1, ("a root operation of a",), ())
    assert [(field.path, field.name, field.codes) for field in fetch.fields] == [
        (("x",), "t", ("ROOT", "ONLY")),
        (("x", "a"), "a", ("HERE", "ONLY")),
        (("x", "b"), "id", ("HERE", "ONLY")),
    ]


def test_a_key_hop_says_by_which_key_and_after_whom() -> None:
    found = why("{ t { b } }", a=A, b='type T @key(fields: "id") { id: ID! b: Int }')
    assert (found[1].texts, found[1].waits_for) == (("t: T by key id",), (1,))
    assert reason(found, "t.b") == (
        "b",
        ("KEY", "ONLY"),
        "by key id, for no subgraph asked here before resolves it; no other subgraph resolves it",
    )


def test_of_subgraphs_as_near_the_one_that_gives_most() -> None:
    shared = 'type T @key(fields: "id") { id: ID! b: Int @shareable %s }'
    found = why("{ t { b c } }", a=A, b=shared % "", c=shared % "c: Int")
    assert reason(found, "t.b") == (
        "c",
        ("KEY", "MOST"),
        "by key id, for no subgraph asked here before resolves it; as near as b, and gives no less of what is asked below",
    )


def test_a_nearer_subgraph_than_the_others() -> None:
    far = 'type T @key(fields: "n") { n: ID! b: Int @shareable }'
    middle = 'type T @key(fields: "id") @key(fields: "n") { id: ID! n: ID! b: Int @shareable }'
    found = why("{ t { b } }", a=A, far=far, middle=middle)
    assert reason(found, "t.b")[:2] == ("middle", ("KEY", "FEWEST"))


def test_what_is_required_and_what_is_provided() -> None:
    found = why(
        "{ t { a c { d } } }",
        a='type Query { t: T } type T @key(fields: "id") { id: ID! w: Int c: C @provides(fields: "d") } '
        'type C @key(fields: "id") { id: ID! d: Int @external }',
        b='type T @key(fields: "id") { id: ID! w: Int @external a: Int @requires(fields: "w") }',
        c='type C @key(fields: "id") { id: ID! d: Int @shareable }',
    )
    assert found[1].texts == ("t: T by key id with w for @requires",)
    assert reason(found, "t.a")[1:] == (
        ("REQUIRES", "ONLY"),
        'after what it @requires(fields: "w"); no other subgraph resolves it',
    )
    assert reason(found, "t.c.d")[:2] == ("a", ("PROVIDES",))


def test_a_context_says_where_it_is_read() -> None:
    found = why(
        "{ p { t { v } } }",
        a='type Query { p: P } type P @key(fields: "id") @context(name: "c") { id: ID! n: Int t: T } '
        'type T @key(fields: "id") { id: ID! v(of: Int @fromContext(field: "$c { n }")): Int }',
    )
    assert found[1].texts == ("p.t: T by key id, once for each value of n of the object 1 above",)
    assert reason(found, "p.t.v")[1:] == (
        ("CONTEXT", "ONLY"),
        "its argument of is read of the context c above; no other subgraph resolves it",
    )


def test_a_label_says_whether_it_holds() -> None:
    sdls = {
        "a": A,
        "b": 'type T @key(fields: "id") { id: ID! a: Int @override(from: "a", label: "tried") }',
    }
    assert reason(why("{ t { a } }", **sdls), "t.a") == (
        "a",
        ("HERE", "ONLY", "OVERRIDE"),
        'beside the object itself; no other subgraph resolves it; the override label "tried" does not hold',
    )
    subgraph, codes, text = reason(why("{ t { a } }", "tried", **sdls), "t.a")
    assert (subgraph, codes) == ("b", ("KEY", "ONLY", "OVERRIDE"))
    assert text.endswith('the override label "tried" holds')


def test_lookups_that_were_merged_into_one_fetch_are_all_told() -> None:
    (_, people) = why(
        "{ t { one { n } other { n } } }",
        a='type Query { t: T } type T { one: P other: P } type P @key(fields: "id") { id: ID! }',
        p='type P @key(fields: "id") { id: ID! n: Int }',
    )
    assert people.texts == ("t.one: P by key id", "t.other: P by key id")
    assert [".".join(field.path) for field in people.fields] == ["t.one.n", "t.other.n"]


def test_types_that_are_placed_alike_share_an_entry() -> None:
    types = " ".join(f'type T{n} implements I @key(fields: "id") {{ id: ID! v{n}: Int }}' for n in range(3))
    more = " ".join(f'type T{n} @key(fields: "id") {{ id: ID! w: Int }}' for n in range(3))
    fragments = " ".join(f"... on T{n} {{ w }}" for n in range(3))
    found = why(
        f"{{ all {{ {fragments} }} }}",
        a=f"type Query {{ all: [I] }} interface I {{ id: ID! }} {types}",
        b=more,
    )
    (field,) = found[1].fields
    assert (field.path, field.types) == (("all", "@", "w"), ("T0", "T1", "T2"))


def test_steps_of_a_mutation_are_counted_on() -> None:
    found = why(
        "mutation { a b }",
        a="type Query { x: Int } type Mutation { a: Int }",
        b="type Mutation { b: Int }",
    )
    assert [(item.number, item.subgraph) for item in found] == [(1, "a"), (2, "b")]
