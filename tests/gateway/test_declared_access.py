"""What a supergraph demands of callers, as the table that is enforced."""

from __future__ import annotations

from adapters.fetch import Caller
from gateway.security.authorise import ANY_CALLER
from gateway.security.declared_access import declared_permissions, scopes_of
from schema.compose import SubgraphSchema, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated", '
    '"@requiresScopes", "@policy", "@shareable"])\n'
)


def table(sdl: str) -> dict[tuple[str, str], set[frozenset[str]]]:
    made = compose([SubgraphSchema("a", None, LINK + sdl)])
    assert made.supergraph is not None, made.errors
    return {key: set(ways) for key, ways in declared_permissions(made.supergraph).items()}


def test_scopes_are_ways_and_a_known_caller_is_one_of_them() -> None:
    found = table(
        'type Query { open: Int known: Int @authenticated both: Int @authenticated @requiresScopes(scopes: [["a", "b"], ["c"]]) }'
    )
    assert found == {
        ("Query", "known"): {frozenset({ANY_CALLER})},
        ("Query", "both"): {frozenset({"a", "b", ANY_CALLER}), frozenset({"c", ANY_CALLER})},
    }


def test_what_a_type_demands_its_fields_and_those_that_lead_to_it_demand() -> None:
    found = table(
        'type Query { t: T } type T @requiresScopes(scopes: [["a"]]) { x: Int y: Int @authenticated }'
    )
    way = frozenset({"a"})
    assert found == {("Query", "t"): {way}, ("T", "x"): {way}, ("T", "y"): {way | {ANY_CALLER}}}


def test_no_scope_of_a_token_stands_for_a_policy() -> None:
    (way,) = table('type Query { x: Int @policy(policies: [["owner"]]) }')["Query", "x"]
    assert not way <= scopes_of(Caller("somebody", frozenset({"owner", *way})))


def test_everyone_who_is_known_is_any_caller() -> None:
    assert ANY_CALLER in scopes_of(Caller("somebody"))
    assert scopes_of(Caller(scopes=frozenset({"a"}))) == {"a"}
