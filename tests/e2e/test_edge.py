"""The edge on the running city: cost, what may be kept by others, hashes, and budgets over two gateways with one Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.gateways import CLERK, Client, here
from tests.e2e.stubs import declaration
from tests.services import RedisServer

REGIONS = "{ regions(first: 3) { nodes { name } } }"
JSON = {"accept": "application/json"}


def get(client: Client, query: str, **headers: str) -> httpx.Response:
    return client.http.get("/graphql", params={"query": query}, headers=JSON | headers)


def test_the_cost_is_told_to_who_asks(gateway: Client) -> None:
    def cost(query: str, **variables: object) -> float:
        body = {"query": query, "variables": variables, "extensions": {"cost": True}}
        return float(gateway.http.post("/graphql", json=body).json()["extensions"]["cost"]["estimated"])

    assert cost(REGIONS) == 1 + 3
    assert cost("query ($f: Int) { regions(first: $f) { nodes { parent { name } } } }", f=50) == 1 + 50 * 2
    assert cost("{ cases(first: 10) { nodes { id } } }") == 50 + 10  # each system is asked: @cost in the SDL
    by_header = gateway.http.post("/graphql", json={"query": REGIONS}, headers={"quanyu-cost": "1"})
    assert by_header.json()["extensions"]["cost"]["allowed"] == 50_000
    assert "extensions" not in gateway.http.post("/graphql", json={"query": REGIONS}).json()


def test_the_catalogue_may_be_kept_and_is_not_sent_twice(gateway: Client) -> None:
    first = get(gateway, REGIONS)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert "authorization" in first.headers["vary"].lower()
    again = get(gateway, REGIONS, **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(gateway, REGIONS, **{"if-none-match": '"other"'}).status_code == 200
    clerks = get(gateway, REGIONS, authorization=f"Bearer {CLERK}")
    assert clerks.headers["cache-control"] == "private, max-age=300"


@pytest.mark.parametrize(
    "query",
    [
        "{ cases(first: 1) { nodes { id } } }",
        '{ case(id: "JT-PERMIT:JT2017-000001") { id } }',
        '{ caseProgress(number: "JT2017-000001") { cases { id } } }',
        '{ a: region(code: "500107") { name } cases(first: 1) { totalCount } }',
        "{ legacySystems { nodes { code } } }",
        "{ departments(first: 5) { nodes { name systems { code } } } }",
        "{ __schema { queryType { name } } }",
        "{ nope }",
    ],
)
def test_what_is_personal_live_or_wrong_is_kept_by_nobody(gateway: Client, query: str) -> None:
    for headers in ({}, {"authorization": f"Bearer {CLERK}"}):
        answer = get(gateway, query, **headers)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def test_an_answer_by_post_is_kept_by_nobody(gateway: Client) -> None:
    answer = gateway.http.post("/graphql", json={"query": REGIONS})
    assert (answer.headers["cache-control"], "etag" in answer.headers) == ("no-store", False)


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, shared_redis: RedisServer
) -> Iterator[tuple[Client, Client, Path]]:
    """Two gateways behind one proxy, with one Redis and a manifest."""
    tmp = tmp_path_factory.mktemp("pair")
    systems = tmp / "systems"
    systems.mkdir()
    (systems / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    manifest = tmp / "manifest.json"
    manifest.write_text(json.dumps({"regions": REGIONS}), encoding="utf-8")
    settings = {
        "redis_url": shared_redis.url,
        "rate_per_address": 4,
        "cost_per_caller": 100,
        "trusted_proxies": ("127.0.0.1",),
        "trusted_documents": (str(manifest),),
        "trusted_documents_mode": "log",
    }
    with (
        here(tmp / "one", systems, {}, token=None, **settings) as one,
        here(tmp / "two", systems, {}, token=None, **settings) as two,
    ):
        yield one, two, manifest


def test_two_gateways_count_one_address_together(pair: tuple[Client, Client, Path]) -> None:
    one, two, _ = pair
    asked = [
        (one, two)[number % 2].http.post(
            "/graphql", json={"query": REGIONS}, headers={"x-forwarded-for": "198.51.100.9"}
        )
        for number in range(6)
    ]
    assert [answer.status_code for answer in asked] == [200] * 4 + [429] * 2
    assert asked[-1].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert int(asked[-1].headers["retry-after"]) >= 1
    other = one.http.post(
        "/graphql", json={"query": REGIONS}, headers={"x-forwarded-for": "198.51.100.9, 203.0.113.5"}
    )
    assert other.status_code == 200


def test_two_gateways_count_one_callers_cost_together(pair: tuple[Client, Client, Path]) -> None:
    one, two, _ = pair
    query = "{ regions(first: 60) { nodes { name } } }"
    first, second = one.ask(query, token=CLERK), two.ask(query, token=CLERK)
    assert first.status == 200
    assert (second.status, second.codes) == (429, ["COST_BUDGET_EXHAUSTED"])


def test_documents_go_by_their_ids(pair: tuple[Client, Client, Path]) -> None:
    _, two, _ = pair
    for number, key in enumerate(("documentId", "id", "doc_id")):
        headers = {"x-forwarded-for": f"192.0.2.{number}"}
        answer = two.http.post("/graphql", json={key: "regions"}, headers=headers)
        assert answer.json()["data"]["regions"]["nodes"]
        by_get = two.http.get("/graphql", params={key: "regions"}, headers=JSON | headers)
        assert by_get.headers["cache-control"] == "public, max-age=300"
