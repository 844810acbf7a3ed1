"""`quanyu trail`: as a process, with its exit statuses."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.database import open_database, upgrade
from gateway.ledger import Ledger
from gateway.records import build_ledger, read_ledger_keys
from gateway.settings import load_settings
from gateway.telemetry.metrics import Metrics
from tests.conftest import run_apart
from tests.e2e.gateways import ROOT, clean_environment
from tests.ledger.conftest import event, look

Ran = subprocess.CompletedProcess[str]


class Machine:
    """A data folder with a filled trail and a witness, and the command in front of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.witness = folder / "elsewhere" / "witness.jsonl"
        self.settings = {"data_dir": str(self.data), "witness_file": str(self.witness)}

    def quanyu(self, *words: str) -> Ran:
        variables = {f"QUANYU_{name.upper()}": value for name, value in self.settings.items()}
        command = [sys.executable, "-m", "quanyu", "trail", *words]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=clean_environment() | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def fill(self) -> None:
        async def run() -> None:
            settings = load_settings({}, **self.settings)
            database = open_database("", self.data)
            await upgrade(database)
            ledger: Ledger = build_ledger(settings, database, read_ledger_keys(settings), Metrics())
            await ledger.writer.append_events(
                [event(number, personal={"name": "陈某某"}) for number in range(30)]
            )
            await ledger.writer.append_looks([look(number) for number in range(30)])
            await ledger.writer.end()
            await ledger.seal_all()
            await ledger.witness_newest()
            await database.close()

        run_apart(run)

    def tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.data / "quanyu.db")) as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(statement)
            connection.commit()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    found.fill()
    return found


def test_a_whole_trail_is_intact_and_so_is_its_export_elsewhere(machine: Machine, tmp_path: Path) -> None:
    whole = machine.quanyu("verify", "--witness", str(machine.witness))
    assert (whole.returncode, "62 records, 62 sealed" in whole.stdout) == (0, True), (
        whole.stdout + whole.stderr
    )
    key, witness_key = machine.quanyu("key").stdout.split()
    assert machine.quanyu("verify", "--witness-key", witness_key).returncode == 0

    file = tmp_path / "trail.jsonl"
    exported = machine.quanyu("export", "-o", str(file))
    assert (exported.returncode, key in exported.stdout) == (0, True), exported.stderr
    elsewhere = Machine(tmp_path / "nowhere")
    report = elsewhere.quanyu("verify", str(file), "--key", key, "--json")
    assert (report.returncode, json.loads(report.stdout)["status"]) == (0, "intact"), report.stderr


def test_one_altered_byte_is_named_with_exit_status_1(machine: Machine) -> None:
    machine.tamper("UPDATE case_event SET body = replace(body, 'TBCX7', 'TBCX8') WHERE seq = 8")
    found = machine.quanyu("verify", "--json")
    report = json.loads(found.stdout)
    assert (found.returncode, report["status"], report["findings"][0]["kind"]) == (1, "tampered", "ALTERED")
    assert report["findings"][0]["what"].endswith("/8")
    text = machine.quanyu("verify").stdout
    assert text.startswith("first: ALTERED: case_event ")


def test_a_rolled_back_database_is_found_by_its_witness(machine: Machine) -> None:
    for table in (
        "case_event",
        "access_record",
        "access_about",
        "change_record",
        "ledger_leaf",
        "ledger_checkpoint",
    ):
        machine.tamper(f"DELETE FROM {table}")
    assert machine.quanyu("verify").returncode == 0
    witnessed = machine.quanyu("verify", "--witness", str(machine.witness))
    assert (witnessed.returncode, "ROLLED_BACK" in witnessed.stdout) == (1, True)


def test_what_cannot_be_read_is_exit_status_2(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_text("nothing\n", encoding="utf-8")
    assert machine.quanyu("verify", str(tmp_path / "no.jsonl")).returncode == 2
    assert machine.quanyu("verify", "--key", "nothing").returncode == 2
    nowhere = Machine(tmp_path / "nowhere").quanyu("verify")
    assert (nowhere.returncode, "no ledger_key" in nowhere.stderr) == (2, True)
    assert not (tmp_path / "nowhere" / "data").exists()


def test_a_trail_that_has_gone_silent_is_incomplete(machine: Machine) -> None:
    assert machine.quanyu("verify", "--max-age", "3600").returncode == 0
    silent = machine.quanyu("verify", "--max-age", "0")
    assert (silent.returncode, "INCOMPLETE" in silent.stdout) == (2, True)


def test_retention_and_erasure_are_recorded_and_the_trail_stays_intact(machine: Machine) -> None:
    why = ("--reason", "档案规定", "--actor", "archivist")
    counted = machine.quanyu("retain", "case_event", "--before", "2100-01-01", "--dry-run", *why)
    assert counted.stdout.startswith("30 records would go")
    held = "JT-PERMIT:JT2017-000004"
    retained = machine.quanyu("retain", "case_event", "--before", "2100-01-01", "--hold", held, *why)
    assert (retained.returncode, retained.stdout.startswith("27 records gone")) == (0, True), retained.stderr
    erased = machine.quanyu("erase", event(1).subject or "", *why)
    assert (erased.returncode, "recorded as change_record" in erased.stdout) == (0, True), erased.stderr
    report = json.loads(machine.quanyu("verify", "--json").stdout)
    assert (report["status"], report["dropped"]) == ("intact", 27)
