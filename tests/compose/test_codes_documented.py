"""`docs/reference/composition.md` has every code with the sentence of the table, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from schema.compose.codes import ERROR_CODES, HINT_CODES, NEVER_REPORTED
from schema.compose.federation_spec import DIRECTIVES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "composition.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading, without its head."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    found = [line.strip("| ").split(" | ") for line in text.split("\n") if line.startswith("| ")]
    return found[1:]


def test_every_error_is_documented() -> None:
    assert {row[0].strip("`"): row[1] for row in rows("Errors")} == dict(ERROR_CODES)


def test_every_hint_is_documented() -> None:
    assert {row[0].strip("`"): (row[1], row[2]) for row in rows("Hints")} == dict(HINT_CODES)


def test_codes_that_never_come_are_named() -> None:
    assert {row[0].strip("`"): row[1] for row in rows("Codes that are never reported")} == dict(
        NEVER_REPORTED
    )


def test_every_directive_is_documented_with_its_version() -> None:
    assert {row[0].strip("`@"): row[1] for row in rows("Directives")} == {
        name: f"v2.{spec.since}" for name, spec in DIRECTIVES.items()
    }
