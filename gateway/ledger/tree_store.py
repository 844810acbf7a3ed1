"""The tree as the database keeps it: leaves, and the complete subtrees of every eighth level."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.ledger.merkle import (
    Frontier,
    Span,
    consistency_spans,
    inclusion_spans,
    node_hash,
    perfect_subtrees,
    root_of,
)
from gateway.ledger.tables import CHECKPOINT, LEAF, NODE

__all__ = ["KEPT_EVERY", "TreeStore"]

KEPT_EVERY = 8
"""Levels: a proof reads at most 2^8 rows at each."""


class TreeStore:
    """Reads one state of the tree. Sizes and indexes must lie within it: a hash that is not there is a LookupError."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def sealed_size(self) -> int:
        """Leaves under the newest checkpoint."""
        return int(await self._connection.scalar(select(func.max(CHECKPOINT.c.size))) or 0)

    async def leaf(self, index: int) -> bytes:
        return (await self._row_hashes(0, index, 1))[0]

    async def frontier(self, size: int) -> Frontier:
        return Frontier(size, [await self.subtree(*one) for one in perfect_subtrees(0, size)])

    async def root(self, size: int) -> bytes:
        return await self.span((0, size))

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that the leaf is in the tree of that size."""
        return [await self.span(one) for one in inclusion_spans(index, size)]

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the newer tree begins with the older one."""
        return [await self.span(one) for one in consistency_spans(old, new)]

    async def span(self, span: Span) -> bytes:
        return root_of([await self.subtree(*one) for one in perfect_subtrees(*span)])

    async def subtree(self, level: int, index: int) -> bytes:
        above = level % KEPT_EVERY
        hashes = await self._row_hashes(level - above, index << above, 1 << above)
        while len(hashes) > 1:
            hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
        return hashes[0]

    async def _row_hashes(self, level: int, first: int, count: int) -> list[bytes]:
        if level:
            query = select(NODE.c.hash).where(NODE.c.level == level).order_by(NODE.c.idx)
            query = query.where(NODE.c.idx >= first, NODE.c.idx < first + count)
        else:
            query = select(LEAF.c.hash).order_by(LEAF.c.idx)
            query = query.where(LEAF.c.idx >= first, LEAF.c.idx < first + count)
        found = [bytes(row) for row in (await self._connection.scalars(query)).all()]
        if len(found) != count:
            raise LookupError(f"{count - len(found)} hashes of level {level} are missing from {first} on")
        return found
