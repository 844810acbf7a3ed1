"""Filters of `cases`: whichever side applies them, the answer is what the systems' records say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from samples.cases import Case
from samples.catalogue import SYSTEMS
from samples.registry import read_rows
from tests.e2e.answers import ids, walk
from tests.e2e.gateways import SAMPLES, Client
from tests.e2e.truth import everything

QUERY = """
query ($applicant: ApplicantInput, $states: [CaseState!], $department: Uscc, $region: RegionCode, $deep: Boolean,
       $systems: [ID!], $from: Date, $to: Date, $after: String) {
  cases(applicant: $applicant, states: $states, department: $department, region: $region, includeDescendants: $deep,
        systems: $systems, from: $from, to: $to, first: 100, after: $after, deadlineMs: 8000) {
    nodes { id state appliedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def found(client: Client, **variables: Any) -> set[str]:
    got = [one for page in walk(client, QUERY, variables) for one in ids(page)]
    assert len(got) == len(set(got))
    return set(got)


def held(test: Callable[[str, Case], bool]) -> set[str]:
    expected = {one for one, case in everything().items() if test(one.partition(":")[0], case)}
    assert expected, "the filter would prove nothing"
    return expected


def state_of(case: Case) -> str:
    return "UNKNOWN" if case.stray else case.state


@pytest.mark.parametrize(
    "states", [["ACCEPTED"], ["CLOSED", "DELIVERED"], ["UNKNOWN"], ["CORRECTION_REQUIRED"]], ids=",".join
)
def test_states(gateway: Client, states: list[str]) -> None:
    assert found(gateway, states=states) == held(lambda _, case: state_of(case) in states)


def test_states_of_one_applicant(gateway: Client) -> None:
    number = SAMPLES[0].id_number
    expected = held(lambda _, case: case.applicant.id_number == number and state_of(case) == "DECIDED")
    assert found(gateway, applicant={"number": number}, states=["DECIDED"]) == expected


def test_department(gateway: Client) -> None:
    code = next(case for one, case in everything().items() if one.startswith("MZJ")).implementation.department
    assert found(gateway, department=code) == held(lambda _, case: case.implementation.department == code)


def test_systems(gateway: Client) -> None:
    assert found(gateway, systems=["RSJ-SOCIAL", "SLJ-WATER"]) == held(
        lambda system, _: system in ("RSJ-SOCIAL", "SLJ-WATER")
    )


def test_a_district_holds_its_towns_and_villages(gateway: Client) -> None:
    parents = {row["code"]: row["parent"] for row in read_rows("regions.csv")}

    def within(code: str) -> bool:
        while code:
            if code == "500229":
                return True
            code = parents.get(code, "")
        return False

    expected = held(lambda _, case: within(case.implementation.region))
    assert found(gateway, region="500229") == expected
    alone = held(lambda _, case: case.implementation.region == "500229")
    assert found(gateway, region="500229", deep=False) == alone
    assert alone < expected, "no case lies below the district: the test would prove nothing"


def test_the_municipality_holds_everything(gateway: Client) -> None:
    query = '{cases(region: "500000", applicant: {number: "91500107MA5U00011B"}, first: 100) {nodes {id}}}'
    own = held(lambda _, case: case.applicant.id_number == "91500107MA5U00011B")
    assert set(ids(gateway.data(query)["cases"])) == own


def test_both_ends_of_a_period_are_included(gateway: Client) -> None:
    """Each system has its own idea of whether ends count; the gateway's is one."""
    days = sorted({case.applied_at.date() for one, case in everything().items() if one.startswith("JT")})
    first, last = days[40].isoformat(), days[60].isoformat()
    assert found(gateway, **{"from": first, "to": last}) == held(
        lambda _, case: first <= case.applied_at.date().isoformat() <= last
    )


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_a_single_day_in_each_system(gateway: Client, system: str) -> None:
    day = (
        next(case for one, case in everything().items() if one.startswith(system))
        .applied_at.date()
        .isoformat()
    )
    assert found(gateway, systems=[system], **{"from": day, "to": day}) == held(
        lambda of, case: of == system and case.applied_at.date().isoformat() == day
    )


def test_from_alone_and_to_alone(gateway: Client) -> None:
    assert found(gateway, **{"from": "2018-03-01"}) == held(
        lambda _, case: case.applied_at.date().isoformat() >= "2018-03-01"
    )
    assert found(gateway, to="2017-01-20") == held(
        lambda _, case: case.applied_at.date().isoformat() <= "2017-01-20"
    )


def test_filters_together(gateway: Client) -> None:
    expected = held(
        lambda system, case: (
            system in ("FGW-INVEST", "GSJ-LICENSE", "GHJ-PLAN")
            and state_of(case) in ("DECIDED", "CLOSED", "DELIVERED")
            and "2017-03-01" <= case.applied_at.date().isoformat() <= "2017-08-31"
        )
    )
    got = found(
        gateway,
        systems=["FGW-INVEST", "GSJ-LICENSE", "GHJ-PLAN"],
        states=["DECIDED", "CLOSED", "DELIVERED"],
        **{"from": "2017-03-01", "to": "2017-08-31"},
    )
    assert got == expected


def test_an_applicant_whom_nobody_knows_has_no_cases(gateway: Client) -> None:
    query = '{cases(applicant: {number: "500101190001010014"}) {nodes {id} sources {status count} pageInfo {hasNextPage endCursor}}}'
    connection = gateway.data(query, echoes=True)["cases"]
    assert connection["nodes"] == []
    assert {one["status"] for one in connection["sources"]} <= {"OK", "CACHED"}
    assert {one["count"] for one in connection["sources"]} == {0}
    assert connection["pageInfo"] == {"hasNextPage": False, "endCursor": None}
