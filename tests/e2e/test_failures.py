"""What goes wrong in one system costs that system's part and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e import stubs
from tests.e2e.answers import ids
from tests.e2e.gateways import ROOT, Client, here
from tests.e2e.stubs import answering, declaration, row, stub
from tests.e2e.waiting import until
from tests.services import free_port

ERROR_PAGE = "<!DOCTYPE html><html><body><h1>系统维护 SQLException at 10.1.2.3</h1></body></html>".encode()
HUNDRED_MB = 100 * 1024 * 1024
GOOD_ROWS = [row("GOOD-1"), row("GOOD-2", applied="2017-05-01T09:00:00+08:00")]

BROKEN: dict[str, tuple[stubs.Behaviour, str, str]] = {
    "HTML-PAGE": (stubs.http(ERROR_PAGE, content_type="text/html"), "BAD_DATA", "SOURCE_BAD_DATA"),
    "HTML-AS-JSON": (stubs.http(ERROR_PAGE), "BAD_DATA", "SOURCE_BAD_DATA"),
    "NOT-HTTP": (stubs.bytes_then_close(b"\x00\x01\xff garbage\r\n\r\n"), "BAD_DATA", "SOURCE_BAD_DATA"),
    "NOT-JSON": (stubs.http(b"Fatal error: line 12"), "BAD_DATA", "SOURCE_BAD_DATA"),
    "WRONG-CHARSET": (
        stubs.http('{"rows": [{"no": "办件"}], "total": 1}'.encode("gb18030")),
        "BAD_DATA",
        "SOURCE_BAD_DATA",
    ),
    "HUGE-LENGTH": (stubs.endless(HUNDRED_MB, chunked=False), "BAD_DATA", "SOURCE_BAD_DATA"),
    "HUGE-CHUNKS": (stubs.endless(HUNDRED_MB, chunked=True), "BAD_DATA", "SOURCE_BAD_DATA"),
    "CLOSES-EARLY": (stubs.half_of(b'{"rows": [], "total": 0}'), "UNAVAILABLE", "SOURCE_UNAVAILABLE"),
    "CLOSES-AT-ONCE": (stubs.bytes_then_close(b""), "UNAVAILABLE", "SOURCE_UNAVAILABLE"),
    "SILENT": (stubs.silent, "TIMEOUT", "SOURCE_TIMEOUT"),
    "HTML-503": (
        stubs.http(ERROR_PAGE, status="503 Service Unavailable", content_type="text/html"),
        "UNAVAILABLE",
        "SOURCE_UNAVAILABLE",
    ),
    "EMPTY-500": (stubs.http(b"", status="500 Internal Server Error"), "UNAVAILABLE", "SOURCE_UNAVAILABLE"),
    "EMPTY-401": (stubs.http(b"", status="401 Unauthorized"), "REFUSED", "SOURCE_REFUSED"),
    "TEXT-403": (
        stubs.http(b"forbidden", status="403 Forbidden", content_type="text/plain"),
        "REFUSED",
        "SOURCE_REFUSED",
    ),
}
QUERY = """{ cases(first: 10, deadlineMs: 5000) { nodes { id }
  sources { system status errorCode error count asOf } } }"""


def write(folder: Path, code: str, text: str) -> None:
    (folder / f"{code.lower()}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A gateway over one good system and all kinds of bad ones."""
    folder = tmp_path_factory.mktemp("systems")
    with ExitStack() as stack:
        good = stack.enter_context(stub(answering(GOOD_ROWS)))
        write(folder, "GOOD", declaration("GOOD", good.url))
        write(folder, "DEAD", declaration("DEAD", f"http://127.0.0.1:{free_port()}"))
        for code, (behave, _, _) in BROKEN.items():
            server = stack.enter_context(stub(behave))
            timeout_ms = 300 if code == "SILENT" else 4000
            write(folder, code, declaration(code, server.url, timeout_ms=timeout_ms))
        yield stack.enter_context(here(tmp_path_factory.mktemp("gateway"), folder, {}, watch=False))


@pytest.mark.parametrize(
    ("code", "status", "error_code"),
    [("DEAD", "UNAVAILABLE", "SOURCE_UNAVAILABLE")]
    + [(code, status, error_code) for code, (_, status, error_code) in BROKEN.items()],
)
def test_a_broken_system_costs_its_own_part(broken: Client, code: str, status: str, error_code: str) -> None:
    asked = broken.ask(QUERY.replace("first: 10", f'first: 10, systems: ["GOOD", "{code}"]'))
    assert asked.status == 200
    connection = asked.data["cases"]
    assert ids(connection) == ["GOOD:GOOD-1", "GOOD:GOOD-2"]
    outcomes = {one["system"]: one for one in connection["sources"]}
    assert (outcomes["GOOD"]["status"], outcomes["GOOD"]["count"]) == ("OK", 2)
    assert (outcomes[code]["status"], outcomes[code]["errorCode"]) == (status, error_code)
    assert outcomes[code]["error"]
    assert outcomes[code]["count"] == 0
    [error] = asked.errors
    assert error["path"] == ["cases"]
    assert error["extensions"]["code"] == error_code
    assert error["extensions"]["system"] == code
    assert code in error["message"]


def test_all_of_them_at_once_cost_nobody_else_anything(broken: Client) -> None:
    asked = broken.ask(QUERY)
    assert ids(asked.data["cases"]) == ["GOOD:GOOD-1", "GOOD:GOOD-2"]
    outcomes = {one["system"]: one["status"] for one in asked.data["cases"]["sources"]}
    assert outcomes.pop("GOOD") == "OK"
    assert set(outcomes) == {"DEAD", *BROKEN}
    assert not {"OK", "CACHED", "STALE"} & set(outcomes.values())
    assert {error["extensions"]["system"] for error in asked.errors} == set(outcomes)


def test_nothing_that_a_broken_system_sent_reaches_the_client(broken: Client) -> None:
    text = broken.ask(QUERY).text
    for leaked in ("SQLException", "10.1.2.3", "Fatal error", "Traceback", "127.0.0.1"):
        assert leaked not in text


@pytest.mark.parametrize("code", ["DEAD", "SILENT", "HTML-PAGE", "CLOSES-EARLY"])
def test_one_case_of_a_broken_system_is_null_with_the_reason(broken: Client, code: str) -> None:
    until(lambda: broken.ready()[1]["systems"][code] != "unknown" or broken.ask(QUERY), what="was asked")
    asked = broken.ask('{case(id: "' + code + ':X-1") {id} other: case(id: "GOOD:GOOD-1") {id}}')
    assert asked.data == {"case": None, "other": {"id": "GOOD:GOOD-1"}}
    [error] = asked.errors
    assert error["path"] == ["case"]
    assert error["extensions"]["system"] == code
    assert error["extensions"]["code"].startswith("SOURCE_")


def test_a_number_that_a_broken_system_may_have_is_not_said_to_be_unknown(broken: Client) -> None:
    """The client must be able to tell `nobody has it` from `one did not answer`."""
    asked = broken.ask('{caseProgress(number: "DEAD-17") {cases {id} sources {system status}}}')
    assert asked.data["caseProgress"]["cases"] == []
    assert [one["system"] for one in asked.data["caseProgress"]["sources"]] == ["DEAD"]
    assert any("DEAD" in error["message"] and "not answered" in error["message"] for error in asked.errors)


def test_nobody_answering_is_an_answer_all_the_same(systems_dir: Path, tmp_path: Path) -> None:
    for code in ("AA", "BB", "CC"):
        write(systems_dir, code, declaration(code, f"http://127.0.0.1:{free_port()}"))
    with here(tmp_path, systems_dir, {}, watch=False) as client:
        asked = client.ask(QUERY)
        assert asked.status == 200
        assert asked.data["cases"]["nodes"] == []
        assert {one["status"] for one in asked.data["cases"]["sources"]} == {"UNAVAILABLE"}
        assert sorted(asked.codes) == ["NO_SOURCE_ANSWERED", *["SOURCE_UNAVAILABLE"] * 3]
        [nobody] = [error for error in asked.errors if error["extensions"]["code"] == "NO_SOURCE_ANSWERED"]
        assert "3 systems" in nobody["message"]
        assert client.data("{regions(first: 1) {totalCount}}") == {"regions": {"totalCount": 46}}


def test_a_system_that_fails_one_call_in_five_answers_every_time(
    city_environ: dict[str, str], systems_dir: Path, tmp_path: Path
) -> None:
    text = (ROOT / "systems/slj-water.yaml").read_text(encoding="utf-8")
    write(systems_dir, "SLJ-WATER", text.replace("ttlS: 5, staleIfErrorS: 600", "ttlS: 0, staleIfErrorS: 0"))
    with here(tmp_path, systems_dir, city_environ, watch=False) as client:
        for _ in range(30):
            connection = client.data("{cases(first: 2) {nodes {id} sources {status}}}")["cases"]
            assert len(connection["nodes"]) == 2
            assert connection["sources"] == [{"status": "OK"}]
        assert sum_of(client, "quanyu_system_retries_total") >= 3


def sum_of(client: Client, name: str) -> float:
    return sum(
        float(line.split()[-1]) for line in client.metrics().splitlines() if line.startswith(name + "{")
    )


def test_a_system_that_comes_up_between_two_attempts_is_answered_by_the_second(
    systems_dir: Path, tmp_path: Path
) -> None:
    with stub(stubs.bytes_then_close(b"")) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url, retries=2))

        async def first_time(request: stubs.Request, writer: stubs.Writer) -> None:
            server.behave = answering(GOOD_ROWS)
            writer.close()

        server.behave = first_time
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            assert ids(client.data(QUERY)["cases"]) == ["GOOD:GOOD-1", "GOOD:GOOD-2"]
            assert sum_of(client, "quanyu_system_retries_total") == 1
        assert server.calls == 2


def test_the_breaker_opens_is_named_as_down_and_closes_again(systems_dir: Path, tmp_path: Path) -> None:
    with stub(answering(GOOD_ROWS)) as good, stub(answering([row("WEAK-1")])) as weak:
        write(systems_dir, "GOOD", declaration("GOOD", good.url))
        write(systems_dir, "WEAK", declaration("WEAK", weak.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            status, report = client.ready()
            assert (status, report["status"], report["down"]) == (200, "ready", [])
            assert report["systems"] == {"GOOD": "unknown", "WEAK": "unknown"}
            assert (report["database"]["status"], report["ledger"]["status"]) == ("up", "up")
            weak.stop()
            until(lambda: status_of(client, "WEAK") == "CIRCUIT_OPEN", what="the breaker opens")
            code, report = client.ready()
            assert (code, report["status"], report["down"]) == (200, "degraded", ["WEAK"])
            assert report["systems"]["GOOD"] == "up"
            assert client.metric('quanyu_system_breaker_state{system="WEAK"}') == 2
            health = '{legacySystem(code: "WEAK") {health {state breaker lastErrorCode}}}'
            assert client.data(health)["legacySystem"]["health"] == {
                "state": "DOWN",
                "breaker": "OPEN",
                "lastErrorCode": "SOURCE_UNAVAILABLE",
            }
            asked_before = good.calls
            assert status_of(client, "GOOD") == "OK"
            assert good.calls == asked_before + 1
            weak.start()
            until(lambda: status_of(client, "WEAK") == "OK", what="the breaker closes")
            until(lambda: client.ready()[1]["status"] == "ready", what="nothing is down")
            assert client.metric('quanyu_system_breaker_state{system="WEAK"}') == 0


def status_of(client: Client, code: str) -> str:
    sources = client.ask(QUERY).data["cases"]["sources"]
    return str(next(one["status"] for one in sources if one["system"] == code))


def test_an_older_answer_stands_in_and_says_so(systems_dir: Path, tmp_path: Path) -> None:
    query = "{ cases(first: 10) { nodes { id source { freshness asOf } } sources { status asOf errorCode error } } }"
    with stub(answering(GOOD_ROWS)) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url, ttl_s=0, stale_s=600))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            fresh = client.data(query)["cases"]
            assert [one["status"] for one in fresh["sources"]] == ["OK"]
            server.stop()
            asked = client.ask(query)
            stale = asked.data["cases"]
            assert ids(stale) == ids(fresh)
            [outcome] = stale["sources"]
            assert (outcome["status"], outcome["errorCode"]) == ("STALE", "SOURCE_UNAVAILABLE")
            assert {node["source"]["freshness"] for node in stale["nodes"]} == {"STALE"}
            assert {node["source"]["asOf"] for node in stale["nodes"]} == {outcome["asOf"]}
            assert client.metric('quanyu_cache_requests_total{status="stale",system="GOOD"}') >= 1
            server.start()
            again = until(lambda: fresh_again(client, query), what="the system is asked again")
            assert fresh["sources"][0]["asOf"] <= outcome["asOf"] < again["sources"][0]["asOf"]


def fresh_again(client: Client, query: str) -> dict[str, list[dict[str, str]]] | None:
    connection: dict[str, list[dict[str, str]]] = client.ask(query).data["cases"]
    return connection if connection["sources"][0]["status"] == "OK" else None


def test_a_refusal_is_never_covered_by_an_older_answer(systems_dir: Path, tmp_path: Path) -> None:
    with stub(answering(GOOD_ROWS)) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url, ttl_s=0, stale_s=600))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            client.data(QUERY)
            server.behave = stubs.http(b'{"error": "no"}', status="403 Forbidden")
            asked = client.ask(QUERY)
            assert asked.data["cases"]["nodes"] == []
            assert asked.data["cases"]["sources"][0]["status"] == "REFUSED"


def test_a_failed_detail_keeps_what_the_list_gave(systems_dir: Path, tmp_path: Path) -> None:
    """The list answers, the single case does not: the case is there, its steps are missing, and that is said."""
    listed = answering(GOOD_ROWS)

    async def no_details(request: stubs.Request, writer: stubs.Writer) -> None:
        if request.target.startswith("/case/"):
            writer.close()
        else:
            await listed(request, writer)

    with stub(no_details) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            asked = client.ask("{cases {nodes {id state timeline {nodes {seq}}} sources {system status}}}")
            nodes = asked.data["cases"]["nodes"]
            assert [(node["id"], node["state"]) for node in nodes] == [
                ("GOOD:GOOD-1", "ACCEPTED"),
                ("GOOD:GOOD-2", "ACCEPTED"),
            ]
            assert {error["extensions"]["code"] for error in asked.errors} == {"SOURCE_UNAVAILABLE"}
            assert all("missing" in error["message"] for error in asked.errors)


def test_one_bad_record_is_left_out_and_named(systems_dir: Path, tmp_path: Path) -> None:
    rows = [
        row("GOOD-1"),
        row("GOOD-2", applied="not a date"),
        row("GOOD-3", applied="2017-05-01T09:00:00+08:00"),
    ]
    with stub(answering(rows)) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            asked = client.ask(QUERY)
            assert ids(asked.data["cases"]) == ["GOOD:GOOD-1", "GOOD:GOOD-3"]
            [error] = asked.errors
            assert (error["extensions"]["code"], error["extensions"]["system"]) == ("SOURCE_BAD_DATA", "GOOD")
            assert "appliedAt" in error["message"]


def test_a_slow_system_loses_its_records_on_no_page(systems_dir: Path, tmp_path: Path) -> None:
    """A system that missed a page delivers its records on a later one, when it answers again."""
    quick_rows = [row(f"QUICK-{n}", applied=f"2017-06-{n:02d}T09:00:00+08:00") for n in range(1, 7)]
    late_rows = [row(f"LATE-{n}", applied=f"2017-06-{n:02d}T10:00:00+08:00") for n in range(1, 7)]
    query = """query ($after: String) { cases(first: 4, after: $after, deadlineMs: 1000) { nodes { id }
      sources { system status } pageInfo { hasNextPage endCursor } } }"""
    with stub(answering(quick_rows)) as quick, stub(stubs.silent) as late:
        write(systems_dir, "QUICK", declaration("QUICK", quick.url))
        write(systems_dir, "LATE", declaration("LATE", late.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            page = client.ask(query).data["cases"]
            assert {one["system"]: one["status"] for one in page["sources"]} == {
                "LATE": "TIMEOUT",
                "QUICK": "OK",
            }
            got = ids(page)
            late.behave = answering(late_rows)
            while page["pageInfo"]["hasNextPage"]:
                page = client.data(query, {"after": page["pageInfo"]["endCursor"]})["cases"]
                got += ids(page)
    assert sorted(got) == sorted(
        [f"QUICK:QUICK-{n}" for n in range(1, 7)] + [f"LATE:LATE-{n}" for n in range(1, 7)]
    )


def test_the_end_cursor_of_the_last_page_still_leads_to_a_system_that_missed_it(
    systems_dir: Path, tmp_path: Path
) -> None:
    query = """query ($after: String) { cases(first: 10, after: $after, deadlineMs: 1000) { nodes { id }
      sources { system status } pageInfo { endCursor } } }"""
    with stub(answering([row("QUICK-1")])) as quick, stub(stubs.silent) as late:
        write(systems_dir, "QUICK", declaration("QUICK", quick.url))
        write(systems_dir, "LATE", declaration("LATE", late.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            page = client.ask(query).data["cases"]
            assert ids(page) == ["QUICK:QUICK-1"]
            late.behave = answering([row("LATE-1")])
            page = client.data(query, {"after": page["pageInfo"]["endCursor"]})["cases"]
            assert ids(page) == ["LATE:LATE-1"]


def test_a_kept_answer_is_as_old_as_the_fresh_one_was(systems_dir: Path, tmp_path: Path) -> None:
    query = "{cases {sources {status asOf}}}"
    with stub(answering(GOOD_ROWS)) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url, ttl_s=600))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            gate = stubs.Gate(answering(GOOD_ROWS))
            server.behave = gate
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(client.data, query)
                until(lambda: gate.held == 1, what="the system is asked")
                gate.open()
                fresh = asked.result(20)["cases"]["sources"]
            kept = client.data(query)["cases"]["sources"]
            assert (fresh[0]["status"], kept[0]["status"]) == ("OK", "CACHED")
            assert fresh[0]["asOf"] == kept[0]["asOf"]


def test_a_list_that_is_none_is_bad_data(systems_dir: Path, tmp_path: Path) -> None:
    with stub(stubs.http(b'{"rows": 5, "total": 1}')) as server:
        write(systems_dir, "GOOD", declaration("GOOD", server.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            asked = client.ask(QUERY)
            assert asked.data["cases"]["nodes"] == []
            assert "SOURCE_BAD_DATA" in asked.codes


def test_identical_questions_at_once_are_one_call(systems_dir: Path, tmp_path: Path) -> None:
    gate = stubs.Gate(answering(GOOD_ROWS))
    with stub(gate) as server, ThreadPoolExecutor(8) as pool:
        write(systems_dir, "GOOD", declaration("GOOD", server.url))
        with here(tmp_path, systems_dir, {}, watch=False) as client:
            answers = [pool.submit(client.data, QUERY) for _ in range(8)]
            shared = 'quanyu_single_flight_shared_total{system="GOOD"}'
            until(lambda: gate.held == 1 and client.metric(shared) == 7, what="seven wait for the first")
            gate.open()
            assert {tuple(ids(answer.result(20)["cases"])) for answer in answers} == {
                ("GOOD:GOOD-1", "GOOD:GOOD-2")
            }
        assert server.calls == 1
