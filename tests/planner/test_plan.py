"""Plans as text, beside the queries that they answer."""

from __future__ import annotations

import pytest
from graphql import parse

from gateway.planner import PlanError, plan
from gateway.planner.errors import UnreachableField
from tests.planner.graphs import expected, plan_of, text_of, unchecked

PRODUCTS = """
type Query { top: [Product!]! product(id: ID!): Product }
type Product @key(fields: "id") { id: ID! name: String price: Int }
"""
STOCK = """
type Product @key(fields: "id") { id: ID! price: Int @external stock: Int tax: Int @requires(fields: "price") }
"""


def test_one_subgraph_is_one_fetch() -> None:
    assert text_of("{ top { name } }", products=PRODUCTS, stock=STOCK) == expected(
        """
        QueryPlan {
          Fetch(service: "products") {
            {
              top {
                name
              }
            }
          }
        }
        """
    )


def test_an_entity_hop_carries_the_key() -> None:
    assert text_of(
        "query ($id: ID!) { one: product(id: $id) { id: name left: stock } }", a=PRODUCTS, b=STOCK
    ) == expected(
        """
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              query ($id: ID!) {
                one: product(id: $id) {
                  __typename
                  id: name
                  _id_1: id
                }
              }
            }
            Flatten(path: "one") {
              Fetch(service: "b") {
                {
                  ... on Product {
                    __typename
                    _id_1: id
                  }
                } =>
                query ($representations: [_Any!]!) {
                  _entities(representations: $representations) {
                    ... on Product {
                      left: stock
                    }
                  }
                }
              }
            }
          }
        }
        """
    )


def test_requires_waits_for_what_it_needs() -> None:
    maths = (
        'type Product @key(fields: "id") { id: ID! price: Int @external tax: Int @requires(fields: "price") }'
    )
    shop = 'type Query { top: [Product] } type Product @key(fields: "id") { id: ID! }'
    prices = 'type Product @key(fields: "id") { id: ID! price: Int }'
    assert text_of("{ top { tax } }", shop=shop, prices=prices, maths=maths) == expected(
        """
        QueryPlan {
          Sequence {
            Fetch(service: "shop") {
              {
                top {
                  __typename
                  id
                }
              }
            }
            Flatten(path: "top.@") {
              Fetch(service: "prices") {
                {
                  ... on Product {
                    __typename
                    id
                  }
                } =>
                query ($representations: [_Any!]!) {
                  _entities(representations: $representations) {
                    ... on Product {
                      price
                    }
                  }
                }
              }
            }
            Flatten(path: "top.@") {
              Fetch(service: "maths") {
                {
                  ... on Product {
                    __typename
                    id
                    price
                  }
                } =>
                query ($representations: [_Any!]!) {
                  _entities(representations: $representations) {
                    ... on Product {
                      tax
                    }
                  }
                }
              }
            }
          }
        }
        """
    )


def test_provides_saves_a_fetch() -> None:
    a = 'type Query { best: Review } type Review { author: User @provides(fields: "name") } type User @key(fields: "id") { id: ID! name: String @external }'
    b = 'type User @key(fields: "id") { id: ID! name: String @shareable age: Int }'
    assert [fetch.subgraph for fetch in plan_of("{ best { author { name } } }", a=a, b=b).fetches()] == ["a"]
    assert [fetch.subgraph for fetch in plan_of("{ best { author { name age } } }", a=a, b=b).fetches()] == [
        "a",
        "b",
    ]


def test_independent_fetches_are_parallel() -> None:
    a = 'type Query { x: X } type X @key(fields: "id") { id: ID! }'
    b = 'type Query { y: Int } type X @key(fields: "id") { id: ID! b: Int }'
    c = 'type X @key(fields: "id") { id: ID! c: Int }'
    assert text_of("{ x { b c } y }", a=a, b=b, c=c) == expected(
        """
        QueryPlan {
          Parallel {
            Sequence {
              Fetch(service: "a") {
                {
                  x {
                    __typename
                    id
                  }
                }
              }
              Parallel {
                Flatten(path: "x") {
                  Fetch(service: "b") {
                    {
                      ... on X {
                        __typename
                        id
                      }
                    } =>
                    query ($representations: [_Any!]!) {
                      _entities(representations: $representations) {
                        ... on X {
                          b
                        }
                      }
                    }
                  }
                }
                Flatten(path: "x") {
                  Fetch(service: "c") {
                    {
                      ... on X {
                        __typename
                        id
                      }
                    } =>
                    query ($representations: [_Any!]!) {
                      _entities(representations: $representations) {
                        ... on X {
                          c
                        }
                      }
                    }
                  }
                }
              }
            }
            Fetch(service: "b") {
              {
                y
              }
            }
          }
        }
        """
    )


def test_a_way_over_a_third_subgraph_is_found() -> None:
    """a knows the id only, c the code only; b knows both."""
    a = 'type Query { x: X } type X @key(fields: "id") { id: ID! }'
    b = 'type X @key(fields: "id") @key(fields: "code") { id: ID! code: ID! }'
    c = 'type X @key(fields: "code") { code: ID! deep: Int }'
    fetches = plan_of("{ x { deep } }", a=a, b=b, c=c).fetches()
    assert [fetch.subgraph for fetch in fetches] == ["a", "b", "c"]


def test_a_key_that_is_not_resolvable_is_not_used() -> None:
    a = 'type Query { x: X } type X @key(fields: "id") { id: ID! }'
    b = 'type Query { ys: [X] } type X @key(fields: "id", resolvable: false) { id: ID! deep: Int }'
    with pytest.raises(UnreachableField) as caught:
        plan(unchecked(a=a, b=b), parse("{ x { deep } }"))
    assert isinstance(caught.value, PlanError)
    assert (caught.value.type_name, caught.value.field_name, caught.value.path) == ("X", "deep", ("x",))


def test_a_child_without_a_key_is_asked_through_its_parent() -> None:
    """Size has no key: its second half comes from the same field of another subgraph."""
    a = 'type Query { x: X } type X @key(fields: "id") { id: ID! size: Size @shareable } type Size @shareable { w: Int }'
    b = 'type X @key(fields: "id") { id: ID! size: Size @shareable } type Size @shareable { w: Int h: Int }'
    assert text_of("{ x { size { w h } } }", a=a, b=b) == expected(
        """
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                x {
                  __typename
                  size {
                    w
                  }
                  id
                }
              }
            }
            Flatten(path: "x") {
              Fetch(service: "b") {
                {
                  ... on X {
                    __typename
                    id
                  }
                } =>
                query ($representations: [_Any!]!) {
                  _entities(representations: $representations) {
                    ... on X {
                      size {
                        h
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


def test_interface_fields_stay_together_where_all_types_answer_them() -> None:
    a = """
    type Query { all: [Node] }
    interface Node { id: ID! name: String }
    type A implements Node @key(fields: "id") { id: ID! name: String }
    type B implements Node @key(fields: "id") { id: ID! name: String b: Int }
    """
    b = 'type A @key(fields: "id") { id: ID! more: Int }'
    assert text_of("{ all { id name ... on A { more } ... on B { b } } }", a=a, b=b) == expected(
        """
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              {
                all {
                  __typename
                  id
                  name
                  ... on B {
                    b
                  }
                }
              }
            }
            Flatten(path: "all.@") {
              Fetch(service: "b") {
                {
                  ... on A {
                    __typename
                    id
                  }
                } =>
                query ($representations: [_Any!]!) {
                  _entities(representations: $representations) {
                    ... on A {
                      more
                    }
                  }
                }
              }
            }
          }
        }
        """
    )


def test_a_condition_on_a_whole_fetch_keeps_it_from_being_sent() -> None:
    plan_text = text_of(
        "query ($with: Boolean!) { top { name stock @include(if: $with) } }", a=PRODUCTS, b=STOCK
    )
    assert "Include(if: $with) {\n      Flatten" in plan_text
    assert plan_text.count("@include") == 0


def test_literal_conditions_are_settled_by_the_planner() -> None:
    assert len(plan_of("{ top { name stock @include(if: false) } }", a=PRODUCTS, b=STOCK).fetches()) == 1


def test_a_clients_alias_never_meets_a_key() -> None:
    """The client calls the name "id"; the key is fetched beside it under another name."""
    fetches = plan_of("{ top { id: name stock } }", a=PRODUCTS, b=STOCK).fetches()
    assert "_id_1: id" in fetches[0].operation
    assert fetches[1].requires[0].fields[0].response == "_id_1"


def test_mutations_keep_their_order() -> None:
    a = "type Query { x: Int } type Mutation { one: Int three: Int four: Int }"
    b = "type Mutation { two: Int }"
    fetches = plan_of("mutation { one two three four }", a=a, b=b).fetches()
    assert [(fetch.subgraph, fetch.kind) for fetch in fetches] == [
        ("a", "mutation"),
        ("b", "mutation"),
        ("a", "mutation"),
    ]
    assert "three\n  four" in fetches[2].operation


def test_an_interface_object_adds_fields_without_knowing_the_types() -> None:
    a = """
    type Query { nodes: [Node] }
    interface Node @key(fields: "id") { id: ID! }
    type A implements Node @key(fields: "id") { id: ID! a: Int }
    """
    b = 'type Query { best: Node } type Node @key(fields: "id") @interfaceObject { id: ID! score: Int }'
    assert text_of("{ nodes { score } best { score __typename } }", a=a, b=b) == expected(
        """
        QueryPlan {
          Parallel {
            Sequence {
              Fetch(service: "a") {
                {
                  nodes {
                    __typename
                    ... on A {
                      id
                    }
                  }
                }
              }
              Flatten(path: "nodes.@") {
                Fetch(service: "b") {
                  {
                    ... on A {
                      __typename = Node
                      id
                    }
                  } =>
                  query ($representations: [_Any!]!) {
                    _entities(representations: $representations) {
                      ... on Node {
                        score
                      }
                    }
                  }
                }
              }
            }
            Sequence {
              Fetch(service: "b") {
                {
                  best {
                    __typename
                    score
                    id
                  }
                }
              }
              Flatten(path: "best") {
                Fetch(service: "a") {
                  {
                    ... on Node {
                      __typename
                      id
                    }
                  } =>
                  query ($representations: [_Any!]!) {
                    _entities(representations: $representations) {
                      ... on Node {
                        __typename
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


def test_one_response_name_of_two_types_is_aliased_towards_the_subgraph() -> None:
    a = """
    type Query { all: [Thing] }
    union Thing = A | B
    type A { v: Int! }
    type B { v: Int @shareable }
    """
    b = "type A @shareable { v: Int } type B { v: Int @shareable } type Query { z: A }"
    fetches = plan_of(
        "{ all { ... on A { v } ... on B { v } } }", a=a.replace("type A {", "type A @shareable {"), b=b
    ).fetches()
    assert "v__1: v" in fetches[0].operation
    assert fetches[0].to_json()["outputRewrites"] == [
        {"kind": "KeyRenamer", "path": ["all", "@", "v__1"], "renameKeyTo": "v"}
    ]


def test_json_has_apollos_names() -> None:
    found = plan_of("{ top { stock } }", a=PRODUCTS, b=STOCK).to_json()
    assert found["kind"] == "QueryPlan"
    fetch, flatten = found["node"]["nodes"]
    assert (fetch["kind"], fetch["serviceName"], fetch["operationKind"], fetch["variableUsages"]) == (
        "Fetch",
        "a",
        "query",
        [],
    )
    assert (flatten["kind"], flatten["path"]) == ("Flatten", ["top", "@"])
    assert flatten["node"]["requires"] == [
        {
            "kind": "InlineFragment",
            "typeCondition": "Product",
            "selections": [{"kind": "Field", "name": "__typename"}, {"kind": "Field", "name": "id"}],
        }
    ]


def test_introspection_needs_no_fetch() -> None:
    assert plan_of("{ __schema { queryType { name } } __typename }", a=PRODUCTS).to_json() == {
        "kind": "QueryPlan",
        "node": None,
    }


def test_seventy_implementations_are_two_fetches() -> None:
    types = range(70)
    a = "type Query { nodes: [Node] } interface Node { id: ID! extra: Int } " + " ".join(
        f'type N{n} implements Node @key(fields: "id") {{ id: ID! extra: Int @external v{n}: Int }}'
        for n in types
    )
    b = " ".join(f'type N{n} @key(fields: "id") {{ id: ID! extra: Int }}' for n in types)
    query = "{ nodes { id extra " + " ".join(f"... on N{n} {{ v{n} }}" for n in types) + " } }"
    assert len(plan_of(query, a=a, b=b).fetches()) == 2


def test_a_star_of_a_hundred_subgraphs_is_one_step_deep() -> None:
    sdls = {f"s{n}": f'type Item @key(fields: "id") {{ id: ID! f{n}: Int }}' for n in range(100)}
    root = 'type Query { items: [Item] } type Item @key(fields: "id") { id: ID! }'
    found = plan_of(
        "{ items { " + " ".join(f"f{n}" for n in range(100)) + " } }", root=root, **sdls
    ).to_json()
    assert [node["kind"] for node in found["node"]["nodes"]] == ["Fetch", "Parallel"]
    assert len(found["node"]["nodes"][1]["nodes"]) == 100


def test_plans_are_the_same_every_time() -> None:
    query = "{ top { stock tax name } }"
    assert text_of(query, a=PRODUCTS, b=STOCK) == text_of(query, a=PRODUCTS, b=STOCK)
