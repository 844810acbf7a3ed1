"""No answer, log line, metric or error shows a citizen's number or anyone's mobile. `Client` looks at every answer of
every test too; here everything is asked for on purpose, and wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.catalogue import SYSTEMS
from samples.registry import Applicant
from tests.e2e.gateways import NEVER_SHOWN, ROOT, SAMPLES, Child, Client, child_gateway
from tests.e2e.truth import cases_of

CITIZENS = [person for person in SAMPLES if person.kind == "NATURAL"]
EVERYTHING = """
  id title localNo externalRefs rawStatus
  applicant { ref displayName ... on NaturalPerson { maskedId maskedMobile }
              ... on LegalPerson { uscc legalRepresentative maskedContact } }
  timeline { nodes { actor opinion documentNo step rawKind } }
  source { deepLink } currentStep { actor opinion }
"""
LIST = (
    "query ($number: String!) { cases(applicant: {number: $number}, first: 100) { nodes {"
    + EVERYTHING
    + "} } }"
)


@pytest.fixture(scope="module")
def child(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A gateway that logs everything it can."""
    with child_gateway(
        tmp_path_factory.mktemp("private"), ROOT / "systems", city_environ, log_level="debug"
    ) as running:
        yield running


@pytest.mark.parametrize("person", SAMPLES, ids=[person.name for person in SAMPLES])
def test_answers_mask_people(gateway: Client, person: Applicant) -> None:
    nodes = gateway.data(LIST, {"number": person.id_number})["cases"]["nodes"]
    assert len({node["id"].partition(":")[0] for node in nodes}) == 8
    for node in nodes:
        applicant = node["applicant"]
        if person.kind == "NATURAL":
            assert applicant["maskedId"] == person.id_number[:3] + "*" * 13 + person.id_number[-2:]
            assert applicant["maskedMobile"] == person.mobile[:3] + "****" + person.mobile[-4:]
        else:
            assert applicant["uscc"] == person.id_number
            assert applicant["maskedContact"] == person.mobile[:3] + "****" + person.mobile[-4:]
            assert person.representative not in str(applicant)


def test_no_answer_of_any_case_of_the_samples_shows_a_number(gateway: Client) -> None:
    query = "query ($id: ID!) { case(id: $id) {" + EVERYTHING + "} }"
    for system in SYSTEMS:
        case = next(case for case in cases_of(system) if case.applicant in SAMPLES)
        gateway.data(query, {"id": f"{system}:{case.number}"})


WRONG = [
    ("query ($x: Int) { cases(first: $x) { nodes { id } } }", "an Int"),
    ("query ($x: [CaseState!]) { cases(states: $x) { nodes { id } } }", "an enum"),
    ("query ($x: Date) { cases(from: $x) { nodes { id } } }", "a Date"),
    ("query ($x: RegionCode) { cases(region: $x) { nodes { id } } }", "a region"),
    ("query ($x: Uscc) { cases(department: $x) { nodes { id } } }", "a department"),
    ("query ($x: [ID!]) { cases(systems: $x) { nodes { id } } }", "a system"),
    ("query ($x: String) { cases(after: $x) { nodes { id } } }", "a cursor"),
    ("query ($x: String!) { caseProgress(number: $x) { cases { id } } }", "a case number"),
    ("query ($x: ID!) { case(id: $x) { id } }", "a case id"),
    ('query ($x: ID!) { availability(item: $x, region: "500107") { available } }', "an item"),
    (
        'query ($x: DateTime!) { legacySystem(code: "JT-PERMIT") { changes(since: $x) { nodes { id } } } }',
        "a time",
    ),
]


@pytest.mark.parametrize(("query", "place"), WRONG, ids=[place for _, place in WRONG])
def test_a_number_in_the_wrong_place_is_not_repeated_by_the_error(
    gateway: Client, query: str, place: str
) -> None:
    """People paste an identity number where something else belongs; errors end up in clients' logs."""
    number = CITIZENS[0].id_number
    asked = gateway.ask(query, {"x": number}, echoes=True)
    for error in asked.errors:
        assert number not in error["message"]


def test_a_number_in_a_case_id_is_not_repeated_by_the_error(gateway: Client) -> None:
    asked = gateway.ask(
        "query ($id: ID!) { case(id: $id) { id } }", {"id": f"JT-PERMIT:{CITIZENS[0].id_number}"}, echoes=True
    )
    assert asked.codes == ["CASE_NOT_FOUND"]
    assert CITIZENS[0].id_number not in asked.errors[0]["message"]


def test_logs_and_metrics_show_nobody(child: Child) -> None:
    for person in SAMPLES:
        child.client.data(LIST, {"number": person.id_number})
    for query, _ in WRONG:
        child.client.ask(query, {"x": CITIZENS[1].id_number}, echoes=True)
    literal = f'{{cases(applicant: {{number: "{CITIZENS[2].id_number}"}}, first: 1) {{nodes {{id}}}}}}'
    child.client.data(literal)
    child.client.http.post("/graphql", content=f'{{"query": "{CITIZENS[0].id_number}'.encode())
    child.client.http.get(f"/{CITIZENS[0].id_number}/{CITIZENS[0].mobile}")
    child.client.http.get("/graphql", params={"query": literal}, headers={"accept": "application/json"})
    log, metrics = child.text(), child.client.metrics()
    assert child.lines("request"), "nothing was logged: the test proves nothing"
    for person in SAMPLES:
        for secret in (person.id_number, person.mobile):
            assert secret not in metrics
            assert secret not in log
        if person.kind == "NATURAL":
            assert f'{person.name}"' not in log
    for secret in NEVER_SHOWN:
        assert secret not in log


def test_what_a_system_says_of_its_failure_reaches_nobody(child: Child) -> None:
    """Its own words may quote the question."""
    number = CITIZENS[3].id_number
    asked = child.client.ask(
        "query ($id: ID!) { case(id: $id) { id } }", {"id": f"FGW-INVEST:{number}"}, echoes=True
    )
    assert asked.codes == ["CASE_NOT_FOUND"]
    assert number not in child.text()


def test_the_folder_that_the_gateway_writes_to_shows_nobody(child: Child, tmp_path: Path) -> None:
    written = [path.read_bytes() for path in child.log.parent.rglob("*") if path.is_file()]
    assert written
    assert not [secret for secret in NEVER_SHOWN for content in written if secret.encode() in content]
