"""`quanyu database`: as a process, with its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import execute_on
from tests.e2e.gateways import ROOT, clean_environment
from tests.services import PostgresServer


def quanyu(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    variables = {f"QUANYU_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "quanyu", "database", *words]
    return subprocess.run(
        command, cwd=ROOT, env=clean_environment() | variables, capture_output=True, text=True, check=False
    )


def test_it_makes_the_file_and_says_that_nothing_is_pending(tmp_path: Path) -> None:
    missing = quanyu("status", data_dir=str(tmp_path))
    assert (missing.returncode, missing.stderr.count("DATABASE_UNAVAILABLE")) == (2, 1)
    upgraded = quanyu("upgrade", data_dir=str(tmp_path))
    assert (upgraded.returncode, "applied lease_0001" in upgraded.stderr) == (0, True), upgraded.stderr
    status = quanyu("status", "--json", data_dir=str(tmp_path))
    assert (status.returncode, json.loads(status.stdout)["pending"]) == (0, [])


def test_pending_migrations_are_an_exit_status(shared_postgres: PostgresServer) -> None:
    execute_on(shared_postgres, "CREATE DATABASE of_the_command")
    url = shared_postgres.url("of_the_command")
    pending = quanyu("status", database_url=url)
    assert (pending.returncode, "pending  lease_0001" in pending.stdout) == (1, True), pending.stderr
    assert quanyu("upgrade", database_url=url).returncode == 0
    assert quanyu("status", database_url=url).returncode == 0


def test_a_wrong_setting_is_told_without_a_traceback() -> None:
    refused = quanyu("status", database_url="mysql://user:open-sesame@db.example/x")
    assert refused.returncode == 2
    assert refused.stderr.startswith("quanyu: DATABASE_URL_INVALID: ")
    assert "open-sesame" not in refused.stderr
