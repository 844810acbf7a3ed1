"""A worker that appends, records and seals until it is killed, and says on standard output what was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import structlog

from gateway.database import DatabaseUnavailable, open_database
from gateway.ledger import AuditUnavailable, Ledger
from tests.ledger.conftest import KEYS, event, look


async def main(url: str, start: int) -> None:
    # standard output is for what was acknowledged alone
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    database = open_database(url, Path())
    ledger = Ledger(database, KEYS, seal_s=0.005, heartbeat_s=0.02, lease_s=0.2)
    ledger.start()

    async def append(lane: int) -> None:
        number = start + lane * 100_000
        while True:
            batch = [event(number + at) for at in range(1 + number % 7)]
            try:
                await ledger.writer.append_events(batch)
            except DatabaseUnavailable:
                continue
            print("\n".join(f"event {one.key}" for one in batch), flush=True)
            number += len(batch)

    async def record(lane: int) -> None:
        number = start + lane * 100_000
        while True:
            try:
                await ledger.recorder.record(look(number))
            except AuditUnavailable:  # a busy machine: refused, so not acknowledged; a query would ask again
                continue
            print(f"look {number:032x}", flush=True)
            number += 1

    await asyncio.gather(append(0), append(1), record(0), record(1))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
