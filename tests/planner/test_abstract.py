"""Places whose type is settled at run time: what is asked of the type itself, and what unions may be asked for."""

from __future__ import annotations

import pytest
from graphql import parse, print_ast, validate

from adapters.testing import federated_schema
from gateway.planner import pretty
from gateway.planner.errors import UnreachableField
from tests.planner.graphs import LINK, asked, plan_of


def test_a_leaf_asked_of_an_interface_comes_from_one_subgraph_for_all_types() -> None:
    """Neither subgraph knows the ids of both types, so neither answer to `thing` can be trusted with them."""
    query = "type Query { thing: Thing @shareable } interface Thing { id: ID! }"
    a = query + (
        ' type A implements Thing @key(fields: "id") { id: ID! a: Int }'
        ' type B implements Thing @key(fields: "id") { id: ID! @external c: Int }'
    )
    b = query + (
        ' type A implements Thing @key(fields: "id") { id: ID! @external d: Int }'
        ' type B implements Thing @key(fields: "id") { id: ID! b: Int }'
    )
    with pytest.raises(UnreachableField, match=r"\.id cannot be reached"):
        plan_of("{ thing { id } }", a=a, b=b)
    assert asked(plan_of("{ thing { ... on A { id a } } }", a=a, b=b)) == ["a"]
    assert asked(plan_of("{ thing { ... on A { id } ... on B { id } } }", a=a, b=b)) == ["a", "b"]


def test_a_field_of_an_interface_that_has_no_types_there_is_not_silently_left_out() -> None:
    a = 'interface Node @key(fields: "id") { id: ID! } type Query { a: Node }'
    b = (
        'type Node @key(fields: "id", resolvable: false) @interfaceObject { id: ID! size: Int }'
        " type Query { b: Node }"
    )
    with pytest.raises(UnreachableField, match=r"Node\.size"):
        plan_of("{ a { size } }", a=a, b=b)
    assert asked(plan_of("{ b { size } }", a=a, b=b)) == ["b"]


def test_a_field_of_an_interface_object_is_taken_from_another_one_before_the_types_are_asked_for() -> None:
    """`active` exists for all accounts in c and for one type in a: without a type condition c is meant."""
    a = """
    type Query { x: Int } interface Account @key(fields: "id") { id: ID! }
    type Admin implements Account @key(fields: "id") { id: ID! active: Boolean @shareable }
    type Plain implements Account @key(fields: "id") { id: ID! }
    """
    b = 'type Query { accounts: [Account] } type Account @key(fields: "id") @interfaceObject { id: ID! }'
    c = 'type Account @key(fields: "id") @interfaceObject { id: ID! active: Boolean @shareable }'
    assert asked(plan_of("{ accounts { id active } }", a=a, b=b, c=c)) == ["b", "c"]
    assert asked(plan_of("{ accounts { id ... on Admin { active } } }", a=a, b=b, c=c)) == ["b", "a"]


BOX = 'type Box @key(fields: "id") { id: ID! inside: Wrap @shareable %s } type Wrap @shareable { things: [Thing] }'


def test_of_a_union_that_several_could_answer_only_the_members_that_all_know_are_asked() -> None:
    """Else the answer would depend on which of them the planner asks."""
    both = "type Both @shareable { label: String }"
    a = f"type Query {{ box: Box }} {BOX % ''} union Thing = Both | A type A {{ a: Int }} {both}"
    b = f"{BOX % 'only: Wrap'} union Thing = Both | B type B {{ b: Int }} {both}"
    inside = "{ things { ... on Both { label } ... on A { a } ... on B { b } } }"
    (fetch,) = plan_of(f"{{ box {{ inside {inside} }} }}", a=a, b=b).fetches()
    assert "label" in fetch.operation
    assert "... on A" not in fetch.operation
    (_, there) = plan_of(f"{{ box {{ only {inside} }} }}", a=a, b=b).fetches()
    assert "... on B" in there.operation


def test_of_a_union_that_one_subgraph_answers_all_its_members_are_asked() -> None:
    a = """
    type Query { wrap: Wrap } type Wrap @shareable { things: [Thing] } union Thing = Both | A
    type Both @shareable { label: String } type A { a: Int }
    """
    b = """
    type Query { x: Int } type Wrap @shareable { things: [Thing] } union Thing = Both
    type Both @shareable { label: String }
    """
    (fetch,) = plan_of("{ wrap { things { ... on Both { label } ... on A { a } } } }", a=a, b=b).fetches()
    assert "... on A" in fetch.operation


NODES = "interface Node { id: ID! %s } " + "".join(
    f'type N{n} implements Node @key(fields: "id") {{ id: ID! %s }} ' for n in range(70)
)


def test_seventy_types_at_each_of_three_levels_are_placed_once_and_written_once() -> None:
    """`name` and `next` live apart, so every level goes type by type: 70 * 70 * 70 ways, all the same."""
    a = "type Query { nodes: [Node] } " + NODES.replace("%s", "name: String")
    b = NODES.replace("%s", "next: Node")
    plan = plan_of("{ nodes { name next { name next { name next { name } } } } }", a=a, b=b)
    assert asked(plan) == ["a", "b", "a"]
    assert max(len(fetch.operation) for fetch in plan.fetches()) < 1000


def test_types_that_are_asked_different_things_keep_their_fragments() -> None:
    a = 'type Query { x: Node } interface Node { id: ID! } type A implements Node @key(fields: "id") { id: ID! }'
    a += ' type B implements Node @key(fields: "id") { id: ID! }'
    b = 'type A @key(fields: "id") { id: ID! size: Int } type B @key(fields: "id") { id: ID! weight: Int }'
    (_, there) = plan_of("{ x { ... on A { size } ... on B { weight } } }", a=a, b=b).fetches()
    assert "... on A {\n      size" in there.operation
    assert "... on B {\n      weight" in there.operation


def test_places_of_one_path_where_a_name_means_other_things_by_type_are_told_apart() -> None:
    a = "type Query { all: [Node] } union Node = A | B type A { part: Part } type B { part: Part }"
    a += ' type Part @key(fields: "no") { no: ID! }'
    b = 'type Part @key(fields: "no") { no: ID! name: String place: String }'
    same = plan_of("{ all { ... on A { part { x: name } } ... on B { part { x: name } } } }", a=a, b=b)
    assert 'Flatten(path: "all.@.part")' in pretty(same)
    apart = plan_of("{ all { ... on A { part { x: name } } ... on B { part { x: place } } } }", a=a, b=b)
    assert '_e0(paths: ["all.@|[A].part"])' in pretty(apart)
    assert apart.to_json()["node"]["nodes"][1]["entityBatch"]["aliases"][1]["paths"] == [
        ["all", "@|[B]", "part"]
    ]


MEMBERS = " ".join(f"type M{n} {{ id: ID! own{n}: Int next: [Member] }}" for n in range(8))
UNION = "type Query { all: [Member] } union Member = " + " | ".join(f"M{n}" for n in range(8)) + f" {MEMBERS}"


def members_asked(levels: int) -> str:
    """Every member of every level; written out, 8 to the power of the levels."""

    def level(number: int) -> str:
        below = f"next {{ ...Level{number - 1} }}" if number else ""
        parts = " ".join(f"... on M{n} {{ id own{n} {below} }}" for n in range(8))
        return f"fragment Level{number} on Member {{ {parts} }}"

    return f"{{ all {{ ...Level{levels - 1} }} }} " + " ".join(level(number) for number in range(levels))


def test_eight_members_of_a_union_at_each_of_six_levels_are_written_once_a_level() -> None:
    """Written out they would be 8 ** 6 times the innermost fields, some 30 MB."""
    (fetch,) = plan_of(members_asked(6), a=UNION).fetches()
    assert len(fetch.operation) < 4000
    assert validate(federated_schema(LINK + UNION), parse(fetch.operation)) == []
    assert fetch.operation == print_ast(fetch.document)


def test_what_is_short_is_written_where_it_stands() -> None:
    (fetch,) = plan_of(members_asked(1), a=UNION).fetches()
    assert "fragment" not in fetch.operation


def test_variables_of_a_fragment_are_sent_with_the_operation() -> None:
    members = UNION.replace("id: ID!", "id(of: Int): ID!")
    text = "query ($of: Int) " + members_asked(3).replace("{ id ", "{ id(of: $of) ")
    (fetch,) = plan_of(text, a=members).fetches()
    assert fetch.variable_usages == ("of",)
    assert validate(federated_schema(LINK + members), parse(fetch.operation)) == []


def test_fragments_below_entities_travel_with_their_operation() -> None:
    here = 'type Query { part: Part } type Part @key(fields: "no") { no: ID! }'
    there = UNION.replace(
        "type Query { all: [Member] }", 'type Part @key(fields: "no") { no: ID! all: [Member] }'
    )
    text = members_asked(4).replace("{ all { ...Level3 } }", "{ part { all { ...Level3 } } }")
    _, entities = plan_of(text, a=here, b=there).fetches()
    assert len(entities.operation) < 3000
    assert validate(federated_schema(LINK + there), parse(entities.operation)) == []
