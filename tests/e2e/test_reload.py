"""Declarations change under load: the new value appears, no request fails, and what is wrong never gets in."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samples.children import running_children
from tests.e2e import stubs
from tests.e2e.answers import ids
from tests.e2e.gateways import ROOT, Asked, Child, Client, child_gateway, here
from tests.e2e.stubs import Stub, answering, declaration, row, stub
from tests.e2e.waiting import until
from tests.services import free_port

QUERY = "{ cases(first: 10, deadlineMs: 10000) { nodes { id state } sources { system status } } }"
ROWS = [row("AA-1"), row("AA-2", status="BJ", applied="2017-05-01T09:00:00+08:00")]


def put(folder: Path, code: str, text: str) -> None:
    """Written whole or not at all, as an editor does it."""
    draft = folder / f".{code}.draft"
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, folder / f"{code.lower()}.yaml")


def states(asked: Asked) -> dict[str, str]:
    return {node["id"]: node["state"] for node in asked.data["cases"]["nodes"]}


def put_own_types(folder: Path) -> None:
    """The SDL beside the declaration of JT-PERMIT."""
    shutil.copy(ROOT / "systems/jt-permit.graphql", folder)


@pytest.fixture
def system() -> Iterator[Stub]:
    with stub(answering(ROWS)) as server:
        yield server


@dataclass
class Load:
    """Clients that ask without a pause; `wrong` has the answers that no client should get."""

    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


@contextmanager
def under_load(url: str, query: str, *, clients: int = 8) -> Iterator[Load]:
    load, stop, lock = Load(), threading.Event(), threading.Lock()

    def ask_on(client: Client) -> None:
        while not stop.is_set():
            try:
                answer = client.ask(query)
                failed = answer.status != 200 or answer.errors
            except Exception as error:
                answer, failed = Asked(0, repr(error), {}), True
            with lock:
                load.asked += 1
                if failed:
                    load.wrong.append(answer.text)
                else:
                    load.seen.update(states(answer).values())

    with ThreadPoolExecutor(clients) as pool:
        askers = [Client(url) for _ in range(clients)]
        running = [pool.submit(ask_on, one) for one in askers]
        try:
            until(lambda: load.asked >= clients, what="all clients ask")
            yield load
        finally:
            stop.set()
            for one in running:
                one.result(30)
            for client in askers:
                client.close()


def reloads(client: Client, result: str) -> float:
    return client.metric(f'quanyu_reloads_total{{result="{result}"}}')


def test_a_changed_table_entry_appears_and_no_request_fails(
    systems_dir: Path, tmp_path: Path, system: Stub
) -> None:
    put(systems_dir, "AA", declaration("AA", system.url))
    with here(tmp_path, systems_dir, {}) as client, under_load(client.url, QUERY) as load:
        for generation, meaning in enumerate(("UNDER_REVIEW", "SUSPENDED", "ACCEPTED", "RECEIVED"), 2):
            put(systems_dir, "AA", declaration("AA", system.url, accepted=meaning))
            until(lambda: states(client.ask(QUERY))["AA:AA-1"] == meaning, what=f"{meaning} appears")  # noqa: B023
            assert client.ready()[1]["generation"] == generation
            after = load.asked + 40
            until(lambda: load.asked >= after, what="the clients ask on")  # noqa: B023
        assert reloads(client, "ok") == 4
    assert load.wrong == []
    assert {"ACCEPTED", "UNDER_REVIEW", "SUSPENDED", "RECEIVED"} <= load.seen


def test_soap_and_graphql_systems_reload_under_load(
    systems_dir: Path, tmp_path: Path, city_environ: dict[str, str]
) -> None:
    put_own_types(systems_dir)
    for name in ("jt-permit", "rsj-social", "mzj-civil"):
        text = (ROOT / f"systems/{name}.yaml").read_text(encoding="utf-8")
        put(systems_dir, name, text.replace("ttlS: 5, staleIfErrorS: 600", "ttlS: 0, staleIfErrorS: 0"))
    text = (systems_dir / "jt-permit.yaml").read_text(encoding="utf-8")
    query = QUERY.replace("first: 10", "first: 30")
    with (
        here(tmp_path, systems_dir, city_environ) as client,
        under_load(client.url, query, clients=4) as load,
    ):
        for meaning in ("VOIDED", "CLOSED"):
            put(systems_dir, "jt-permit", text.replace("BJ: CLOSED", f"BJ: {meaning}", 1))
            jt = '{cases(systems: ["JT-PERMIT"], first: 100) {nodes {id state}}}'
            until(lambda: meaning in states(client.ask(jt)).values(), what=f"{meaning} appears")  # noqa: B023
            after = load.asked + 12
            until(lambda: load.asked >= after, what="the clients ask on")  # noqa: B023
    assert load.wrong == []


def test_a_request_finishes_on_the_declarations_it_began_with(systems_dir: Path, tmp_path: Path) -> None:
    gate = stubs.Gate(answering(ROWS))
    with stub(gate) as slow, ThreadPoolExecutor(2) as pool:
        put(systems_dir, "AA", declaration("AA", slow.url, timeout_ms=20000))
        with here(tmp_path, systems_dir, {}) as client:
            old = pool.submit(client.ask, QUERY)
            until(lambda: gate.held == 1, what="the system is asked")
            put(systems_dir, "AA", declaration("AA", slow.url, timeout_ms=20000, accepted="SUSPENDED"))
            until(lambda: client.ready()[1]["generation"] == 2, what="the new declarations are in service")
            new = pool.submit(client.ask, QUERY)
            until(lambda: gate.held == 2, what="the system is asked anew")
            gate.open()
            assert states(old.result(20))["AA:AA-1"] == "ACCEPTED"
            assert states(new.result(20))["AA:AA-1"] == "SUSPENDED"


# regression: identical calls shared a flight across generations, and it ended with the generation that began it
def test_a_call_of_the_former_generation_is_not_shared_with_the_new_one(
    systems_dir: Path, tmp_path: Path, system: Stub
) -> None:
    gate = stubs.Gate(answering(ROWS))
    with stub(gate) as slow, ThreadPoolExecutor(2) as pool:
        put(systems_dir, "AA", declaration("AA", slow.url, timeout_ms=20000))
        with here(tmp_path, systems_dir, {}) as client:
            short = pool.submit(client.ask, QUERY.replace("10000", "5000"))
            until(lambda: gate.held == 1, what="the system is asked")
            put(systems_dir, "BB", declaration("BB", system.url))  # AA itself does not change
            until(lambda: client.ready()[1]["generation"] == 2, what="the new declarations are in service")
            query = QUERY.replace("first: 10", 'systems: ["AA"]')
            patient = pool.submit(client.ask, query)
            until(lambda: gate.held == 2, what="the system is asked anew")
            assert short.result(20).codes == ["SOURCE_TIMEOUT", "NO_SOURCE_ANSWERED"]
            gate.open()
            asked = patient.result(20)
            assert asked.errors == []
            assert states(asked) == {"AA:AA-1": "ACCEPTED", "AA:AA-2": "CLOSED"}


def test_a_new_file_is_a_new_system_and_a_removed_one_is_gone(
    systems_dir: Path, tmp_path: Path, system: Stub
) -> None:
    put(systems_dir, "AA", declaration("AA", system.url))
    codes = "{legacySystems(first: 10) {nodes {code}}}"

    def known(client: Client) -> list[str]:
        return [node["code"] for node in client.data(codes)["legacySystems"]["nodes"]]

    with stub(answering([row("BB-1")])) as other, here(tmp_path, systems_dir, {}) as client:
        with under_load(client.url, QUERY) as load:
            put(systems_dir, "BB", declaration("BB", other.url))
            until(lambda: known(client) == ["AA", "BB"], what="BB appears")
            assert "BB:BB-1" in states(client.ask(QUERY))
            assert client.ready()[1]["systems"].keys() == {"AA", "BB"}
            (systems_dir / "bb.yaml").unlink()
            until(lambda: known(client) == ["AA"], what="BB is gone")
        assert load.wrong == []
        assert ids(client.data(QUERY)["cases"]) == ["AA:AA-1", "AA:AA-2"]
        gone = client.ask('{case(id: "BB:BB-1") {id}}')
        assert gone.codes == ["SYSTEM_UNKNOWN"]
        assert reloads(client, "ok") == 2


def test_what_a_system_did_before_is_remembered_over_a_reload(
    systems_dir: Path, tmp_path: Path, system: Stub
) -> None:
    """Breaker and counts go on; otherwise each reload would send everyone to a dead system again."""
    put(systems_dir, "AA", declaration("AA", system.url))
    put(systems_dir, "BB", declaration("BB", f"http://127.0.0.1:{free_port()}"))
    with here(tmp_path, systems_dir, {}) as client:
        until(lambda: client.ready()[1]["down"] == ["BB"], what="BB is down") if client.ask(QUERY) else None
        put(systems_dir, "AA", declaration("AA", system.url, accepted="SUSPENDED"))
        until(lambda: client.ready()[1]["generation"] == 2, what="the new declarations are in service")
        report = client.ready()[1]
        assert (report["status"], report["down"]) == ("degraded", ["BB"])
        assert report["systems"]["AA"] == "up"


@pytest.fixture
def child(systems_dir: Path, tmp_path: Path, system: Stub) -> Iterator[Child]:
    put(systems_dir, "AA", declaration("AA", system.url))
    with child_gateway(tmp_path, systems_dir, {}) as running:
        yield running


BAD: list[tuple[str, Callable[[str], str], str]] = [
    ("yaml", lambda text: text.replace("system:", "system: ["), "YAML_SYNTAX"),
    ("enum", lambda text: text.replace("SL: ACCEPTED", "SL: ACEPTED"), "ACEPTED"),
    ("key", lambda text: text.replace("traffic:", "trafic:"), "trafic"),
    ("expression", lambda text: text.replace("state: status |", "state: status | |"), "EXPRESSION"),
    ("reference", lambda text: text.replace('baseUrl: "', 'baseUrl: "${env:NOT_THERE}'), "NOT_THERE"),
]


def test_bad_declarations_are_refused_with_their_place_and_the_old_stay(
    child: Child, systems_dir: Path, system: Stub
) -> None:
    good = declaration("AA", system.url)
    client = child.client
    with under_load(client.url, QUERY) as load:
        for number, (_, spoil, word) in enumerate(BAD, 1):
            put(systems_dir, "AA", spoil(good))
            refused = until(
                lambda: child.lines("changed declarations refused, the old ones stay")[number - 1 :],  # noqa: B023
                what=f"{word} is refused",
            )[-1]
            assert refused["level"] == "error"
            assert any("aa.yaml:" in one and word in one for one in refused["problems"]), refused
            place = refused["problems"][0].split("aa.yaml:")[1]
            assert place.split(":")[0].isdigit()
            assert reloads(client, "refused") >= number
            assert client.ready()[1]["generation"] == 1
        put(systems_dir, "AA", declaration("AA", system.url, accepted="SUSPENDED"))
        until(lambda: states(client.ask(QUERY))["AA:AA-1"] == "SUSPENDED", what="the mended one appears")
    assert load.wrong == []
    assert reloads(client, "ok") == 1


def test_two_systems_with_one_code_are_refused(child: Child, systems_dir: Path, system: Stub) -> None:
    (systems_dir / "zz.yaml").write_text(declaration("AA", system.url), encoding="utf-8")
    [refused] = until(
        lambda: child.lines("changed declarations refused, the old ones stay"),
        what="the second AA is refused",
    )
    assert any("zz.yaml:" in one and "aa.yaml" in one for one in refused["problems"]), refused
    assert states(child.client.ask(QUERY))["AA:AA-1"] == "ACCEPTED"


def test_an_empty_folder_is_refused(child: Child, systems_dir: Path) -> None:
    (systems_dir / "aa.yaml").unlink()
    until(
        lambda: child.lines("changed declarations refused, the old ones stay"),
        what="no declarations are refused",
    )
    assert states(child.client.ask(QUERY))["AA:AA-1"] == "ACCEPTED"


def test_a_soap_system_without_its_wsdl_is_absent_and_joins_later(
    systems_dir: Path, tmp_path: Path, city_environ: dict[str, str], system: Stub
) -> None:
    port = free_port()
    environ = city_environ | {"QUANYU_SAMPLE_JT_PERMIT_URL": f"http://127.0.0.1:{port}"}
    text = (ROOT / "systems/jt-permit.yaml").read_text(encoding="utf-8")
    put_own_types(systems_dir)
    put(systems_dir, "jt-permit", text)
    put(systems_dir, "AA", declaration("AA", system.url))
    with here(tmp_path, systems_dir, environ) as client:
        asked = client.ask(QUERY)
        assert ids(asked.data["cases"]) == ["AA:AA-1", "AA:AA-2"]
        assert asked.data["cases"]["sources"] == [
            {"system": "AA", "status": "OK"},
            {"system": "JT-PERMIT", "status": "UNAVAILABLE"},
        ]
        [error] = asked.errors
        assert (error["extensions"]["code"], error["extensions"]["system"]) == (
            "SOURCE_UNAVAILABLE",
            "JT-PERMIT",
        )
        code, report = client.ready()
        assert (code, report["status"], report["down"]) == (200, "degraded", ["JT-PERMIT"])
        one = client.ask('{case(id: "JT-PERMIT:JT2017-000001") {id}}')
        assert (one.data, one.codes) == ({"case": None}, ["SOURCE_UNAVAILABLE"])
        progress = client.ask('{caseProgress(number: "JT2017-000001") {cases {id} sources {system status}}}')
        assert progress.data["caseProgress"]["sources"] == [{"system": "JT-PERMIT", "status": "UNAVAILABLE"}]
        live = client.ask('{legacySystem(code: "JT-PERMIT") {name items {nodes {name} sources {status}}}}')
        assert live.data["legacySystem"]["items"]["sources"] == [{"status": "UNAVAILABLE"}]
        with running_children([("serve", "JT-PERMIT", "--port", str(port))], os.environ):
            put(systems_dir, "jt-permit", text + "\n# the WSDL answers now\n")
            until(lambda: "JT-PERMIT" not in client.ready()[1]["down"], what="JT-PERMIT joins")
            assert any(one.startswith("JT-PERMIT:") for one in ids(client.data(QUERY)["cases"]))
        # its WSDL does not answer any more, but it is known: a reload keeps the system
        generation = client.ready()[1]["generation"]
        put(systems_dir, "AA", declaration("AA", system.url, accepted="SUSPENDED"))
        until(lambda: client.ready()[1]["generation"] == generation + 1, what="the reload is taken")
        assert client.ask('{case(id: "JT-PERMIT:JT2017-000001") {id}}').codes != ["SYSTEM_UNKNOWN"]
