"""Our own schema as a subgraph for others' composers, and their supergraphs and ours for each other."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, lexicographic_sort_schema, print_schema

from adapters.fetch import RequestContext
from adapters.testing import ScriptedSubgraph
from gateway.as_subgraph import federation_sdl
from gateway.operation import PreparedOperation, prepare
from schema.compose import Composition, SubgraphSchema, compose, read_supergraph
from schema.subgraphs import CASES, HOUSE, cases_sdl, house_sdl
from tests.peers.node import ROOT, run_node

COMPOSERS = ("apollo", "guild")
LIFTS = SubgraphSchema(
    "zjj-lift", "http://lifts.example", (ROOT / "systems/subgraphs/zjj-lift.graphql").read_text("utf-8")
)
HARBOUR = SubgraphSchema(
    "harbour",
    "http://harbour.example",
    """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
    type Query { berths: [Berth!] }
    type Berth @key(fields: "no") { no: ID! ship: Ship region: Region }
    type Ship @key(fields: "imo") { imo: ID! }
    type Region @key(fields: "code") { code: RegionCode! berths: [Berth!] }
    scalar RegionCode""",
)


def own() -> list[SubgraphSchema]:
    return [SubgraphSchema(HOUSE, None, house_sdl()), SubgraphSchema(CASES, None, cases_sdl())]


@cache
def as_one_subgraph() -> SubgraphSchema:
    """The whole network as another router sees it at `_service`."""
    api_schema = compose([*own(), LIFTS]).api_schema
    assert api_schema is not None
    return SubgraphSchema("quanyu", "http://quanyu.example", federation_sdl(api_schema))


GRAPHS: dict[str, Callable[[], list[SubgraphSchema]]] = {
    "house and cases": own,
    "house, cases and a remote": lambda: [*own(), LIFTS],
    "the network as one subgraph beside a remote": lambda: [as_one_subgraph(), HARBOUR],
}


@cache
def composed(graph: str) -> dict[str, Any]:
    subgraphs = [
        {"name": one.name, "url": one.url or "http://none.example", "sdl": one.sdl} for one in GRAPHS[graph]()
    ]
    found: dict[str, Any] = run_node("compose.mjs", stdin=json.dumps({"subgraphs": subgraphs}))
    return found


def shape(schema: GraphQLSchema) -> str:
    """Without descriptions: of several, composers choose another one."""
    return re.sub(r'\s*""".*?"""', "", print_schema(lexicographic_sort_schema(schema)), flags=re.DOTALL)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("composer", COMPOSERS)
def test_other_composers_take_our_schema_and_mean_the_same_by_it(graph: str, composer: str) -> None:
    theirs = composed(graph)[composer]
    assert theirs["errors"] == []
    read = read_supergraph(theirs["supergraph"])
    ours = compose(GRAPHS[graph]())
    assert (read.errors, ours.errors) == ((), ())
    assert read.api_schema is not None
    assert ours.api_schema is not None
    assert shape(read.api_schema) == shape(ours.api_schema)


@pytest.mark.parametrize("graph", GRAPHS)
def test_other_routers_libraries_take_our_supergraph(graph: str) -> None:
    ours = compose(GRAPHS[graph]())
    assert ours.api_schema is not None
    found = run_node("accept.mjs", stdin=ours.supergraph_sdl)
    assert {name: found[name] for name in ("apollo", "hive", "guild")} == {
        "apollo": None,
        "hive": None,
        "guild": None,
    }
    assert shape(build_schema(found["apolloApi"])) == shape(ours.api_schema)


# --- a supergraph of each of them, executed by ours ---

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@requires", "@external"])\n'
PLACES = LINK + 'type Query { ships: [Ship!]! } type Ship @key(fields: "imo") { imo: ID! tons: Int! }'
CREWS = LINK + (
    'type Ship @key(fields: "imo") { imo: ID! tons: Int! @external crew: Int! @requires(fields: "tons") '
    "captain: Person! } "
    'type Person @key(fields: "id") { id: ID! }'
)
PEOPLE = LINK + 'type Query { people: Int } type Person @key(fields: "id") { id: ID! name: String! }'
ASKED = "{ ships { imo crew captain { name } } }"
ANSWER = {
    "ships": [
        {"imo": "1", "crew": 100, "captain": {"name": "captain 1"}},
        {"imo": "2", "crew": 200, "captain": {"name": "captain 2"}},
    ]
}


def running() -> dict[str, ScriptedSubgraph]:
    ships = [{"imo": "1", "tons": 1000}, {"imo": "2", "tons": 2000}]
    return {
        "places": ScriptedSubgraph("places", PLACES, resolvers={"Query.ships": lambda *_: ships}),
        "crews": ScriptedSubgraph(
            "crews",
            CREWS,
            entities={"Ship": lambda one: {**one, "crew": one["tons"] // 10, "captain": {"id": one["imo"]}}},
        ),
        "people": ScriptedSubgraph(
            "people", PEOPLE, entities={"Person": lambda one: {**one, "name": f"captain {one['id']}"}}
        ),
    }


def supergraph_of(composer: str) -> Composition:
    sdls = {"places": PLACES, "crews": CREWS, "people": PEOPLE}
    if composer == "ours":
        return compose([SubgraphSchema(name, None, sdl) for name, sdl in sdls.items()])
    subgraphs = [{"name": name, "url": "http://none.example", "sdl": sdl} for name, sdl in sdls.items()]
    found = run_node("compose.mjs", stdin=json.dumps({"subgraphs": subgraphs}))[composer]
    assert found["errors"] == []
    return read_supergraph(found["supergraph"])


@pytest.mark.parametrize("composer", ["ours", *COMPOSERS])
async def test_a_supergraph_of_each_composer_is_executed_with_the_same_fetches(composer: str) -> None:
    composition = supergraph_of(composer)
    assert composition.supergraph is not None
    assert composition.api_schema is not None
    subgraphs = running()
    operation = prepare(composition.api_schema, composition.supergraph, subgraphs, ASKED)
    assert isinstance(operation, PreparedOperation), operation
    context = RequestContext(deadline=asyncio.get_running_loop().time() + 10)
    answer = await operation.execute({}, context)
    assert (answer.data, answer.errors) == (ANSWER, [])
    assert {name: len(one.fetches) for name, one in subgraphs.items()} == {
        "places": 1,
        "crews": 1,
        "people": 1,
    }
