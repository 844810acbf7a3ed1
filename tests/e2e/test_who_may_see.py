"""Clerk, citizen and nobody: what each may ask, and that what is refused costs nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from samples.catalogue import SYSTEMS
from tests.e2e.answers import ids, sample_query, walk
from tests.e2e.gateways import CITIZEN, SAMPLES, Client, here
from tests.e2e.stubs import answering, declaration, row, stub
from tests.e2e.truth import cases_of, everything

OWN = SAMPLES[0].id_number
"""The number that the citizen's token stands for."""

CASE = "query ($id: ID!) { case(id: $id) { id title applicant { displayName } } }"
PROGRESS = """query ($number: String!) { caseProgress(number: $number) {
  cases { id state } sources { system status count asOf errorCode } } }"""


def own_case(system: str) -> str:
    return next(case.number for case in cases_of(system) if case.applicant.id_number == OWN)


def anothers_case(system: str) -> str:
    return next(case.number for case in cases_of(system) if case.applicant.id_number != OWN)


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_a_clerk_finds_any_case_by_id_and_by_number(gateway: Client, system: str) -> None:
    number = anothers_case(system)
    assert gateway.data(CASE, {"id": f"{system}:{number}"})["case"]["id"] == f"{system}:{number}"
    progress = gateway.data(PROGRESS, {"number": number})["caseProgress"]
    assert ids({"nodes": progress["cases"]}) == [f"{system}:{number}"]
    outcomes = {one["system"]: one for one in progress["sources"]}
    assert outcomes[system]["status"] in ("OK", "CACHED")
    assert outcomes[system]["count"] == 1


def test_the_sample_query_of_progress_works(gateway: Client) -> None:
    query, variables = sample_query("2-progress")
    progress = gateway.data(query, variables | {"number": own_case("JT-PERMIT")})["caseProgress"]
    [case] = progress["cases"]
    assert case["timeline"]["nodes"][0]["kind"] == "SUBMIT"
    assert case["source"]["freshness"] in ("OK", "CACHED")


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_a_citizen_sees_the_own_case(gateway: Client, system: str) -> None:
    number = own_case(system)
    case_id = f"{system}:{number}"
    assert gateway.data(CASE, {"id": case_id}, token=CITIZEN)["case"]["id"] == case_id
    progress = gateway.data(PROGRESS, {"number": number}, token=CITIZEN)["caseProgress"]
    assert ids({"nodes": progress["cases"]}) == [case_id]


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_to_a_citizen_anothers_case_is_as_if_it_were_not_there(gateway: Client, system: str) -> None:
    """By code, text and counts the same as a number that nobody bears, so that numbers cannot be tried out."""
    theirs = anothers_case(system)
    nobodys = nobodys_number(system)
    answers = {
        number: (
            gateway.ask(CASE, {"id": f"{system}:{number}"}, token=CITIZEN),
            gateway.ask(PROGRESS, {"number": number}, token=CITIZEN),
        )
        for number in (theirs, nobodys)
    }
    for case, progress in answers.values():
        assert (case.data, case.codes) == ({"case": None}, ["CASE_NOT_FOUND"])
        assert progress.codes == ["CASE_NOT_FOUND"]
        assert progress.data["caseProgress"]["cases"] == []
        assert [one["count"] for one in progress.data["caseProgress"]["sources"]] == [0]
    seen = [
        (case.text.replace(number, "N"), progress.text.replace(number, "N"))
        for number, (case, progress) in answers.items()
    ]
    assert seen[0] == seen[1]


def nobodys_number(system: str) -> str:
    """One of the right form."""
    held = {case.number for case in cases_of(system)}
    form = SYSTEMS[system].number
    return next(
        number for serial in range(1, 9999) if (number := form.format(year=2017, serial=serial)) not in held
    )


def test_my_cases_are_the_own_ones_of_all_systems(gateway: Client) -> None:
    query = """query ($after: String) { myCases(first: 5, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } }"""
    citizen = Client(gateway.url, token=CITIZEN)
    got = [one for page in walk(citizen, query, {}, root="myCases") for one in ids(page)]
    citizen.close()
    expected = {one for one, case in everything().items() if case.applicant.id_number == OWN}
    assert len(got) == len(expected)
    assert set(got) == expected


def test_my_cases_by_state(gateway: Client) -> None:
    asked = gateway.data("{myCases(states: [DECIDED, CLOSED], first: 100) {nodes {id state}}}", token=CITIZEN)
    expected = {
        one
        for one, case in everything().items()
        if case.applicant.id_number == OWN and case.state in ("DECIDED", "CLOSED") and not case.stray
    }
    assert set(ids(asked["myCases"])) == expected


def test_a_citizen_may_not_list_cases_and_the_rest_answers(gateway: Client) -> None:
    query = """{ everyones: cases(first: 1) { nodes { id } } mine: myCases(first: 1) { nodes { id } }
      regions(first: 1) { nodes { code } } }"""
    asked = gateway.ask(query, token=CITIZEN)
    assert asked.status == 200
    assert [(error["path"], error["extensions"]["code"]) for error in asked.errors] == [
        (["everyones"], "FORBIDDEN")
    ]
    assert "cases:read" in asked.errors[0]["message"]
    assert asked.data["everyones"] is None
    assert len(asked.data["mine"]["nodes"]) == 1
    assert asked.data["regions"]["nodes"] == [{"code": "500000"}]


def test_a_clerk_has_no_cases_of_their_own(gateway: Client) -> None:
    asked = gateway.ask('{ mine: myCases { nodes { id } } region(code: "500107") { name } }')
    assert [(error["path"], error["extensions"]["code"]) for error in asked.errors] == [
        (["mine"], "FORBIDDEN")
    ]
    assert asked.data == {"mine": None, "region": {"name": "九龙坡区"}}


@pytest.mark.parametrize(
    ("field", "root"),
    [
        ('case(id: "JT-PERMIT:JT2017-000001") { id }', "case"),
        ('caseProgress(number: "JT2017-000001") { number }', "caseProgress"),
        ("cases(first: 1) { nodes { id } }", "cases"),
        ("myCases(first: 1) { nodes { id } }", "myCases"),
    ],
)
def test_nobody_sees_cases_and_the_rest_answers(gateway: Client, field: str, root: str) -> None:
    asked = gateway.ask("{ " + field + " departments(first: 1) { totalCount } }", token=None)
    assert asked.status == 200
    assert [(error["path"], error["extensions"]["code"]) for error in asked.errors] == [
        ([root], "UNAUTHENTICATED")
    ]
    assert asked.data == {root: None, "departments": {"totalCount": 34}}


def test_what_is_refused_is_never_asked_of_a_system(gateway: Client) -> None:
    def calls() -> float:
        lines = gateway.metrics().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("quanyu_system_calls_total"))

    before = calls()
    gateway.ask("{cases(first: 3) {nodes {id}}}", token=None)
    gateway.ask("{cases(first: 3) {nodes {id}}}", token=CITIZEN)
    assert calls() == before


def test_a_token_that_is_not_known_is_refused_whole(gateway: Client) -> None:
    asked = gateway.ask("{regions(first: 1) {nodes {code}}}", token="not-a-token-of-ours")
    assert asked.status == 401
    assert asked.codes == ["UNAUTHENTICATED"]
    assert asked.data is None
    assert "not-a-token-of-ours" not in asked.text


def test_a_field_inside_an_answer_is_withheld_at_its_place(gateway: Client) -> None:
    gateway.data(
        '{cases(systems: ["JT-PERMIT"], states: [UNKNOWN], first: 100) {nodes {id}}}'
    )  # meets the gap
    query = """query ($code: ID!) { legacySystem(code: $code) { code
      mapping { gaps { table raw: rawValue count } } changes(since: "2017-11-20T00:00:00+08:00") { nodes { id } } } }"""
    asked = gateway.ask(query, {"code": "JT-PERMIT"}, token=None)
    system = asked.data["legacySystem"]
    assert system["code"] == "JT-PERMIT"
    assert system["changes"] is None
    assert system["mapping"]["gaps"]
    assert {gap["raw"] for gap in system["mapping"]["gaps"]} == {None}
    assert {(".".join(map(str, error["path"])), error["extensions"]["code"]) for error in asked.errors} == {
        ("legacySystem.mapping.gaps.raw", "UNAUTHENTICATED"),
        ("legacySystem.changes", "UNAUTHENTICATED"),
    }


def test_a_cached_plan_of_the_clerk_gives_the_citizen_nothing(gateway: Client) -> None:
    """The same text, by callers with other rights, one after the other."""
    query = "{cases(first: 1) {nodes {id}}}"
    assert gateway.ask(query).data["cases"]["nodes"]
    assert gateway.ask(query, token=CITIZEN).data == {"cases": None}
    assert gateway.ask(query, token=None).codes == ["UNAUTHENTICATED"]
    assert gateway.ask(query, token=CITIZEN).codes == ["FORBIDDEN"]
    assert gateway.ask(query).data["cases"]["nodes"]


def test_what_is_left_out_by_a_directive_is_not_refused(gateway: Client) -> None:
    query = """query ($no: Boolean = false) { region(code: "500107") { code }
      cases(first: 1) @include(if: $no) { nodes { id } } }"""
    assert gateway.data(query, token=None) == {"region": {"code": "500107"}}


def test_what_is_withheld_in_a_fragment_is_told_at_its_place(gateway: Client) -> None:
    query = """{ legacySystem(code: "JT-PERMIT") { ...F } }
      fragment F on LegacySystem { code changes(since: "2017-11-20T00:00:00+08:00") { nodes { id } } }"""
    asked = gateway.ask(query, token=None)
    assert asked.data == {"legacySystem": {"code": "JT-PERMIT", "changes": None}}
    assert [error["path"] for error in asked.errors] == [["legacySystem", "changes"]]


@pytest.mark.parametrize("number", ["", "   ", "\u3000"])
def test_an_empty_applicant_number_is_not_everybody(gateway: Client, number: str) -> None:
    query = """query ($number: String!) { cases(applicant: {number: $number}, first: 5, systems: ["JT-PERMIT",
      "GSJ-LICENSE", "GHJ-PLAN"]) { nodes { id } } }"""
    asked = gateway.ask(query, {"number": number})
    assert (asked.data or {}).get("cases") in (None, {"nodes": []})
    assert asked.errors


def test_a_system_that_ignores_the_applicant_gives_a_citizen_nobodys_cases(
    systems_dir: Path, tmp_path: Path
) -> None:
    rows = [
        row("AA-1", who=OWN),
        row("AA-2", who=SAMPLES[1].id_number),
        row("AA-3", who=OWN.replace("5002", "5003")),
    ]
    with stub(answering(rows)) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            mine = client.ask("{myCases {nodes {id} sources {count}}}", token=CITIZEN)
            assert ids(mine.data["myCases"]) == ["AA:AA-1"]
            query = "query ($number: String!) { cases(applicant: {number: $number}) { nodes { id } } }"
            theirs = client.ask(query, {"number": OWN})
            assert ids(theirs.data["cases"]) == ["AA:AA-1"]
            progress = client.ask(PROGRESS, {"number": "AA-2"}, token=CITIZEN)
            assert progress.data["caseProgress"]["cases"] == []
