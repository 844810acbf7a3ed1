"""The trail, or a part of it, as JSON lines that anyone can check offline with nothing but the verifier key.

    {"trail": 1, "origin", "key", "checkpoint", "cosignatures", "from", "to", "size", "count", "before", "after", "case"}
    {"leaf", "stream", "writer", "seq", "hash", "body"}          one for each record, in the trail's order
    {"leaf", ..., "proof"}                                       where it is one case's records

`before` and `after` are the hashes of the perfect subtrees of the leaves that are not in it: with them any part
gives the signed root. `body` is the canonical text that was hashed, null where retention took it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.ledger.check import TrailCheck
from gateway.ledger.checkpoint import CheckpointError, Verifier, read_checkpoint
from gateway.ledger.errors import ExportUnreadable
from gateway.ledger.findings import Flaw, Found
from gateway.ledger.merkle import Frontier, perfect_subtrees, verify_inclusion
from gateway.ledger.records import RecordRef, Stream, columns_of, read_body
from gateway.ledger.tables import ACCESS_ABOUT, CASE_EVENT, CHECKPOINT, COSIGNATURE, LEAF, RECORDS
from gateway.ledger.tree_store import TreeStore
from gateway.ledger.verify import Progress

__all__ = ["export_trail", "verify_export"]

CHUNK = 2000
VERSION = 1
_STREAMS = {stream.table: stream for stream in Stream}


async def export_trail(
    database: Database,
    verifier: Verifier,
    *,
    first: int = 0,
    last: int | None = None,
    case_id: str | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[bytes]:
    """Lines of one export, header first, under the newest checkpoint. first, last: leaves, both included; case_id: the
    events of one case and the looks at it, each with its own proof. Raises DatabaseUnavailable, ValueError."""
    async with database.read() as connection:
        tree = TreeStore(connection)
        size = await tree.sealed_size()
        end = size if last is None else min(last + 1, size)
        if not 0 <= first <= end:
            raise ValueError(f"leaves {first} to {end - 1} are not in a trail of {size}")
        leaves = await _of_case(connection, case_id, first, end) if case_id is not None else None
        count = end - first if leaves is None else len(leaves)
        head = await _head(connection, tree, verifier, size, (first, end), case_id)
        yield orjson.dumps(head | {"count": count}) + b"\n"
        done = 0
        async for row in _rows(connection, first, end, leaves):
            line = _line(row)
            if leaves is not None:
                line["proof"] = [value.hex() for value in await tree.inclusion(row["leaf"], size)]
            yield orjson.dumps(line) + b"\n"
            done += 1
            if progress is not None and done % CHUNK == 0:
                progress(done, count)
        if progress is not None:
            progress(done, count)


async def _head(
    connection: AsyncConnection,
    tree: TreeStore,
    verifier: Verifier,
    size: int,
    span: tuple[int, int],
    case_id: str | None,
) -> dict[str, Any]:
    first, end = span
    note = await connection.scalar(select(CHECKPOINT.c.note).where(CHECKPOINT.c.size == size))
    lines = (await connection.scalars(select(COSIGNATURE.c.line).where(COSIGNATURE.c.size == size))).all()
    before = [await tree.subtree(*one) for one in perfect_subtrees(0, first)]
    after = [await tree.subtree(*one) for one in perfect_subtrees(end, size)]
    return {
        "trail": VERSION,
        "origin": verifier.name,
        "key": verifier.text(),
        "checkpoint": note or "",
        "cosignatures": list(lines),
        "from": first,
        "to": end,
        "size": size,
        "case": case_id,
        "before": [value.hex() for value in before],
        "after": [value.hex() for value in after],
    }


async def _rows(
    connection: AsyncConnection, first: int, end: int, leaves: Sequence[int] | None
) -> AsyncIterator[dict[str, Any]]:
    """Leaves with the bodies of their records, in order."""
    chunks: Iterable[Any] = range(first, end, CHUNK)
    if leaves is not None:
        chunks = [leaves[at : at + CHUNK] for at in range(0, len(leaves), CHUNK)]
    for chunk in chunks:
        wanted = (
            and_(LEAF.c.idx >= chunk, LEAF.c.idx < min(chunk + CHUNK, end))
            if leaves is None
            else LEAF.c.idx.in_(chunk)
        )
        bodies: dict[int, bytes] = {}
        for stream, table in RECORDS.items():
            joined = table.join(LEAF, and_(LEAF.c.writer == table.c.writer, LEAF.c.seq == table.c.seq))
            query = select(LEAF.c.idx, table.c.body).select_from(joined)
            rows = await connection.execute(query.where(LEAF.c.stream == int(stream), wanted))
            bodies |= {index: bytes(body) for index, body in rows}
        for row in await connection.execute(select(LEAF).where(wanted).order_by(LEAF.c.idx)):
            yield {
                "leaf": row.idx,
                "stream": Stream(row.stream).table,
                "writer": row.writer,
                "seq": row.seq,
                "hash": bytes(row.hash),
                "body": bodies.get(row.idx),
            }


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    body = row["body"]
    return {**row, "hash": row["hash"].hex(), "body": body.decode() if body is not None else None}


async def _of_case(connection: AsyncConnection, case_id: str, first: int, end: int) -> list[int]:
    found: list[int] = []
    events = and_(LEAF.c.stream == int(Stream.CASE_EVENT), LEAF.c.writer == CASE_EVENT.c.writer)
    events = and_(events, LEAF.c.seq == CASE_EVENT.c.seq)
    looks = and_(LEAF.c.stream == int(Stream.ACCESS_RECORD), LEAF.c.writer == ACCESS_ABOUT.c.writer)
    looks = and_(looks, LEAF.c.seq == ACCESS_ABOUT.c.seq)
    for query in (
        select(LEAF.c.idx).join(CASE_EVENT, events).where(CASE_EVENT.c.case_id == case_id),
        select(LEAF.c.idx)
        .join(ACCESS_ABOUT, looks)
        .where(ACCESS_ABOUT.c.kind == "case", ACCESS_ABOUT.c.ref == case_id),
    ):
        found += (await connection.scalars(query.where(LEAF.c.idx >= first, LEAF.c.idx < end))).all()
    return sorted(found)


# --- reading one back, without a database ---


def verify_export(
    lines: Iterable[bytes], verifier: Verifier | None = None, *, progress: Progress | None = None
) -> Found:
    """verifier: whose trail it must be; without one the export's own key is taken, which proves that it is whole and
    not of whom. Raises ExportUnreadable for what is no export, or is cut off."""
    numbered = enumerate(lines, 1)
    head = _head_of(numbered)
    if verifier is None:
        try:
            verifier = Verifier.parse(head["key"])
        except CheckpointError as error:
            raise ExportUnreadable(f"line 1: {error}") from None
    rows = _rows_of(numbered, head, progress)
    if head["case"] is not None:
        return _verify_single(rows, head, verifier)
    return _verify_part(rows, head, verifier)


def _verify_part(rows: Iterator[dict[str, Any]], head: Mapping[str, Any], verifier: Verifier) -> Found:
    try:
        check = TrailCheck(verifier, frontier=Frontier(head["from"], _hashes(head["before"])))
    except ValueError as error:
        raise ExportUnreadable(f"line 1: before: {error}") from None
    if (head["from"], head["to"]) != (0, head["size"]):
        check.forgive_missing()
    for row in rows:
        ref = RecordRef(_STREAMS[row["stream"]], row["writer"], row["seq"])
        value = bytes.fromhex(row["hash"])
        check.leaf(row["leaf"], ref, value, _record(ref, row, value))
    check.nodes.clear()
    for (level, _), value in zip(
        perfect_subtrees(head["to"], head["size"]), _hashes(head["after"]), strict=False
    ):
        check.further(level, value)
    if head["size"]:
        check.checkpoint_at(head["size"], head["checkpoint"])
    return check.finish()


def _verify_single(rows: Iterator[dict[str, Any]], head: Mapping[str, Any], verifier: Verifier) -> Found:
    """Records with a proof each: that they are in the trail, as they are; not that there are no others."""
    check = TrailCheck(verifier)
    try:
        checkpoint = read_checkpoint(head["checkpoint"], verifier)
    except CheckpointError as error:
        check.report(Flaw("FORGED", f"checkpoint {head['size']}", str(error)))
        return check.finish()
    for row in rows:
        ref = RecordRef(_STREAMS[row["stream"]], row["writer"], row["seq"])
        value = bytes.fromhex(row["hash"])
        check.alone(row["leaf"], ref, value, _record(ref, row, value))
        if not verify_inclusion(row["leaf"], checkpoint.size, value, _hashes(row["proof"]), checkpoint.root):
            check.report(
                Flaw("INSERTED", str(ref), "its proof does not lead to the signed root", row["leaf"])
            )
    return check.finish()


def _record(ref: RecordRef, row: Mapping[str, Any], value: bytes) -> dict[str, Any] | None:
    """A line as the columns of a record: an export has no others than the body says."""
    if row["body"] is None:
        return None
    body = row["body"].encode()
    record: dict[str, Any] = {"body": body, "leaf": value}
    try:
        record |= columns_of(ref.stream, read_body(body))
    except (ValueError, KeyError, TypeError):
        return record
    return record | {"writer": ref.writer, "seq": ref.seq}


def _head_of(lines: Iterator[tuple[int, bytes]]) -> dict[str, Any]:
    number, line = next(lines, (1, b""))
    head = _parsed(number, line)
    kinds = {"from": int, "to": int, "size": int, "count": int, "checkpoint": str, "key": str}
    if head.get("trail") != VERSION or any(type(head.get(name)) is not kind for name, kind in kinds.items()):
        raise ExportUnreadable("line 1: not the header of a trail's export")
    if not 0 <= head["from"] <= head["to"] <= head["size"]:
        raise ExportUnreadable("line 1: from, to and size do not go together")
    return head | {name: head.get(name) for name in ("case", "before", "after")}


def _rows_of(
    lines: Iterator[tuple[int, bytes]], head: Mapping[str, Any], progress: Progress | None
) -> Iterator[dict[str, Any]]:
    """Raises ExportUnreadable at the end where the last records are missing; others that are is for a check to name."""
    done, last, count = 0, head["from"] - 1, head["count"]
    for number, line in lines:
        row = _parsed(number, line)
        well_formed = (
            row.get("stream") in _STREAMS
            and isinstance(row.get("writer"), str)
            and type(row.get("seq")) is int
            and type(row.get("leaf")) is int
            and isinstance(row.get("hash"), str)
            and isinstance(row.get("body"), str | None)
        )
        if not well_formed or len(_hashes([row["hash"]])[0]) != 32:
            raise ExportUnreadable(f"line {number}: not a record of a trail")
        yield row
        done, last = done + 1, max(last, row["leaf"])
        if progress is not None and done % CHUNK == 0:
            progress(done, max(done, count))
    if done < count and (head["case"] is not None or last < head["to"] - 1):
        raise ExportUnreadable(f"it ends after {done} of {count} records: it was cut off")


def _parsed(number: int, line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ExportUnreadable(f"line {number}: not a JSON object")
    return value


def _hashes(texts: Any) -> list[bytes]:
    try:
        return [bytes.fromhex(text) for text in texts]
    except (TypeError, ValueError):
        raise ExportUnreadable("a hash is not written in hex") from None
