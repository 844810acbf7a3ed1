"""After a run of the sample city with everything switched on, nobody is found anywhere that the gateway writes: logs,
metrics, traces, Redis, the database, error messages. Systems that fail say all they know of people while they do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
import redis

from tests.e2e.answers import sample_query
from tests.e2e.gateways import CITIZEN, ROOT, SAMPLES, Child, child_gateway
from tests.e2e.stubs import Behaviour, Request, Stub, Writer, declaration, http, row, stub
from tests.e2e.test_privacy import EVERYTHING, LIST, WRONG
from tests.e2e.truth import cases_of
from tests.e2e.waiting import until
from tests.services import PostgresServer, RedisServer

PERSON = next(one for one in SAMPLES if one.kind == "NATURAL")
SECRETS = tuple(
    {one.id_number for one in SAMPLES if one.kind == "NATURAL"}
    | {one.mobile for one in SAMPLES}
    | {"欧阳小芳", "城口县葛城街道土城路12号", "13883838383", "51222319620101001X"}
)
"""Identity numbers and mobiles of the samples, and the one whom the failing systems tell of."""
TOLD = "申请人欧阳小芳(身份证51222319620101001X，电话13883838383，住重庆市城口县葛城街道土城路12号)"
SOAP_FAULT = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
<faultcode>s:Server</faultcode><faultstring>{TOLD}</faultstring><detail>{TOLD}</detail></s:Fault></s:Body></s:Envelope>"""
CODE = "待补51222319620101001X/13883838383"
UNMAPPED = {
    **row("SI-1", status=CODE),
    "steps": [{"kind": CODE, "at": "2017-06-01T09:00:00+08:00"}],
    "title": CODE,
}
"""Numbers in what is no field for them. Whose names they stand beside nobody can tell there."""


def told(body: bytes | str, status: str, kind: str = "application/json") -> Behaviour:
    return http(body.encode() if isinstance(body, str) else body, status=status, content_type=kind)


def listing(*rows: dict[str, Any]) -> Behaviour:
    return told(json.dumps({"total": len(rows), "rows": list(rows)}, ensure_ascii=False), "200 OK")


async def header_too(_request: Request, writer: Writer) -> None:
    """Answers nonsense, with people in its headers and reason."""
    text = quote(TOLD)
    writer.write(f"HTTP/1.1 500 {text}\r\nX-Error: {text}\r\nContent-Length: 0\r\n\r\n".encode())


FAULTS: dict[str, Behaviour] = {
    "SA": told(json.dumps({"message": TOLD}, ensure_ascii=False), "500 Internal Server Error"),
    "SB": told(json.dumps({"error": TOLD}, ensure_ascii=False), "400 Bad Request"),
    "SC": told(f"<html><body>{TOLD}</body></html>", "200 OK", "text/html; charset=utf-8"),
    "SD": told(SOAP_FAULT, "500 Internal Server Error", "text/xml; charset=utf-8"),
    "SE": told(f'{{"rows": [{{"no": "{TOLD}', "200 OK"),
    "SF": header_too,
    "SG": listing({**row("SG-1"), "applied": TOLD}),
    "SH": listing({**row("SH-1"), "who": {"name": TOLD}, "phone": [TOLD]}),
    "SI": listing(UNMAPPED),
    "SK": told(f'{{"rows": "{TOLD}"}}', "200 OK"),
    "SL": told(TOLD.encode("gb18030"), "401 Unauthorized", "text/plain"),
}


@dataclass(slots=True)
class Collector:
    """Takes what OpenTelemetry sends."""

    bodies: list[bytes] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture(scope="module")
def postgresql(shared_postgres: PostgresServer) -> str:
    """A database of its own."""

    async def create() -> None:
        connection = await asyncpg.connect(shared_postgres.url())
        await connection.execute("CREATE DATABASE nobody_anywhere")
        await connection.close()

    asyncio.run(create())
    return shared_postgres.url("nobody_anywhere")


async def rows_of(url: str) -> dict[str, list[str]]:
    """Every row of every table as PostgreSQL writes it; bytes also as the text that they might be."""
    connection = await asyncpg.connect(url)
    found: dict[str, list[str]] = {}
    tables = await connection.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    for schema, table in tables:
        rows = await connection.fetch(f'SELECT * FROM "{schema}"."{table}"')
        texts = found.setdefault(table, [])
        for one in rows:
            for value in one.values():
                if isinstance(value, bytes):
                    texts += [value.decode(coding, "replace") for coding in ("utf-8", "gb18030", "utf-16-le")]
                else:
                    texts.append(str(value))
    await connection.close()
    return found


@dataclass(slots=True)
class Run:
    """What was asked, and everything that was said."""

    child: Child
    answers: list[str]
    folder: Path
    database: str


@pytest.fixture(scope="module")
def run(
    city_environ: dict[str, str],
    shared_redis: RedisServer,
    postgresql: str,
    collector: Collector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("anywhere")
    systems = folder / "systems"
    systems.mkdir()
    with ExitStack() as stack:
        for code, behave in FAULTS.items():
            server: Stub = stack.enter_context(stub(behave))
            text = declaration(code, server.url, ttl_s=600, stale_s=600, numbers=".*")
            (systems / f"{code.lower()}.yaml").write_text(text, "utf-8")
        for one in (ROOT / "systems").iterdir():
            if one.is_file():
                (systems / one.name).write_bytes(one.read_bytes())
        environ = city_environ | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        settings = {
            "log_level": "debug",
            "otel": "true",
            "redis_url": shared_redis.url,
            "database_url": postgresql,
        }
        child = stack.enter_context(child_gateway(folder, systems, environ, **settings))
        yield Run(child, list(ask_everything(child)), folder, postgresql)


def ask_everything(child: Child) -> Iterator[str]:
    """The answers, errors and all."""
    client = child.client

    def ask(query: str, variables: Any = None, **how: Any) -> str:
        return client.ask(query, variables, echoes=True, **how).text

    for name in ("1-applicant", "2-progress", "3-items", "4-systems"):
        yield ask(*sample_query(name))
        yield ask(*sample_query(name), token=CITIZEN)
    for person in SAMPLES:
        yield ask(LIST, {"number": person.id_number})
    for query, _ in WRONG:
        yield ask(query, {"x": PERSON.id_number})
        yield ask(query, {"x": CODE})
    everything = "query ($id: ID!) { case(id: $id) {" + EVERYTHING + "} }"
    for system in ("JT-PERMIT", "GSJ-LICENSE", "FGW-INVEST"):
        case = next(one for one in cases_of(system) if one.applicant.id_number == PERSON.id_number)
        yield ask(everything, {"id": f"{system}:{case.number}"}, token=CITIZEN)
    for code in FAULTS:
        yield ask(everything, {"id": f"{code}:{code}-1"})
        yield ask("query ($s: [ID!]) { cases(systems: $s) { nodes {" + EVERYTHING + "} } }", {"s": [code]})
        gaps = "query ($c: ID!) { legacySystem(code: $c) { mapping { gaps { table rawValue count } } } }"
        yield ask(gaps, {"c": code})
    yield ask("{ myCases(first: 5) { nodes { id } } }", token=CITIZEN)


def found_in(text: str) -> list[str]:
    return [one for one in SECRETS if one in text or quote(one) in text or escaped(one) in text]


def escaped(text: str) -> str:
    return json.dumps(text).strip('"')


def test_the_answers_and_their_errors(run: Run) -> None:
    assert len(run.answers) > 50
    assert {found for text in run.answers for found in found_in(_without_own_words(text))} == set()
    codes = {
        error["extensions"]["code"] for text in run.answers for error in json.loads(text).get("errors", [])
    }
    assert {"SOURCE_UNAVAILABLE", "SOURCE_BAD_DATA", "SOURCE_REFUSED"} <= codes


def _without_own_words(text: str) -> str:
    """Without `number` of caseProgress, which repeats the question."""
    return text.replace(f'"number":"{CODE}"', "").replace(f'"number":"{PERSON.id_number}"', "")


def test_the_log(run: Run) -> None:
    log = run.child.text()
    assert len(run.child.lines("request")) > 50
    assert found_in(log) == []


def test_the_metrics(run: Run) -> None:
    text = run.child.client.metrics()
    assert "quanyu_system_calls_total" in text
    assert found_in(text) == []


def test_the_traces(run: Run, collector: Collector) -> None:
    until(lambda: b"".join(collector.bodies).count(b"system case") > 10, what="spans arrive")
    text = b"".join(collector.bodies).decode("utf-8", "replace")
    assert found_in(text) == []


def test_redis_keys_values_and_slow_log(run: Run, shared_redis: RedisServer) -> None:
    client = redis.Redis.from_url(shared_redis.url)
    keys = list(client.scan_iter(count=1000))
    assert len(keys) > 20
    held: list[bytes] = []
    for key in keys:
        kind = client.type(key)
        if kind == b"string":
            held.append(client.get(key) or b"")
        elif kind == b"hash":
            held += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"zset":
            held += client.zrange(key, 0, -1)
        elif kind == b"set":
            held += client.smembers(key)
    assert found_in(b"\n".join(keys).decode("utf-8", "replace")) == []
    assert found_in(b"\n".join(held).decode("utf-8", "replace")) == []
    assert found_in(str(client.slowlog_get(1000))) == []
    client.close()


def test_every_table_of_postgresql(run: Run) -> None:
    tables = asyncio.run(rows_of(run.database))
    assert {"access_record", "case_event"} <= tables.keys()
    assert any("cases" in text or "FileOfCase" in text for texts in tables.values() for text in texts)
    told = {table: found for table, texts in tables.items() if (found := found_in("\n".join(texts)))}
    assert told == {}


def test_the_folder_that_is_written_to(run: Run) -> None:
    written = {path: path.read_bytes() for path in (run.folder / "data").rglob("*") if path.is_file()}
    assert written
    for path, body in written.items():
        for coding in ("utf-8", "utf-16-le", "gb18030"):
            assert [one for one in SECRETS if one.encode(coding) in body] == [], path
