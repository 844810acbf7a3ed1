"""One applicant's cases in every system: the query that the whole gateway is for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from samples.catalogue import SYSTEMS, url_variable
from samples.city import running_city
from samples.registry import Applicant
from tests.e2e.answers import ids, sample_query, walk
from tests.e2e.gateways import ROOT, SAMPLES, Client, here
from tests.e2e.truth import cases_of, dialect_of, everything
from tests.samples.readers import Reader, every_row, readers

ANSWERED = {"OK", "CACHED"}
LIST = """
query ($number: String!, $first: Int, $after: String) {
  cases(applicant: {number: $number}, first: $first, after: $after) {
    nodes { id appliedAt state rawStatus }
    sources { system status count errorCode }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}
"""


@pytest.fixture(scope="module")
def slow_city_gateway(
    city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """The city as it is: its planning system answers after three seconds."""
    with running_city(["GHJ-PLAN"]) as urls:
        environ = city_environ | {url_variable("GHJ-PLAN"): urls["GHJ-PLAN"]}
        with here(tmp_path_factory.mktemp("slow"), ROOT / "systems", environ, watch=False) as client:
            yield client


@pytest.fixture(scope="module")
def direct(city: dict[str, str]) -> Iterator[dict[str, Reader]]:
    """Each system asked in its own protocol, past the gateway."""
    with httpx.Client(timeout=10, trust_env=False) as http:
        yield readers(city, http)


def test_the_sample_query_gives_seven_systems_in_time_and_marks_the_slow_one(
    slow_city_gateway: Client,
) -> None:
    query, variables = sample_query("1-applicant")
    started = time.monotonic()
    asked = slow_city_gateway.ask(query, variables)
    took_s = time.monotonic() - started
    connection = asked.data["cases"]
    outcomes = {one["system"]: one for one in connection["sources"]}
    assert set(outcomes) == set(SYSTEMS)
    assert outcomes["GHJ-PLAN"]["status"] == "TIMEOUT"
    assert outcomes["GHJ-PLAN"]["errorCode"] == "SOURCE_TIMEOUT"
    assert {code for code, one in outcomes.items() if one["status"] == "OK"} == set(SYSTEMS) - {"GHJ-PLAN"}
    assert len({one.partition(":")[0] for one in ids(connection)}) >= 6
    assert took_s < 3.0, "the answer waited for the system that takes three seconds"
    assert [(error["path"], error["extensions"]["code"]) for error in asked.errors] == [
        (["cases"], "SOURCE_TIMEOUT")
    ]
    assert connection["totalCount"] is None


def test_a_shorter_deadline_is_kept(slow_city_gateway: Client) -> None:
    query = '{cases(systems: ["GHJ-PLAN"], deadlineMs: 100) {sources {system status latencyMs}}}'
    asked = slow_city_gateway.ask(query)
    [outcome] = asked.data["cases"]["sources"]
    assert outcome["status"] == "TIMEOUT"
    assert 90 <= outcome["latencyMs"] < 3000
    assert asked.codes == ["SOURCE_TIMEOUT", "NO_SOURCE_ANSWERED"]


def test_a_longer_deadline_waits_for_the_slow_system(slow_city_gateway: Client) -> None:
    query = '{cases(systems: ["GHJ-PLAN"], first: 3, deadlineMs: 8000) {nodes {id} sources {status}}}'
    connection = slow_city_gateway.data(query)["cases"]
    assert ids(connection) == [f"GHJ-PLAN:{case.number}" for case in cases_of("GHJ-PLAN")[:3]]
    assert connection["sources"] == [{"status": "OK"}]


@pytest.mark.parametrize("person", SAMPLES, ids=[person.name for person in SAMPLES])
def test_pages_hold_exactly_what_the_systems_hold(
    gateway: Client, direct: dict[str, Reader], person: Applicant
) -> None:
    """The union of direct calls to all eight systems, without loss or repeat, newest first."""
    pages = walk(gateway, LIST, {"number": person.id_number, "first": 4})
    got = [node for page in pages for node in page["nodes"]]
    expected = {
        f"{system}:{number}"
        for system, reader in direct.items()
        for number, _, _ in every_row(reader, person.id_number)
    }
    counts = Counter(node["id"] for node in got)
    assert set(counts) == expected
    assert set(counts.values()) == {1}
    assert len({one.partition(":")[0] for one in counts}) == 8
    times = [node["appliedAt"] for node in got]
    assert times == sorted(times, reverse=True)
    assert all(one["status"] in ANSWERED for page in pages for one in page["sources"])
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False] + [True] * (len(pages) - 1)


@pytest.mark.parametrize("first", [1, 7, 100])
def test_the_page_size_changes_nothing(gateway: Client, first: int) -> None:
    number = SAMPLES[4].id_number
    whole = [one for page in walk(gateway, LIST, {"number": number, "first": 5}) for one in ids(page)]
    assert [
        one for page in walk(gateway, LIST, {"number": number, "first": first}) for one in ids(page)
    ] == whole


def test_every_case_of_a_system_is_reached_page_by_page(gateway: Client) -> None:
    query = """query ($after: String) { cases(systems: ["JT-PERMIT", "MZJ-CIVIL", "GA-ENTRY"], first: 100, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } }"""
    got = [one for page in walk(gateway, query, {}) for one in ids(page)]
    expected = {one for one in everything() if one.startswith(("JT-PERMIT:", "MZJ-CIVIL:", "GA-ENTRY:"))}
    assert len(got) == len(expected)
    assert set(got) == expected


def test_each_record_has_its_own_cursor(gateway: Client) -> None:
    query = """query ($number: String!, $after: String) {
      cases(applicant: {number: $number}, first: 6, after: $after) { edges { cursor node { id } } } }"""
    number = SAMPLES[1].id_number
    edges = gateway.data(query, {"number": number})["cases"]["edges"]
    after_third = gateway.data(query, {"number": number, "after": edges[2]["cursor"]})["cases"]["edges"]
    assert [edge["node"]["id"] for edge in after_third[:3]] == [edge["node"]["id"] for edge in edges[3:]]


def test_every_field_of_a_case_is_what_the_system_holds(gateway: Client) -> None:
    """Against the generator: state by the code table, raw status untouched, references resolved in the house."""
    query = """query ($number: String!) { cases(applicant: {number: $number}, first: 100) { nodes {
      id title state rawStatus appliedAt acceptedAt caseType channel localNo systemCode
      department { code } region { code name } item { baseCode name } implementation { taskCode item { baseCode } }
      system { code name } } } }"""
    for node in gateway.data(query, {"number": SAMPLES[0].id_number})["cases"]["nodes"]:
        case = everything()[node["id"]]
        system = node["systemCode"]
        assert node["localNo"] == case.number
        assert node["system"]["code"] == system
        assert node["title"] == case.title
        assert node["state"] == ("UNKNOWN" if case.stray else case.state), node["id"]
        assert node["caseType"] == case.item.case_type
        assert node["item"] == {"baseCode": case.item.base_code, "name": case.item.name}
        assert node["implementation"] == {
            "taskCode": case.implementation.task_code,
            "item": {"baseCode": case.item.base_code},
        }
        assert node["region"]["code"] == case.implementation.region
        assert node["department"]["code"] == case.implementation.department
        assert node["appliedAt"][:16] == case.applied_at.isoformat()[:16]
        accepted = case.time_of("ACCEPT")
        assert (node["acceptedAt"] or "")[:16] == (accepted.isoformat()[:16] if accepted else "")
        assert node["rawStatus"]


def test_raw_status_stands_beside_the_state(gateway: Client) -> None:
    query = '{cases(systems: ["JT-PERMIT"], first: 100) {nodes {id state rawStatus}}}'
    dialect = dialect_of("JT-PERMIT")
    for node in gateway.data(query)["cases"]["nodes"]:
        case = everything()[node["id"]]
        assert node["rawStatus"] == dialect.status(case)
        assert node["state"] == ("UNKNOWN" if case.stray else case.state)


def test_total_count_is_the_sum_where_every_system_gives_one(gateway: Client) -> None:
    systems = ["JT-PERMIT", "FGW-INVEST", "MZJ-CIVIL"]
    query = """query ($systems: [ID!]) { cases(first: 2, systems: $systems) {
      totalCount totalIsEstimate nodes { id } } }"""
    connection = gateway.data(query, {"systems": systems})["cases"]
    assert connection["totalCount"] == sum(len(cases_of(system)) for system in systems)
    assert connection["totalIsEstimate"] is False


def test_no_total_where_the_gateway_itself_compares_applicants(gateway: Client) -> None:
    """What a system counted is not what is left after the comparison."""
    query = """query ($number: String!) { cases(applicant: {number: $number}, first: 2,
      systems: ["JT-PERMIT"]) { totalCount nodes { id } } }"""
    connection = gateway.data(query, {"number": SAMPLES[2].id_number})["cases"]
    assert connection["totalCount"] is None
    assert connection["nodes"]


def test_steps_within_a_list_are_asked_for_case_by_case(gateway: Client) -> None:
    query = """query ($number: String!) { cases(applicant: {number: $number}, first: 100) {
      nodes { id currentStep { seq kind } timeline(first: 50) { totalCount nodes { seq kind occurredAt } } }
      sources { system status } } }"""
    for node in gateway.data(query, {"number": SAMPLES[3].id_number})["cases"]["nodes"]:
        case = everything()[node["id"]]
        kinds = [event.kind for event in case.events]
        assert [event["kind"] for event in node["timeline"]["nodes"]] == kinds, node["id"]
        assert [event["seq"] for event in node["timeline"]["nodes"]] == list(range(1, len(kinds) + 1))
        assert node["timeline"]["totalCount"] == len(kinds)
        assert node["currentStep"] == {"seq": len(kinds), "kind": kinds[-1]}


def test_a_timeline_has_pages(gateway: Client) -> None:
    long = max(cases_of("JT-PERMIT"), key=lambda case: len(case.events))
    query = """query ($id: ID!, $after: String) { case(id: $id) { timeline(first: 2, after: $after) {
      nodes { id seq } pageInfo { hasNextPage endCursor } } } }"""
    seen: list[int] = []
    after = None
    while True:
        timeline = gateway.data(query, {"id": f"JT-PERMIT:{long.number}", "after": after})["case"]["timeline"]
        seen += [event["seq"] for event in timeline["nodes"]]
        if not timeline["pageInfo"]["hasNextPage"]:
            break
        after = timeline["pageInfo"]["endCursor"]
    assert seen == list(range(1, len(long.events) + 1))


def test_a_status_that_no_table_knows_is_unknown_and_counted(gateway: Client) -> None:
    """Each system reports two cases with a status of its own; they are UNKNOWN, never guessed, and show up as gaps."""
    query = "query ($id: ID!) { case(id: $id) { state rawStatus } }"
    gaps = "query ($code: ID!) { legacySystem(code: $code) { mapping { gaps { table rawValue count firstSeen lastSeen } } } }"
    for system in SYSTEMS:
        stray = dialect_of(system).stray
        case = next(case for case in cases_of(system) if case.stray)
        shown = gateway.data(query, {"id": f"{system}:{case.number}"})["case"]
        assert shown["state"] == "UNKNOWN"
        assert shown["rawStatus"]
        found = gateway.data(gaps, {"code": system})["legacySystem"]["mapping"]["gaps"]
        [gap] = [gap for gap in found if gap["rawValue"] == stray]
        assert gap["table"] == "status"
        assert gap["count"] >= 1
        assert gap["firstSeen"] <= gap["lastSeen"]
        assert gateway.metric(f'quanyu_mapping_gaps_total{{system="{system}",table="status"}}') >= 1


def test_one_applicant_has_one_ref_in_every_system(gateway: Client) -> None:
    query = """query ($number: String!) { cases(applicant: {number: $number}, first: 100) {
      nodes { systemCode applicant { __typename ref kind displayName } } } }"""
    refs = set()
    for person in SAMPLES:
        nodes = gateway.data(query, {"number": person.id_number})["cases"]["nodes"]
        [applicant] = {tuple(node["applicant"].items()) for node in nodes}
        shown = dict(applicant)
        assert shown["kind"] == person.kind
        assert shown["__typename"] == ("NaturalPerson" if person.kind == "NATURAL" else "LegalPerson")
        assert (shown["displayName"] == person.name) == (person.kind == "LEGAL")
        refs.add(shown["ref"])
    assert len(refs) == len(SAMPLES)
