"""Node and the npm packages of `npm/`, installed once by lock file into `.quanyu/peers/`."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["REQUIRED", "install", "run_node"]

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).parent / "npm"
TARGET = ROOT / ".quanyu" / "peers"
REQUIRED = "QUANYU_TEST_REQUIRE_PEERS"
"""Set in CI: what is missing is a failure there."""


def install() -> Path:
    """The folder with the scripts and `node_modules`. Skips the test where there is no npm; in CI it fails."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        reason = "node and npm are not here: install nodejs 20 or newer"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # workers of one run wait for the first
        stamp, wanted = TARGET / ".stamp", (SOURCE / "package-lock.json").read_text()
        if not stamp.is_file() or stamp.read_text() != wanted:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(SOURCE / name, TARGET / name)
            subprocess.run(
                ["npm", "ci", "--prefix", str(TARGET), "--loglevel=error", "--no-update-notifier"],
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=300,
            )
            stamp.write_text(wanted)
        for script in SOURCE.glob("*.mjs"):
            shutil.copy(script, TARGET / script.name)
    return TARGET


def run_node(script: str, *arguments: str, stdin: str = "", timeout_s: float = 120) -> Any:
    """What a script of `npm/` prints, as JSON."""
    done = subprocess.run(
        ["node", script, *arguments],
        cwd=install(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)
