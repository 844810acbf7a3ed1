"""Finished supergraphs: read back as they were composed, in every join version, and refused with a reason."""

from __future__ import annotations

import pytest
from graphql import print_schema

from schema.compose import SubgraphSchema, compose, read_supergraph
from tests.compose.error_cases import Case, fed
from tests.compose.graphs import GRAPHS
from tests.compose.hint_cases import HINT_CASES


@pytest.mark.parametrize("sdls", GRAPHS.values(), ids=GRAPHS)
def test_what_was_composed_reads_back_equal(sdls: dict[str, str]) -> None:
    made = compose([SubgraphSchema(name, f"http://{name}/", sdl) for name, sdl in sdls.items()])
    assert made.errors == ()
    read = read_supergraph(made.supergraph_sdl)
    assert read.errors == ()
    assert read.supergraph == made.supergraph
    assert read.api_schema is not None
    assert made.api_schema is not None
    assert print_schema(read.api_schema) == print_schema(made.api_schema)


@pytest.mark.parametrize("case", HINT_CASES, ids=lambda case: case.code)
def test_so_does_every_graph_of_the_hints(case: Case) -> None:
    made = compose([SubgraphSchema(name, None, sdl) for name, sdl in case.sdls.items()])
    assert read_supergraph(made.supergraph_sdl).supergraph == made.supergraph


FEDERATION_1 = """
schema @core(feature: "https://specs.apollo.dev/core/v0.2") @core(feature: "https://specs.apollo.dev/join/v0.1", for: EXECUTION) { query: Query }
directive @core(as: String, feature: String!, for: core__Purpose) repeatable on SCHEMA
directive @join__field(graph: join__Graph, provides: join__FieldSet, requires: join__FieldSet) on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__owner(graph: join__Graph!) on INTERFACE | OBJECT
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on INTERFACE | OBJECT
enum core__Purpose { EXECUTION SECURITY }
scalar join__FieldSet
enum join__Graph { SHOP @join__graph(name: "shop" url: "http://shop/") STOCK @join__graph(name: "stock" url: "http://stock/") }
type Item @join__owner(graph: SHOP) @join__type(graph: SHOP, key: "sku") @join__type(graph: STOCK, key: "sku") {
  sku: ID! @join__field(graph: SHOP)
  weight: Int
  size: Size
  price: Int @join__field(graph: SHOP)
  shipping: Int @join__field(graph: STOCK, requires: "weight")
}
type Size { width: Int }
type Query { items: [Item] @join__field(graph: SHOP) stocked: Item @join__field(graph: STOCK, provides: "price") }
"""


def test_an_owner_of_join_v0_1_is_written_out() -> None:
    found = read_supergraph(FEDERATION_1).supergraph
    assert found is not None
    item = found.types["Item"]
    joins = {
        field.name: {name: join.resolvable for name, join in field.joins.items()}
        for field in item.fields.values()
    }
    assert joins == {
        "sku": {"shop": True, "stock": True},
        "weight": {"shop": True, "stock": False},
        "size": {"shop": True},
        "price": {"shop": True, "stock": False},
        "shipping": {"stock": True},
    }
    assert {name: [key.fields for key in join.keys] for name, join in item.joins.items()} == {
        "shop": ["sku"],
        "stock": ["sku"],
    }
    assert set(found.types["Size"].fields["width"].joins) == {"shop", "stock"}
    assert found.subgraphs["stock"].url == "http://stock/"


def test_join_v0_2_has_neither_members_nor_values() -> None:
    found = read_supergraph(
        """
        schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.2", for: EXECUTION) { query: Query }
        directive @join__graph(name: String!, url: String!) on ENUM_VALUE
        enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") }
        type Query @join__type(graph: A) @join__type(graph: B) { u: U @join__field(graph: A) }
        union U @join__type(graph: A) @join__type(graph: B) = T
        type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", extension: true) {
          id: ID! e: E @join__field(graph: B)
        }
        enum E @join__type(graph: B) { ONE }
        """
    ).supergraph
    assert found is not None
    assert found.join_version == "0.2"
    assert found.types["U"].joins["b"].members == ("T",)
    assert found.types["T"].joins["b"].extension
    assert found.types["E"].values["ONE"].subgraphs == {"b"}


def test_renamed_specifications_are_understood() -> None:
    found = read_supergraph(
        """
        schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", as: "j", for: EXECUTION)
          @link(url: "https://specs.apollo.dev/inaccessible/v0.2", as: "hide", for: SECURITY)
          @link(url: "https://specs.apollo.dev/tag/v0.3", import: [{ name: "@tag", as: "@mark" }]) { query: Query }
        enum j__Graph { A @j__graph(name: "a", url: "") }
        type Query @j__type(graph: A) { x: Int @mark(name: "t") y: Int @hide }
        """
    )
    assert found.supergraph is not None
    fields = found.supergraph.types["Query"].fields
    assert [str(item) for item in fields["x"].directives] == ['@tag(name: "t")']
    assert fields["y"].inaccessible
    assert found.api_schema is not None
    assert print_schema(found.api_schema) == "type Query {\n  x: Int\n}"


HEAD = 'schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) '
GRAPH = 'enum join__Graph { A @join__graph(name: "a", url: "") } type Query { x: Int }'


@pytest.mark.parametrize(
    ("sdl", "code"),
    [
        ("type Query {", "INVALID_GRAPHQL"),
        ("type Query { x: Int }", "INVALID_FEDERATION_SUPERGRAPH"),
        (fed("type Query { x: Int }"), "INVALID_FEDERATION_SUPERGRAPH"),
        (HEAD + "{ query: Query } type Query { x: Int }", "INVALID_FEDERATION_SUPERGRAPH"),
        (HEAD + "{ query: Root } type Root { x: Int } " + GRAPH, "INVALID_FEDERATION_SUPERGRAPH"),
        (
            HEAD + '{ query: Query } type T @join__type(graph: A, key: "id {") { id: ID } ' + GRAPH,
            "INVALID_FEDERATION_SUPERGRAPH",
        ),
        (HEAD.replace("v0.3", "v0.9") + "{ query: Query } " + GRAPH, "UNSUPPORTED_LINKED_FEATURE"),
        (
            HEAD + '@link(url: "https://own.example/lock/v1.0", for: SECURITY) { query: Query } ' + GRAPH,
            "UNSUPPORTED_LINKED_FEATURE",
        ),
        (
            HEAD
            + '@join__directive(graphs: [A], name: "connect__source", args: {}) { query: Query } '
            + GRAPH,
            "UNSUPPORTED_FEATURE",
        ),
        (HEAD + "{ query: Query } " + GRAPH.replace("type Query { x: Int }", "scalar S"), "NO_QUERIES"),
    ],
)
def test_refuses_what_it_cannot_run(sdl: str, code: str) -> None:
    found = read_supergraph(sdl)
    assert code in {error.code for error in found.errors}
    assert found.supergraph is None


def test_a_feature_without_a_purpose_may_be_unknown() -> None:
    sdl = HEAD + '@link(url: "https://own.example/note/v1.0") { query: Query } ' + GRAPH
    assert read_supergraph(sdl).errors == ()
