"""What a look's record adds to a query, alone and while a harvest writes to the same database.

    python -m bench.looks [--looks 400] [--json FILE]

Looks come one every 20 ms, as from a few counters. The harvest appends events 500 at a time and brings their case files
up to date, as fast as it can: in the same process, as by default, or in another, as `quanyu worker` does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench.ledger import KEYS, look, running_databases
from bench.machine import ROOT, facts, quantile_ms
from gateway.casefile.files import CaseFiles, TrackingRules
from gateway.casefile.record import new_event
from gateway.database import Database, open_database, upgrade
from gateway.directory import read_registry
from gateway.ledger import AuditUnavailable, Ledger, NewEvent
from gateway.ledger.writer import now_us
from gateway.memory import settle
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.tracking.warnings.rule_file import read_rules
from gateway.tracking.warnings.triggers import RuleBook
from samples.registry import DATA

EVERY_S = 0.02
PER_CASE = 8
KINDS = ("SUBMIT", "RECEIVE", "ACCEPT", "STEP_START", "STEP_END", "DECIDE", "CLOSE", "DELIVER")


def change(system: str, number: int) -> NewEvent:
    case, step = divmod(number, PER_CASE)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1_420_000_000 + number * 60))
    return new_event(system, f"C{case}", {"id": f"E{number}", "kind": KINDS[step], "occurredAt": moment})


async def harvest(database: Database, ledger: Ledger, system: str) -> None:
    """Without end."""
    rules = TrackingRules(read_calendar(), RuleBook(read_rules()))
    files = CaseFiles(database, ledger.writer, read_registry(DATA), lambda: rules, now_us)
    number = 0
    while True:
        cases = []
        for start in range(number, number + 2000, 250):
            events = [change(system, at) for at in range(start, start + 250)]
            await ledger.writer.append_events(events)
            cases += [one.case_id for one in events]
        await files.update(cases, changed=True)
        number += 2000


async def beside(url: str, system: str) -> None:
    database = open_database(url, Path())
    ledger = Ledger(database, KEYS)
    ledger.start()
    print("ready", flush=True)
    await harvest(database, ledger, system)


async def looks(ledger: Ledger, count: int) -> dict[str, Any]:
    took: list[float] = []
    refused = 0

    async def one(number: int) -> None:
        nonlocal refused
        began = time.perf_counter()
        try:
            await ledger.recorder.record(look(number))
        except AuditUnavailable:
            refused += 1
        took.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * EVERY_S - time.perf_counter()))
            group.create_task(one(number))
    quantiles = {f"p{round(q * 100)} ms": round(quantile_ms(took, q), 1) for q in (0.5, 0.95, 0.99)}
    return {**quantiles, "most ms": round(max(took) * 1000, 1), "AUDIT_UNAVAILABLE": refused}


async def measure(url: str, count: int) -> dict[str, Any]:
    database = open_database(url, Path())
    await upgrade(database)
    ledger = Ledger(database, KEYS)
    ledger.start()
    found = {"alone": await looks(ledger, count)}
    task = asyncio.create_task(harvest(database, ledger, "S1"))
    await asyncio.sleep(1)
    found["harvest in this process"] = await looks(ledger, count)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.looks", "--beside", url), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        await child.stdout.readline()
        await asyncio.sleep(1)
        found["harvest in another process"] = await looks(ledger, count)
    finally:
        child.kill()
        await child.wait()
    await ledger.stop()
    await database.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--looks", type=int, default=400)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--beside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    settle()  # as the gateway does
    if arguments.beside:
        asyncio.run(beside(arguments.beside, "S2"))
        return
    with running_databases() as urls:
        results = {name: asyncio.run(measure(url, arguments.looks)) for name, url in urls.items()}
    told = json.dumps({"machine": facts(), "results": results}, indent=2)
    print(told)
    if arguments.json:
        arguments.json.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
