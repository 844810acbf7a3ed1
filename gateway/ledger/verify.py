"""Checks the trail of a database: one state of it, in chunks, with what it keeps beside the records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Table, and_, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.ledger.check import TrailCheck
from gateway.ledger.checkpoint import Checkpoint, CheckpointError, Verifier, cosigned_by, read_checkpoint
from gateway.ledger.findings import Flaw, Found
from gateway.ledger.records import RecordRef, Stream, links_of, read_body
from gateway.ledger.tables import (
    ACCESS_ABOUT,
    ACCESS_RECORD,
    CHECKPOINT,
    COSIGNATURE,
    LEAF,
    NODE,
    RECORDS,
    WRITER,
    octets,
)
from gateway.ledger.tree_store import KEPT_EVERY, TreeStore

__all__ = ["Progress", "verify_store"]

CHUNK = 4000
_STREAMS = {int(stream): stream for stream in Stream}


def _columns(table: Table) -> list[str]:
    """The hash and the body first."""
    return ["leaf", "body", *(one.name for one in table.columns if one.name not in ("leaf", "body"))]


_LEAVES = text(
    "SELECT idx, stream, writer, seq, hash FROM ledger_leaf WHERE idx > :start ORDER BY idx LIMIT :count"
)
_RECORDS_OF_LEAVES = {
    stream: text(  # of our own tables' names
        f"SELECT leaf.idx, {', '.join(f'record.{one}' for one in _columns(table))} FROM ledger_leaf AS leaf"  # noqa: S608  # nosec B608
        f" JOIN {table.name} AS record ON record.writer = leaf.writer AND record.seq = leaf.seq"
        f" WHERE leaf.stream = {int(stream)} AND leaf.idx >= :first AND leaf.idx <= :last"
    )
    for stream, table in RECORDS.items()
}
Progress = Callable[[int, int], None]
"""(leaves done, leaves in all)"""


async def verify_store(
    database: Database,
    verifier: Verifier | None,
    *,
    witnessed: Iterable[str] = (),
    witnesses: Sequence[Verifier] = (),
    progress: Progress | None = None,
) -> Found:
    """verifier: whose checkpoints they must be. witnessed: notes that a witness has kept: the trail must hold them all.
    witnesses: keys that cosignatures are checked with. Raises DatabaseUnavailable."""
    async with database.read() as connection:
        walk = _Walk(connection, TrailCheck(verifier), progress)
        await walk.leaves()
        await walk.loose_records()
        await walk.links()
        await walk.cosignatures(witnesses)
        await walk.witnessed(witnessed, verifier)
        return walk.check.finish()


class _Walk:
    def __init__(self, connection: AsyncConnection, check: TrailCheck, progress: Progress | None) -> None:
        self.connection, self.check = connection, check
        self._progress = progress or (lambda _done, _all: None)
        self._matched = dict.fromkeys(Stream, 0)
        self._links = 0
        self._unreadable: set[tuple[str, int]] = set()

    async def leaves(self) -> None:
        total = int(await self.connection.scalar(select(func.count()).select_from(LEAF)) or 0)
        done = 0
        notes = _ahead(self._checkpoints())
        note = await anext(notes)
        async for rows in self._leaf_chunks():
            records = await self._records(rows[0][0], rows[-1][0])
            for row in rows:
                self._leaf(row, records)
                while note is not None and note[0] <= row[0] + 1:
                    self.check.checkpoint_at(*note)
                    note = await anext(notes)
            await self._nodes()
            done += len(rows)
            self._progress(done, total)
        while note is not None:
            self.check.checkpoint_at(*note)
            note = await anext(notes)
        await self._nodes()

    def _leaf(self, row: Sequence[Any], records: Mapping[int, Sequence[Any]]) -> None:
        index, number, writer, seq, value = row
        stream = _STREAMS.get(number)
        record = records.get(index)
        if record is not None and stream is not None:
            # its writer and number are those of the leaf, by which it was found
            body = self.check.sound(index, stream, value, record[2], record[1], record[3:])
            if body is not None:
                self._matched[stream] += 1
                if stream is Stream.ACCESS_RECORD:
                    self._add_links(RecordRef(stream, writer, seq), body)
                return
        value = octets(value) or b""
        if stream is None or type(seq) is not int:
            self.check.stray(index, value)
            return
        ref = RecordRef(stream, writer, seq)
        found = self.check.leaf(index, ref, value, None if record is None else _named(stream, record[1:]))
        if record is not None:
            self._matched[ref.stream] += 1
            self._add_links(ref, found)

    async def _leaf_chunks(self) -> AsyncIterator[Sequence[Any]]:
        start = -1
        while True:
            rows = (await self.connection.execute(_LEAVES, {"start": start, "count": CHUNK})).all()
            if not rows:
                return
            yield rows
            start = rows[-1][0]

    async def _checkpoints(self) -> AsyncIterator[tuple[int, str]]:
        size = -1
        while True:
            query = (
                select(CHECKPOINT).where(CHECKPOINT.c.size > size).order_by(CHECKPOINT.c.size).limit(CHUNK)
            )
            rows = (await self.connection.execute(query)).all()
            if not rows:
                return
            for row in rows:
                yield row.size, row.note
            size = rows[-1].size

    async def _records(self, first: int, last: int) -> dict[int, Sequence[Any]]:
        """Leaf -> (leaf, columns of its record). Plain rows as the driver gives them: SQLAlchemy's types took a third of
        a check's time. Drivers may give octets as text, where someone made text of them."""
        found: dict[int, Sequence[Any]] = {}
        for query in _RECORDS_OF_LEAVES.values():
            rows = await self.connection.execute(query, {"first": first, "last": last})
            found |= {row[0]: row for row in rows.all()}
        return found

    async def _nodes(self) -> None:
        """Kept subtrees beside those that the leaves have just given."""
        self.check.grow()
        made = [one for one in self.check.nodes if one[0] % KEPT_EVERY == 0]
        self.check.nodes.clear()
        kept: dict[tuple[int, int], bytes] = {}
        for level in {one[0] for one in made}:
            places = [index for at, index, _ in made if at == level]
            query = select(NODE.c.idx, NODE.c.hash).where(
                NODE.c.level == level, NODE.c.idx >= min(places), NODE.c.idx <= max(places)
            )
            kept |= {(level, index): bytes(value) for index, value in await self.connection.execute(query)}
        for level, index, expected in made:
            self.check.node(level, index, expected, kept.get((level, index)))

    async def loose_records(self) -> None:
        """Records that no leaf has: the newest ones, which are not sealed yet, and such as never were."""
        for stream, table in RECORDS.items():
            there = int(await self.connection.scalar(select(func.count()).select_from(table)) or 0)
            tail = [row async for row in self._tail(stream, table)]
            if there - self._matched[stream] != len(tail):
                tail = await self._without_leaf(stream, table)
            for record in tail:
                ref = RecordRef(stream, record["writer"], record["seq"])
                self._add_links(ref, self.check.loose(ref, record))

    async def _tail(self, stream: Stream, table: Table) -> AsyncIterator[Mapping[str, Any]]:
        writers = (await self.connection.scalars(select(WRITER.c.writer).order_by(WRITER.c.writer))).all()
        for writer in writers:
            sealed = await self.connection.scalar(
                select(func.max(LEAF.c.seq)).where(LEAF.c.stream == int(stream), LEAF.c.writer == writer)
            )
            query = select(table).where(table.c.writer == writer, table.c.seq > (sealed or 0))
            for row in await self.connection.execute(query.order_by(table.c.seq)):
                yield dict(row._mapping)

    async def _without_leaf(self, stream: Stream, table: Table) -> list[Mapping[str, Any]]:
        joined = table.outerjoin(
            LEAF,
            and_(LEAF.c.stream == int(stream), LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq),
        )
        rows = await self.connection.execute(
            select(table)
            .select_from(joined)
            .where(LEAF.c.idx.is_(None))
            .order_by(table.c.writer, table.c.seq)
            .limit(CHUNK)
        )
        return [dict(row._mapping) for row in rows]

    # --- links of looks ---

    def _add_links(self, ref: RecordRef, body: Mapping[str, Any] | None) -> None:
        if ref.stream is not Stream.ACCESS_RECORD:
            return
        if body is None:
            self._unreadable.add((ref.writer, ref.seq))
            return
        for kind, about in links_of(body["record"]):
            self._links += _digest(kind, about, body["at"], ref.writer, ref.seq)

    async def links(self) -> None:
        """`access_about` as a whole, by the sum of its rows' hashes; row by row only where that is wrong."""
        total = 0
        async for row in self._about():
            total += _digest(*row)
        if total != self._links:
            await self._wrong_links()

    async def _about(self) -> AsyncIterator[Sequence[Any]]:
        table, last = ACCESS_ABOUT, None
        key = (table.c.kind, table.c.ref, table.c.at_us, table.c.writer, table.c.seq)
        while True:
            query = select(*key).order_by(*key).limit(CHUNK)
            if last is not None:
                query = query.where(_after(key, last))
            rows = (await self.connection.execute(query)).all()
            if not rows:
                return
            for row in rows:
                yield row
            last = rows[-1]

    async def _wrong_links(self) -> None:
        kept = {tuple(row) async for row in self._about()}
        table, at = ACCESS_RECORD, ("", 0)
        key = (table.c.writer, table.c.seq)
        while True:
            query = select(*key, table.c.body).where(_after(key, at)).order_by(*key).limit(CHUNK)
            rows = (await self.connection.execute(query)).all()
            if not rows:
                break
            for row in rows:
                self._compare_links(row, kept)
            at = (rows[-1].writer, rows[-1].seq)
        for kind, about, _at, writer, seq in sorted(kept):
            if (writer, seq) in self._unreadable:  # named already
                continue
            ref = RecordRef(Stream.ACCESS_RECORD, writer, seq)
            what = f"access_about {kind} {about}"
            self.check.report(Flaw("INSERTED", what, f"{ref} does not say so"))

    def _compare_links(self, row: Any, kept: set[tuple[Any, ...]]) -> None:
        if (row.writer, row.seq) in self._unreadable:
            return
        body = read_body(bytes(row.body))
        for kind, about in links_of(body["record"]):
            link = (kind, about, body["at"], row.writer, row.seq)
            if link in kept:
                kept.discard(link)
            else:
                ref = RecordRef(Stream.ACCESS_RECORD, row.writer, row.seq)
                self.check.report(
                    Flaw("REMOVED", f"access_about {kind} {about}", f"{ref} says that it was looked at")
                )

    # --- witnesses ---

    async def cosignatures(self, witnesses: Sequence[Verifier]) -> None:
        for witness in witnesses:
            rows = await self.connection.execute(
                select(COSIGNATURE, CHECKPOINT.c.note)
                .join(CHECKPOINT, CHECKPOINT.c.size == COSIGNATURE.c.size, isouter=True)
                .where(COSIGNATURE.c.witness == witness.name)
            )
            for row in rows:
                if row.note is None or cosigned_by(row.note, [row.line], witness) is None:
                    what = f"cosignature {row.size} of {row.witness}"
                    self.check.report(Flaw("FORGED", what, "it is not that witness's", row.size - 1))

    async def witnessed(self, notes: Iterable[str], verifier: Verifier | None) -> None:
        """What a witness has seen must be in the trail."""
        tree, size = TreeStore(self.connection), self.check.size
        for note in notes:
            try:
                seen = read_checkpoint(note, verifier)
            except CheckpointError as error:
                self.check.report(Flaw("FORGED", "a witnessed checkpoint", str(error)))
                continue
            finding = await _against(tree, size, seen)
            if finding is not None:
                self.check.report(finding)
                return


async def _against(tree: TreeStore, size: int, seen: Checkpoint) -> Flaw | None:
    what = f"checkpoint {seen.size}"
    if seen.size > size:
        return Flaw("ROLLED_BACK", what, f"a witness has seen it, and the trail ends at {size}", size)
    try:
        root = await tree.root(seen.size)
    except LookupError:
        return None  # the leaves are found to be missing elsewhere
    if root != seen.root:
        return Flaw("ROLLED_BACK", what, "a witness has seen another one of this size", seen.size - 1)
    return None


async def _ahead(items: AsyncIterator[tuple[int, str]]) -> AsyncIterator[tuple[int, str] | None]:
    async for item in items:
        yield item
    while True:
        yield None


def _named(stream: Stream, row: Sequence[Any]) -> dict[str, Any]:
    """A plain row as the columns of its record."""
    return {
        name: octets(value) if name in ("leaf", "body") else value
        for name, value in zip(_columns(RECORDS[stream]), row, strict=True)
    }


def _after(key: Sequence[Any], values: Sequence[Any]) -> Any:
    return tuple_(*key) > tuple_(*values)


def _digest(*row: Any) -> int:
    kind, ref, at_us, writer, seq = row
    text = f"{kind}\x1f{ref}\x1f{at_us}\x1f{writer}\x1f{seq}"
    return int.from_bytes(sha256(text.encode()).digest()[:16], "big")
