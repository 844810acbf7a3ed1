"""What the law lets go: bodies of old records, and the values of a person. Both leave a record and break no proof."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Table, and_, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger.personal import Vault
from gateway.ledger.records import Change, RecordRef, Stream
from gateway.ledger.tables import ACCESS_ABOUT, CASE_EVENT, CHECKPOINT, LEAF, RECORDS, RETENTION
from gateway.ledger.writer import Writer

__all__ = ["AT_ONCE", "apply_retention", "erase_subject"]

AT_ONCE = 5000
"""Records of one transaction."""


async def apply_retention(
    writer: Writer,
    stream: Stream,
    before_us: int,
    *,
    reason: str,
    actor: str,
    held_cases: Collection[str] = (),
    dry_run: bool = False,
) -> int:
    """Deletes sealed records of a stream that are older than a moment; their leaves stay. How many it deleted.

    held_cases: cases under a legal hold, whose events stay. reason: the rule that it is done by. Each transaction's
    deletions stand in a change record `retention.applied` as spans of leaves. Change records themselves are kept.
    """
    if stream is Stream.CHANGE_RECORD:
        raise ValueError("change records say what retention took; they are kept")
    if dry_run:
        async with writer.database.read() as connection:
            return len(await _old(connection, stream, before_us, held_cases, None))
    total = 0
    while True:
        taken = 0

        async def work(connection: AsyncConnection) -> Change:
            nonlocal taken
            spans, taken = await _delete(connection, stream, before_us, held_cases)
            detail = {
                "stream": stream.table,
                "leaves": spans,
                "before": before_us,
                "count": taken,
                "reason": reason,
            }
            return Change("retention.applied", actor, stream.table, detail)

        if not await _anything(writer, stream, before_us, held_cases):
            return total
        await writer.append_with(work)
        total += taken


async def erase_subject(writer: Writer, vault: Vault, subject: str, *, reason: str, actor: str) -> RecordRef:
    """Destroys a person's key and values. What the trail says of the reference stays, and says nothing of the person.

    Copies of the database keep the key until they end: erase there too, or let them expire.
    """

    async def work(connection: AsyncConnection) -> Change:
        values = await vault.erase(connection, subject)
        return Change("subject.erased", actor, subject, {"values": values, "reason": reason})

    return await writer.append_with(work)


async def _anything(writer: Writer, stream: Stream, before_us: int, held: Collection[str]) -> bool:
    async with writer.database.read() as connection:
        return bool(await _old(connection, stream, before_us, held, 1))


async def _old(
    connection: AsyncConnection, stream: Stream, before_us: int, held: Collection[str], limit: int | None
) -> list[tuple[int, str, int]]:
    """(leaf, writer, number) of records that may go, in the trail's order: sealed ones only."""
    table = RECORDS[stream]
    sealed = select(func.coalesce(func.max(CHECKPOINT.c.size), 0)).scalar_subquery()
    query = (
        select(LEAF.c.idx, table.c.writer, table.c.seq)
        .join(LEAF, and_(LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq))
        .where(LEAF.c.stream == int(stream), table.c.at_us < before_us, LEAF.c.idx < sealed)
        .order_by(LEAF.c.idx)
        .limit(limit)
    )
    if held and stream is Stream.CASE_EVENT:
        query = query.where(CASE_EVENT.c.case_id.not_in(sorted(held)))
    return [(int(row[0]), str(row[1]), int(row[2])) for row in await connection.execute(query)]


async def _delete(
    connection: AsyncConnection, stream: Stream, before_us: int, held: Collection[str]
) -> tuple[list[list[int]], int]:
    rows = await _old(connection, stream, before_us, held, AT_ONCE)
    await connection.execute(insert(RETENTION).values(stream=int(stream)))
    by_writer: dict[str, list[int]] = {}
    for _, writer, seq in rows:
        by_writer.setdefault(writer, []).append(seq)
    tables: list[Table] = [RECORDS[stream]]
    if stream is Stream.ACCESS_RECORD:
        tables.append(ACCESS_ABOUT)
    for writer, seqs in by_writer.items():
        for first, last in _spans(seqs):
            for table in tables:
                here = and_(table.c.writer == writer, table.c.seq >= first, table.c.seq <= last)
                await connection.execute(delete(table).where(here))
    await connection.execute(delete(RETENTION).where(RETENTION.c.stream == int(stream)))
    return _spans([leaf for leaf, _, _ in rows]), len(rows)


def _spans(numbers: list[int]) -> list[list[int]]:
    """Rising numbers as [first, last] of adjoining ones."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return spans
