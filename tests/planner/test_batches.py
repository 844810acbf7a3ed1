"""Entity lookups of one subgraph travel together: at several places, for several types, in the same wave."""

from __future__ import annotations

from gateway.planner import pretty
from gateway.planner.nodes import BatchFetchNode
from tests.planner.graphs import asked, expected, plan_of, text_of

CASES = """
type Query { first: Case last: Case open: [Case!]! }
type Case @key(fields: "id") { id: ID! applicant: Person helper: Person }
type Person @key(fields: "code") { code: ID! }
"""
PEOPLE = 'type Person @key(fields: "code") { code: ID! name: String age: Int friends: [Person] }'
SHOP = """
type Query { users: [User] top: [Product] }
type User @key(fields: "id") { id: ID! name: String }
type Product @key(fields: "upc") { upc: ID! name: String price: Int weight: Int }
"""
REVIEWS = """
type Review { body: String product: Product author: User }
type User @key(fields: "id") { id: ID! reviews: [Review] }
type Product @key(fields: "upc") { upc: ID! reviews: [Review] }
"""
STORE = """
type Product @key(fields: "upc") {
  upc: ID! price: Int @external weight: Int @external
  inStock: Boolean shipping: Int @requires(fields: "price weight")
}
"""


def test_the_same_lookup_at_several_places_is_one_field_with_all_paths() -> None:
    assert text_of(
        "{ first { applicant { name } } open { helper { name } } }", cases=CASES, people=PEOPLE
    ) == expected(
        """
        QueryPlan {
          Sequence {
            Fetch(service: "cases") {
              {
                first {
                  applicant {
                    __typename
                    code
                  }
                }
                open {
                  helper {
                    __typename
                    code
                  }
                }
              }
            }
            BatchFetch(service: "people") {
              _entities(paths: ["first.applicant", "open.@.helper"]) {
                ... on Person {
                  __typename
                  code
                }
              }
              =>
              query ($representations: [_Any!]!) {
                _entities(representations: $representations) {
                  ... on Person {
                    name
                  }
                }
              }
            }
          }
        }
        """
    )


def test_different_lookups_are_aliased_fields_of_one_operation() -> None:
    plan = plan_of("{ first { applicant { name } helper { age } } }", cases=CASES, people=PEOPLE)
    assert asked(plan) == ["cases", "people"]
    batch = plan.fetches()[1]
    assert isinstance(batch, BatchFetchNode)
    assert [item.paths for item in batch.lookups] == [(("first", "applicant"),), (("first", "helper"),)]


def test_lookups_under_other_conditions_travel_together_too() -> None:
    """A lookup whose condition does not hold is sent no representations."""
    query = "query ($a: Boolean!, $b: Boolean!) { first @include(if: $b) { applicant { name @skip(if: $a) } helper { age } } }"
    plan = plan_of(query, cases=CASES, people=PEOPLE)
    assert asked(plan) == ["cases", "people"]
    batch = plan.fetches()[1]
    assert isinstance(batch, BatchFetchNode)
    assert [item.conditions for item in batch.lookups] == [(("a", False),), ()]
    assert '_e0(paths: ["first.applicant"]) @skip(if: $a) {' in pretty(plan)


def test_json_of_a_batch_says_for_each_field_which_paths_it_serves() -> None:
    plan = plan_of("{ first { applicant { name } helper { age } } }", cases=CASES, people=PEOPLE)
    node = plan.to_json()["node"]["nodes"][1]
    requires = [
        {
            "kind": "InlineFragment",
            "typeCondition": "Person",
            "selections": [{"kind": "Field", "name": "__typename"}, {"kind": "Field", "name": "code"}],
        }
    ]
    assert (node["kind"], node["serviceName"], node["variableUsages"]) == ("BatchFetch", "people", [])
    assert node["entityBatch"]["aliases"] == [
        {
            "alias": f"_e{number}",
            "representationsVariableName": f"representations_{number}",
            "paths": [["first", name]],
            "requires": requires,
        }
        for number, name in enumerate(["applicant", "helper"])
    ]


def test_a_batch_keeps_its_variables_apart_from_the_clients() -> None:
    people = 'type Person @key(fields: "code") { code: ID! name(n: Int): String }'
    (_, fetch) = plan_of(
        "query ($representations: Int) { first { applicant { name(n: $representations) } } }",
        cases=CASES,
        people=people,
    ).fetches()
    assert isinstance(fetch, BatchFetchNode)
    assert fetch.variable_usages == ("representations",)
    assert fetch.operation.startswith("query ($_representations_0: [_Any!]!, $representations: Int)")


def test_a_lookup_waits_for_a_later_wave_that_asks_its_subgraph_anyway() -> None:
    """Products of `top` could be asked for their stock at once; those of the reviews only two waves later."""
    query = """
    fragment P on Product { upc name inStock shipping }
    { users { name reviews { product { ...P reviews { author { name } } } } } top { ...P } }
    """
    plan = plan_of(query, shop=SHOP, reviews=REVIEWS, store=STORE)
    assert asked(plan) == ["shop", "reviews", "shop", "store"]


def test_a_lookup_that_others_wait_for_is_not_put_off() -> None:
    """Putting off `near` would make the plan longer."""
    a = 'type Query { x: X y: Y } type X @key(fields: "id") { id: ID! } type Y @key(fields: "id") { id: ID! }'
    b = 'type X @key(fields: "id") { id: ID! near: Y } type Y @key(fields: "id") { id: ID! c: Int }'
    c = 'type Y @key(fields: "id") { id: ID! far: Z } type Z @key(fields: "id") { id: ID! }'
    d = 'type Z @key(fields: "id") { id: ID! deep: Int }'
    plan = plan_of("{ x { near { c far { deep } } } y { c far { deep } } }", a=a, b=b, c=c, d=d)
    assert asked(plan) == ["a", "b", "c", "d"]


def test_requires_with_other_arguments_are_other_representations() -> None:
    """One representation cannot hold two prices under one name."""
    shop = 'type Query { p: P } type P @key(fields: "id") { id: ID! price(in: String): Int }'
    maths = """
    type P @key(fields: "id") {
      id: ID! price(in: String): Int @external
      home: Int @requires(fields: "price(in: \\"CNY\\")") away: Int @requires(fields: "price(in: \\"EUR\\")")
    }
    """
    plan = plan_of("{ p { home away } }", shop=shop, maths=maths)
    assert asked(plan) == ["shop", "maths"]
    assert [len(item.fields) for item in plan.fetches()[1].requires] == [2, 2]


def test_a_star_asks_the_shared_entitys_home_once() -> None:
    """100 systems that each lead back to one entity: one fetch for each, and one for the way back."""
    size = 100
    home = 'type Query { items: [Item] } type Item @key(fields: "id") { id: ID! name: String }'
    systems = {
        f"s{n}": f'type Item @key(fields: "id") {{ id: ID! own{n}: Own{n} }} type Own{n} {{ item: Item a: Int }}'
        for n in range(1, size)
    }
    query = "{ items { " + " ".join(f"own{n} {{ a item {{ name }} }}" for n in range(1, size)) + " } }"
    plan = plan_of(query, home=home, **systems)
    assert len(plan.fetches()) == size + 1
    assert asked(plan)[-1] == "home"
