"""How fresh an answer is, is the client's to say; what live answers show, the case files learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.e2e.gateways import CITIZEN, ROOT, Client, here
from tests.e2e.waiting import until

CASE = (
    "query ($id: ID!, $freshness: Freshness) { case(id: $id, freshness: $freshness) "
    "{ id state rawStatus title applicant { ref displayName ... on NaturalPerson { maskedId } } source { asOf freshness } } }"
)
LEDGER = {"mode": "LEDGER"}
LIVE = {"mode": "LIVE"}


@pytest.fixture(scope="module")
def clerk(city_environ: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Without the harvest: what the ledger knows it has from live answers."""
    folder = tmp_path_factory.mktemp("fresh")
    with here(folder, ROOT / "systems", city_environ, watch=False, harvest=False) as client:
        yield client


def case_of(client: Client, system: str, at: int = 0) -> str:
    query = "query ($systems: [ID!]) { cases(systems: $systems, first: 20) { nodes { id } } }"
    return str(client.data(query, {"systems": [system]})["cases"]["nodes"][at]["id"])


def ask(client: Client, case: str, freshness: Mapping[str, Any] | None = None) -> Any:
    return client.data(CASE, {"id": case, "freshness": freshness})["case"]


def learnt(client: Client, case: str) -> Any:
    """The case from its file, once there is one."""
    variables = {"id": case, "freshness": LEDGER}
    return until(lambda: client.ask(CASE, variables).data["case"], what="the case file is written")


def test_the_ledger_answers_with_what_a_live_answer_showed_without_asking_the_system(clerk: Client) -> None:
    case = case_of(clerk, "JT-PERMIT")
    assert clerk.ask(CASE, {"id": case, "freshness": LEDGER}).codes == ["CASE_NOT_FOUND"]
    live = ask(clerk, case, LIVE)
    assert live["source"]["freshness"] == "OK"
    calls = 'quanyu_system_calls_total{code="ok",system="JT-PERMIT"}'
    kept = learnt(clerk, case)
    before = clerk.metric(calls)
    again = ask(clerk, case, LEDGER)
    assert clerk.metric(calls) == before
    assert kept == again
    assert again["source"] == {"asOf": live["source"]["asOf"], "freshness": "LEDGER"}
    assert again | {"source": 0} == live | {"source": 0}


def test_an_age_decides_whether_the_system_is_asked(clerk: Client) -> None:
    case = case_of(clerk, "GSJ-LICENSE")
    ask(clerk, case, LIVE)
    learnt(clerk, case)
    assert ask(clerk, case, {"mode": "MAX_AGE", "seconds": 3600})["source"]["freshness"] == "LEDGER"
    assert ask(clerk, case, {"mode": "MAX_AGE", "seconds": 0})["source"]["freshness"] == "OK"
    assert ask(clerk, case)["source"]["freshness"] in ("OK", "CACHED"), "as declared, without a wish"


def test_lists_heed_an_age_and_name_the_field_that_lists_the_ledger(clerk: Client) -> None:
    query = (
        'query ($freshness: Freshness) { cases(systems: ["JT-PERMIT"], first: 3, freshness: $freshness) '
        "{ nodes { id } sources { status } } }"
    )
    first = clerk.data(query, {"freshness": LIVE})["cases"]
    assert first["sources"] == [{"status": "OK"}]
    assert clerk.data(query, {"freshness": {"mode": "MAX_AGE", "seconds": 0}})["cases"] == first
    assert clerk.ask(query, {"freshness": LEDGER}).codes == ["FRESHNESS_UNSUPPORTED"]


def test_a_number_is_found_in_the_case_files_too(clerk: Client) -> None:
    case = case_of(clerk, "JT-PERMIT", 1)
    ask(clerk, case, LIVE)
    learnt(clerk, case)
    query = (
        "query ($number: String!) { caseProgress(number: $number, freshness: {mode: LEDGER}) "
        "{ cases { id } sources { system status } } }"
    )
    found = clerk.data(query, {"number": case.partition(":")[2]})["caseProgress"]
    assert found == {"cases": [{"id": case}], "sources": [{"system": "JT-PERMIT", "status": "LEDGER"}]}
    assert clerk.ask(query, {"number": "JT2017-999999"}).codes == ["CASE_NOT_FOUND"]


def test_case_files_are_shown_within_the_callers_reach_alone(clerk: Client) -> None:
    citizen = Client(clerk.url, token=CITIZEN)
    mine = str(citizen.data("{ myCases(first: 1) { nodes { id } } }")["myCases"]["nodes"][0]["id"])
    others = case_of(clerk, "SLJ-WATER")
    for case in (mine, others):
        ask(clerk, case, LIVE)
        learnt(clerk, case)
    assert ask(citizen, mine, LEDGER)["id"] == mine
    assert citizen.ask(CASE, {"id": others, "freshness": LEDGER}).codes == ["CASE_NOT_FOUND"]
    citizen.close()


@pytest.mark.parametrize(
    "freshness",
    [{"mode": "MAX_AGE"}, {"mode": "LIVE", "seconds": 3}, {"mode": "MAX_AGE", "seconds": -1}],
)
def test_a_wish_that_means_nothing_is_refused(clerk: Client, freshness: Mapping[str, Any]) -> None:
    asked = clerk.ask(CASE, {"id": "JT-PERMIT:JT2017-000123", "freshness": freshness})
    assert asked.codes == ["ARGUMENT_INVALID"]
    assert "seconds" in asked.errors[0]["message"]
