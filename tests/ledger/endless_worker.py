"""A worker that appends, records and seals until it is killed, and says on standard output what was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.database import open_database
from gateway.ledger import Ledger
from tests.ledger.conftest import KEYS, event, look


async def main(url: str, start: int) -> None:
    database = open_database(url, Path())
    ledger = Ledger(database, KEYS, seal_s=0.005, heartbeat_s=0.02, lease_s=0.2)
    ledger.start()

    async def append(lane: int) -> None:
        number = start + lane * 100_000
        while True:
            batch = [event(number + at) for at in range(1 + number % 7)]
            await ledger.writer.append_events(batch)
            print("\n".join(f"event {one.key}" for one in batch), flush=True)
            number += len(batch)

    async def record(lane: int) -> None:
        number = start + lane * 100_000
        while True:
            await ledger.recorder.record(look(number))
            print(f"look {number:032x}", flush=True)
            number += 1

    await asyncio.gather(append(0), append(1), record(0), record(1))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
