"""The house subgraph answers from the sample city's registry."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import ExecutionResult

from schema.registry import Registry
from tests.schema.conftest import TOURISM, TRANSPORT, Ask

TRAVEL_AGENCY = "500128001000"
AVAILABILITY = """
query ($item: ID!, $region: RegionCode!, $asOf: Date) {
  availability(item: $item, region: $region, asOf: $asOf) {
    available reason asOf lowestTier channels
    promisedLimit { amount unit }
    statutoryLimit { amount unit }
    item { name }
    region { name }
    implementation { level powerSource bodyName region { code } validFrom validTo department { key } }
    implementations { taskCode }
  }
}
"""


def data_of(result: ExecutionResult) -> dict[str, Any]:
    assert result.errors is None
    assert result.data is not None
    return result.data


def codes_of(result: ExecutionResult) -> list[object]:
    return [(error.extensions or {}).get("code") for error in result.errors or []]


# --- availability ---


async def test_before_delegation_the_city_licenses_travel_agencies_in_15_days(ask: Ask) -> None:
    found = data_of(await ask(AVAILABILITY, item=TRAVEL_AGENCY, region="500107", asOf="2017-06-01"))
    assert found["availability"] == {
        "available": True,
        "reason": "AT_SUPERIOR",
        "asOf": "2017-06-01",
        "lowestTier": "MUNICIPALITY",
        "channels": ["ONLINE", "WINDOW"],
        "promisedLimit": {"amount": 15, "unit": "WORKDAY"},
        "statutoryLimit": {"amount": 20, "unit": "WORKDAY"},
        "item": {"name": "旅行社业务经营许可"},
        "region": {"name": "九龙坡区"},
        "implementation": {
            "level": "MUNICIPALITY",
            "powerSource": "STATUTORY_OWN",
            "bodyName": "市旅游局",
            "region": {"code": "500000"},
            "validFrom": None,
            "validTo": "2017-06-30",
            "department": {"key": "LVJ"},
        },
        "implementations": [{"taskCode": "1150000000900028582500128001000"}],
    }


async def test_after_delegation_the_district_does_in_5(ask: Ask) -> None:
    found = data_of(await ask(AVAILABILITY, item=TRAVEL_AGENCY, region="500107", asOf="2017-11-20"))
    answer = found["availability"]
    assert (answer["available"], answer["reason"], answer["lowestTier"]) == (True, "HERE", "DISTRICT")
    assert answer["promisedLimit"] == {"amount": 5, "unit": "WORKDAY"}
    assert answer["implementation"]["powerSource"] == "DELEGATED_DOWN"
    assert answer["implementation"]["bodyName"] == "九龙坡区旅游局"
    assert answer["implementation"]["validFrom"] == "2017-07-01"


@pytest.mark.parametrize(
    ("item", "region", "on", "reason"),
    [
        (TRAVEL_AGENCY, "500000", "2017-11-20", "AT_SUBORDINATE"),
        (TRAVEL_AGENCY, "500107S01V01", "2017-11-20", "AT_SUPERIOR"),
        ("500116001000", "500229S01V01", "2017-11-20", "AT_SUPERIOR"),
        ("502021001000", "500229S01V01", "2017-11-20", "HERE"),
        (TRAVEL_AGENCY, "500110", "2017-11-20", "HERE"),
    ],
)
async def test_the_reason_says_who_handles_it(ask: Ask, item: str, region: str, on: str, reason: str) -> None:
    found = data_of(await ask(AVAILABILITY, item=item, region=region, asOf=on))
    assert found["availability"]["reason"] == reason


async def test_an_unknown_item_or_division_is_named(ask: Ask) -> None:
    for arguments, words in (
        ({"item": "nothing", "region": "500107"}, "no service item 'nothing'; see serviceItems"),
        ({"item": TRAVEL_AGENCY, "region": "999999"}, "no division '999999'; see regions"),
    ):
        result = await ask(AVAILABILITY, **arguments)
        assert codes_of(result) == ["NOT_FOUND"]
        assert (result.errors or [])[0].message == words


# --- divisions ---


async def test_a_reused_code_means_another_place_at_another_time(ask: Ask) -> None:
    found = data_of(
        await ask(
            """{
              then: region(code: "500110", asOf: "2009-05-01") { code name kind formerCodes validFrom }
              now: region(code: "500110", asOf: "2017-11-20") { code name kind formerCodes validFrom }
              old: region(code: "500234", asOf: "2015-05-01") { code name }
              never: region(code: "123456") { code }
            }"""
        )
    )
    assert found == {
        "then": {
            "code": "CQ-WSJK",
            "name": "万盛经济技术开发区",
            "kind": "DEVELOPMENT_ZONE",
            "formerCodes": ["500110"],
            "validFrom": "2011-10-27",
        },
        "now": {
            "code": "500110",
            "name": "綦江区",
            "kind": "DISTRICT",
            "formerCodes": ["500222"],
            "validFrom": "2011-10-22",
        },
        "old": {"code": "500154", "name": "开州区"},
        "never": None,
    }


async def test_a_division_knows_what_is_above_and_below(ask: Ask) -> None:
    found = data_of(
        await ask(
            """{ region(code: "500229S01") {
              name nameEn level area parent { name } ancestors { name } children { name level }
            } }"""
        )
    )
    assert found["region"] == {
        "name": "巴山镇",
        "nameEn": "Bashan",
        "level": "TOWNSHIP",
        "area": "NORTHEAST",
        "parent": {"name": "城口县"},
        "ancestors": [{"name": "城口县"}, {"name": "重庆市"}],
        "children": [{"name": "立新村", "level": "VILLAGE"}],
    }


async def test_divisions_can_be_listed_by_tier_parent_and_day(ask: Ask) -> None:
    found = data_of(
        await ask(
            """{
              all: regions(first: 1) { totalCount }
              districts: regions(level: DISTRICT, first: 1) { totalCount }
              below: regions(parent: "500107") { nodes { name } }
              then: regions(level: DISTRICT, asOf: "2009-05-01", first: 1) { totalCount }
            }"""
        )
    )
    assert found["all"]["totalCount"] == 46
    assert found["districts"]["totalCount"] == 40
    assert found["below"]["nodes"] == [{"name": "杨家坪街道"}]
    assert found["then"]["totalCount"] == 29


# --- items ---


async def test_all_items_come_by_pages_without_loss_or_repeat(ask: Ask, registry: Registry) -> None:
    query = """query ($after: String) { serviceItems(first: 7, after: $after) {
      totalCount edges { cursor node { baseCode } } nodes { baseCode } pageInfo { hasNextPage hasPreviousPage endCursor }
    } }"""
    seen: list[str] = []
    after: str | None = None
    while True:
        page = data_of(await ask(query, after=after))["serviceItems"]
        assert page["totalCount"] == 58
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["pageInfo"]["hasPreviousPage"] is bool(seen)
        seen.extend(node["baseCode"] for node in page["nodes"])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [item.base_code for item in registry.items]


async def test_items_can_be_searched_and_filtered(ask: Ask) -> None:
    found = data_of(
        await ask(
            """{
              words: serviceItems(search: "许可 运输") { nodes { name } }
              rewards: serviceItems(powerType: REWARD) { nodes { name department { nameEn } } }
              none: serviceItems(search: "许可", powerType: REWARD) { nodes { name } pageInfo { endCursor } totalCount }
              town: serviceItems(region: "500229S01", asOf: "2017-11-20", first: 1) { totalCount }
            }"""
        )
    )
    assert [node["name"] for node in found["words"]["nodes"]] == [
        "公路超限运输许可（跨区县）",
        "道路旅客运输经营许可",
    ]
    assert found["rewards"]["nodes"] == [
        {"name": "市科学技术奖", "department": {"nameEn": "Science and Technology Commission"}}
    ]
    assert found["none"] == {"nodes": [], "pageInfo": {"endCursor": None}, "totalCount": 0}
    assert 50 < found["town"]["totalCount"] <= 58


async def test_an_item_knows_its_materials_and_who_handles_it(ask: Ask) -> None:
    found = data_of(
        await ask(
            """{ serviceItem(baseCode: "500128001000") {
              name powerType tiers caseType state specialProcedures serviceObject
              materials { key name requirement form copies source }
              here: implementations(region: "500107", asOf: "2017-11-20") { nodes { promisedLimit { amount } item { name } } }
              before: implementations(asOf: "2017-06-01") { nodes { level materials { key } } }
              city: implementations(region: "500000", includeDescendants: true, asOf: "2017-11-20", first: 1) { totalCount }
            } }"""
        )
    )["serviceItem"]
    assert (found["powerType"], found["tiers"], found["state"]) == (
        "LICENSE",
        ["MUNICIPALITY", "DISTRICT"],
        "PUBLISHED",
    )
    assert (found["specialProcedures"], found["serviceObject"]) == (["SITE_VISIT"], ["LEGAL"])
    assert len(found["materials"]) == 4
    assert found["materials"][0]["name"] == "旅行社业务经营许可申请表"
    assert found["here"]["nodes"] == [
        {"promisedLimit": {"amount": 5}, "item": {"name": "旅行社业务经营许可"}}
    ]
    assert [node["level"] for node in found["before"]["nodes"]] == ["MUNICIPALITY"]
    assert [paper["key"] for paper in found["before"]["nodes"][0]["materials"]] == [
        paper["key"] for paper in found["materials"]
    ]
    assert found["city"]["totalCount"] == 40


# --- bad arguments ---


@pytest.mark.parametrize("field", ["serviceItems", "regions", "departments", "legacySystems"])
@pytest.mark.parametrize("first", [1_000_000, 101, 0, -1])
async def test_first_out_of_bounds_is_refused(ask: Ask, field: str, first: int) -> None:
    result = await ask(f"{{ {field}(first: {first}) {{ totalCount }} }}")
    assert codes_of(result) == ["LIMIT_EXCEEDED"]
    assert f"between 1 and 100, got {first}" in (result.errors or [])[0].message
    assert (result.errors or [])[0].path == [field]


async def test_a_cursor_from_elsewhere_is_refused(ask: Ask) -> None:
    """From another list, from this list with other arguments, or from nowhere."""
    query = "{ regions(first: 1) { pageInfo { endCursor } } }"
    cursor = data_of(await ask(query))["regions"]["pageInfo"]["endCursor"]
    for field in (
        f'serviceItems(after: "{cursor}")',
        f'regions(level: VILLAGE, after: "{cursor}")',
        'regions(after: "aGVsbG8")',
        'regions(after: "")',
    ):
        assert codes_of(await ask(f"{{ {field} {{ totalCount }} }}")) == ["CURSOR_INVALID"]
    assert data_of(await ask(f'{{ regions(first: 1, after: "{cursor}") {{ nodes {{ code }} }} }}')) == {
        "regions": {"nodes": [{"code": "500101"}]}
    }


# --- systems ---


async def test_systems_can_be_listed_with_health_and_mapping_gaps(ask: Ask) -> None:
    found = data_of(
        await ask(
            """{ legacySystems(protocol: SOAP_11) { nodes {
              code name protocol encoding capabilities lifecycle
              owner { key region { name } systems { code } }
              health { state breaker latencyP50Ms latencyP95Ms calls lastSuccessAt }
              mapping { mappedShare unmappedFields gaps { table rawValue count firstSeen } }
            } } }"""
        )
    )
    assert found["legacySystems"]["nodes"] == [
        {
            "code": "JT-PERMIT",
            "name": "超限运输许可系统",
            "protocol": "SOAP_11",
            "encoding": "GB18030",
            "capabilities": ["GET_CASE", "LIST_CASES"],
            "lifecycle": "CONNECTED",
            "owner": {"key": "JTW", "region": {"name": "重庆市"}, "systems": [{"code": "JT-PERMIT"}]},
            "health": {
                "state": "UP",
                "breaker": "CLOSED",
                "latencyP50Ms": 12.5,
                "latencyP95Ms": None,
                "calls": 7,
                "lastSuccessAt": "2017-11-20T10:00:00+08:00",
            },
            "mapping": {
                "mappedShare": 0.99,
                "unmappedFields": [],
                "gaps": [
                    {"table": "state", "rawValue": "77", "count": 3, "firstSeen": "2017-11-20T10:00:00+08:00"}
                ],
            },
        }
    ]


async def test_systems_and_departments_can_be_filtered(ask: Ask) -> None:
    found = data_of(
        await ask(
            """query ($owner: Uscc!) {
              frozen: legacySystems(lifecycle: FROZEN) { nodes { code } }
              owned: legacySystems(owner: $owner) { nodes { code health { state } } }
              every: legacySystems { nodes { code } }
              one: legacySystem(code: "JT-PERMIT") { name }
              none: legacySystem(code: "NOBODY") { name }
              key: departments(search: "lvj") { nodes { name } }
              word: departments(search: "旅游") { nodes { key } }
              department(code: $owner) { nameEn }
            }""",
            owner=TOURISM,
        )
    )
    assert found == {
        "frozen": {"nodes": [{"code": "LVJ-AGENCY"}]},
        "owned": {"nodes": [{"code": "LVJ-AGENCY", "health": {"state": "UNTRIED"}}]},
        "every": {"nodes": [{"code": "JT-PERMIT"}, {"code": "LVJ-AGENCY"}]},
        "one": {"name": "超限运输许可系统"},
        "none": None,
        "key": {"nodes": [{"name": "市旅游局"}]},
        "word": {"nodes": [{"key": "LVJ"}]},
        "department": {"nameEn": "Tourism Bureau"},
    }


# --- entities ---

ENTITIES = """
query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    __typename
    ... on Region { code name }
    ... on Department { key }
    ... on LegacySystem { lifecycle }
    ... on ServiceItem { name }
    ... on ItemImplementation { bodyName }
  }
}
"""


async def test_entities_come_in_order_and_unknown_keys_are_null(ask: Ask) -> None:
    representations = [
        {"__typename": "ServiceItem", "baseCode": TRAVEL_AGENCY},
        {"__typename": "Region", "code": "500107"},
        {"__typename": "Region", "code": "999999"},
        {"__typename": "Department", "code": TRANSPORT},
        {"__typename": "LegacySystem", "code": "LVJ-AGENCY"},
        {"__typename": "ItemImplementation", "taskCode": "1150000000900028582500128001000"},
        {"__typename": "Region", "code": "500234"},
        {"__typename": "ServiceItem", "baseCode": "nothing"},
    ]
    asked = [dict(representation) for representation in representations]
    found = data_of(await ask(ENTITIES, representations=representations))
    assert found["_entities"] == [
        {"__typename": "ServiceItem", "name": "旅行社业务经营许可"},
        {"__typename": "Region", "code": "500107", "name": "九龙坡区"},
        None,
        {"__typename": "Department", "key": "JTW"},
        {"__typename": "LegacySystem", "lifecycle": "FROZEN"},
        {"__typename": "ItemImplementation", "bodyName": "市旅游局"},
        {"__typename": "Region", "code": "500154", "name": "开州区"},
        None,
    ]
    assert representations == asked, "the caller's representations are not touched"


async def test_a_representation_that_cannot_be_read_costs_only_its_own_place(ask: Ask) -> None:
    result = await ask(
        ENTITIES,
        representations=[
            {"__typename": "Permit", "id": "A:1"},
            {"__typename": "Region"},
            "text",
            {"__typename": "Region", "code": "500107"},
        ],
    )
    assert result.data == {
        "_entities": [None, None, None, {"__typename": "Region", "code": "500107", "name": "九龙坡区"}]
    }
    assert codes_of(result) == ["REPRESENTATION_INVALID"] * 3
    assert [error.path for error in result.errors or []] == [["_entities", place] for place in range(3)]
