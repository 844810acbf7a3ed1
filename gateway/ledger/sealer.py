"""Seals: gathers new records of all writers into the tree and signs a checkpoint. One process at a time, by lease.

Records are taken stream by stream in their order, so what commits late lands in a later checkpoint and nothing is
passed over. The sealer computes no leaf hash: whether a record is what its leaf says is for a check to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database, release, take
from gateway.ledger.checkpoint import Checkpoint, Signer, sign_checkpoint
from gateway.ledger.errors import TrailRolledBack
from gateway.ledger.merkle import Frontier
from gateway.ledger.records import Stream
from gateway.ledger.tables import CHECKPOINT, LEAF, NODE, RECORDS, WRITER
from gateway.ledger.tree_store import KEPT_EVERY, TreeStore
from gateway.ledger.writer import now_us

__all__ = ["LEASE_NAME", "LEASE_S", "SealedRange", "Sealer"]

log = structlog.get_logger("gateway.ledger")

LEASE_NAME = "ledger.sealer"
LEASE_S = 5.0
AT_ONCE = 5000
"""Records of one checkpoint: bounds the time that a seal holds SQLite's write lock."""
SILENT_US = 24 * 3600 * 1_000_000
"""A writer unheard of for so long, with nothing left to seal, is looked for no more until it is heard of again."""

_Leaf = tuple[Stream, str, int, bytes]


@dataclass(frozen=True, slots=True)
class SealedRange:
    """What one seal did: leaves from `start` to before the checkpoint's size. more: there is more to seal."""

    start: int
    checkpoint: Checkpoint
    note: str
    more: bool


class Sealer:
    """holder: who this process is among those that may seal."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        holder: str,
        *,
        clock: Callable[[], int] = now_us,
        lease_s: float = LEASE_S,
    ) -> None:
        self._database, self._signer, self._holder = database, signer, holder
        self._clock, self._lease_s = clock, lease_s
        self._frontier = Frontier()
        self._root = b""

    async def seal(self, *, at_once: int = AT_ONCE) -> SealedRange | None:
        """One checkpoint over what is new; None where nothing is, or another process has the lease.

        Raises DatabaseUnavailable, TrailRolledBack.
        """
        async with self._database.write() as connection:
            if not await take(self._database, connection, LEASE_NAME, self._holder, self._lease_s):
                return None
            frontier = await self._current(connection)
            start = frontier.size
            leaves = await self._new_leaves(connection, at_once)
            if not leaves:
                return None
            await self._grow(connection, frontier, leaves)
            checkpoint = Checkpoint(self._signer.name, frontier.size, frontier.root(), self._clock())
            note = sign_checkpoint(checkpoint, self._signer)
            await connection.execute(insert(CHECKPOINT).values(size=checkpoint.size, note=note))
        self._frontier, self._root = frontier, checkpoint.root
        return SealedRange(start, checkpoint, note, len(leaves) >= at_once)

    async def give_up(self) -> None:
        """Lets another process seal at once."""
        async with self._database.write() as connection:
            await release(connection, LEASE_NAME, self._holder)

    async def _current(self, connection: AsyncConnection) -> Frontier:
        """A copy of the tree's frontier, read where another process has sealed since."""
        tree = TreeStore(connection)
        size, mine = await tree.sealed_size(), self._frontier
        if size < mine.size or (size > mine.size > 0 and await tree.root(mine.size) != self._root):
            raise TrailRolledBack(
                f"this process has sealed {mine.size} records, and the database has {size} or others: it was rolled "
                "back, cut or replaced; nothing more is sealed. Run `quanyu trail verify`"
            )
        if size == mine.size:
            return Frontier(size, mine.hashes)
        return await tree.frontier(size)

    async def _new_leaves(self, connection: AsyncConnection, at_once: int) -> list[_Leaf]:
        found: list[_Leaf] = []
        for writer, seen_us, marks in await _watermarks(connection):
            before = len(found)
            for stream, sealed in marks:
                room = at_once - len(found)
                if room > 0:
                    found += await _unsealed(connection, stream, writer, sealed, room)
            if len(found) == before and at_once > len(found) and seen_us < self._clock() - SILENT_US:
                await connection.execute(update(WRITER).where(WRITER.c.writer == writer).values(ended=True))
        return found

    async def _grow(self, connection: AsyncConnection, frontier: Frontier, leaves: Sequence[_Leaf]) -> None:
        rows, nodes = [], []
        for stream, writer, seq, value in leaves:
            rows.append({"idx": frontier.size, "stream": stream, "writer": writer, "seq": seq, "hash": value})
            nodes += [
                {"level": level, "idx": index, "hash": node}
                for level, index, node in frontier.append(value)
                if level and level % KEPT_EVERY == 0
            ]
        await connection.execute(insert(LEAF), rows)
        if nodes:
            await connection.execute(insert(NODE), nodes)


async def _watermarks(connection: AsyncConnection) -> list[tuple[str, int, list[tuple[Stream, int]]]]:
    """Writers that may have something new, with the last sealed number of each of their streams."""
    marks = [
        select(func.max(LEAF.c.seq))
        .where(LEAF.c.stream == int(stream), LEAF.c.writer == WRITER.c.writer)
        .scalar_subquery()
        for stream in Stream
    ]
    rows = await connection.execute(
        select(WRITER.c.writer, WRITER.c.seen_us, *marks)
        .where(WRITER.c.ended.is_(False))
        .order_by(WRITER.c.writer)
    )
    return [
        (row[0], row[1], [(stream, mark or 0) for stream, mark in zip(Stream, row[2:], strict=True)])
        for row in rows
    ]


async def _unsealed(
    connection: AsyncConnection, stream: Stream, writer: str, sealed: int, room: int
) -> list[_Leaf]:
    table = RECORDS[stream]
    rows = await connection.execute(
        select(table.c.seq, table.c.leaf)
        .where(table.c.writer == writer, table.c.seq > sealed)
        .order_by(table.c.seq)
        .limit(room)
    )
    return [(stream, writer, row.seq, bytes(row.leaf)) for row in rows]
