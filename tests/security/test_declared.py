"""What composed subgraphs demand of callers becomes the table that is enforced."""

from __future__ import annotations

from adapters.fetch import Caller
from gateway.security.authorise import AUTHENTICATED
from gateway.security.declared import declared_permissions, granted
from schema.compose import SubgraphSchema, compose
from schema.permissions import PERMISSIONS

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@authenticated", '
    '"@requiresScopes", "@policy"])\n'
)


def table(*sdls: str) -> dict[tuple[str, str], set[frozenset[str]]]:
    composition = compose([SubgraphSchema(f"s{index}", None, LINK + sdl) for index, sdl in enumerate(sdls)])
    assert composition.supergraph is not None, composition.errors
    found = declared_permissions(composition.supergraph)
    return {key: set(ways) for key, ways in found.items() if key not in PERMISSIONS}


def test_scopes_policies_and_somebody_at_all() -> None:
    assert table(
        """type Query {
          a: Int @authenticated
          b: Int @requiresScopes(scopes: [["x", "y"], ["z"]])
          c: Int @policy(policies: [["p"]]) @requiresScopes(scopes: [["x"], ["y"]])
          d: Int
        }"""
    ) == {
        ("Query", "a"): {frozenset({AUTHENTICATED})},
        ("Query", "b"): {frozenset({"x", "y"}), frozenset({"z"})},
        ("Query", "c"): {frozenset({"x", "policy:p"}), frozenset({"y", "policy:p"})},
    }


def test_a_demand_on_a_type_is_one_on_every_field_that_gives_it() -> None:
    found = table("type Query { a: [A!] b: B } type A @authenticated { x: Int } type B { a: A }")
    assert found == {
        ("Query", "a"): {frozenset({AUTHENTICATED})},
        ("B", "a"): {frozenset({AUTHENTICATED})},
    }


def test_an_interface_is_no_way_round() -> None:
    found = table(
        """type Query { i: I }
        interface I { x: Int }
        type A implements I { x: Int @requiresScopes(scopes: [["s"]]) }
        type B implements I { x: Int }"""
    )
    assert found["I", "x"] == {frozenset({"s"})}


def test_demands_of_several_subgraphs_hold_together() -> None:
    found = table(
        'type Query { a: Int @shareable @requiresScopes(scopes: [["x"]]) }',
        'type Query { a: Int @shareable @requiresScopes(scopes: [["y"]]) }',
    )
    assert found["Query", "a"] == {frozenset({"x", "y"})}


def test_a_caller_who_is_somebody_is_known_as_that() -> None:
    assert granted(Caller()) == frozenset()
    assert granted(Caller("clerk", frozenset({"a"}))) == frozenset({"a", AUTHENTICATED})


def test_cases_are_for_those_who_may_see_cases_whichever_subgraph_gives_them() -> None:
    found = table("type Query { a: Int } type Depot { cases: [Case!] } type Case { id: ID }")
    ways = ("cases:read", "cases:own", "cases:department", "cases:region")
    assert found == {("Depot", "cases"): {frozenset({one}) for one in ways}}
