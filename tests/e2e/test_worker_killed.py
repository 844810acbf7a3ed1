"""`quanyu worker` killed again and again: the ledger afterwards is what the system told, each event once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.feeds import Feed, change, feed_declaration
from tests.e2e.gateways import ROOT, clean_environment
from tests.e2e.stubs import stub
from tests.e2e.waiting import until
from tests.services import RedisServer

EVENTS = 1500
KILLS = 5


@contextlib.contextmanager
def worker(tmp_path: Path, systems: Path, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    variables = {
        "QUANYU_SYSTEMS_DIR": str(systems),
        "QUANYU_REGISTRY_DIR": str(ROOT / "samples/data"),
        "QUANYU_DATA_DIR": str(tmp_path / "data"),
        "QUANYU_HARVEST_LEASE_S": "1",
        "QUANYU_REDIS_URL": redis_url,
    }
    with (tmp_path / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "quanyu", "worker"],
            cwd=ROOT,
            env=clean_environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def count(tmp_path: Path, query: str) -> int:
    with contextlib.suppress(sqlite3.OperationalError):  # not made yet
        path = tmp_path / "data/quanyu.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return int(database.execute(query).fetchone()[0])
    return 0


EVENTS_THERE = "SELECT count(*) FROM case_event"


@pytest.mark.parametrize("engine", ["embedded", "redis"])
def test_killed_at_random_points_it_loses_no_event_and_keeps_none_twice(
    tmp_path: Path, systems_dir: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    redis_url = ""
    if engine == "redis":
        shared: RedisServer = request.getfixturevalue("shared_redis")
        redis_url = shared.url
    rng = random.Random(5)
    feed = Feed([change(number) for number in range(EVENTS)], size=50)
    with stub(feed) as server:
        text = feed_declaration("AA", server.url, case=True)
        (systems_dir / "aa.yaml").write_text(text, encoding="utf-8")
        for number in range(KILLS):
            with worker(tmp_path, systems_dir, redis_url) as process:
                wanted = min(EVENTS, count(tmp_path, EVENTS_THERE) + rng.randint(1, EVENTS // KILLS))
                until(
                    lambda: count(tmp_path, EVENTS_THERE) >= wanted,  # noqa: B023
                    what=f"worker {number} gets on",
                    timeout_s=180,
                    every_s=0.01,
                )
                os.kill(process.pid, signal.SIGKILL)
        with worker(tmp_path, systems_dir, redis_url) as process:
            until(lambda: count(tmp_path, EVENTS_THERE) >= EVENTS, what="all events are there", timeout_s=180)
            cases = "SELECT count(*) FROM case_file WHERE unseen = 0 AND state = 'CLOSED'"
            until(lambda: count(tmp_path, cases) == EVENTS // 3, what="all case files show it", timeout_s=180)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert count(tmp_path, EVENTS_THERE) == EVENTS
    assert count(tmp_path, "SELECT count(DISTINCT event_key) FROM case_event") == EVENTS
    environment = clean_environment() | {"QUANYU_DATA_DIR": str(tmp_path / "data")}
    verified = subprocess.run(
        [sys.executable, "-m", "quanyu", "trail", "verify"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
