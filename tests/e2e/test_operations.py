"""What operators see: health, metrics, logs, a clean stop, and what stands in the way of a start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from samples.catalogue import SYSTEMS
from tests.e2e import stubs
from tests.e2e.gateways import ROOT, Child, Client, child_gateway, clean_environment, here
from tests.e2e.stubs import answering, declaration, row, stub
from tests.e2e.waiting import until
from tests.services import free_port

QUERY = "query List { cases(first: 10, deadlineMs: 9000) { nodes { id } sources { status } } }"


@pytest.fixture(scope="module")
def child(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    with child_gateway(tmp_path_factory.mktemp("operated"), ROOT / "systems", city_environ) as running:
        yield running


def test_live_and_ready(gateway: Client) -> None:
    live = gateway.http.get("/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    code, report = gateway.ready()
    assert code == 200
    assert report["generation"] == 1
    assert set(report["systems"]) == {*SYSTEMS, "zjj-lift"}


def test_metrics_tell_each_system_by_itself(gateway: Client) -> None:
    gateway.ask("{cases(first: 1) {nodes {id}}}")
    gateway.ask("{cases(first: 1) {nodes {id}}}")
    text = gateway.metrics()
    for name in (
        "quanyu_system_calls_total",
        "quanyu_system_call_duration_seconds_bucket",
        "quanyu_system_attempts_total",
        "quanyu_system_breaker_state",
        "quanyu_cache_requests_total",
    ):
        for system in ("JT-PERMIT", "SLJ-WATER", "RSJ-SOCIAL"):
            assert any(
                line.startswith(name + "{") and f'system="{system}"' in line for line in text.splitlines()
            ), (name, system)
    assert gateway.metric('quanyu_cache_requests_total{status="hit",system="JT-PERMIT"}') >= 1
    assert gateway.metric('quanyu_http_requests_total{method="POST",route="/graphql",status="200"}') >= 2
    assert gateway.metric('quanyu_operations_total{outcome="ok",type="query"}') >= 1


def test_errors_of_a_system_are_counted_by_code(systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "dead.yaml").write_text(
        declaration("DEAD", f"http://127.0.0.1:{free_port()}"), encoding="utf-8"
    )
    with here(tmp_path, systems_dir, {}, watch=False) as client:
        client.ask(QUERY)
        calls = 'quanyu_system_calls_total{code="SOURCE_UNAVAILABLE",system="DEAD"}'
        assert client.metric(calls) == 1
        assert client.metric('quanyu_operations_total{outcome="partial",type="query"}') == 1


def test_labels_are_bounded(gateway: Client) -> None:
    """Nothing that a client makes up becomes a series."""
    gateway.ask("query MadeUpName {__typename}")
    gateway.http.get("/made/up/path")
    gateway.http.request("MADEUP", "/graphql")
    text = gateway.metrics()
    for word in ("MadeUpName", "made/up", "MADEUP"):
        assert word not in text


def test_log_lines_are_json_with_what_an_operator_needs(child: Child) -> None:
    child.client.data(QUERY)
    child.client.http.get("/health/live", headers={"x-request-id": "my-own-id"})
    reply = child.client.http.post(
        "/graphql", json={"query": "{nope}"}, headers={"x-request-id": "of-the-client-7"}
    )
    assert reply.headers["x-request-id"] == "of-the-client-7"
    [listed] = until(
        lambda: [one for one in child.lines("request") if one.get("operation_name") == "List"], what="logged"
    )
    assert listed["caller"] == "demo-clerk"
    assert listed["operation"] == "query"
    assert listed["status"] == 200
    assert listed["ms"] > 0
    [refused] = until(
        lambda: [one for one in child.lines("request") if one["request_id"] == "of-the-client-7"],
        what="logged",
    )
    assert refused["codes"] == ["GRAPHQL_VALIDATION_FAILED"]
    for line in child.lines():
        assert {"timestamp", "level", "event"} <= line.keys()
    [service] = child.lines("generation in service")
    assert (service["systems"], service["absent"]) == (8, [])


def test_a_failing_question_leaves_no_trace_in_the_log(child: Child) -> None:
    for query in (
        "{cases(first: 0) {nodes {id}}}",
        '{cases(after: "x") {nodes {id}}}',
        '{case(id: "x") {id}}',
    ):
        child.client.ask(query)
    assert not [line for line in child.lines() if line["level"] in ("error", "critical")]


def test_sigterm_drains_requests_in_flight(systems_dir: Path, tmp_path: Path) -> None:
    gate = stubs.Gate(answering([row("AA-1")]))
    with stub(gate) as server, ThreadPoolExecutor(8) as pool:
        for code in ("AA", "BB", "CC", "DD"):
            text = declaration(code, server.url, timeout_ms=20000)
            (systems_dir / f"{code}.yaml").write_text(text, encoding="utf-8")
        with child_gateway(tmp_path, systems_dir, {}, drain_s="20") as child:
            clients = [Client(child.client.url) for _ in range(8)]
            answers = [
                pool.submit(client.ask, QUERY.replace("first: 10", f"first: {10 + n}"))
                for n, client in enumerate(clients)
            ]
            in_flight = "quanyu_http_requests_in_flight"
            until(lambda: child.client.metric(in_flight) >= 8 and gate.held >= 4, what="eight requests wait")
            child.process.send_signal(signal.SIGTERM)
            until(lambda: child.lines("draining"), what="the gateway drains")
            assert child.process.poll() is None
            gate.open()
            for answer in answers:
                asked = answer.result(20)
                assert (asked.status, asked.errors) == (200, [])
                assert [one["status"] for one in asked.data["cases"]["sources"]] == ["OK"] * 4
            assert child.process.wait(20) == 0
            for client in clients:
                client.close()


def test_while_draining_ready_says_so_and_requests_are_served(systems_dir: Path, tmp_path: Path) -> None:
    gate = stubs.Gate(answering([row("AA-1")]))
    with stub(gate) as server, ThreadPoolExecutor(1) as pool:
        (systems_dir / "aa.yaml").write_text(
            declaration("AA", server.url, timeout_ms=20000), encoding="utf-8"
        )
        with child_gateway(tmp_path, systems_dir, {}, drain_s="30", drain_notice_s="25") as child:
            waiting = pool.submit(Client(child.client.url).ask, QUERY)
            until(lambda: gate.held == 1, what="a request is in flight")
            child.process.send_signal(signal.SIGTERM)
            until(lambda: child.client.ready()[0] == 503, what="the notice is given")
            assert child.client.ready()[1]["status"] == "draining"
            assert child.client.data("{regions(first: 1) {totalCount}}") == {"regions": {"totalCount": 46}}
            assert child.client.http.get("/health/live").status_code == 200
            gate.open()
            assert waiting.result(20).status == 200
            child.process.send_signal(signal.SIGINT)  # enough of it
            assert child.process.wait(20) == 0


def serve(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`quanyu serve` where it cannot start."""
    return subprocess.run(
        [sys.executable, "-m", "quanyu", "serve", *arguments],
        cwd=ROOT,
        env=clean_environment() | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_taken_port_is_reported(systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = serve({"QUANYU_DATA_DIR": str(tmp_path)}, "--port", port, "--systems", str(systems_dir))
    assert ended.returncode == 2
    assert f"Port {port}" in ended.stderr
    assert "taken" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_another_port_is_taken_where_that_is_wished(systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with child_gateway_on(systems_dir, tmp_path, port) as child:
            assert child.client.url != f"http://127.0.0.1:{port}"
            assert f"port {port} is taken" in child.text()
            assert child.client.http.get("/health/live").status_code == 200


def child_gateway_on(systems_dir: Path, tmp_path: Path, port: int):  # type: ignore[no-untyped-def]  # a context manager
    return child_gateway(tmp_path, systems_dir, {}, port=str(port), choose_port="true")


def test_all_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    ended = serve(
        {
            "QUANYU_PORT": "many",
            "QUANYU_MAX_FIRST": "0",
            "QUANYU_LOG_LEVEL": "loud",
            "QUANYU_SYSTEM_DIR": "x",
            "QUANYU_SECRET_KEY": "env:NOT_SET_ANYWHERE",
            "QUANYU_CONFIG": str(tmp_path / "not-there.toml"),
        }
    )
    assert ended.returncode == 2
    for word in (
        "QUANYU_PORT",
        "QUANYU_MAX_FIRST",
        "QUANYU_LOG_LEVEL",
        "QUANYU_SYSTEMS_DIR?",
        "NOT_SET_ANYWHERE",
        "not-there.toml",
    ):
        assert word in ended.stderr, word
    assert len(ended.stderr.strip().splitlines()) == 6
    assert "Traceback" not in ended.stderr


def test_all_wrong_declarations_are_told_at_once(systems_dir: Path, tmp_path: Path) -> None:
    good = declaration("AA", "http://127.0.0.1:9")
    (systems_dir / "aa.yaml").write_text(good.replace("SL: ACCEPTED", "SL: NOPE"), encoding="utf-8")
    (systems_dir / "bb.yaml").write_text("system: [", encoding="utf-8")
    (systems_dir / "cc.yaml").write_text(good.replace("code: AA", "code: cc"), encoding="utf-8")
    ended = serve({"QUANYU_DATA_DIR": str(tmp_path)}, "--port", "0", "--systems", str(systems_dir))
    assert ended.returncode == 2
    for file in ("aa.yaml:", "bb.yaml:", "cc.yaml:"):
        assert file in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("QUANYU_REGISTRY_DIR", "regions.csv"),
        ("QUANYU_SYSTEMS_DIR", "no such file or folder"),
    ],
)
def test_a_missing_file_is_named(systems_dir: Path, tmp_path: Path, variable: str, words: str) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    given = {"QUANYU_DATA_DIR": str(tmp_path), "QUANYU_SYSTEMS_DIR": str(systems_dir), "QUANYU_PORT": "0"}
    ended = serve(given | {variable: str(tmp_path / "not-there")})
    assert ended.returncode == 2
    assert "not-there" in ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_limits_are_what_the_settings_say(systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    with here(
        tmp_path, systems_dir, {}, watch=False, max_query_depth=3, max_query_tokens=50, max_body_bytes=2000
    ) as client:
        assert client.ask('{region(code: "500107") {parent {parent {code}}}}').codes == ["LIMIT_EXCEEDED"]
        assert client.ask("{" + "__typename " * 60 + "}").codes == ["GRAPHQL_PARSE_FAILED"]
        assert client.ask("{__typename}" + " " * 3000).status == 413


def test_the_largest_page_is_what_the_settings_say(systems_dir: Path, tmp_path: Path) -> None:
    with stub(answering([row(f"AA-{n}") for n in range(9)])) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        with here(tmp_path, systems_dir, {}, watch=False, max_first=5) as client:
            assert client.ask("{cases(first: 5) {nodes {id}}}").errors == []
            assert client.ask("{cases(first: 6) {nodes {id}}}").codes == ["LIMIT_EXCEEDED"]
            assert client.ask("{regions(first: 6) {totalCount}}").codes == ["LIMIT_EXCEEDED"]


def test_the_deadline_of_a_list_that_says_none_is_what_the_settings_say(
    systems_dir: Path, tmp_path: Path
) -> None:
    with stub(stubs.silent) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url, timeout_ms=9000), encoding="utf-8")
        with here(tmp_path, systems_dir, {}, watch=False, default_deadline_ms=150) as client:
            [outcome] = client.ask("{cases {sources {status latencyMs}}}").data["cases"]["sources"]
            assert outcome["status"] == "TIMEOUT"
            assert outcome["latencyMs"] < 1900


def test_the_longest_deadline_is_what_the_settings_say(systems_dir: Path, tmp_path: Path) -> None:
    with stub(stubs.silent) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url, timeout_ms=9000), encoding="utf-8")
        with here(
            tmp_path, systems_dir, {}, watch=False, max_deadline_ms=200, default_deadline_ms=100
        ) as client:
            asked = client.ask("{cases(deadlineMs: 60000) {sources {status latencyMs}}}")
            [outcome] = asked.data["cases"]["sources"]
            assert outcome["status"] == "TIMEOUT"
            assert outcome["latencyMs"] < 1900


def test_metrics_and_graphiql_can_be_turned_off(systems_dir: Path, tmp_path: Path) -> None:
    (systems_dir / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    with here(tmp_path, systems_dir, {}, watch=False, metrics=False, graphiql=False) as client:
        assert client.http.get("/metrics").status_code == 404
        assert client.http.get("/graphql", headers={"accept": "text/html"}).status_code in (400, 406)


def test_a_browser_gets_the_page(child: Child) -> None:
    with httpx.Client(trust_env=False) as browser:
        reply = browser.get(f"{child.client.url}/graphql", headers={"accept": "text/html"})
    assert reply.status_code in (200, 503)
    assert reply.headers["content-type"].startswith("text/html")
    assert "办件" in reply.text or "GraphiQL" in reply.text


def test_the_secret_key_is_kept_between_starts(systems_dir: Path, tmp_path: Path) -> None:
    """Without a key of one's own, ids and cursors still live over a restart."""
    rows = [row(f"AA-{n}", applied=f"2017-06-{n + 1:02d}T09:00:00+08:00") for n in range(5)]
    query = (
        "query ($c: String) {cases(first: 2, after: $c) {nodes {id applicant {ref}} pageInfo {endCursor}}}"
    )
    with stub(answering(rows)) as server:
        (systems_dir / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        with here(tmp_path, systems_dir, {}, watch=False, secret_key="") as client:
            first = client.data(query)["cases"]
        with here(tmp_path, systems_dir, {}, watch=False, secret_key="") as client:
            second = client.data(query, {"c": first["pageInfo"]["endCursor"]})["cases"]
        assert [node["id"] for node in second["nodes"]] == ["AA:AA-2", "AA:AA-1"]
        assert second["nodes"][0]["applicant"] == first["nodes"][0]["applicant"]
