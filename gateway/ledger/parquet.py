"""An export as Parquet, for tools that read columns; it holds what the JSON lines hold, and is checked like them.

The header is in the file's metadata (`quanyu.trail`). `at`, `case`, `kind` and `actor` only repeat the body, so that a
query need not parse it; a check compares them. pyarrow is the extra `quanyu[parquet]`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from gateway.ledger.checkpoint import Verifier
from gateway.ledger.errors import ExportUnreadable, ParquetMissing
from gateway.ledger.export import verify_export
from gateway.ledger.findings import Flaw, Found
from gateway.ledger.verify import Progress

__all__ = ["is_parquet", "verify_parquet", "write_parquet"]

HEADER = b"quanyu.trail"
AT_ONCE = 10_000
"""Records of one row group: bounds the memory of writer and reader."""
_ROW = ("leaf", "stream", "writer", "seq", "hash", "body", "proof")
_REPEATED = ("at", "case", "kind", "actor")


def is_parquet(path: Path) -> bool:
    """By its first bytes. Raises OSError."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


async def write_parquet(lines: AsyncIterator[bytes], path: Path) -> int:
    """lines: of `export.export_trail`. How many records. Raises ParquetMissing, OSError."""
    arrow, parquet = _pyarrow()
    head = await anext(lines)
    schema = _schema(arrow, with_proofs=orjson.loads(head)["case"] is not None).with_metadata(
        {HEADER: head.strip()}
    )
    count, rows = 0, []
    with parquet.ParquetWriter(str(path), schema, compression="zstd") as writer:
        async for line in lines:
            row = orjson.loads(line)
            rows.append(row | _repeated(row["body"]))
            count += 1
            if len(rows) == AT_ONCE:
                writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
    return count


def verify_parquet(path: Path, verifier: Verifier | None, *, progress: Progress | None = None) -> Found:
    """As `export.verify_export`. Raises ParquetMissing, ExportUnreadable."""
    flaws: list[Flaw] = []
    found = verify_export(_lines(path, flaws), verifier, progress=progress)
    return replace(found, findings=(*flaws, *found.findings)) if flaws else found


def _lines(path: Path, flaws: list[Flaw]) -> Iterator[bytes]:
    arrow, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(str(path)) as file:
            head = (file.schema_arrow.metadata or {}).get(HEADER)
            if head is None:
                raise ExportUnreadable("its metadata has no quanyu.trail: not an export of a trail")
            yield head
            for batch in file.iter_batches(batch_size=AT_ONCE):
                for row in batch.to_pylist():
                    yield _line(row, flaws)
    except (arrow.ArrowException, OSError) as error:
        raise ExportUnreadable(f"it cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _line(row: dict[str, Any], flaws: list[Flaw]) -> bytes:
    """As it stands in the JSON lines."""
    told = _repeated(row.get("body"))
    wrong = next((name for name in _REPEATED if row.get(name) != told[name]), None)
    if wrong is not None and not flaws:
        what = f"{row.get('stream')} {row.get('writer')}/{row.get('seq')}"
        flaws.append(Flaw("ALTERED", what, f"its column {wrong} is not what its body says", row.get("leaf")))
    return orjson.dumps({name: row[name] for name in _ROW if name in row})


def _repeated(body: str | None) -> dict[str, Any]:
    try:
        value = orjson.loads(body or "{}")
        record = value.get("record") or {}
        found = {"at": value.get("at"), **{name: record.get(name) for name in _REPEATED[1:]}}
    except (orjson.JSONDecodeError, AttributeError):
        return dict.fromkeys(_REPEATED)
    return {name: one if type(one) in (int, str) else None for name, one in found.items()}


def _schema(arrow: Any, *, with_proofs: bool) -> Any:
    fields = [
        ("leaf", arrow.int64()),
        ("stream", arrow.string()),
        ("writer", arrow.string()),
        ("seq", arrow.int64()),
        ("hash", arrow.string()),
        ("body", arrow.string()),
        ("at", arrow.int64()),
        ("case", arrow.string()),
        ("kind", arrow.string()),
        ("actor", arrow.string()),
    ]
    return arrow.schema(fields + ([("proof", arrow.list_(arrow.string()))] if with_proofs else []))


def _pyarrow() -> tuple[Any, Any]:  # Any: pyarrow has no types
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ParquetMissing(
            'Parquet needs pyarrow, which is not installed: pip install "quanyu[parquet]". JSON lines need nothing.'
        ) from None
    return pyarrow, pyarrow.parquet
