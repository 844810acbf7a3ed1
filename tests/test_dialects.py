"""The table of dialects names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
PAGE = ROOT.parent / "docs" / "reference" / "dialects.md"
ROWS = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|") and ".py`" in line]


def test_the_table_is_read() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_every_test_named_in_a_row_exists(row: str) -> None:
    cell = row.rstrip().removesuffix("|").rpartition("|")[2]
    for part in cell.split(";"):
        [name] = re.findall(r"`([\w/]+\.py)`", part)
        tree = ast.parse((ROOT / name).read_text("utf-8"))
        there = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        named = set(re.findall(r"`(test_\w+)`", part))
        assert named <= there, (name, named - there)
