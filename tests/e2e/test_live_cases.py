"""Events of cases that another process appends reach whoever subscribed here, once, with all that reads have."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from cache.pubsub import EmbeddedPubSub, PubSub
from cache.redis_pubsub import RedisPubSub
from gateway.casefile.files import CaseFiles, Snapshot, TrackingRules
from gateway.database import Database, open_database
from gateway.directory import read_registry
from gateway.ledger import APPENDED, LedgerReader, NewEvent, Writer
from gateway.ledger.writer import now_us
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.tracking.warnings.rule_file import read_rules
from gateway.tracking.warnings.triggers import RuleBook
from samples.registry import DATA
from tests.conftest import run_apart
from tests.e2e.gateways import CITIZEN, CLERK, ROOT, Client, here
from tests.services import RedisServer, redis_server

UPDATE = "cursor caseId kind step state occurredAt department { name } system { code }"
CHANGED = f"subscription ($id: ID!, $after: String) {{ caseChanged(id: $id, after: $after) {{ {UPDATE} case {{ state title }} }} }}"
MINE = f"subscription ($after: String) {{ myCaseEvents(after: $after) {{ {UPDATE} }} }}"
FEED = (
    "subscription ($region: RegionCode, $below: Boolean, $department: Uscc, $after: String) "
    "{ caseFeed(region: $region, includeDescendants: $below, department: $department, after: $after) "
    f"{{ {UPDATE} }} }}"
)
TRANSPORT_DEPARTMENT = "11500000009000242T"
REGISTRY = read_registry(DATA)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another process over the same database, such as one that harvests."""

    database: Database
    bell: PubSub

    async def append(self, *events: NewEvent) -> None:
        await Writer(self.database).append_events(events)
        await self.bell.publish(APPENDED, b"")

    async def file(self, case_id: str, **record: Any) -> None:
        rules = TrackingRules(read_calendar(), RuleBook(read_rules()))
        files = CaseFiles(self.database, Writer(self.database), REGISTRY, lambda: rules, now_us)
        subject = record.pop("subject", None)
        await files.update([case_id], {case_id: Snapshot(record, subject, now_us())})


def elsewhere(folder: Path, work: Callable[[Elsewhere], Awaitable[Any]], redis: str = "") -> Any:
    """`work` in another process's place: a database connection and a loop of its own."""
    found: list[Any] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[Elsewhere]:
        database = open_database("", folder)
        bell = RedisPubSub(redis, op_timeout_s=5) if redis else EmbeddedPubSub()
        yield Elsewhere(database, bell)
        await bell.close()
        await database.close()

    async def run() -> None:
        async with opened() as process:
            found.append(await work(process))

    run_apart(run)
    return found[0]


def happened(case_id: str, number: int, **more: Any) -> NewEvent:
    detail = {"step": f"环节{number}", "state": "UNDER_REVIEW", "departmentCode": TRANSPORT_DEPARTMENT}
    return NewEvent(
        system=case_id.partition(":")[0],
        case_id=case_id,
        kind="STEP_START",
        occurred_us=1_511_000_000_000_000 + number * 1_000_000,
        key=uuid.uuid4().hex,
        detail=detail,
        **more,
    )


def append(folder: Path, *events: NewEvent, redis: str = "") -> None:
    elsewhere(folder, lambda process: process.append(*events), redis)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def clerk(folder: Path, city_environ: Mapping[str, str]) -> Iterator[Client]:
    with here(folder, ROOT / "systems", city_environ, watch=False) as client:
        yield client


@pytest.fixture
def citizen(clerk: Client) -> Iterator[Client]:
    client = Client(clerk.url, token=CITIZEN)
    yield client
    client.close()


def a_case(client: Client, system: str = "JT-PERMIT") -> str:
    query = "query ($systems: [ID!]) { cases(systems: $systems, first: 1) { nodes { id } } }"
    return str(client.data(query, {"systems": [system]})["cases"]["nodes"][0]["id"])


def steps(answers: Sequence[Mapping[str, Any]], field: str) -> list[str]:
    return [one["data"][field]["step"] for one in answers]


def cursor_now(client: Client) -> str:
    return str(client.data("{ eventCursor }")["eventCursor"])


@contextmanager
def socket_of(client: Client, query: str, variables: Mapping[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    url = client.url.replace("http", "ws") + "/graphql"
    headers = {"Authorization": f"Bearer {client.token}"}
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers=headers) as ws:
        ws.send(json.dumps({"type": "connection_init"}))
        assert json.loads(ws.recv(20))["type"] == "connection_ack"
        payload = {"query": query, "variables": variables}
        ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

        def answers() -> Iterator[dict[str, Any]]:
            while True:
                message = json.loads(ws.recv(20))
                if message["type"] == "complete":
                    return
                yield message["payload"]

        yield answers()


def test_an_event_of_another_process_comes_over_sse_and_websocket_completed_by_other_subgraphs(
    clerk: Client, folder: Path
) -> None:
    case = a_case(clerk)
    variables = {"id": case, "after": cursor_now(clerk)}
    with clerk.events(CHANGED, variables) as events, socket_of(clerk, CHANGED, variables) as messages:
        append(folder, happened("JT-PERMIT:ANOTHER", 1), happened(case, 2))
        over_sse, over_ws = next(events), next(messages)
    assert over_sse == over_ws
    update = over_sse["data"]["caseChanged"]
    assert (
        update["case"]
        == clerk.data("query ($id: ID!) { case(id: $id) { state title } }", {"id": case})["case"]
    )
    assert update | {"cursor": 0, "case": 0} == {
        "cursor": 0,
        "caseId": case,
        "kind": "STEP_START",
        "step": "环节2",
        "state": "UNDER_REVIEW",
        "occurredAt": "2017-11-18T18:13:22.000+08:00",
        "department": {"name": REGISTRY.department(TRANSPORT_DEPARTMENT).name},  # type: ignore[union-attr]
        "system": {"code": "JT-PERMIT"},
        "case": 0,
    }
    assert over_sse["extensions"]["cursor"] == update["cursor"]


def test_each_event_that_is_delivered_is_a_look_on_record(clerk: Client, folder: Path) -> None:
    case = a_case(clerk, "SLJ-WATER")
    with clerk.events(CHANGED, {"id": case, "after": cursor_now(clerk)}) as events:
        append(folder, happened(case, 1), happened(case, 2))
        next(events), next(events)

    async def looks(process: Elsewhere) -> list[Mapping[str, Any]]:
        page = await LedgerReader(process.database).access_records(case_id=case, limit=100)
        return [one.fields for one in page.records if "caseChanged.step" in one.fields["fields"]]

    recorded = elsewhere(folder, looks)
    assert [one["cases"] for one in recorded] == [[case], [case]]
    assert all(one["systems"]["SLJ-WATER"] != "LEDGER" for one in recorded), "the case itself was read"


def test_a_subscription_goes_on_after_its_last_event_by_argument_and_by_last_event_id(
    clerk: Client, folder: Path
) -> None:
    case = a_case(clerk)
    variables: dict[str, Any] = {"id": case, "after": cursor_now(clerk)}
    with clerk.events(CHANGED, variables) as events:
        append(folder, *(happened(case, number) for number in range(1, 4)))
        came = [next(events)]
    append(folder, *(happened(case, number) for number in range(4, 6)))
    later = came[0]["data"]["caseChanged"]["cursor"]
    with clerk.events(CHANGED, variables | {"after": later}) as events:
        came += [next(events) for _ in range(4)]
    assert steps(came, "caseChanged") == [f"环节{number}" for number in range(1, 6)]
    headers = {
        "accept": "text/event-stream",
        "authorization": f"Bearer {CLERK}",
        "last-event-id": came[3]["extensions"]["cursor"],
    }
    parameters = {"query": CHANGED, "variables": json.dumps(variables)}
    with clerk.http.stream("GET", "/graphql", params=parameters, headers=headers) as response:
        lines = response.iter_lines()
        block = [line for line in (next(lines) for _ in range(6)) if line]
    assert block[1] == f"id: {came[4]['extensions']['cursor']}"
    assert "环节5" in block[3]


def test_a_feed_has_the_cases_of_a_division_with_those_below_it_and_of_a_department(
    clerk: Client, folder: Path
) -> None:
    start = cursor_now(clerk)
    city, district, other = (f"JT-PERMIT:{name}" for name in ("CITY", "DISTRICT", "OTHER"))

    async def work(process: Elsewhere) -> None:
        for case, region, department in (
            (city, "500000", TRANSPORT_DEPARTMENT),
            (district, "500107", "115000000090001702"),
            (other, "500101", "115000000090001702"),
        ):
            await process.file(
                case, localNo=case[10:], regionCode=region, departmentCode=department, appliedAt="2017-11-18"
            )
        plain = {"step": "x", "state": "UNDER_REVIEW"}
        told = [replace(happened(case, 1), detail=plain) for case in (city, district, other)]
        await process.append(*told, happened("SLJ-WATER:UNFILED", 9))

    elsewhere(folder, work)
    asked: list[tuple[Mapping[str, Any], int]] = [
        ({}, 4),
        ({"region": "500107"}, 1),
        ({"region": "500000", "below": False}, 2),
        ({"region": "500000"}, 4),
        ({"department": TRANSPORT_DEPARTMENT}, 2),
    ]
    found = []
    for variables, count in asked:
        with clerk.events(FEED, {**variables, "after": start}) as events:
            found.append([next(events)["data"]["caseFeed"]["caseId"] for _ in range(count)])
    unfiled = "SLJ-WATER:UNFILED"
    assert found == [
        [city, district, other, unfiled],
        [district],
        [city, unfiled],  # what has no file is where its system's owner is
        [city, district, other, unfiled],
        [city, unfiled],  # the department acted
    ]


def test_an_event_that_came_before_its_case_had_a_file_reaches_its_district_once_the_file_is_there(
    clerk: Client, folder: Path
) -> None:
    start = cursor_now(clerk)
    late, soon = "JT-PERMIT:LATE", "JT-PERMIT:SOON"
    place = {"regionCode": "500107", "departmentCode": "115000000090001702", "appliedAt": "2017-11-18"}
    plain = {"state": "UNDER_REVIEW"}

    async def file(process: Elsewhere, case: str) -> None:
        await process.file(case, localNo=case[10:], **place)

    early = [replace(happened(late, number), detail={**plain, "step": str(number)}) for number in (1, 2)]
    more = [
        replace(happened(case, number), detail={**plain, "step": str(number)})
        for case, number in ((late, 3), (soon, 4))
    ]
    elsewhere(folder, lambda process: file(process, soon))
    district, city = {"region": "500107"}, {"region": "500000"}
    with (
        clerk.events(FEED, {**district, "after": start}) as live,
        clerk.events(FEED, {**city, "after": start}) as over_all,
    ):
        append(folder, *early)
        city_came = [next(over_all) for _ in early]
        elsewhere(folder, lambda process: file(process, late))
        came = [next(live) for _ in early]
        append(folder, *more)
        came += [next(live) for _ in more]
        city_came += [next(over_all) for _ in more]
    assert steps(came, "caseFeed") == ["1", "2", "3", "4"]
    assert steps(city_came, "caseFeed") == ["1", "2", "3", "4"], "each of them once"
    for where in (district, city):  # the same again from the ledger
        with clerk.events(FEED, {**where, "after": start}) as events:
            assert steps([next(events) for _ in came], "caseFeed") == ["1", "2", "3", "4"]
    with clerk.events(FEED, {**district, "after": came[1]["data"]["caseFeed"]["cursor"]}) as events:
        assert steps([next(events) for _ in more], "caseFeed") == ["3", "4"]


def test_a_feed_gives_each_token_the_rows_that_are_in_its_reach(clerk: Client, folder: Path) -> None:
    start = cursor_now(clerk)
    office = "115000000090001627"
    cases = {
        "JT-PERMIT:R1": ("500107", office),
        "JT-PERMIT:R2": ("500107", "115000000090001702"),
        "JT-PERMIT:R3": ("500000", office),
    }

    async def work(process: Elsewhere) -> None:
        for case, (region, department) in cases.items():
            await process.file(
                case, localNo=case[10:], regionCode=region, departmentCode=department, appliedAt="2017-11-18"
            )
        await process.append(*(happened(case, 1) for case in cases), happened("JT-PERMIT:R0", 2))

    elsewhere(folder, work)
    seen = {
        "demo-counter-jlp": ["JT-PERMIT:R1"],
        "demo-counter-jt": ["JT-PERMIT:R1", "JT-PERMIT:R3", "JT-PERMIT:R0"],
        "demo-supervisor-jlp": ["JT-PERMIT:R1", "JT-PERMIT:R2"],
        "demo-supervisor": [*cases, "JT-PERMIT:R0"],
    }
    found = {}
    for token, expected in seen.items():
        client = Client(clerk.url, token=token)
        with client.events(FEED, {"after": start}) as events:
            found[token] = [next(events)["data"]["caseFeed"]["caseId"] for _ in expected]
        client.close()
    assert found == seen
    narrow = Client(clerk.url, token="demo-counter-jlp")
    with narrow.events(CHANGED, {"id": "JT-PERMIT:R3"}) as events:
        assert [one["extensions"]["code"] for one in next(events)["errors"]] == ["CASE_NOT_FOUND"]
    narrow.close()


def test_citizens_follow_their_own_cases_and_no_others(clerk: Client, citizen: Client, folder: Path) -> None:
    mine = str(citizen.data("{ myCases(first: 1) { nodes { id } } }")["myCases"]["nodes"][0]["id"])
    others = next(
        node["id"]
        for node in clerk.data('{ cases(systems: ["JT-PERMIT"], first: 50) { nodes { id } } }')["cases"][
            "nodes"
        ]
        if citizen.ask("query ($id: ID!) { case(id: $id) { id } }", {"id": node["id"]}).data["case"] is None
    )
    with citizen.events(CHANGED, {"id": others}) as events:
        refused = next(events)
    assert refused["data"] == {"caseChanged": None}
    assert [one["extensions"]["code"] for one in refused["errors"]] == ["CASE_NOT_FOUND"]
    with citizen.events(FEED) as events:
        assert [one["extensions"]["code"] for one in next(events)["errors"]] == ["FORBIDDEN"]
    with clerk.events(MINE) as events:
        assert [one["extensions"]["code"] for one in next(events)["errors"]] == ["FORBIDDEN"]
    start = cursor_now(citizen)
    whose = {node["id"]: node["applicant"]["ref"] for node in _refs(clerk, mine, others)}
    append(
        folder,
        happened(others, 1, subject=whose[others]),
        happened(mine, 2, subject=whose[mine]),
        happened(others, 3, subject=whose[others]),
        happened(mine, 4, subject=whose[mine]),
    )
    with (
        citizen.events(MINE, {"after": start}) as events,
        citizen.events(CHANGED, {"id": mine, "after": start}) as one,
    ):
        assert steps([next(events), next(events)], "myCaseEvents") == ["环节2", "环节4"]
        assert steps([next(one), next(one)], "caseChanged") == ["环节2", "环节4"]


def _refs(client: Client, *cases: str) -> list[dict[str, Any]]:
    query = "query ($id: ID!) { case(id: $id) { id applicant { ref } } }"
    return [client.data(query, {"id": case})["case"] for case in cases]


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (CHANGED, {"id": "JT-PERMIT:NONE"}, "CASE_NOT_FOUND"),
        (CHANGED, {"id": "no id"}, "IDENTIFIER_INVALID"),
        (CHANGED, {"id": "NO-SYSTEM:1"}, "SYSTEM_UNKNOWN"),
        (FEED, {"after": "nonsense"}, "CURSOR_INVALID"),
        (FEED, {"region": "999999"}, "NOT_FOUND"),
        (FEED, {"department": "11500000009009999E"}, "NOT_FOUND"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(
    clerk: Client, query: str, variables: Mapping[str, Any], code: str
) -> None:
    with clerk.events(query, variables) as events:
        answers = list(events)
    codes = [error["extensions"]["code"] for one in answers for error in one["errors"]]
    assert codes == [code]


def test_with_redis_the_bell_of_another_process_is_heard_and_without_it_the_ledger_is_polled(
    tmp_path: Path, city_environ: Mapping[str, str], shared_redis: RedisServer
) -> None:
    del shared_redis  # for its rule on machines without one
    with (
        redis_server() as redis,
        here(tmp_path, ROOT / "systems", city_environ, watch=False, redis_url=redis.url) as clerk,
    ):
        case = a_case(clerk)
        with clerk.events(CHANGED, {"id": case, "after": cursor_now(clerk)}) as events:
            append(tmp_path, happened(case, 1), redis=redis.url)
            assert steps([next(events)], "caseChanged") == ["环节1"]
            redis.kill()
            append(tmp_path, happened(case, 2))
            assert steps([next(events)], "caseChanged") == ["环节2"]
            health = clerk.ready()[1]
            assert (health["status"], health["live"]["status"]) == ("degraded", "degraded")
            assert "polled" in health["live"]["fault"]
