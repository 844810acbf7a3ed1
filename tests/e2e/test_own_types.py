"""Types that a legacy system adds to the graph, asked over real HTTP: batches, pages, keys, masks, access, failures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from samples.servers.permit_routes import OVERSIZE_ITEM
from tests.e2e import stubs
from tests.e2e.gateways import CITIZEN, Client, here
from tests.e2e.services import declare, service
from tests.e2e.stubs import Request, Stub, Writer, declaration, row, stub
from tests.e2e.waiting import until

SDL = '''
"""A lorry 货车."""
type Lorry @key(fields: "plate") {
  plate: ID!
  owner: String @personal(kind: NAME)
  phone: String @personal(kind: PHONE)
  note: String
  axles: Int!
  size: Size
  stops: [String!]!
  loads: [Load!]!
  kind: Kind
  home: Region
  checks(year: Int): [Check!]
}
type Size { lengthM: Float widthM: Float }
union Load = Crate | Tank
type Crate { weight: Int! }
type Tank { litres: Int! fluid: String }
enum Kind { BOX FLATBED UNKNOWN }
type Check { day: Date! passed: Boolean! by: String @personal(kind: NAME) }
type LorryConnection { nodes: [Lorry!]! edges: [LorryEdge!]! pageInfo: PageInfo! totalCount: Int }
type LorryEdge { cursor: String! node: Lorry! }
type Query {
  lorry(plate: ID!): Lorry
  lorries(kind: Kind, first: Int = 2, after: String): LorryConnection
  allLorries: [Lorry!]
  fee(tons: Float!): Float @public
  officers: [String!] @requiresScopes(scopes: [["roads:staff"]])
  secret: String @policy(policies: [["internal"]])
  hello: String @authenticated
}
extend type Case { lorry: Lorry lorries: [Lorry!]! fee: Float }
extend type Region { depots: [String!] @public }
'''
MAP = """
        plate: no
        owner: owner
        phone: tel
        note: note
        axles: axles
        size: {at: size, lengthM: l | scale(0.001), widthM: w | scale(0.001)}
        stops: stops
        loads: {each: loads, __typename: 'if(tank == true, "Tank", "Crate")', weight: kg, litres: l, fluid: fluid}
        kind: kind | table("lorry")
        home: {at: ., code: region}
"""
FIELDS = f"""
    Query.lorry:
      path: /lorries/{{$args.plate}}
      map: &lorry{MAP}
    Query.lorries:
      path: /lorries
      query: {{page: $page.number, kind: $args.kind | untable("lorry") | first}}
      paging: {{style: page, size: 3, total: total}}
      records: rows
      map: *lorry
    Query.allLorries:
      path: /lorries
      query: {{page: $page.number}}
      paging: {{style: page, size: 3, total: total}}
      records: rows
      map: *lorry
    Query.fee: {{path: /fee, query: {{t: $args.tons}}, value: fee}}
    Query.officers: {{path: /officers, records: names, value: .}}
    Query.secret: {{path: /fee, value: '"x"'}}
    Query.hello: {{path: /fee, value: '"您好"'}}
    Lorry:
      path: /batch
      query: {{no: $batch.plate}}
      batch: {{key: {{plate: no}}, size: 2}}
      records: rows
      map: *lorry
    Lorry.checks:
      path: /checks
      query: {{no: $this.plate, year: $args.year}}
      records: rows
      map: {{day: day | date("yyyyMMdd"), passed: ok | bool, by: officer}}
    Case.lorry:
      path: /by-case
      query: {{no: $batch.localNo}}
      batch: {{key: {{localNo: case}}, size: 2}}
      records: rows
      map: *lorry
    Case.lorries:
      path: /by-case
      query: {{no: $this.localNo}}
      records: rows
      map: *lorry
    Case.fee: {{path: '/case-fee/{{$this.localNo}}', value: fee | decimal}}
    Region.depots: {{path: /depots, query: {{code: $this.code}}, records: names, value: .}}
"""
LORRIES: list[dict[str, Any]] = [
    {
        "no": f"渝A{index}",
        "owner": "王小明",
        "tel": "18100000321",
        "note": "身份证500241198808151235",
        "axles": index,
        "size": {"l": 18000, "w": 2550} if index % 2 else None,
        "stops": ["万州", "开州"],
        "loads": [{"kg": 5}, {"tank": True, "l": 7, "fluid": "油"}],
        "kind": "X" if index % 2 else "P",
        "region": "500229",
        "case": f"AA-{index}",
    }
    for index in range(1, 8)
]


class Lorries:
    """The system: what it was asked, and what is broken in it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = False
        self.changed: dict[str, dict[str, Any]] = {}

    async def __call__(self, request: Request, writer: Writer) -> None:
        target = urlsplit(request.target)
        path, query = unquote(target.path), parse_qs(target.query)
        if path == "/cases":
            rows = [row(f"AA-{index}", applied=f"2017-06-0{index}T09:00:00+08:00") for index in range(1, 6)]
            return await stubs.answering(rows)(request, writer)
        if path.startswith("/case/"):
            return await stubs.answering([row(path.rpartition("/")[2])])(request, writer)
        self.asked.append(unquote(request.target))
        if self.down:
            writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
            return None
        body = self._body(path, query)
        answer = stubs.http(
            json.dumps(body, ensure_ascii=False).encode(), status="404 No" if body is None else "200 OK"
        )
        return await answer(request, writer)

    def _body(self, path: str, query: Mapping[str, list[str]]) -> Any:
        lorries = [{**one, **self.changed.get(one["no"], {})} for one in LORRIES]
        numbers = query.get("no", [])
        if path == "/lorries":
            found = [one for one in lorries if "kind" not in query or one["kind"] in query["kind"]]
            page = int(query["page"][0])
            return {"total": len(found), "rows": found[(page - 1) * 3 : page * 3]}
        if path.startswith("/lorries/"):
            return next((one for one in lorries if one["no"] == path.rpartition("/")[2]), None)
        if path == "/batch":
            return {"rows": [one for one in reversed(lorries) if one["no"] in numbers]}
        if path == "/by-case":
            return {"rows": [one for one in reversed(lorries) if one["case"] in numbers]}
        if path == "/checks":
            return {"rows": [{"day": "20170411", "ok": "是", "officer": "陈德明"}]}
        if path.startswith("/case-fee/"):
            return {"fee": "1,200.5"}
        return {"fee": "3.5", "names": ["甲", "乙"]}


def own(url: str, *, sdl: str = SDL, fields: str = FIELDS, code: str = "AA", **how: Any) -> str:
    text = declaration(code, url, **how).replace("tables:\n", "tables:\n  lorry: {X: BOX, P: FLATBED}\n", 1)
    indented = "".join(f"    {line}\n" if line else "\n" for line in sdl.strip().splitlines())
    return f"{text}types:\n  sdl: |\n{indented}  fields:{fields}"


def put(folder: Path, name: str, text: str) -> None:
    draft = folder / f".{name}.draft"
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, folder / name)


@contextmanager
def lorry_gateway(folder: Path, tmp: Path, **how: Any) -> Iterator[tuple[Client, Lorries, Stub]]:
    system = Lorries()
    with stub(system) as server:
        put(folder, "aa.yaml", own(server.url, **how))
        with here(tmp, folder, {}) as client:
            yield client, system, server


@pytest.fixture
def world(systems_dir: Path, tmp_path: Path) -> Iterator[tuple[Client, Lorries, Stub]]:
    with lorry_gateway(systems_dir, tmp_path) as parts:
        yield parts


World = tuple[Client, Lorries, Stub]


def test_a_root_field_gives_an_object_of_its_own_type(world: World) -> None:
    client, system, _ = world
    found = client.data(
        """{ lorry(plate: "渝A1") {
          plate axles kind stops size { lengthM widthM } home { code name }
          loads { __typename ... on Tank { litres fluid } ... on Crate { weight } }
        } }"""
    )["lorry"]
    assert found == {
        "plate": "渝A1",
        "axles": 1,
        "kind": "BOX",
        "stops": ["万州", "开州"],
        "size": {"lengthM": 18.0, "widthM": 2.55},
        "home": {"code": "500229", "name": "城口县"},
        "loads": [
            {"__typename": "Crate", "weight": 5},
            {"__typename": "Tank", "litres": 7, "fluid": "油"},
        ],
    }
    assert system.asked == ["/lorries/渝A1"]


def test_what_is_not_there_is_null_without_an_error(world: World) -> None:
    client, _, _ = world
    assert client.data(
        '{ lorry(plate: "none") { plate } two: lorry(plate: "渝A2") { size { lengthM } } }'
    ) == {
        "lorry": None,
        "two": {"size": None},
    }


def test_personal_data_is_masked_and_what_slips_into_other_text_too(world: World) -> None:
    client, _, _ = world
    found = client.data('{ lorry(plate: "渝A1") { owner phone note checks(year: 2017) { by day passed } } }')[
        "lorry"
    ]
    assert found == {
        "owner": "王**",
        "phone": "181****0321",
        "note": "身份证500**************5",
        "checks": [{"by": "陈**", "day": "2017-04-11", "passed": True}],
    }


def test_a_connection_goes_through_the_pages_of_the_system(world: World) -> None:
    client, _, _ = world
    query = "query ($after: String) { lorries(after: $after) { totalCount nodes { plate } pageInfo { hasNextPage endCursor } } }"
    seen: list[str] = []
    after = None
    for _ in range(10):
        page = client.data(query, {"after": after})["lorries"]
        assert page["totalCount"] in (7, None)
        seen += [one["plate"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [one["no"] for one in LORRIES]
    assert client.ask(query, {"after": "x"}).codes == ["CURSOR_INVALID"]
    kinds = client.data("{ lorries(kind: FLATBED, first: 50) { nodes { kind } edges { node { plate } } } }")[
        "lorries"
    ]
    assert {one["kind"] for one in kinds["nodes"]} == {"FLATBED"}
    assert [one["node"]["plate"] for one in kinds["edges"]] == ["渝A2", "渝A4", "渝A6"]


def test_a_plain_list_is_read_through_its_pages(world: World) -> None:
    client, system, _ = world
    assert len(client.data("{ allLorries { plate } }")["allLorries"]) == 7
    assert [one.partition("?")[2] for one in system.asked] == ["page=1", "page=2", "page=3"]


def test_fields_of_many_cases_are_asked_for_in_batches(world: World) -> None:
    client, system, _ = world
    nodes = client.data("{ cases(first: 5) { nodes { id lorry { plate } } } }")["cases"]["nodes"]
    assert {one["id"]: one["lorry"]["plate"] for one in nodes} == {
        f"AA:AA-{index}": f"渝A{index}" for index in range(1, 6)
    }
    assert sorted(system.asked) == sorted(
        ["/by-case?no=AA-5&no=AA-4", "/by-case?no=AA-3&no=AA-2", "/by-case?no=AA-1"]
    )


def test_without_a_batch_call_each_is_asked_for_once(world: World) -> None:
    client, system, _ = world
    nodes = client.data("{ cases(first: 5) { nodes { fee lorries { plate checks { day } } } } }")["cases"][
        "nodes"
    ]
    assert [one["fee"] for one in nodes] == [1200.5] * 5
    assert [len(one["lorries"]) for one in nodes] == [1] * 5
    assert len(system.asked) == 15
    assert len(set(system.asked)) == 15


def test_an_entity_of_its_own_is_resolved_for_another_subgraph(systems_dir: Path, tmp_path: Path) -> None:
    sdl = (
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n'
        "type Query { rides: [Ride!] } type Ride { lorry: Lorry }\n"
        'type Lorry @key(fields: "plate", resolvable: false) { plate: ID! }\n'
    )
    rides = [{"lorry": {"plate": plate}} for plate in ("渝A3", "渝A1", "none", "渝A3", "渝A2")]
    system = Lorries()
    with stub(system) as server, service("rides", sdl, root={"rides": rides}) as other:
        put(systems_dir, "aa.yaml", own(server.url))
        declare(systems_dir, other)
        with here(tmp_path, systems_dir, {}) as client:
            answer = client.ask("{ rides { lorry { plate axles checks { day } } } }")
    found = answer.data["rides"]
    assert answer.codes == ["NULL_FOR_NON_NULL"]  # of the one that the system does not have
    assert [one["lorry"] and one["lorry"]["axles"] for one in found] == [3, 1, None, 3, 2]
    asked = [one for one in system.asked if one.startswith("/batch")]
    assert asked == ["/batch?no=渝A3&no=渝A1", "/batch?no=none&no=渝A2"]


def test_a_field_of_a_house_entity_is_answered_by_the_system(world: World) -> None:
    client, system, _ = world
    assert client.data('{ region(code: "500229") { name depots } }', token=None)["region"] == {
        "name": "城口县",
        "depots": ["甲", "乙"],
    }
    assert system.asked == ["/depots?code=500229"]


def test_only_what_is_selected_is_asked_for(world: World) -> None:
    client, system, _ = world
    client.data('{ lorry(plate: "渝A1") { __typename size { __typename } } }')
    client.data("query ($no: Boolean!) { fee(tons: 1.5) officers @include(if: $no) }", {"no": False})
    assert system.asked == ["/lorries/渝A1", "/fee?t=1.5"]


# --- who may see ---


@pytest.mark.parametrize(
    ("query", "token", "codes"),
    [
        ("{ fee(tons: 1) }", None, []),
        ('{ lorry(plate: "渝A1") { plate } }', None, ["UNAUTHENTICATED"]),
        ('{ lorry(plate: "渝A1") { plate } }', CITIZEN, ["FORBIDDEN"]),
        ("{ officers }", "", ["FORBIDDEN"]),
        ("{ secret }", "", ["FORBIDDEN"]),
        ("{ hello }", None, ["UNAUTHENTICATED"]),
        ("{ hello }", CITIZEN, []),
        ("{ hello }", "", []),
    ],
)
def test_own_fields_are_for_those_whom_they_name(
    world: World, query: str, token: str | None, codes: list[str]
) -> None:
    client, system, _ = world
    assert client.ask(query, token=token).codes == codes
    assert bool(system.asked) is not bool(codes)


# --- failures ---


def test_a_system_that_is_down_costs_its_own_fields_only(world: World) -> None:
    client, system, _ = world
    system.down = True
    asked = client.ask(
        "{ cases(first: 2) { nodes { id lorry { plate } lorries { plate } } } fee(tons: 1) regions(first: 1) { nodes { code } } }"
    )
    nodes = asked.data["cases"]
    assert asked.data["fee"] is None
    assert asked.data["regions"]["nodes"]
    assert nodes is None or all(one["lorry"] is None for one in nodes["nodes"] or [])
    assert set(asked.codes) == {"SOURCE_UNAVAILABLE"}
    assert all(one["extensions"]["system"] == "AA" for one in asked.errors)
    paths = [one["path"] for one in asked.errors]
    assert ["cases", "nodes", 0, "lorry"] in paths
    assert ["cases", "nodes", 1, "lorry"] in paths
    assert ["fee"] in paths


def test_a_value_that_does_not_fit_is_told_and_null_goes_up_as_far_as_it_must(world: World) -> None:
    client, system, _ = world
    system.changed = {"渝A1": {"axles": "two"}, "渝A2": {"size": {"l": "long"}}, "渝A3": {"kind": "?"}}
    asked = client.ask("{ allLorries { plate axles } }")
    assert asked.data["allLorries"] is None
    assert asked.codes == ["SOURCE_BAD_DATA"]
    assert "axles" in asked.errors[0]["message"]
    asked = client.ask("{ allLorries { plate size { lengthM widthM } kind } }")
    assert asked.codes == ["SOURCE_BAD_DATA"]
    found = {one["plate"]: one for one in asked.data["allLorries"]}
    assert found["渝A2"]["size"] == {"lengthM": None, "widthM": None}
    assert found["渝A3"]["kind"] == "UNKNOWN"
    gaps = client.data(
        '{ legacySystem(code: "AA") { mapping { gaps { table rawValue } } health { calls } } }'
    )
    assert gaps["legacySystem"]["mapping"]["gaps"] == [{"table": "lorry", "rawValue": "?"}]
    assert gaps["legacySystem"]["health"]["calls"] >= 6


def test_answers_are_kept_as_those_of_cases_are(systems_dir: Path, tmp_path: Path) -> None:
    with lorry_gateway(systems_dir, tmp_path, ttl_s=0.0, stale_s=600) as (client, system, _):
        assert client.data("{ fee(tons: 2) }") == {"fee": 3.5}
        system.down = True
        assert client.data("{ fee(tons: 2) }") == {"fee": 3.5}  # stale, for a failed call
        assert client.ask("{ fee(tons: 3) }").codes == ["SOURCE_UNAVAILABLE"]


# --- reload ---


def test_types_are_added_changed_and_removed_in_a_running_gateway(systems_dir: Path, tmp_path: Path) -> None:
    system = Lorries()
    with stub(system) as server:
        put(systems_dir, "aa.yaml", declaration("AA", server.url))
        with here(tmp_path, systems_dir, {}) as client:
            fields = '{ __type(name: "Query") { fields { name } } }'

            def names() -> set[str]:
                return {one["name"] for one in client.data(fields)["__type"]["fields"]}

            assert "fee" not in names()
            put(systems_dir, "aa.yaml", own(server.url))
            until(lambda: "fee" in names(), what="the types appear")
            assert client.data("{ fee(tons: 1) }") == {"fee": 3.5}
            put(
                systems_dir,
                "aa.yaml",
                own(
                    server.url,
                    sdl=SDL.replace("Lorry", "Lorry").replace("axles: Int!", "axles: Int! wheels: Int"),
                ),
            )
            until(
                lambda: client.metric('quanyu_reloads_total{result="refused"}') == 1,
                what="a bad one is refused",
            )
            assert client.data("{ fee(tons: 1) }") == {"fee": 3.5}
            put(systems_dir, "aa.yaml", declaration("AA", server.url))
            until(lambda: "fee" not in names(), what="the types are gone")
            assert client.ask("{ fee(tons: 1) }").status == 400


def test_a_changed_sdl_file_takes_effect(systems_dir: Path, tmp_path: Path) -> None:
    with stub(Lorries()) as server:
        text = declaration("AA", server.url)
        put(systems_dir, "aa.graphql", "type Query { toll: Float }")
        put(
            systems_dir,
            "aa.yaml",
            text + "types:\n  file: aa.graphql\n  fields: {Query.toll: {path: /fee, value: fee}}\n",
        )
        with here(tmp_path, systems_dir, {}) as client:
            assert client.data("{ toll }") == {"toll": 3.5}
            put(systems_dir, "aa.graphql", "type Query { toll: String }")
            until(lambda: client.data("{ toll }") == {"toll": "3.5"}, what="the file is read again")


def test_a_public_field_is_no_way_to_a_case(systems_dir: Path, tmp_path: Path) -> None:
    sdl = "type Query { depots: [Depot!] @public } type Depot { name: String case: Case }"
    fields = """
    Query.depots: {path: /lorries/渝A1, map: {name: kind, case: {at: ., id: 'case | prefix("AA:")'}}}
"""
    with lorry_gateway(systems_dir, tmp_path, sdl=sdl, fields=fields) as (client, system, _):
        query = "{ depots { name case { id title } } }"
        asked = client.ask(query, token=None)
        assert asked.codes == ["UNAUTHENTICATED"]
        assert asked.data["depots"] == [{"name": "X", "case": None}]
        system.asked.clear()
        assert client.data(query)["depots"][0]["case"]["id"] == "AA:AA-1"


def test_two_systems_with_the_same_type_are_refused_with_both_places(
    systems_dir: Path, tmp_path: Path
) -> None:
    system = Lorries()
    with stub(system) as server:
        put(systems_dir, "aa.yaml", own(server.url))
        with here(tmp_path, systems_dir, {}) as client:
            put(systems_dir, "bb.yaml", own(server.url, code="BB"))
            until(lambda: client.metric('quanyu_reloads_total{result="refused"}') == 1, what="it is refused")
            assert client.ready()[1]["systems"].keys() == {"AA"}


# --- the sample city ---


def test_the_citys_routes_come_with_their_cases_in_two_calls(gateway: Client) -> None:
    before = gateway.metric('quanyu_system_calls_total{code="ok",system="JT-PERMIT"}')
    query = '{ cases(systems: ["JT-PERMIT"], first: 40, from: "2017-01-02") { nodes { id itemCode oversizeRoute { no tier driverName driverPhone legs { road lengthKm } } } } }'
    nodes = gateway.data(query)["cases"]["nodes"]
    assert gateway.metric('quanyu_system_calls_total{code="ok",system="JT-PERMIT"}') == before + 2
    for node in nodes:
        assert (node["oversizeRoute"] is not None) is (node["itemCode"] == OVERSIZE_ITEM)
    routes = [one["oversizeRoute"] for one in nodes if one["oversizeRoute"]]
    assert routes
    assert all(one["driverName"].endswith("**") and "****" in one["driverPhone"] for one in routes)
    assert all(one["legs"] for one in routes)
