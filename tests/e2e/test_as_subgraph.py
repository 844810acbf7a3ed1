"""The gateway's own endpoint as a subgraph of another router: `_service`, `_entities`; and labels of overrides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.as_subgraph import MAX_REPRESENTATIONS
from samples.registry import load_registry
from schema.compose import SubgraphSchema, compose
from tests.e2e.gateways import SAMPLES, Client, here
from tests.e2e.services import declare, service
from tests.e2e.stubs import answering, declaration, row, stub
from tests.e2e.truth import cases_of

ENTITIES = """query ($all: [_Any!]!) { _entities(representations: $all) {
  __typename ... on Case { id title } ... on Region { code name } } }"""
EXTENDING = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { clinics: [Clinic!] }
type Clinic @key(fields: "no") { no: ID! region: Region }
type Region @key(fields: "code") { code: RegionCode! clinics: [Clinic!] }
scalar RegionCode
"""


def test_the_sdl_composes_with_another_department(gateway: Client) -> None:
    sdl = gateway.data("{ _service { sdl } }")["_service"]["sdl"]
    made = compose([SubgraphSchema("quanyu", "", sdl), SubgraphSchema("clinics", "", EXTENDING)])
    assert not made.errors
    assert made.api_schema is not None
    assert "clinics" in made.api_schema.type_map["Region"].fields


def test_entities_of_every_kind_come_in_their_order_each_with_its_own_error(gateway: Client) -> None:
    case_id = f"FGW-INVEST:{cases_of('FGW-INVEST')[0].number}"
    representations = [
        {"__typename": "Region", "code": "500107"},
        {"__typename": "Case", "id": case_id},
        {"__typename": "Nothing", "id": "1"},
        {"__typename": "Case", "id": "FGW-INVEST:20180000000000"},
    ]
    asked = gateway.ask(ENTITIES, {"all": representations})
    region, case, nothing, unknown = asked.data["_entities"]
    assert region == {"__typename": "Region", "code": "500107", "name": load_registry().regions["500107"]}
    assert (case["__typename"], case["id"]) == ("Case", case_id)
    assert nothing is None
    assert unknown is None
    told = {error["path"][1]: error["extensions"]["code"] for error in asked.errors}
    assert told == {2: "REPRESENTATION_INVALID", 3: "CASE_NOT_FOUND"}


def test_too_many_representations_are_refused(gateway: Client) -> None:
    one = {"__typename": "Region", "code": "500107"}
    asked = gateway.ask(ENTITIES, {"all": [one] * (MAX_REPRESENTATIONS + 1)})
    assert [error["extensions"]["code"] for error in asked.errors] == ["LIMIT_EXCEEDED"]
    assert len(asked.data["_entities"]) == MAX_REPRESENTATIONS + 1


def test_the_sdl_is_withheld_where_introspection_is(systems_dir: Path, tmp_path: Path, piers: Any) -> None:
    declare(systems_dir, piers("0")[0])
    with here(tmp_path, systems_dir, {}, watch=False, introspection=False) as client:
        asked = client.ask("{ _service { sdl } }")
    assert asked.data == {"_service": None}
    assert [error["extensions"]["code"] for error in asked.errors] == ["INTROSPECTION_DISABLED"]


# --- progressive override: who asks decides which subgraph answers ---

OLD = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { piers: [Pier!] }
type Pier @key(fields: "no") { no: ID! depth: Int }
"""
NEW = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@override"])
type Query { harbour: String }
type Pier @key(fields: "no") { no: ID! depth: Int @override(from: "old", label: "%s") }
"""


@pytest.fixture
def piers() -> Iterator[Any]:
    def pier(depth: int) -> Any:
        return lambda one: {**one, "depth": depth}

    old = {"piers": [{"__typename": "Pier", "no": "1", "depth": 1}]}
    with service("old", OLD, root=old, entity=pier(1)) as first:
        yield lambda label: (first, service("new", NEW.replace("%s", label), entity=pier(2)))


@pytest.mark.parametrize(("share", "depths"), [("0", {1}), ("100", {2})])
def test_none_or_all_of_the_callers_are_moved(
    systems_dir: Path, tmp_path: Path, piers: Any, share: str, depths: set[int]
) -> None:
    assert _depths(systems_dir, tmp_path, piers(f"percent({share})"), calls=3) == depths


def test_half_moves_some_requests_of_callers_that_nobody_knows(
    systems_dir: Path, tmp_path: Path, piers: Any
) -> None:
    assert _depths(systems_dir, tmp_path, piers("percent(50)"), calls=64, token=None) == {1, 2}


def test_a_known_caller_stays_on_one_side(systems_dir: Path, tmp_path: Path, piers: Any) -> None:
    assert len(_depths(systems_dir, tmp_path, piers("percent(50)"), calls=16)) == 1


def test_an_own_label_holds_for_those_whom_the_rules_name(
    systems_dir: Path, tmp_path: Path, piers: Any
) -> None:
    assert _depths(systems_dir, tmp_path, piers("moved"), calls=1) == {1}
    assert _depths(systems_dir, tmp_path, piers("moved"), calls=1, rules={"override_labels": ("moved",)}) == {
        2
    }


def test_a_percentage_may_hang_on_the_case_asked_for(systems_dir: Path, tmp_path: Path, piers: Any) -> None:
    """One caller, many cases: some are moved, and each stays where it is."""
    old, making = piers("percent(50)")
    with making as new:
        declare(systems_dir, old)
        declare(systems_dir, new)
        with here(tmp_path, systems_dir, {}, watch=False, override_sticky="variable:case") as client:
            text = "query ($case: String!) { piers { depth } __type(name: $case) { name } }"
            seen = [
                [client.data(text, {"case": f"C{n}"})["piers"][0]["depth"] for _ in range(2)]
                for n in range(24)
            ]
    assert all(one == other for one, other in seen)
    assert {one for one, _ in seen} == {1, 2}


def _depths(
    systems: Path, tmp: Path, both: Any, *, calls: int, rules: dict[str, Any] | None = None, **how: Any
) -> set[int]:
    old, making = both
    with making as new:
        declare(systems, old)
        declare(systems, new)
        with here(tmp, systems, {}, watch=False, **(rules or {})) as client:
            answers = [client.ask("{ piers { depth } }", **how) for _ in range(calls)]
    return {answer.data["piers"][0]["depth"] for answer in answers}


# --- what a list leaves out for want of a number is told ---


def test_masked_numbers_cannot_be_compared_and_are_told(systems_dir: Path, tmp_path: Path) -> None:
    who = SAMPLES[0].id_number
    rows = [row("AA-1", who=who), row("AA-2", who=f"{who[:6]}********{who[-4:]}")]
    with stub(answering(rows)) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            query = "query ($number: String!) { cases(applicant: {number: $number}) { nodes { id } } }"
            asked = client.ask(query, {"number": who})
    assert [node["id"] for node in asked.data["cases"]["nodes"]] == ["AA:AA-1"]
    assert [error["extensions"]["system"] for error in asked.errors] == ["AA"]
    assert "whole number" in asked.errors[0]["message"]
