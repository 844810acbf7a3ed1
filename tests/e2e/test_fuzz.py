"""schemathesis makes up whatever the schema allows, and we ask it: never an error of the gateway's own, never a hang, no
more memory than before. Longer on demand: QUANYU_TEST_FUZZ_S=600 (seconds).

Its command line takes every GraphQL error for one of the server; here refusals are answers, and codes tell them apart.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from samples.city import city_environment, running_city
from samples.servers.ghj_plan import DELAY_VARIABLE
from samples.servers.zjj_lift import BETWEEN_REPORTS
from tests.e2e.gateways import CITIZEN, CLERK, ROOT, Child, child_gateway

SECONDS = float(os.environ.get("QUANYU_TEST_FUZZ_S", "15"))
LONGEST_S = 15.0
"""A hang is a failure; this is no measure of speed."""
MOST_GROWTH_KB = 200_000
OURS = {"INTERNAL", "INTERNAL_SERVER_ERROR", "QUERY_PLANNING_FAILED", "NULL_FOR_NON_NULL", "SOURCE_FAULT"}
SCALARS = {
    "Date": st.dates().map(str) | st.text(max_size=12),
    "DateTime": st.datetimes().map(lambda one: one.isoformat() + "Z") | st.text(max_size=12),
    "JSON": st.text(max_size=12),
    "RegionCode": st.sampled_from(["500000", "500107", "500107000000", ""]) | st.text(max_size=12),
    "Uscc": st.sampled_from(["115000000090001627", "0"]) | st.text(max_size=18),
}


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """Over a city of its own: mutations are asked too."""
    hurried = {DELAY_VARIABLE: "0.005", BETWEEN_REPORTS: "0.01"}
    with (
        running_city(environment=hurried) as urls,
        child_gateway(
            tmp_path_factory.mktemp("fuzz"),
            ROOT / "systems",
            city_environment(urls),
            max_deadline_ms="8000",
            max_loop_lag_ms="0",
        ) as running,
    ):
        running.client.http.timeout = LONGEST_S
        yield running


def resident_kb(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def operations(child: Child) -> list[Any]:
    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy.map(nodes.String))
    url = child.client.url + "/graphql"
    headers = {"authorization": f"Bearer {CLERK}"}
    return [found.ok() for found in schemathesis.graphql.from_url(url, headers=headers).get_all_operations()]


def check(child: Child, query: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    reply = child.client.http.post("/graphql", json={"query": query}, headers=headers)
    codes = {error["extensions"]["code"] for error in reply.json().get("errors", [])}
    assert reply.status_code < 500, f"{query}\n{reply.text[:2000]}"
    assert not codes & OURS, f"{query}\n{reply.text[:2000]}"


def fuzz(child: Child, operation: Any, number: int, examples: int) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), token=st.sampled_from([CLERK, CITIZEN, "none"]))
    def ask(case: Any, token: str) -> None:
        body = case.body
        check(child, body if isinstance(body, str) else body["query"], token if token != "none" else CLERK)

    ask()


def test_whatever_the_schema_allows_is_answered(child: Child) -> None:
    found = operations(child)
    assert {one.label for one in found} >= {"Query.cases", "Query.regions", "Mutation.submitCase"}
    warm = "{ regions(first: 100) { nodes { name } } cases(first: 100) { nodes { id state } } }"
    for _ in range(3):
        check(child, warm, CLERK)
    before = resident_kb(child.process.pid)
    end, number = time.monotonic() + SECONDS, 0
    while number == 0 or time.monotonic() < end:
        for operation in found:
            fuzz(child, operation, number, examples=2 if number == 0 else 10)
            if number and time.monotonic() > end:
                break
        number += 1
    assert child.client.http.get("/health/live").status_code == 200
    assert resident_kb(child.process.pid) - before < MOST_GROWTH_KB
    assert child.lines("unhandled") == []
    assert child.lines("engine failed") == []


def test_pages_of_any_size_and_number_are_bounded(child: Child) -> None:
    """What an unbounded `first` did elsewhere: the server hung, and took 1.7 GB."""
    before = resident_kb(child.process.pid)
    for size in (100, 101, 10**6, 2**31 - 1, -1, 0):
        for field in ("regions", "departments", "serviceItems", "cases"):
            text = (
                f"{{ {field}(first: {size}) {{ nodes {{ __typename }} edges {{ node {{ __typename }} }} }} }}"
            )
            check(child, text, CLERK)
    assert resident_kb(child.process.pid) - before < MOST_GROWTH_KB
    assert json.loads(child.text().splitlines()[-1])["event"] == "request"
