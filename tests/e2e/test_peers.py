"""The running gateway as other people's clients and audits see it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.gateways import CLERK, Client
from tests.peers.node import run_node

QUERY = '{ region(code: "500107") { name } }'
REGION = {"region": {"name": "九龙坡区"}}
EVENTS = "subscription { inspectionReported { __typename reportNo } }"
COUNT = 3


def test_graphql_over_http_passes_all_its_audits(gateway: Client) -> None:
    results = run_node("audit.mjs", gateway.url + "/graphql")
    assert [one for one in results if one["status"] != "ok"] == []
    assert len(results) == 61


@pytest.fixture(scope="module")
def given(gateway: Client) -> dict[str, Any]:
    found: dict[str, Any] = run_node(
        "clients.mjs", gateway.url + "/graphql", CLERK, QUERY, EVENTS, str(COUNT)
    )
    return found


@pytest.mark.parametrize("client", ["wsQuery", "sseQuery"])
def test_a_query_through_a_streaming_client_is_answered_once(given: dict[str, Any], client: str) -> None:
    assert given[client] == {"data": REGION}


@pytest.mark.parametrize("client", ["apolloQuery", "urqlQuery"])
def test_a_query_through_a_caching_client_is_answered(given: dict[str, Any], client: str) -> None:
    region = {name: value for name, value in given[client]["region"].items() if name != "__typename"}
    assert {"region": region} == REGION


@pytest.mark.parametrize(
    "client", ["wsEvents", "sseEvents", "apolloEvents", "urqlEvents", "urqlSocketEvents"]
)
def test_every_client_is_given_the_events_it_waits_for(given: dict[str, Any], client: str) -> None:
    assert len(given[client]) == COUNT
    for one in given[client]:
        event = one.get("data", one)["inspectionReported"]
        assert event["__typename"] == "LiftInspection"
        assert event["reportNo"]


def test_an_invalid_operation_is_an_error_of_its_own(given: dict[str, Any]) -> None:
    [error] = given["wsInvalid"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "noSuchField" in str(given["sseInvalid"])


def test_a_wrong_token_is_told_by_the_close_code(given: dict[str, Any]) -> None:
    assert given["wsStranger"] == 4403


def test_a_client_comes_back_after_its_connection_broke(given: dict[str, Any]) -> None:
    assert given["wsReconnected"] == 2


MUTATION = """mutation {
  submitCase(input: {itemCode: "000000000000", applicant: {name: "王某", number: "11010519491231002X"}, fields: {}},
             idempotencyKey: "a-key-of-peers") { receipt { token } } }"""


@pytest.fixture(scope="module")
def further(gateway: Client) -> dict[str, Any]:
    url = gateway.url + "/graphql"
    found: dict[str, Any] = run_node("further.mjs", url, CLERK, QUERY, EVENTS, str(COUNT), MUTATION)
    return found


@pytest.mark.parametrize("client", ["apolloPersisted", "apolloPersistedByGet", "urqlPersisted"])
def test_a_persisted_query_is_answered_again_and_again(further: dict[str, Any], client: str) -> None:
    names = [one["region"]["name"] for one in further[client]]
    assert names == [REGION["region"]["name"]] * 2


def test_a_hash_alone_is_enough_from_the_second_time(further: dict[str, Any]) -> None:
    sent = further["sent"]
    assert [one["hasQuery"] for one in sent[:3]] == [False, True, False]
    assert sent[-1] == {"method": "GET", "hasQuery": False}


@pytest.mark.parametrize("client", ["apolloMutation", "urqlMutation", "wsMutation"])
def test_a_mutation_runs_and_its_refusal_arrives(further: dict[str, Any], client: str) -> None:
    assert further[client] == ["ITEM_NOT_ACCEPTED"]


def test_one_connection_carries_several_operations(further: dict[str, Any]) -> None:
    assert further["singleQuery"] == [{"data": REGION}]
    assert len(further["singleEvents"]) == COUNT
    assert all(one["data"]["inspectionReported"]["reportNo"] for one in further["singleEvents"])


@pytest.mark.parametrize("client", ["singleStranger", "sseStranger"])
def test_a_wrong_token_is_told_to_event_clients_by_the_status(further: dict[str, Any], client: str) -> None:
    assert further[client] == 401


def test_a_client_may_end_what_it_subscribed_to_and_ask_on(further: dict[str, Any]) -> None:
    assert further["wsEnded"] is True
    assert further["wsTwo"] == [REGION, REGION]
