"""Checks a stretch of the sealed trail against the newest signed root, without reading the rest of it.

Leaves of the stretch are made anew from their records; the others come as the subtrees that the database keeps. A root
under a signature holds for both, so a false subtree cannot hide a false record.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger.check import TrailCheck
from gateway.ledger.checkpoint import Checkpoint, CheckpointError, Verifier, read_checkpoint
from gateway.ledger.findings import Flaw
from gateway.ledger.merkle import perfect_subtrees
from gateway.ledger.records import RecordRef, Stream
from gateway.ledger.tables import CHECKPOINT, LEAF, RECORDS
from gateway.ledger.tree_store import TreeStore

__all__ = ["MOST_LEAVES", "Stretch", "check_stretch"]

MOST_LEAVES = 10_000
"""At a time: about half a second of one core."""
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Stretch:
    """The outcome. first, end: leaves that were checked. until_us: moment of the checkpoint that ends them."""

    first: int
    end: int
    complete: bool
    dropped: int
    size: int
    root: bytes | None
    until_us: int | None
    findings: tuple[Flaw, ...]


async def check_stretch(
    connection: AsyncConnection, verifier: Verifier, start_us: int | None, end_us: int | None
) -> Stretch:
    """Leaves sealed from `start_us` to before `end_us`, rounded out to checkpoints; at most MOST_LEAVES of them."""
    places = _Places(connection)
    newest = await places.at_or_above(None)
    if newest is None:
        return Stretch(0, 0, complete=True, dropped=0, size=0, root=None, until_us=None, findings=())
    size, note = newest
    first = await places.sealed_before(start_us, size) if start_us is not None else 0
    end = await places.sealed_through(end_us, size) if end_us is not None else size
    end = max(first, end)
    last = min(end, first + MOST_LEAVES)
    tree = TreeStore(connection)
    check = TrailCheck(verifier)
    try:
        check = TrailCheck(verifier, frontier=await tree.frontier(first))
        if (first, last) != (0, size):
            check.forgive_missing()
        await _feed(connection, check, first, last)
        for level, index in perfect_subtrees(last, size):
            check.further(level, await tree.subtree(level, index))
    except LookupError as error:
        check.report(Flaw("REMOVED", "ledger_node", str(error)))
    if size:
        check.checkpoint_at(size, note)
    found = check.finish()
    checkpoint = found.checkpoint
    until = await places.at_or_above(last) if last else None
    return Stretch(
        first,
        last,
        last == end,
        found.dropped,
        size,
        checkpoint.root if checkpoint is not None else None,
        _moment(until[1]) if until is not None else None,
        found.findings,
    )


async def _feed(connection: AsyncConnection, check: TrailCheck, first: int, last: int) -> None:
    for start in range(first, last, CHUNK):
        here = and_(LEAF.c.idx >= start, LEAF.c.idx < min(start + CHUNK, last))
        rows = (await connection.execute(select(LEAF).where(here).order_by(LEAF.c.idx))).all()
        records: dict[RecordRef, dict[str, object]] = {}
        for stream, table in RECORDS.items():
            joined = and_(LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq)
            query = select(table).join(LEAF, joined).where(LEAF.c.stream == int(stream), here)
            for found in (await connection.execute(query)).mappings():
                records[RecordRef(stream, found["writer"], found["seq"])] = dict(found)
        for row in rows:
            ref = RecordRef(Stream(row.stream), row.writer, row.seq)
            check.leaf(row.idx, ref, bytes(row.hash), records.get(ref))
        check.nodes.clear()


@dataclass(frozen=True, slots=True)
class _Places:
    """Checkpoints by time: their sizes and their moments grow together, so that a search halves its way."""

    connection: AsyncConnection

    async def at_or_above(self, size: int | None) -> tuple[int, str] | None:
        """The first checkpoint of so many leaves or more; the newest for None."""
        query = select(CHECKPOINT.c.size, CHECKPOINT.c.note)
        if size is None:
            query = query.order_by(CHECKPOINT.c.size.desc())
        else:
            query = query.where(CHECKPOINT.c.size >= size).order_by(CHECKPOINT.c.size)
        row = (await self.connection.execute(query.limit(1))).first()
        return (row.size, row.note) if row is not None else None

    async def sealed_before(self, us: int, newest: int) -> int:
        """Size of the last checkpoint before that moment; 0 for none."""
        return (await self._around(us, newest))[0]

    async def sealed_through(self, us: int, newest: int) -> int:
        """Size of the first checkpoint at or after that moment; the newest for none."""
        return (await self._around(us, newest))[1]

    async def _around(self, us: int, newest: int) -> tuple[int, int]:
        low, high = 0, newest + 1
        below, above = 0, newest
        while low < high:
            middle = (low + high) // 2
            found = await self.at_or_above(middle)
            if found is None:
                high = middle
                continue
            size, note = found
            moment = _moment(note)
            if moment is None or moment >= us:
                above = min(above, size)
                high = middle
            else:
                below = max(below, size)
                low = size + 1
        return below, above


def _moment(note: str) -> int | None:
    try:
        checkpoint: Checkpoint = read_checkpoint(note, None)
    except CheckpointError:
        return None
    return checkpoint.at_us
