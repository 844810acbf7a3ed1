"""Which cases a clerk and a supervisor see of the sample city: their own department's, in their own region and below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.directory import read_registry
from samples.cases import Case
from tests.e2e.answers import ids, walk
from tests.e2e.gateways import ROOT, Client, here
from tests.e2e.stubs import answering, declaration, row, stub
from tests.e2e.test_who_may_see import CASE, PROGRESS, nobodys_number
from tests.e2e.truth import everything

JT, GSJ = "115000000090001627", "115000000090002340"
CITY_CLERK, TOWN_CLERK = "demo-counter-jt", "counter-gsj-in-500241"
SUPERVISOR, CITY_SUPERVISOR, AUDITOR = "supervisor-in-500241", "demo-supervisor", "demo-auditor"
LOST = {
    "clerk-of-nowhere": "role:clerk",
    "supervisor-of-nowhere": "role:supervisor",
    "own-of-nobody": "cases:own",
}
LIST = """query ($after: String, $systems: [ID!]) { cases(first: 100, after: $after, systems: $systems, deadlineMs: 8000) {
  nodes { id } pageInfo { hasNextPage endCursor } totalCount sources { system status count } } }"""

REGISTRY = read_registry(ROOT / "samples/data")
BELOW = REGISTRY.descendants("500241") | {"500241"}


@pytest.fixture(scope="module")
def offices(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("offices")
    tokens = (ROOT / "samples/tokens.yaml").read_text("utf-8")
    tokens += f'  - {{token: {TOWN_CLERK}, name: a, scopes: ["role:clerk"], department: "{GSJ}", region: "500241"}}\n'
    tokens += f'  - {{token: {SUPERVISOR}, name: b, scopes: ["role:supervisor"], region: "500241"}}\n'
    for token, scope in LOST.items():
        tokens += f'  - {{token: {token}, name: {token}, scopes: ["{scope}"]}}\n'
    (folder / "tokens.yaml").write_text(tokens, "utf-8")
    settings = {"watch": False, "tokens_file": str(folder / "tokens.yaml")}
    with here(folder / "data", ROOT / "systems", city_environ, **settings) as client:
        yield client


def of(department: str | None, regions: frozenset[str] | None) -> Callable[[Case], bool]:
    def holds(case: Case) -> bool:
        made = case.implementation
        return department in (None, made.department) and (regions is None or made.region in regions)

    return holds


REACHES = {
    CITY_CLERK: of(JT, None),
    TOWN_CLERK: of(GSJ, BELOW),
    SUPERVISOR: of(None, BELOW),
    CITY_SUPERVISOR: of(None, None),
    AUDITOR: of(None, None),
}


@pytest.mark.parametrize("token", [CITY_CLERK, TOWN_CLERK, SUPERVISOR])
def test_a_list_holds_the_cases_in_reach_and_no_others(offices: Client, token: str) -> None:
    asker = Client(offices.url, token=token)
    got = [one for page in walk(asker, LIST, {}, root="cases") for one in ids(page)]
    asker.close()
    expected = {one for one, case in everything().items() if REACHES[token](case)}
    assert len(got) == len(set(got))
    assert set(got) == expected
    assert expected


@pytest.mark.parametrize("token", list(REACHES))
def test_one_case_is_given_in_reach_and_is_as_if_not_there_outside(offices: Client, token: str) -> None:
    inside = [one for one, case in everything().items() if REACHES[token](case)]
    outside = [one for one, case in everything().items() if not REACHES[token](case)]
    assert offices.ask(CASE, {"id": inside[0]}, token=token).data["case"]["id"] == inside[0]
    number = inside[0].partition(":")[2]
    assert ids(
        {"nodes": offices.ask(PROGRESS, {"number": number}, token=token).data["caseProgress"]["cases"]}
    ) == [inside[0]]
    for theirs in outside[:: max(1, len(outside) // 5)][:5]:
        system, _, number = theirs.partition(":")
        nobodys = nobodys_number(system)
        said = []
        for one in (number, nobodys):
            case = offices.ask(CASE, {"id": f"{system}:{one}"}, token=token)
            progress = offices.ask(PROGRESS, {"number": one}, token=token)
            assert (case.data, case.codes) == ({"case": None}, ["CASE_NOT_FOUND"])
            assert progress.codes == ["CASE_NOT_FOUND"]
            assert progress.data["caseProgress"]["cases"] == []
            said.append((case.text.replace(one, "N"), progress.text.replace(one, "N")))
        assert said[0] == said[1]


@pytest.mark.parametrize("token", list(LOST))
def test_a_scope_without_its_part_of_the_token_gives_no_case(offices: Client, token: str) -> None:
    for one in list(everything())[::400]:
        asked = offices.ask(CASE, {"id": one}, token=token)
        assert (asked.data, asked.codes) == ({"case": None}, ["CASE_NOT_FOUND"])
    listed = offices.ask("{ cases(first: 5) { nodes { id } } }", token=token)
    assert (listed.data["cases"] or {"nodes": []})["nodes"] == []


@pytest.mark.parametrize("token", [CITY_CLERK, TOWN_CLERK, SUPERVISOR])
def test_an_entity_is_no_way_round(offices: Client, token: str) -> None:
    """What another router asks of us is asked by the same rule."""
    outside = next(one for one, case in everything().items() if not REACHES[token](case))
    query = """query ($all: [_Any!]!) { _entities(representations: $all) { ... on Case { id title } } }"""
    asked = offices.ask(query, {"all": [{"__typename": "Case", "id": outside}]}, token=token)
    assert asked.data == {"_entities": [None]}
    assert asked.codes == ["CASE_NOT_FOUND"]


def test_a_file_of_a_case_outside_reach_is_not_passed_on(offices: Client) -> None:
    outside = next(one for one, case in everything().items() if not REACHES[TOWN_CLERK](case))
    reply = httpx.get(
        f"{offices.url}/files",
        params={"case": outside, "kind": "application"},
        headers={"authorization": f"Bearer {TOWN_CLERK}"},
        trust_env=False,
    )
    assert reply.status_code == 404
    assert reply.json()["errors"][0]["extensions"]["code"] == "CASE_NOT_FOUND"


def test_a_system_of_another_department_whose_cases_name_none_is_not_asked(
    systems_dir: Path, tmp_path: Path
) -> None:
    with stub(answering([row("AA-1")])) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        tokens = tmp_path / "tokens.yaml"
        tokens.write_text(
            f'tokens: [{{token: gsj-clerk, name: g, scopes: ["role:clerk"], department: "{GSJ}"}},\n'
            f'  {{token: jt-clerk, name: j, scopes: ["role:clerk"], department: "{JT}"}}]\n',
            "utf-8",
        )
        with here(tmp_path, systems_dir, {}, watch=False, tokens_file=str(tokens)) as client:
            query = "{ cases { nodes { id } sources { system } } }"
            asked = client.ask(query, token="gsj-clerk")
            assert asked.data["cases"] == {"nodes": [], "sources": []}
            assert server.calls == 0
            assert ids(client.ask(query, token="jt-clerk").data["cases"]) == ["AA:AA-1"]


def test_a_clerk_of_the_case_sees_more_of_the_number_than_all_others(offices: Client) -> None:
    query = "query ($id: ID!) { case(id: $id) { applicant { ... on NaturalPerson { maskedId } } } }"
    wanted = next(
        one
        for one, case in everything().items()
        if REACHES[TOWN_CLERK](case) and case.applicant.kind == "NATURAL"
    )
    number = everything()[wanted].applicant.id_number
    told = {
        token: offices.data(query, {"id": wanted}, token=token)["case"]["applicant"]["maskedId"]
        for token in (TOWN_CLERK, SUPERVISOR, AUDITOR)
    }
    others = f"{number[:3]}{'*' * 13}{number[-2:]}"
    assert told == {TOWN_CLERK: f"{number[:6]}{'*' * 8}{number[-4:]}", SUPERVISOR: others, AUDITOR: others}
