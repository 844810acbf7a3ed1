"""An export as Parquet is checked offline like the JSON lines, and what is done to it is named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from gateway.ledger.errors import ExportUnreadable, ParquetMissing
from gateway.ledger.export import export_trail
from gateway.ledger.parquet import HEADER, is_parquet, verify_parquet, write_parquet
from tests.ledger.conftest import KEYS, Trail

VERIFIER = KEYS.signer.verifier


async def written(trail: Trail, folder: Path, **part: Any) -> Path:
    path = folder / "trail.parquet"
    await write_parquet(export_trail(trail.database, VERIFIER, **part), path)
    return path


def bent(path: Path, row: int, /, **change: Any) -> Path:
    table = parquet.read_table(path)
    rows = table.to_pylist()
    rows[row] |= change
    parquet.write_table(arrow.Table.from_pylist(rows, schema=table.schema), path)
    return path


@pytest.mark.parametrize("part", [{}, {"first": 7, "last": 23}, {"case_id": "JT-PERMIT:JT2017-000004"}])
async def test_an_export_and_a_part_and_a_case_are_whole(
    trail: Trail, tmp_path: Path, part: dict[str, Any]
) -> None:
    await trail.fill(30)
    path = await written(trail, tmp_path, **part)
    assert is_parquet(path)
    found = verify_parquet(path, VERIFIER)
    assert found.findings == ()
    assert found.records == parquet.read_metadata(path).num_rows


async def test_its_columns_can_be_asked_without_reading_bodies(trail: Trail, tmp_path: Path) -> None:
    await trail.fill(9)
    table = parquet.read_table(
        await written(trail, tmp_path), columns=["stream", "case", "kind", "actor", "at"]
    )
    events = [row for row in table.to_pylist() if row["stream"] == "case_event"]
    assert events[4] | {"at": 0} == {
        "stream": "case_event",
        "case": "JT-PERMIT:JT2017-000001",
        "kind": "STEP_START",
        "actor": None,
        "at": 0,
    }


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"body": '{"v":1}'}, "ALTERED"),
        ({"case": "JT-PERMIT:OTHER"}, "ALTERED"),
        ({"at": 1}, "ALTERED"),
        ({"hash": "00" * 32}, "ALTERED"),
        ({"body": None}, "REMOVED"),
        ({"seq": 17}, "REMOVED"),
    ],
)
async def test_what_is_done_to_a_record_is_named(
    trail: Trail, tmp_path: Path, change: dict[str, Any], kind: str
) -> None:
    await trail.fill(30)
    found = verify_parquet(bent(await written(trail, tmp_path), 4, **change), VERIFIER)
    assert not found.intact
    assert kind in {one.kind for one in found.findings}


async def test_what_is_no_export_is_told(trail: Trail, tmp_path: Path) -> None:
    await trail.fill(9)
    path = await written(trail, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ExportUnreadable, match="cannot be read as Parquet"):
        verify_parquet(path, VERIFIER)
    parquet.write_table(arrow.table({"x": [1]}), path)
    with pytest.raises(ExportUnreadable, match="not an export"):
        verify_parquet(path, VERIFIER)
    table = arrow.table({"x": [1]}).replace_schema_metadata({HEADER: b"{}"})
    parquet.write_table(table, path)
    with pytest.raises(ExportUnreadable, match="header"):
        verify_parquet(path, VERIFIER)


async def test_without_the_library_one_is_told_which(
    trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trail.fill(3)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ParquetMissing, match=r"quanyu\[parquet\]"):
        await written(trail, tmp_path)
