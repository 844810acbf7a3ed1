"""kill -9 of workers that append and seal: nothing acknowledged is lost, and the trail verifies."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from gateway.database import Database
from gateway.ledger import Stream
from gateway.ledger.records import read_body
from gateway.ledger.tables import CASE_EVENT, RECORDS
from tests.ledger.conftest import Trail

ROOT = Path(__file__).parents[2]
ROUNDS = 13
WORKERS = 2
"""Two workers in each of 13 rounds on two databases: 52 kills."""


def start(url: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ledger.endless_worker", url, str(number)]
    # a small pipe: a worker that nobody listens to does not run far ahead
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pipesize=4096
    )


def kill_after(worker: subprocess.Popen[str], lines: int) -> list[str]:
    """What it had acknowledged: the lines read, and those that were on their way."""
    assert worker.stdout is not None
    assert worker.stderr is not None
    read = [worker.stdout.readline() for _ in range(lines)]
    worker.kill()
    rest = worker.stdout.read()
    faults = worker.stderr.read()
    worker.wait()
    worker.stdout.close()
    worker.stderr.close()
    assert all(read), faults
    # a last line without its end was cut off by the kill
    return [line.strip() for line in read] + rest.splitlines()[: rest.count("\n")]


async def kept(database: Database) -> set[str]:
    async with database.read() as connection:
        keys = (await connection.scalars(select(CASE_EVENT.c.event_key))).all()
        bodies = (await connection.scalars(select(RECORDS[Stream.ACCESS_RECORD].c.body))).all()
    looks = {f"look {read_body(bytes(body))['record']['trace']}" for body in bodies}
    return {f"event {key}" for key in keys} | looks


async def test_no_acknowledged_record_is_lost_and_every_trail_verifies(
    trail: Trail, database_url: str
) -> None:
    chance = random.Random(20171124)
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        workers = [start(database_url, (number * WORKERS + at) * 1_000_000) for at in range(WORKERS)]
        for worker in workers:
            acknowledged += kill_after(worker, chance.randint(1, 60))
        found = await trail.verify()
        assert found.findings == ()
        assert set(acknowledged) - await kept(trail.database) == set()
    assert len(acknowledged) > ROUNDS * WORKERS

    # what the killed ones left is sealed by whoever comes next
    while await trail.sealer.seal() is not None:
        pass
    sealed = await trail.verify()
    assert (sealed.findings, sealed.unsealed) == ((), 0)
    assert sealed.size == sealed.records
