"""The harvest of many systems with a long history, from the beginning: time, memory, and how both grow.

    python -m bench.harvest [--systems 120] [--events 200000] [--workers 1] [--at-once 8] [--postgres] [--json FILE]

`--events 2000000` is the whole city's. Events come eight to a case, 1000 a page; what cases show comes by their list.
The systems are one process, the harvest is `quanyu worker`: as many as `--workers`, which share the database.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from sqlalchemy import func, select

from bench.machine import ROOT, cpu_s, facts
from gateway.casefile.tables import CASE_FILE, HARVEST
from gateway.database import Database, open_database, upgrade
from gateway.ledger.tables import CASE_EVENT
from tests.services import postgres_server

PAGE = 1000
PER_CASE = 8
KINDS = ("SUBMIT", "RECEIVE", "ACCEPT", "STEP_START", "STEP_END", "DECIDE", "CLOSE", "DELIVER")
STATES = (
    "SUBMITTED",
    "RECEIVED",
    "ACCEPTED",
    "UNDER_REVIEW",
    "UNDER_REVIEW",
    "DECIDED",
    "CLOSED",
    "DELIVERED",
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
MINUTE = 60
BEGIN = 1_420_000_000


def moment(minutes: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(BEGIN + minutes * MINUTE))


def change(number: int) -> dict[str, Any]:
    """Case after case, each with its steps a day apart."""
    case, step = divmod(number, PER_CASE)
    return {
        "id": f"E{number}",
        "no": f"C{case}",
        "kind": KINDS[step],
        "status": STATES[step],
        "at": moment(case * 20 + step * 1440),
    }


def case(number: int) -> dict[str, Any]:
    return {
        "no": f"C{number}",
        "title": "超限运输许可",
        "item": "500118001000",
        "region": "500107",
        "status": "DELIVERED",
        "at": moment(number * 20),
    }


async def _serve(listener: socket.socket, events: int) -> None:
    """Every system has the same history."""

    def answer(target: str) -> bytes:
        parts = urlsplit(target)
        start = int(parse_qs(parts.query).get("offset", ["0"])[0])
        count, make = (events, change) if parts.path.endswith("/changes") else (-(-events // PER_CASE), case)
        end = min(start + PAGE, count)
        rows = [make(at) for at in range(start, end)]
        return orjson.dumps({"rows": rows, "next": end if end < count else None})

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = answer(head.split(b" ", 2)[1].decode())
                writer.write(HEAD % len(body) + body)
                await writer.drain()

    async with await asyncio.start_server(talk, sock=listener) as server:
        await server.serve_forever()


def _city(listener: socket.socket, events: int) -> None:
    asyncio.run(_serve(listener, events))


def declaration(code: str, url: str) -> str:
    return f"""
system: {{code: {code}, name: {code}, owner: "115000000090001627"}}
source: {{rest: {{baseUrl: "{url}/{code.lower()}"}}}}
traffic: {{timeoutMs: 60000, retries: 0}}
tables:
  status: {{{", ".join(f"{one}: {one}" for one in dict.fromkeys(STATES))}}}
  kind: {{{", ".join(f"{one}: {one}" for one in KINDS)}}}
connectors:
  cases:
    path: /cases
    query: {{offset: $page.cursor}}
    paging: {{style: cursor, size: {PAGE}, next: next}}
    records: rows
    map: {{localNo: no, title: title, itemCode: item, regionCode: region, state: 'status | table("status")', appliedAt: at}}
  changes:
    path: /changes
    query: {{since: $args.since, offset: $page.cursor}}
    paging: {{style: cursor, size: {PAGE}, next: next}}
    records: rows
    map: {{id: id, localNo: no, kind: 'kind | table("kind")', state: 'status | table("status")', occurredAt: at}}
harvest: {{everyS: 86400}}
"""


@contextlib.contextmanager
def city(systems: int, events: int, folder: Path) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for number in range(systems):
            code = f"S{number:03d}"
            (folder / f"{code.lower()}.yaml").write_text(declaration(code, url), encoding="utf-8")
        server = multiprocessing.get_context("fork").Process(
            target=_city, args=(listener, events), daemon=True
        )
        server.start()
        try:
            yield
        finally:
            server.kill()
            server.join()


@contextlib.contextmanager
def workers(count: int, at_once: int, folder: Path, database_url: str) -> Iterator[list[int]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")} | {
        "QUANYU_SYSTEMS_DIR": str(folder / "systems"),
        "QUANYU_REGISTRY_DIR": str(ROOT / "samples/data"),
        "QUANYU_DATA_DIR": str(folder / "data"),
        "QUANYU_DATABASE_URL": database_url,
        "QUANYU_HARVEST_AT_ONCE": str(at_once),
        "QUANYU_WATCH": "false",
    }
    with (folder / "worker.log").open("ab") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "quanyu", "worker"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            for _ in range(count)
        ]
    try:
        yield [one.pid for one in processes]
    finally:
        for one in processes:
            one.terminate()
        for one in processes:
            one.wait(60)


def peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def follow(database: Database, systems: int, total: int, pids: list[int]) -> dict[str, Any]:
    """Until all is in the ledger and in case files. Time counts from the first event."""
    curve: list[dict[str, Any]] = []
    begun: float | None = None
    while True:
        async with database.read() as connection:
            events = int(await connection.scalar(select(func.count()).select_from(CASE_EVENT)) or 0)
            done = int(
                await connection.scalar(
                    select(func.count()).select_from(HARVEST).where(HARVEST.c.good_us.is_not(None))
                )
                or 0
            )
        now = time.monotonic()
        begun = begun or (now if events else None)
        if begun is not None and (not curve or events >= curve[-1]["events"] + total / 10 or done == systems):
            peak = max(peak_mb(pid) for pid in pids)
            cpu = sum(cpu_s(pid) for pid in pids)
            curve.append(
                {"events": events, "s": round(now - begun, 1), "cpuS": round(cpu, 1), "peakMb": round(peak)}
            )
            print(json.dumps(curve[-1]), flush=True)
        if done == systems and begun is not None:
            break
        await asyncio.sleep(1.0)
    async with database.read() as connection:
        cases = int(await connection.scalar(select(func.count()).select_from(CASE_FILE)) or 0)
        unseen = select(func.count()).select_from(CASE_FILE).where(CASE_FILE.c.unseen.is_(True))
        left = int(await connection.scalar(unseen) or 0)
    took_s = curve[-1]["s"]
    return {
        "events": events,
        "cases": cases,
        "unseen": left,
        "s": took_s,
        "eventsPerS": round(events / max(took_s, 0.1)),
        "cpuS": curve[-1]["cpuS"],
        "peakMb": curve[-1]["peakMb"],
        "curve": curve,
    }


async def measure(arguments: argparse.Namespace, folder: Path, database_url: str) -> dict[str, Any]:
    database = open_database(database_url, folder / "data")
    await upgrade(database)
    each = arguments.events // arguments.systems
    try:
        with (
            city(arguments.systems, each, folder / "systems"),
            workers(arguments.workers, arguments.at_once, folder, database_url) as pids,
        ):
            return await follow(database, arguments.systems, each * arguments.systems, pids)
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.harvest", description=__doc__)
    parser.add_argument("--systems", type=int, default=120)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quanyu-harvest-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        (folder / "systems").mkdir()
        url = ""
        if arguments.postgres:
            url = stack.enter_context(postgres_server(durable=True)).url()
        found = asyncio.run(measure(arguments, folder, url))
    result = {
        "machine": facts(),
        "database": "postgresql" if arguments.postgres else "sqlite",
        "systems": arguments.systems,
        "workers": arguments.workers,
        "atOnce": arguments.at_once,
        **found,
    }
    print(json.dumps(result, indent=2))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
