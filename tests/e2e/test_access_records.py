"""No look without a record: what is written about a query, and what happens where nothing can be written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.database import open_database
from gateway.ledger import LedgerReader, Position
from gateway.ledger.verify import verify_store
from gateway.records import read_ledger_keys
from tests.conftest import execute_on, make_tables, run_apart
from tests.e2e.gateways import CITIZEN, CLERK, NEVER_SHOWN, ROOT, Client, here, settings_of
from tests.e2e.waiting import until
from tests.services import PostgresServer, postgres_server

NUMBER = "500229197001010010"
CASES = "query Worklist($n: String!) { cases(applicant: {number: $n}, first: 5) { nodes { id title applicant { ref } } } }"
NEW_FORM = {"accept": "application/graphql-response+json"}
ONE = '{ c: case(id: "JT-PERMIT:JT2017-000123") { id state } }'


class Records:
    """The database of a gateway, read beside it."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.url, self.data_dir = url, data_dir

    def looks(self, **wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        async def run() -> None:
            database = open_database(self.url, self.data_dir)
            after: Position | None = None
            while True:
                page = await LedgerReader(database).access_records(after=after, **wanted)  # type: ignore[arg-type]  # texts
                found.extend(dict(record.fields) for record in page.records)
                after = page.next
                if after is None:
                    break
            await database.close()

        run_apart(run)
        return found

    def bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.data_dir.glob("quanyu.db*"))


@pytest.fixture(scope="module")
def asked(
    city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, Records]]:
    folder = tmp_path_factory.mktemp("recorded")
    tokens = folder / "tokens.yaml"
    tokens.write_text(
        (ROOT / "samples/tokens.yaml").read_text(encoding="utf-8")
        + "  - {token: test-auditor, name: auditor, scopes: ['cases:read', 'persons:unmasked']}\n",
        encoding="utf-8",
    )
    with here(folder, ROOT / "systems", city_environ, watch=False, tokens_file=str(tokens)) as client:
        yield client, Records("", folder)


def test_a_look_says_who_with_what_at_whom_and_how_it_went(asked: tuple[Client, Records]) -> None:
    client, records = asked
    before = len(records.looks())
    headers = {
        "graphql-client-name": "portal",
        "graphql-client-version": "2.1",
        "quanyu-purpose": "HANDLE_CASE",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    reply = client.http.post(
        "/graphql",
        json={"query": CASES, "variables": {"n": NUMBER}},
        headers=headers | {"authorization": f"Bearer {CLERK}"},
    ).json()
    nodes = reply["data"]["cases"]["nodes"]
    look = records.looks()[before]
    assert look["actor"] == "demo-clerk"
    assert (look["client"], look["clientVersion"], look["purpose"], look["action"]) == (
        "portal",
        "2.1",
        "HANDLE_CASE",
        "R",
    )
    assert look["operation"] == "Worklist"
    assert look["operationHash"] == hashlib.sha256(CASES.encode()).hexdigest()
    assert look["fields"] == ["cases.nodes.applicant.ref", "cases.nodes.id", "cases.nodes.title"]
    assert look["cases"] == sorted(node["id"] for node in nodes)
    assert look["subjects"] == [nodes[0]["applicant"]["ref"]]
    assert look["systems"]["JT-PERMIT"] == "OK"
    assert look["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert look["outcome"] == ("PARTIAL" if "errors" in reply else "OK")


def test_looks_are_found_by_case_subject_actor_and_purpose(asked: tuple[Client, Records]) -> None:
    client, records = asked
    ref = client.ask(CASES, {"n": NUMBER}).data["cases"]["nodes"][0]["applicant"]["ref"]
    client.ask(ONE)
    assert any(look["operation"] == "case" for look in records.looks(case_id="JT-PERMIT:JT2017-000123"))
    assert any(look["operation"] == "Worklist" for look in records.looks(subject=ref))
    assert {look["actor"] for look in records.looks(actor="demo-clerk")} == {"demo-clerk"}
    assert records.looks(purpose="STATISTICS") == []


def test_a_citizen_looks_at_their_own_data(asked: tuple[Client, Records]) -> None:
    client, records = asked
    client.ask("{ myCases(first: 2) { nodes { id } } }", token=CITIZEN)
    look = records.looks(actor="demo-citizen")[-1]
    assert look["purpose"] == "OWN_DATA"
    assert look["actorSubject"] in look["subjects"]


def test_what_tells_of_nobody_leaves_no_record(asked: tuple[Client, Records]) -> None:
    client, records = asked
    before = len(records.looks())
    client.data(
        '{ regions(level: DISTRICT) { nodes { code } } legacySystem(code: "JT-PERMIT") { health { state } } __typename }'
    )
    client.ask("{ cases(first: 1) { nodes { id } } }", token=None)  # a stranger who is shown nothing
    assert len(records.looks()) == before


def test_an_attempt_without_the_scope_is_recorded_as_denied(asked: tuple[Client, Records]) -> None:
    client, records = asked
    client.ask("{ cases(first: 1) { nodes { id } } }", token=CITIZEN)
    look = records.looks(actor="demo-citizen")[-1]
    assert (look["outcome"], look["fields"], look["cases"]) == ("DENIED", [], [])


def test_a_query_by_get_and_one_of_another_router_are_recorded(asked: tuple[Client, Records]) -> None:
    client, records = asked
    before = len(records.looks())
    client.http.get(
        "/graphql",
        params={"query": ONE},
        headers={"authorization": f"Bearer {CLERK}", "accept": "application/json"},
    )
    client.ask(
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Case { state } } }",
        {"r": [{"__typename": "Case", "id": "JT-PERMIT:JT2017-000123"}]},
    )
    looks = records.looks()[before:]
    assert [look["cases"] for look in looks] == [["JT-PERMIT:JT2017-000123"]] * 2


def test_a_whole_number_wants_scope_and_purpose_and_both_are_recorded(asked: tuple[Client, Records]) -> None:
    client, records = asked
    text = "applicant { ... on NaturalPerson { idNumber(purpose: AUDIT) } }"
    query = f'{{ cases(applicant: {{number: "{NUMBER}"}}, first: 1) {{ nodes {{ {text} }} }} }}'
    refused = client.ask(query)
    assert refused.codes.count("FORBIDDEN") == 1
    assert records.looks(actor="demo-clerk")[-1]["purpose"] is None

    shown = client.ask(query, token="test-auditor", echoes=True)
    assert shown.data["cases"]["nodes"][0]["applicant"] == {"idNumber": NUMBER}
    look = records.looks(actor="auditor")[-1]
    assert (look["purpose"], look["fields"]) == ("AUDIT", ["cases.nodes.applicant.idNumber"])

    without = client.ask(query.replace("(purpose: AUDIT)", ""), token="test-auditor")
    assert without.codes == ["GRAPHQL_VALIDATION_FAILED"]


def test_a_purpose_that_is_none_is_refused_before_anything_is_asked(asked: tuple[Client, Records]) -> None:
    client, records = asked
    before = len(records.looks())
    body = {"query": ONE, "extensions": {"purpose": "CURIOSITY"}}
    reply = client.http.post("/graphql", json=body, headers=NEW_FORM | {"authorization": f"Bearer {CLERK}"})
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]["code"]) == (400, "PURPOSE_UNKNOWN")
    assert len(records.looks()) == before


def test_no_number_of_a_person_is_in_the_ledger(asked: tuple[Client, Records]) -> None:
    client, records = asked
    client.ask(CASES, {"n": NUMBER})
    kept = records.bytes()
    assert [number for number in NEVER_SHOWN if number.encode() in kept] == []


def test_the_trail_of_a_stopped_gateway_verifies(city_environ: dict[str, str], tmp_path: Path) -> None:
    with here(tmp_path, ROOT / "systems", city_environ, watch=False) as client:
        client.ask(ONE)
        assert client.ready()[1]["ledger"]["status"] == "up"
    findings: list[Any] = []

    async def run() -> None:
        database = open_database("", tmp_path)
        keys = read_ledger_keys(settings_of(tmp_path, ROOT / "systems"))
        found = await verify_store(database, keys.signer.verifier)
        findings.extend(found.findings)
        assert found.unsealed == 0
        await database.close()

    run_apart(run)
    assert findings == []


# --- where nothing can be written ---


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        execute_on(server, "CREATE DATABASE records")
        make_tables(server.url("records"))
        yield server


def test_without_its_database_no_case_is_shown_the_rest_goes_on_and_it_recovers(
    city_environ: dict[str, str], tmp_path: Path, own_postgres: PostgresServer
) -> None:
    url = own_postgres.url("records")
    with here(tmp_path, ROOT / "systems", city_environ, watch=False, database_url=url) as client:
        assert client.ask(ONE).data["c"] is not None
        own_postgres.kill()
        refused = client.ask(ONE)
        assert (refused.status, refused.codes, "data" in refused.body) == (503, ["AUDIT_UNAVAILABLE"], False)
        assert client.data("{ regions(level: DISTRICT) { nodes { code } } }")["regions"]
        status, report = client.ready()
        assert (status, report["status"], report["database"]["code"]) == (
            200,
            "degraded",
            "DATABASE_UNAVAILABLE",
        )
        assert client.metric('quanyu_access_records_total{result="refused"}') >= 1

        own_postgres.start()
        until(lambda: client.ask(ONE).status == 200, what="looks are recorded again")
        until(lambda: client.ready()[1]["status"] == "ready", what="it says that it is well")
    assert [look["outcome"] for look in Records(url, tmp_path).looks()].count("OK") >= 2


def test_a_gateway_starts_without_its_database_and_takes_it_up_when_it_comes(
    city_environ: dict[str, str], tmp_path: Path, own_postgres: PostgresServer
) -> None:
    own_postgres.kill()
    url = own_postgres.url("records")
    with here(tmp_path, ROOT / "systems", city_environ, watch=False, database_url=url) as client:
        assert client.ask(ONE).codes == ["AUDIT_UNAVAILABLE"]
        own_postgres.start()
        until(lambda: client.ask(ONE).status == 200, what="looks are recorded")


def test_access_records_are_json_that_anyone_can_read(asked: tuple[Client, Records]) -> None:
    _, records = asked
    assert json.loads(json.dumps(records.looks()[0]))["actor"]
