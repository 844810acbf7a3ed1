"""`quanyu harvest`: a run at once, how far it has come, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.e2e.feeds import Feed, change, feed_declaration
from tests.e2e.stubs import Stub, stub


@pytest.fixture
def feed() -> Feed:
    return Feed([change(number) for number in range(6)])


@pytest.fixture
def system(feed: Feed) -> Iterator[Stub]:
    with stub(feed) as server:
        yield server


@pytest.fixture
def environ(system: Stub, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "systems"
    folder.mkdir()
    (folder / "aa.yaml").write_text(feed_declaration("AA", system.url), encoding="utf-8")
    return {"QUANYU_SYSTEMS_DIR": str(folder), "QUANYU_DATA_DIR": str(tmp_path / "data")}


def test_a_run_brings_in_what_there_is_and_status_tells_of_it(
    run: Run, environ: dict[str, str], feed: Feed
) -> None:
    [report] = json.loads(run("harvest", "run", "AA", "--json", environ=environ).stdout)
    assert (report["events"], report["pages"], report["fault_code"]) == (6, 1, None)
    feed.changes.append(change(6))
    shown = run("harvest", "run", "--all", environ=environ)
    assert (shown.exit_code, "AA" in shown.stdout) == (0, True)
    [row] = json.loads(run("harvest", "status", "--json", environ=environ).stdout)
    assert (row["system"], row["events"], row["repeated"], row["quarantined"], row["fault"]) == (
        "AA",
        7,
        6,
        0,
        None,
    )
    assert "AA" in run("harvest", "status", environ=environ).stdout


def test_a_fault_is_told_and_is_the_exit_status(run: Run, environ: dict[str, str], feed: Feed) -> None:
    feed.body = b"<html>"
    failed = run("harvest", "run", "AA", environ=environ)
    assert failed.exit_code == 1
    assert "SOURCE_BAD_DATA" in failed.stdout.replace("\n", "")
    assert run("harvest", "status", environ=environ).exit_code == 1


def test_what_could_not_be_read_is_shown_and_read_after_the_mapping_is_mended(
    run: Run, environ: dict[str, str], feed: Feed, tmp_path: Path
) -> None:
    feed.changes.append({**change(6), "when": "2026-01-02T09:00:00+08:00", "at": "2026-01-02 morning"})
    run("harvest", "run", "AA", environ=environ)
    [row] = json.loads(run("harvest", "quarantine", "AA", "--json", environ=environ).stdout)
    assert (row["system"], row["verb"], "occurredAt" in row["reason"]) == ("AA", "changes", True)
    assert run("harvest", "quarantine", "--retry", environ=environ).exit_code == 1
    path = tmp_path / "systems/aa.yaml"
    path.write_text(path.read_text().replace("occurredAt: at", "occurredAt: when ?? at"), encoding="utf-8")
    assert run("harvest", "quarantine", "--retry", environ=environ).exit_code == 0
    assert json.loads(run("harvest", "quarantine", "--json", environ=environ).stdout) == []
    [status] = json.loads(run("harvest", "status", "--json", environ=environ).stdout)
    assert status["events"] == 7


def test_unknown_systems_and_no_systems_are_told(run: Run, environ: dict[str, str]) -> None:
    unknown = run("harvest", "run", "ZZ", environ=environ)
    assert (unknown.exit_code, "there are AA" in unknown.output) == (2, True)
    assert run("harvest", "run", environ=environ).exit_code == 2
