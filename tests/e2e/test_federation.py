"""One graph of three kinds of subgraph: the house's, the cases of legacy systems, and departments' own services."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from samples.catalogue import SUBGRAPHS
from samples.registry import load_registry, read_rows
from samples.serve import DEFAULT_SEED
from samples.servers.zjj_lift import open_lifts
from tests.e2e.gateways import ROOT, Client, clean_environment, here
from tests.e2e.services import Service, declare, service
from tests.e2e.waiting import until

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])\n'
)
BOATS = (
    LINK
    + """type Query { boats: [Boat!] hello: String }
type Boat @key(fields: "no") { no: ID! name: String home: Region }
type Region @key(fields: "code") { code: RegionCode! boats: [Boat!] }
scalar RegionCode
"""
)
HOME = {"code": "500107"}
BOAT = {"__typename": "Boat", "no": "1", "name": "朝天门", "home": HOME}


def boats(**how: Any) -> Any:
    root = {"boats": [BOAT], "hello": "您好"}
    return service("boats", BOATS, root=root, entity=lambda one: {**one, "boats": [BOAT]}, **how)


# --- the sample city ---


REPORTED = """subscription ($region: RegionCode) { inspectionReported(region: $region) {
  reportNo result department { name } lift { code region { name } }
} }"""


def test_events_of_the_remote_subgraph_are_completed_by_the_house(gateway: Client) -> None:
    region = next(iter(open_lifts(DEFAULT_SEED).by_code.values())).region.code
    with gateway.events(REPORTED, {"region": region}) as events:
        seen = [next(events)["data"]["inspectionReported"] for _ in range(3)]
    lifts = open_lifts(DEFAULT_SEED).by_code
    assert len({one["reportNo"] for one in seen}) >= 1
    for one in seen:
        assert one["department"]["name"] == "市质量技术监督局"
        assert one["lift"]["region"]["name"] == load_registry().regions[region]
        assert lifts[one["lift"]["code"]].region.code == region


ACROSS = """query ($id: ID!) { case(id: $id) {
  id title department { code name nameEn } region { name }
  inspection { result inspectedOn reportNo department { name } lift { code make region { name } } }
} }"""


def an_inspected_case() -> str:
    return next(
        one for one, lifts in open_lifts(DEFAULT_SEED).by_case.items() if one.startswith("FGW") and lifts
    )


def test_one_answer_crosses_house_cases_and_the_remote_subgraph(gateway: Client) -> None:
    case_id = an_inspected_case()
    found = gateway.data(ACROSS, {"id": case_id})["case"]
    lifts = open_lifts(DEFAULT_SEED)
    expected = max(
        (one for lift in lifts.by_case[case_id] for one in lift.inspections), key=lambda one: one.inspected_on
    )
    held = {one.report_no: one for lift in lifts.by_case[case_id] for one in lift.inspections}
    inspection = found["inspection"]
    assert inspection["inspectedOn"] == expected.inspected_on.isoformat()
    assert inspection["lift"]["code"] == held[inspection["reportNo"]].lift.code  # the remote's own
    assert inspection["lift"]["region"]["name"] in load_registry().regions.values()  # the house's
    assert inspection["department"]["name"] == "市质量技术监督局"
    assert found["title"]  # a legacy system's
    assert found["department"]["name"] == "市发展和改革委员会"


def test_a_field_that_was_taken_over_comes_from_its_new_home(gateway: Client) -> None:
    names = {row["uscc"]: row["name_en"] for row in read_rows("departments.csv")}
    before = gateway.metric('quanyu_system_calls_total{code="ok",system="zjj-lift"}')
    nodes = gateway.data("{ departments(first: 100) { nodes { code name nameEn } } }")["departments"]["nodes"]
    assert {node["code"]: node["nameEn"] for node in nodes} == names
    assert gateway.metric('quanyu_system_calls_total{code="ok",system="zjj-lift"}') == before + 1


def test_a_list_of_cases_asks_the_remote_subgraph_once_for_all_of_them(gateway: Client) -> None:
    before = gateway.metric('quanyu_system_calls_total{code="ok",system="zjj-lift"}')
    query = '{ cases(systems: ["FGW-INVEST"], first: 50) { nodes { id inspection { id } } } }'
    nodes = gateway.data(query)["cases"]["nodes"]
    by_case = open_lifts(DEFAULT_SEED).by_case
    assert len(nodes) == 50
    assert {node["id"]: node["inspection"] is not None for node in nodes} == {
        node["id"]: bool(by_case.get(node["id"])) for node in nodes
    }
    assert gateway.metric('quanyu_system_calls_total{code="ok",system="zjj-lift"}') == before + 1


def test_a_header_of_the_client_reaches_the_subgraph_that_names_it(gateway: Client) -> None:
    query = '{ liftsDue(before: "2019-01-01", first: 1) { kind kindName } }'
    words = {}
    for language in ("en-GB", "zh-CN"):
        reply = gateway.http.post("/graphql", json={"query": query}, headers={"accept-language": language})
        [lift] = reply.json()["data"]["liftsDue"]
        words[language] = lift["kindName"]
    assert words["en-GB"].isascii()
    assert not words["zh-CN"].isascii()


def test_the_sdl_file_of_the_sample_subgraph_is_what_the_service_tells(
    city_environ: dict[str, str], tmp_path: Path
) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "quanyu", "check", "systems/subgraphs"],
        cwd=ROOT,
        env=clean_environment() | city_environ | {"QUANYU_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (child.returncode, child.stdout) == (0, "")


def test_ready_tells_how_remote_subgraphs_are(gateway: Client) -> None:
    assert {one.lower() for one in SUBGRAPHS} <= set(gateway.ready()[1]["systems"])


# --- services that fail ---


QUERY = '{ region(code: "500107") { name boats { no name home { name } } } hello }'


def test_a_service_that_goes_down_costs_its_own_fields_only(systems_dir: Path, tmp_path: Path) -> None:
    with boats() as running:
        declare(systems_dir, running)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            assert client.data(QUERY)["region"]["boats"] == [
                {"no": "1", "name": "朝天门", "home": {"name": "九龙坡区"}}
            ]
            running.stop()
            asked = client.ask(QUERY)
            assert asked.status == 200
            assert asked.data == {"region": {"name": "九龙坡区", "boats": None}, "hello": None}
            told = {(error["extensions"]["code"], error["extensions"]["service"]) for error in asked.errors}
            assert told == {("SOURCE_UNAVAILABLE", "boats")}
            assert ["region"] in [error["path"][:1] for error in asked.errors if "path" in error]
            running.start()
            until(lambda: client.ask(QUERY).errors == [], what="the service is asked again")


def test_errors_of_a_service_stand_at_their_place_in_the_whole_answer(
    systems_dir: Path, tmp_path: Path
) -> None:
    def name(_info: Any) -> str:
        raise ValueError("船名未登记")

    with boats() as running:
        running.entity = lambda one: {**one, "boats": [BOAT, {**BOAT, "no": "2", "name": name}]}
        declare(systems_dir, running)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            asked = client.ask('{ here: region(code: "500107") { name all: boats { no name } } }')
    assert asked.data["here"]["all"] == [{"no": "1", "name": "朝天门"}, {"no": "2", "name": None}]
    [error] = asked.errors
    assert (error["path"], error["message"]) == (["here", "all", 1, "name"], "船名未登记")
    assert error["extensions"]["service"] == "boats"


def test_a_gateway_starts_on_the_sdl_file_while_the_service_is_down(
    systems_dir: Path, tmp_path: Path
) -> None:
    with boats() as running:
        declare(systems_dir, running, file=True)
    with here(tmp_path, systems_dir, {}, watch=False) as client:
        asked = client.ask(QUERY)
    assert asked.data == {"region": {"name": "九龙坡区", "boats": None}, "hello": None}
    assert set(asked.codes) == {"SOURCE_UNAVAILABLE"}


def test_a_gateway_starts_on_the_last_sdl_that_it_knew(systems_dir: Path, tmp_path: Path) -> None:
    with boats() as running:
        declare(systems_dir, running)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            assert client.data("{ hello }") == {"hello": "您好"}
    with here(tmp_path, systems_dir, {}, watch=False) as client:
        asked = client.ask(QUERY)
        assert asked.data == {"region": {"name": "九龙坡区", "boats": None}, "hello": None}
        assert set(asked.codes) == {"SOURCE_UNAVAILABLE"}


@pytest.mark.parametrize("composes", [True, False])
def test_a_gateway_does_not_start_on_what_it_cannot_know(
    systems_dir: Path, tmp_path: Path, *, composes: bool
) -> None:
    """Without any SDL, or with one that does not compose: a list of what is wrong, and exit status 2."""
    with boats() as running:
        if not composes:
            running.sdl = BOATS + 'type Wreck @key(fields: "at") { name: Int }\n'
        declare(systems_dir, running, file=not composes)
    child = subprocess.run(
        [sys.executable, "-m", "quanyu", "serve"],
        cwd=ROOT,
        env=clean_environment()
        | {
            "QUANYU_SYSTEMS_DIR": str(systems_dir),
            "QUANYU_DATA_DIR": str(tmp_path / "data"),
            "QUANYU_PORT": "0",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 2
    place = "boats.yaml:3:8: SDL_UNAVAILABLE: " if composes else "boats.graphql:6:1: KEY_INVALID_FIELDS: "
    assert place in child.stderr


# --- changes while it runs ---


class Load:
    """Clients that ask without a pause until they are told to stop, and remember every answer that was not right."""

    def __init__(self, url: str, query: str, right: Any, clients: int = 3) -> None:
        self.wrong: list[str] = []
        self.answers = 0
        self._stop = threading.Event()
        self._url, self._query, self._right = url, query, right
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _ask(self) -> None:
        client = Client(self._url)
        while not self._stop.is_set():
            try:
                asked = client.ask(self._query)
                if (asked.status, asked.data, asked.errors) != (200, self._right, []):
                    self.wrong.append(asked.text)
            except Exception as error:  # whatever it was, the test is to say it
                self.wrong.append(repr(error))
            self.answers += 1
        client.close()


RIGHT = {
    "region": {"name": "九龙坡区", "boats": [{"no": "1", "name": "朝天门", "home": {"name": "九龙坡区"}}]},
    "hello": "您好",
}


def test_a_changed_sdl_takes_effect_under_load_without_a_failed_request(
    systems_dir: Path, tmp_path: Path
) -> None:
    """A good change is taken, a bad one refused, by the poll."""
    with boats() as running:
        declare(systems_dir, running, timeout_ms=10_000)
        with (
            here(tmp_path, systems_dir, {}, watch=False, subgraph_poll_s=0.05) as client,
            Load(client.url, QUERY, RIGHT) as load,
        ):
            running.root = {**running.root, "goodbye": "再见"}
            running.sdl = BOATS.replace("hello: String", "hello: String goodbye: String")
            until(
                lambda: client.ask("{ goodbye }").data == {"goodbye": "再见"}, what="the new field is there"
            )
            generation = client.ready()[1]["generation"]
            # the house has that field, of another type
            running.sdl += "type Department { code: Int! }\n"
            refused = 'quanyu_reloads_total{result="refused"}'
            until(lambda: client.metric(refused) > 0, what="the bad SDL is refused")
            answered = load.answers
            until(lambda: load.answers > answered + 20, what="the load goes on")
            assert client.ready()[1]["generation"] == generation
            assert client.data("{ goodbye }") == {"goodbye": "再见"}
            assert client.metric(refused) == 1
    assert load.wrong == []


def test_a_subgraph_file_and_its_sdl_are_watched(systems_dir: Path, tmp_path: Path) -> None:
    with boats() as running, mutating("north", []) as other:
        declare(systems_dir, other)
        with here(tmp_path, systems_dir, {}) as client:
            assert client.ask("{ hello }").codes == ["GRAPHQL_VALIDATION_FAILED"]
            declare(systems_dir, running, file=True)
            until(lambda: client.ask("{ hello }").data == {"hello": "您好"}, what="the subgraph has joined")
            sdl = systems_dir / "subgraphs/boats.graphql"
            sdl.write_text(BOATS.replace(" hello: String", ""), encoding="utf-8")
            until(lambda: client.ask("{ hello }").status == 400, what="the field is gone")
            (systems_dir / "subgraphs/boats.yaml").unlink()
            until(lambda: client.ask("{ boats { no } }").status == 400, what="the subgraph has left")
            assert client.data('{ region(code: "500107") { name } }') == {"region": {"name": "九龙坡区"}}


# --- mutations, headers ---


def mutating(name: str, log: list[str], **how: Any) -> Any:
    sdl = LINK + (
        f"type Query {{ {name}: String }}\n"
        f"type Mutation {{ {name}Book(no: Int!): String {name}Fail: String }}\n"
        f'type {name.title()} @key(fields: "id") {{ id: ID! }}\n'
    )

    def book(_info: Any, no: int) -> str:
        log.append(f"{name} {no}")
        return f"{name} {no}"

    def fail(_info: Any) -> str:
        log.append(f"{name} fails")
        raise ValueError("没有船")

    return service(name, sdl, root={f"{name}Book": book, f"{name}Fail": fail}, **how)


def test_mutations_run_in_order_across_subgraphs(systems_dir: Path, tmp_path: Path) -> None:
    log: list[str] = []
    query = """mutation { one: northBook(no: 1) two: northBook(no: 2) three: southBook(no: 3)
      failed: southFail four: northBook(no: 4) }"""
    with mutating("north", log) as north, mutating("south", log) as south:
        declare(systems_dir, north)
        declare(systems_dir, south)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            asked = client.ask(query)
    assert log == ["north 1", "north 2", "south 3", "south fails", "north 4"]
    assert asked.data == {
        "one": "north 1",
        "two": "north 2",
        "three": "south 3",
        "failed": None,
        "four": "north 4",
    }
    assert [(error["path"], error["message"]) for error in asked.errors] == [(["failed"], "没有船")]
    assert (len(north.asked), len(south.asked)) == (2, 1)


def test_headers_are_sent_on_by_the_rules_alone(systems_dir: Path, tmp_path: Path) -> None:
    rules = "headers: {propagate: [X-Flow, {name: X-Tenant, sendAs: X-Dept}], static: {X-Channel: quanyu}}"
    with boats() as running:
        declare(systems_dir, running, more=rules)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            sent = {
                "authorization": f"Bearer {client.token}",
                "cookie": "a=b",
                "x-flow": "7",
                "x-tenant": "zjj",
                "x-other": "1",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            }
            client.http.post("/graphql", json={"query": "{ hello }"}, headers=sent)
    [seen] = running.headers
    assert (seen["x-flow"], seen["x-dept"], seen["x-channel"]) == ("7", "zjj", "quanyu")
    assert not {"authorization", "cookie", "x-other", "x-tenant"} & set(seen)
    assert seen["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


def test_a_service_is_only_asked_where_it_is_needed(systems_dir: Path, tmp_path: Path) -> None:
    with boats() as running:
        declare(systems_dir, running)
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            client.data('{ region(code: "500107") { name } }')
            unasked: Service = running
    assert unasked.asked == []
