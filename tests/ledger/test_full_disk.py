"""A disk that is full: no look is acknowledged, the trail stays whole, and with room all goes on by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.database import DatabaseUnavailable, open_database, upgrade
from gateway.ledger import AuditUnavailable, Ledger, LedgerReader
from gateway.ledger.verify import verify_store
from tests.ledger.conftest import KEYS, event, look


async def test_looks_and_events_fail_closed_on_a_full_disk_and_go_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    """SQLite's own limit on pages stands for the disk: the same SQLITE_FULL."""
    database = open_database("", tmp_path, pool=1)
    await upgrade(database)
    ledger = Ledger(database, KEYS)
    ledger.recorder.start()
    await ledger.recorder.record(look(0))

    async def room(pages: int) -> None:
        async with database.write() as connection:
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    async with database.read() as connection:
        pages = int(await connection.scalar(text("PRAGMA page_count")) or 0)
    await room(pages)
    acknowledged = 1

    async def fill() -> None:  # what room is left on the pages is used up first
        nonlocal acknowledged
        while acknowledged < 10_000:
            await ledger.recorder.record(look(acknowledged))
            acknowledged += 1

    with pytest.raises(AuditUnavailable):
        await fill()
    assert ledger.recorder.failing
    with pytest.raises(DatabaseUnavailable, match="full"):
        await ledger.writer.append_events([event(number) for number in range(500)])

    await room(1_000_000)
    await ledger.recorder.record(look(20_000))
    assert not ledger.recorder.failing
    await ledger.writer.append_events([event(number) for number in range(500)])
    await ledger.stop()
    found = await verify_store(database, KEYS.signer.verifier)
    assert (found.findings, found.unsealed) == ((), 0)
    newest = await LedgerReader(database).access_records(limit=1, newest_first=True)
    assert newest.records[0].fields["trace"] == f"{20_000:032x}"
    assert newest.records[0].ref.seq == acknowledged + 1, "no number was passed over"
    await database.close()
