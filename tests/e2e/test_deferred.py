"""Fragments with @defer over HTTP: what is known is answered at once, the rest when it comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import execute_on, make_tables
from tests.e2e.gateways import CITIZEN, CLERK, ROOT, Client, here
from tests.e2e.parts import asked_in_parts
from tests.e2e.services import Service, declare, service
from tests.e2e.test_access_records import Records
from tests.e2e.waiting import until
from tests.peers.node import run_node
from tests.services import postgres_server

BOATS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])
type Query { boats: [Boat!] hello: String }
type Boat @key(fields: "no") { no: ID! name: String! home: Region }
type Region @key(fields: "code") { code: RegionCode! boats: [Boat!] best: Boat captain: String! }
scalar RegionCode
"""
HERE = '{ region(code: "500107") { name ... @defer(label: "boats") { boats { no name } } } }'
NAMED = {"region": {"name": "九龙坡区"}}


def boat(no: str, name: Any = "朝天门") -> dict[str, Any]:
    return {"__typename": "Boat", "no": no, "name": name, "home": {"code": "500107"}}


@dataclass
class Harbour:
    """A gateway over a service of boats, which answers about regions when `open` is set."""

    client: Client
    boats: Service
    open: threading.Event = field(default_factory=threading.Event)
    held: list[dict[str, Any]] = field(default_factory=lambda: [boat("1")])

    def entity(self, one: dict[str, Any]) -> dict[str, Any]:
        assert self.open.wait(20)
        return {**one, "boats": self.held, "best": self.held[-1], "captain": None}


@pytest.fixture(scope="module")
def city_harbour(
    city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, Service, Path]]:
    folder = tmp_path_factory.mktemp("harbour")
    systems = folder / "systems"
    systems.mkdir()
    for name in ("jt-permit.yaml", "jt-permit.graphql"):
        (systems / name).write_bytes((ROOT / "systems" / name).read_bytes())
    (systems / "specs").symlink_to(ROOT / "systems" / "specs")
    with service("boats", BOATS, root={"hello": "您好", "boats": [boat("1")]}) as running:
        declare(systems, running, timeout_ms=20_000)
        with here(folder, systems, city_environ, watch=False, max_deadline_ms=20_000) as client:
            yield client, running, folder


@pytest.fixture
def harbour(city_harbour: tuple[Client, Service, Path]) -> Iterator[Harbour]:
    client, running, _ = city_harbour
    made = Harbour(client, running)
    running.entity = made.entity
    yield made
    made.open.set()


def test_the_first_part_leaves_before_the_later_one_is_known(harbour: Harbour) -> None:
    with asked_in_parts(harbour.client, HERE) as parts:
        assert parts.response.headers["content-type"] == (
            'multipart/mixed; boundary="graphql"; deferSpec=20220824'
        )
        answers = iter(parts)
        assert next(answers) == {"data": NAMED, "hasNext": True}
        harbour.open.set()
        later = {"path": ["region"], "label": "boats", "data": {"boats": [{"no": "1", "name": "朝天门"}]}}
        assert next(answers) == {"incremental": [later], "hasNext": False}
        assert list(answers) == []


WHOLE = {"region": {"name": "九龙坡区", "boats": [{"no": "1", "name": "朝天门"}]}}


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/graphql-response+json, application/json;q=0.9",
        "multipart/mixed;incrementalSpec=v0.2, application/json",
        'multipart/mixed;boundary="graphql";subscriptionSpec=1.0, application/json',
        "multipart/mixed;deferSpec=20220824;q=0, application/json",
        "*/*",
    ],
)
def test_who_does_not_take_parts_is_given_the_whole(harbour: Harbour, accept: str) -> None:
    harbour.open.set()
    asked = harbour.client.ask(HERE, accept=accept)
    assert (asked.status, asked.body) == (200, {"data": WHOLE})


def test_what_is_deferred_depends_on_a_variable(harbour: Harbour) -> None:
    harbour.open.set()
    query = HERE.replace("{ region", "query ($later: Boolean! = true) { region", 1).replace(
        "@defer(", "@defer(if: $later, "
    )
    with asked_in_parts(harbour.client, query) as parts:
        assert [part["hasNext"] for part in parts] == [True, False]
    with asked_in_parts(harbour.client, query, {"later": False}) as parts:
        assert parts.response.headers["content-type"].startswith("application/json")
        assert parts.response.read()
        assert parts.response.json() == {"data": WHOLE}


def test_what_no_further_fetch_is_needed_for_is_answered_with_the_first_part(harbour: Harbour) -> None:
    query = '{ region(code: "500107") { name ... @defer { code level } } }'
    with asked_in_parts(harbour.client, query) as parts:
        parts.response.read()
        assert parts.response.json()["data"]["region"].keys() == {"name", "code", "level"}


def test_root_fields_may_come_later_though_their_subgraph_is_asked_at_first(harbour: Harbour) -> None:
    query = '{ region(code: "500107") { name } ... @defer { other: region(code: "500103") { name } } }'
    with asked_in_parts(harbour.client, query) as parts:
        first, later = parts
    assert first == {"data": NAMED, "hasNext": True}
    assert later == {
        "incremental": [{"path": [], "data": {"other": {"name": "渝中区"}}}],
        "hasNext": False,
    }


def test_each_object_of_a_list_has_its_part_and_all_are_fetched_at_once(harbour: Harbour) -> None:
    harbour.open.set()
    asked_before = len(harbour.boats.asked)
    query = "{ regions(level: DISTRICT) { nodes { code ... @defer { boats { no } } } } }"
    with asked_in_parts(harbour.client, query) as parts:
        first, later = parts
    nodes = first["data"]["regions"]["nodes"]
    assert [one["path"] for one in later["incremental"]] == [
        ["regions", "nodes", index] for index in range(len(nodes))
    ]
    assert {str(one["data"]) for one in later["incremental"]} == {"{'boats': [{'no': '1'}]}"}
    assert len(harbour.boats.asked) == asked_before + 1


def test_a_part_in_a_part_comes_after_it(harbour: Harbour) -> None:
    query = """{ region(code: "500107") { name ... @defer(label: "outer") {
      best { no ... @defer(label: "inner") { home { name } } } } } }"""
    harbour.open.set()
    with asked_in_parts(harbour.client, query) as parts:
        first, outer, inner = parts
    assert first["data"] == NAMED
    assert outer["incremental"] == [{"label": "outer", "path": ["region"], "data": {"best": {"no": "1"}}}]
    assert inner["incremental"] == [
        {"label": "inner", "path": ["region", "best"], "data": {"home": {"name": "九龙坡区"}}}
    ]


# --- what goes wrong ---


def test_an_error_of_a_part_comes_with_it_at_its_place_in_the_whole(harbour: Harbour) -> None:
    def unknown(_info: Any) -> str:
        raise ValueError("船名未登记")

    harbour.open.set()
    harbour.held = [boat("1"), boat("2", unknown)]
    with asked_in_parts(harbour.client, HERE) as parts:
        first, later = parts
    assert "errors" not in first
    [part] = later["incremental"]
    assert part["data"] == {"boats": None}
    [error] = part["errors"]
    assert (error["path"], error["message"]) == (["region", "boats", 1, "name"], "船名未登记")
    assert error["extensions"]["service"] == "boats"


def test_null_bubbles_no_further_than_to_the_fragment(harbour: Harbour) -> None:
    harbour.open.set()
    query = '{ region(code: "500107") { name ... @defer { best { no } captain } } }'
    with asked_in_parts(harbour.client, query) as parts:
        first, later = parts
    assert first["data"] == NAMED
    [part] = later["incremental"]
    assert part["data"] is None
    assert ["region", "captain"] in [error["path"] for error in part["errors"]]


def test_a_service_that_is_down_costs_its_part_only(city_environ: dict[str, str], tmp_path: Path) -> None:
    systems = tmp_path / "systems"
    systems.mkdir()
    with service("boats", BOATS) as running:
        declare(systems, running, timeout_ms=5000)
        with here(tmp_path, systems, {}, watch=False) as client:
            running.stop()
            with asked_in_parts(client, HERE) as parts:
                first, later = parts
    assert first == {"data": NAMED, "hasNext": True}
    [part] = later["incremental"]
    assert part["data"] == {"boats": None}
    assert [error["extensions"]["code"] for error in part["errors"]] == ["SOURCE_UNAVAILABLE"]


def test_the_deadline_is_that_of_the_whole_request(tmp_path: Path, systems_dir: Path) -> None:
    closed = threading.Event()

    def entity(one: dict[str, Any]) -> dict[str, Any]:
        closed.wait(20)
        return one

    with service("boats", BOATS, entity=entity) as running:
        declare(systems_dir, running, timeout_ms=20_000)
        limits = {"max_deadline_ms": 1500, "default_deadline_ms": 1500}
        with here(tmp_path, systems_dir, {}, watch=False, **limits) as client:
            with asked_in_parts(client, HERE) as parts:
                first, later = parts
            closed.set()
    assert first["data"] == NAMED
    [part] = later["incremental"]
    assert part["data"] == {"boats": None}
    [error] = part["errors"]
    assert error["extensions"]["code"] in ("SOURCE_TIMEOUT", "DEADLINE_EXCEEDED")
    assert later["hasNext"] is False


def test_a_field_that_is_withheld_is_told_of_with_its_part(harbour: Harbour) -> None:
    query = """{ region(code: "500107") { name } ... @defer {
      other: region(code: "500103") { name } cases(first: 1) { nodes { id } } } }"""
    with asked_in_parts(harbour.client, query, token=CITIZEN) as parts:
        first, later = parts
    assert first == {"data": NAMED, "hasNext": True}
    [part] = later["incremental"]
    assert part["data"] == {"other": {"name": "渝中区"}, "cases": None}
    assert [(error["path"], error["extensions"]["code"]) for error in part["errors"]] == [
        (["cases"], "FORBIDDEN")
    ]


def test_what_is_refused_is_refused_as_ever(harbour: Harbour) -> None:
    accept = "multipart/mixed;deferSpec=20220824, application/graphql-response+json"
    with asked_in_parts(harbour.client, "{ nothing ... @defer { hello } }", accept=accept) as parts:
        parts.response.read()
        assert parts.response.status_code == 400
        assert parts.response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_who_takes_nothing_but_parts_is_given_one(harbour: Harbour) -> None:
    with asked_in_parts(harbour.client, "{ hello }", accept="multipart/mixed") as parts:
        assert list(parts) == [{"data": {"hello": "您好"}, "hasNext": False}]


def test_what_is_asked_of_the_schema_itself_is_answered_at_once(harbour: Harbour) -> None:
    query = "{ ... @defer { __schema { ... @defer { queryType { name } } } } }"
    with asked_in_parts(harbour.client, query) as parts:
        parts.response.read()
        assert parts.response.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    told = harbour.client.data("{ __schema { directives { name args { name } } } }")["__schema"]["directives"]
    assert {"name": "defer", "args": [{"name": "if"}, {"name": "label"}]} in told


def test_introspection_beside_parts_shows_what_the_caller_may_use(harbour: Harbour) -> None:
    harbour.open.set()
    query = '{ __type(name: "Query") { fields { name } } region(code: "500107") { name ... @defer { boats { no } } } }'
    shown = {}
    for token in (CLERK, None):
        with asked_in_parts(harbour.client, query, token=token) as parts:
            first, _ = parts
        shown[token] = first["data"]["__type"]
        assert shown[token] == harbour.client.data(query, token=token)["__type"]
    assert shown[CLERK] != shown[None]


def test_a_client_that_leaves_takes_its_request_with_it(harbour: Harbour) -> None:
    with asked_in_parts(harbour.client, HERE) as parts:
        assert next(iter(parts))["hasNext"] is True
    harbour.client.http.close()
    harbour.client.http = type(harbour.client)(harbour.client.url).http
    until(
        lambda: harbour.client.metric("quanyu_http_requests_in_flight") <= 1,
        what="nothing is under way but this question",
    )


# --- looks ---


CASE = "JT-PERMIT:JT2017-000123"
LOOKED = f"""{{ region(code: "500107") {{ name }} ... @defer(label: "case") {{ case(id: "{CASE}") {{ id state }} }} }}"""


def test_a_part_that_tells_of_a_case_is_recorded_before_it_leaves(
    harbour: Harbour, city_harbour: tuple[Client, Service, Path]
) -> None:
    records = Records("", city_harbour[2])
    before = len(records.looks())
    with asked_in_parts(harbour.client, LOOKED) as parts:
        _, later = parts
    assert later["incremental"][0]["data"]["case"]["id"] == CASE
    looks = records.looks()[before:]
    assert [case for look in looks for case in look["cases"]] == [CASE]
    assert len(looks) == 2
    assert {look["fields"] for look in map(_listed, looks)} == {("case.id", "case.state")}


def _listed(look: dict[str, Any]) -> dict[str, Any]:
    return {**look, "fields": tuple(look["fields"])}


def test_a_part_whose_record_cannot_be_written_does_not_leave(
    city_environ: dict[str, str], tmp_path: Path
) -> None:
    gate = threading.Event()

    def entity(one: dict[str, Any]) -> dict[str, Any]:
        assert gate.wait(20)
        return {**one, "boats": [boat("1")]}

    systems = tmp_path / "systems"
    systems.mkdir()
    query = (
        f'{{ case(id: "{CASE}") {{ id }} region(code: "500107") {{ name ... @defer {{ boats {{ no }} }} }} }}'
    )
    with postgres_server() as server, service("boats", BOATS, entity=entity) as running:
        execute_on(server, "CREATE DATABASE records")
        make_tables(server.url("records"))
        declare(systems, running, timeout_ms=20_000)
        settings = {"database_url": server.url("records"), "max_deadline_ms": 20_000}
        with (
            here(tmp_path, systems, city_environ, watch=False, **settings) as client,
            asked_in_parts(client, query) as parts,
        ):
            answers = iter(parts)
            assert next(answers)["data"]["region"] == {"name": "九龙坡区"}
            server.kill()
            gate.set()
            later = list(answers)
    [part] = later[0]["incremental"]
    assert (part["path"], part["data"]) == (["region"], None)
    assert [error["extensions"]["code"] for error in part["errors"]] == ["AUDIT_UNAVAILABLE"]
    assert later[-1]["hasNext"] is False


# --- other people's clients ---


def test_apollo_client_and_urql_put_the_parts_together(harbour: Harbour) -> None:
    harbour.open.set()
    found = run_node("defers.mjs", harbour.client.url + "/graphql", CLERK, HERE)
    for states in found.values():
        assert states[0] == NAMED
        assert states[-1] == WHOLE
