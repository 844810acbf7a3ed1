"""The directory and the catalogue: asked by anyone, answered from the registry, with the systems' health beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from samples.catalogue import SYSTEMS
from samples.registry import load_registry, read_rows
from tests.e2e.answers import sample_query, walk
from tests.e2e.gateways import ROOT, Client, here


@pytest.fixture
def public(gateway: Client) -> Client:
    """A client without a token."""
    return Client(gateway.url, token=None)


def test_the_sample_queries_of_items_and_systems_work(public: Client, gateway: Client) -> None:
    query, variables = sample_query("3-items")
    items = public.data(query, variables)
    assert items["serviceItems"]["totalCount"] >= 1
    assert items["availability"]["available"] is True
    query, variables = sample_query("4-systems")
    nodes = gateway.data(query, variables)["legacySystems"]["nodes"]
    assert [node["code"] for node in nodes] == sorted(SYSTEMS)


@pytest.mark.parametrize(
    ("root", "key", "file", "column", "count"),
    [
        ("regions", "code", "regions.csv", "code", 46),
        ("departments", "code", "departments.csv", "uscc", 34),
        ("serviceItems", "baseCode", "service_items.csv", "base_code", 58),
    ],
)
def test_pages_of_the_registry_hold_all_of_it(
    public: Client, root: str, key: str, file: str, column: str, count: int
) -> None:
    query = (
        f"query ($after: String) {{ {root}(first: 10, after: $after) "
        f"{{ totalCount nodes {{ {key} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    pages = walk(public, query, {}, root=root)
    got = [node[key] for page in pages for node in page["nodes"]]
    assert got == sorted(row[column] for row in read_rows(file))
    assert len(got) == count
    assert {page["totalCount"] for page in pages} == {count}


def test_items_are_found_by_word_region_and_kind(public: Client) -> None:
    query = """{ word: serviceItems(search: "婚姻", first: 100) { nodes { name } }
      kind: serviceItems(powerType: LICENSE, first: 100) { nodes { powerType } }
      none: serviceItems(search: "不存在的事项") { totalCount nodes { name } } }"""
    found = public.data(query)
    assert found["word"]["nodes"]
    assert all("婚姻" in node["name"] for node in found["word"]["nodes"])
    assert {node["powerType"] for node in found["kind"]["nodes"]} == {"LICENSE"}
    assert found["none"] == {"totalCount": 0, "nodes": []}


def test_an_item_leads_to_its_department_implementations_materials_and_system(public: Client) -> None:
    query = """query ($code: ID!) { serviceItem(baseCode: $code) { name department { name systems { code } }
      materials { name requirement } implementations(first: 100) { nodes { taskCode region { code } system { code } } } } }"""
    item = next(item for item in load_registry().items.values() if item.department == "JTW")
    found = public.data(query, {"code": item.base_code})["serviceItem"]
    rows = [row for row in load_registry().implementations if row.base_code == item.base_code]
    assert found["name"] == item.name
    assert found["department"]["systems"] == [{"code": "JT-PERMIT"}]
    assert {node["taskCode"] for node in found["implementations"]["nodes"]} <= {row.task_code for row in rows}
    assert found["implementations"]["nodes"]


def test_a_region_knows_what_is_above_and_below_it(public: Client) -> None:
    query = '{region(code: "500229S01V01") {name level ancestors {code} parent {code children {code}}}}'
    assert public.data(query)["region"] == {
        "name": "立新村",
        "level": "VILLAGE",
        "ancestors": [{"code": "500229S01"}, {"code": "500229"}, {"code": "500000"}],
        "parent": {"code": "500229S01", "children": [{"code": "500229S01V01"}]},
    }


def test_a_former_code_leads_to_the_region_of_today(public: Client) -> None:
    query = (
        '{now: region(code: "500222") {code name} then: region(code: "500110", asOf: "2010-01-01") {name}}'
    )
    found = public.data(query)
    assert found["now"] == {"code": "500110", "name": "綦江区"}


def test_what_is_not_there_is_null(public: Client) -> None:
    query = """{ serviceItem(baseCode: "000000000000") { name } region(code: "999999") { name }
      department(code: "11500000009000074Q") { key } legacySystem(code: "NO-SUCH") { code } }"""
    found = public.data(query)
    assert found["serviceItem"] is None
    assert found["region"] is None
    assert found["legacySystem"] is None
    assert found["department"] == {"key": "MZJ"}


def test_availability_says_why(public: Client) -> None:
    query = """query ($item: ID!, $region: RegionCode!) { availability(item: $item, region: $region, asOf: "2017-11-24") {
      available reason region { code } implementation { taskCode } channels } }"""
    reasons = set()
    for code in load_registry().items:
        found = public.data(query, {"item": code, "region": "500107"})["availability"]
        assert found["region"] == {"code": "500107"}
        assert found["available"] == (found["implementation"] is not None)
        reasons.add((found["available"], found["reason"]))
    assert len(reasons) >= 3, reasons


def test_systems_tell_their_protocol_and_owner(public: Client) -> None:
    query = "{legacySystems(first: 50) {totalCount nodes {code protocol encoding owner {key} capabilities lifecycle}}}"
    found = public.data(query)["legacySystems"]
    assert found["totalCount"] == 8
    for node in found["nodes"]:
        spec = SYSTEMS[node["code"]]
        assert node["protocol"] == spec.protocol
        assert node["owner"] == {"key": spec.department}
        assert {"GET_CASE", "LIST_CASES"} <= set(node["capabilities"])
    assert len({node["protocol"] for node in found["nodes"]}) == 5


def test_systems_by_protocol_and_owner(public: Client) -> None:
    query = """{ soap: legacySystems(protocol: SOAP_12) { nodes { code } }
      owned: legacySystems(owner: "11500000009000074Q") { nodes { code } } }"""
    assert public.data(query) == {
        "soap": {"nodes": [{"code": "FGW-INVEST"}]},
        "owned": {"nodes": [{"code": "MZJ-CIVIL"}]},
    }


def test_items_and_changes_of_a_system_are_asked_live(gateway: Client) -> None:
    items = """query ($after: String) { legacySystem(code: "JT-PERMIT") { items(first: 2, after: $after) {
      nodes { localCode name item { baseCode name } } pageInfo { hasNextPage endCursor } sources { status } } } }"""
    after, seen = None, []
    while True:
        page = gateway.data(items, {"after": after})["legacySystem"]["items"]
        seen += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(seen) > 2
    assert len({node["localCode"] for node in seen}) == len(seen)
    assert all(node["item"]["name"] == node["name"] for node in seen)
    changes = """{ legacySystem(code: "MZJ-CIVIL") { changes(since: "2017-11-20T00:00:00+08:00", first: 30) {
      nodes { id caseId occurredAt } } } }"""
    times = [node["occurredAt"] for node in gateway.data(changes)["legacySystem"]["changes"]["nodes"]]
    assert times
    assert times == sorted(times)
    assert min(times) >= "2017-11-20"


def test_a_system_without_a_verb_says_so(gateway: Client) -> None:
    query = '{legacySystem(code: "GHJ-PLAN") {items {nodes {name} sources {system status}}}}'
    assert gateway.data(query)["legacySystem"]["items"] == {
        "nodes": [],
        "sources": [{"system": "GHJ-PLAN", "status": "UNSUPPORTED"}],
    }


def test_a_sources_entry_leads_to_its_system_with_health(gateway: Client) -> None:
    query = """{ cases(systems: ["RSJ-SOCIAL"], first: 1) { sources { legacySystem { code name
      health { state breaker calls failures lastSuccessAt latencyP50Ms } } } } }"""
    [source] = gateway.data(query)["cases"]["sources"]
    gateway.data(query)
    [source] = gateway.data(query)["cases"]["sources"]
    assert source["legacySystem"]["name"]
    health = source["legacySystem"]["health"]
    assert health["state"] == "UP"
    assert health["breaker"] == "CLOSED"
    assert health["calls"] >= 1
    assert health["lastSuccessAt"] is not None


def test_introspection_gives_a_schema_that_clients_can_build(gateway: Client) -> None:
    schema = build_client_schema(gateway.data(get_introspection_query(descriptions=True)))
    text = print_schema(schema)
    assert "type Case" in text
    assert "办件" in text
    assert "_entities" not in text


def test_introspection_can_be_turned_off(city_environ: dict[str, str], tmp_path: Path) -> None:
    with here(tmp_path, ROOT / "systems", city_environ, watch=False, introspection=False) as client:
        for query in ("{__schema {queryType {name}}}", '{__type(name: "Case") {name}}'):
            asked = client.ask(query)
            assert asked.status == 400
            assert asked.data is None
            assert asked.codes == ["INTROSPECTION_DISABLED"]
        assert client.data("{__typename regions(first: 1) {__typename}}")["__typename"] == "Query"
