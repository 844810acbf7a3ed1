"""The bill of materials: valid by its own schema, complete by the lock, the same each time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.sbom import read_lock

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements/runtime.txt").read_text("utf-8")


def written() -> bytes:
    return subprocess.run(
        [sys.executable, "scripts/sbom.py"], cwd=ROOT, check=True, capture_output=True
    ).stdout


def test_it_is_valid_names_all_of_the_lock_and_is_the_same_each_time() -> None:
    text = written()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
    bill = json.loads(text)
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", LOCK, re.M))
    assert len(pinned) > 30
    assert {one["name"]: one["version"] for one in bill["components"]} == pinned
    hashes = [
        item["content"]
        for one in bill["components"]
        for reference in one["externalReferences"]
        for item in reference["hashes"]
    ]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", LOCK))
    assert bill["metadata"]["component"]["name"] == "quanyu"
    assert written() == text


@pytest.mark.parametrize(
    "text", ["orjson>=3\n    --hash=sha256:" + "0" * 64, "orjson==3.11", "-e .", "git+https://x"]
)
def test_a_lock_that_pins_nothing_is_no_bill(text: str) -> None:
    with pytest.raises(ValueError, match="pins nothing"):
        list(read_lock(text))
