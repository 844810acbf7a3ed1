"""What stands in a fragment with @defer has fetches of its own, which wait for as little as they can."""

from __future__ import annotations

from graphql import parse, validate

from gateway.planner import QueryGraph, QueryPlan, plan_operation, pretty
from gateway.planner.deferrals import with_defer
from schema.compose import SubgraphSchema, compose
from tests.planner.graphs import LINK, expected

CASES = """
type Query { cases: [Case] case: Case } type Mutation { close: Case }
type Case @key(fields: "id") { id: ID! title: String office: Office }
type Office @key(fields: "code") { code: ID! }
"""
OFFICES = """
type Query { offices: [Office] }
type Office @key(fields: "code") { code: ID! name: String phone: String region: Region }
type Region @key(fields: "code") { code: ID! }
"""
REST = """
type Case @key(fields: "id") { id: ID! lift: String }
type Region @key(fields: "code") { code: ID! name: String }
"""
COMPOSITION = compose(
    [
        SubgraphSchema(name, None, LINK + sdl)
        for name, sdl in (("cases", CASES), ("offices", OFFICES), ("rest", REST))
    ]
)


def plan_of(query: str, *true: str) -> QueryPlan:
    """In parts. true: variables that are."""
    assert COMPOSITION.api_schema is not None
    assert COMPOSITION.supergraph is not None
    document = parse(query)
    assert validate(with_defer(COMPOSITION.api_schema), document) == []
    return plan_operation(QueryGraph(COMPOSITION.supergraph), document, deferring=frozenset(true))


def shape(plan: QueryPlan) -> tuple[list[str], list[tuple[list[str], str | None, list[str], list[str]]]]:
    """Subgraphs of the primary; of each part what it depends on, its label, its path and its subgraphs."""
    found = plan.to_json()["node"]
    if found["kind"] != "Defer":
        return [one.subgraph for one in plan.fetches()], []

    def asked(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["serviceName"]] if "serviceName" in node else []
            return own + [name for value in node.values() for name in asked(value)]
        return [name for one in node for name in asked(one)] if isinstance(node, list) else []

    parts = [
        ([one["id"] for one in part["depends"]], part["label"], part["queryPath"], asked(part["node"]))
        for part in found["deferred"]
    ]
    return asked(found["primary"]), parts


def test_a_deferred_part_waits_for_the_fetch_that_gives_its_key() -> None:
    plan = plan_of('{ cases { id ... @defer(label: "office") { office { name } } } }')
    assert pretty(plan) + "\n" == expected(
        """
        QueryPlan {
          Defer {
            Primary {
              Fetch(service: "cases", id: 0) {
                {
                  cases {
                    id
                    office {
                      __typename
                      code
                    }
                  }
                }
              }
            }
            Deferred(depends: [0], path: "cases", label: "office") {
              Flatten(path: "cases.@.office") {
                Fetch(service: "offices") {
                  {
                    ... on Office {
                      __typename
                      code
                    }
                  } =>
                  query ($representations: [_Any!]!) {
                    _entities(representations: $representations) {
                      ... on Office {
                        name
                      }
                    }
                  }
                }
              }
            }
          }
        }
        """
    )
    part = plan.to_json()["node"]["deferred"][0]
    assert (part["depends"], part["label"], part["queryPath"]) == ([{"id": "0"}], "office", ["cases"])
    assert plan.to_json()["node"]["primary"]["node"]["id"] == "0"


def test_a_part_does_not_wait_for_fetches_that_it_does_not_need() -> None:
    """The office's region is fetched over two more steps."""
    plan = plan_of("{ case { office { region { name } } ... @defer { lift } } }")
    assert shape(plan) == (["cases", "offices", "rest"], [(["0"], None, ["case"], ["rest"])])


def test_lookups_of_different_parts_are_not_one_operation() -> None:
    plan = plan_of("{ case { lift ... @defer { office { region { name } } } } }")
    assert shape(plan) == (["cases", "rest"], [(["0"], None, ["case"], ["offices", "rest"])])


def test_what_a_fetch_of_the_first_part_gives_anyway_is_asked_of_it() -> None:
    assert shape(plan_of("{ case { id ... @defer { title } } }")) == (["cases"], [])
    primary, parts = shape(plan_of("{ case { ... @defer { office { phone } } office { name } } }"))
    assert (primary, parts) == (["cases", "offices"], [])


def test_root_fields_have_fetches_of_their_own() -> None:
    plan = plan_of("{ case { id } ... @defer { cases { title lift } offices { name } } }")
    assert shape(plan) == (["cases"], [([], None, [], ["cases", "rest", "offices"])])


def test_a_part_in_a_part_waits_for_the_one_around_it() -> None:
    query = '{ case { id ... @defer(label: "a") { office { name ... @defer(label: "b") { region { name } } } } } }'
    assert shape(plan_of(query)) == (
        ["cases"],
        [(["0"], "a", ["case"], ["offices"]), (["1"], "b", ["case", "office"], ["rest"])],
    )


def test_a_fragment_spread_at_two_places_is_two_parts() -> None:
    query = """{ case { ...Office @defer } cases { ...Office @defer } }
    fragment Office on Case { office { name } }"""
    assert shape(plan_of(query)) == (
        ["cases"],
        [(["0"], None, ["case"], ["offices"]), (["0"], None, ["cases"], ["offices"])],
    )


def test_a_field_that_is_asked_at_once_too_is_not_deferred_but_what_is_below_it_may_be() -> None:
    query = "{ case { ... @defer { office { name } } office { code } } }"
    assert shape(plan_of(query)) == (["cases"], [(["0"], None, ["case"], ["offices"])])


def test_variables_decide_and_false_is_no_deferral() -> None:
    query = "query ($v: Boolean) { case { id ... @defer(if: $v) { lift } } }"
    assert shape(plan_of(query)) == (["cases", "rest"], [])
    assert shape(plan_of(query, "v")) == (["cases"], [(["0"], None, ["case"], ["rest"])])
    assert shape(plan_of("{ case { id ... @defer(if: false) { lift } } }")) == (["cases", "rest"], [])


def test_a_mutation_is_planned_whole() -> None:
    assert shape(plan_of("mutation { close { id ... @defer { lift } } }")) == (["cases", "rest"], [])


def test_a_part_under_a_condition_is_not_fetched_where_it_does_not_hold() -> None:
    query = "query ($v: Boolean!) { case { id ... @include(if: $v) @defer { lift } } }"
    part = plan_of(query).to_json()["node"]["deferred"][0]
    assert (part["node"]["kind"], part["node"]["condition"]) == ("Condition", "v")
