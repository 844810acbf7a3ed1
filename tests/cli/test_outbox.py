"""`quanyu outbox`: what operators see and settle, in the database that the settings name."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from adapters.submission.row import Step, Submission
from gateway.cli import main
from gateway.database import open_database
from gateway.outbox import SqlOutbox
from schema.vocabulary import SubmissionState as S


def quanyu(url: str, *arguments: str) -> Result:
    environment = {"QUANYU_DATABASE_URL": url, "COLUMNS": "200"}
    return CliRunner().invoke(main, ["outbox", *arguments], env=environment)


def keep(url: str, tmp: Path, *rows: Submission) -> None:
    async def run() -> None:
        database = open_database(url, tmp)
        for row in rows:
            await SqlOutbox(database).record(row)
        await database.close()

    asyncio.run(run())


def read(url: str, tmp: Path, token: str) -> Submission:
    async def run() -> Submission | None:
        database = open_database(url, tmp)
        row = await SqlOutbox(database).by_token(token)
        await database.close()
        return row

    row = asyncio.run(run())
    assert row is not None
    return row


STUCK = Submission(
    "QY1",
    "owner",
    "1",
    "print",
    "submit",
    "T-ONE",
    "D",
    "lane",
    1_500_000_000_000,
    S.NEEDS_PERSON,
    sealed=b"sealed",
    history=(
        Step(1_500_000_000_000, "RECORDED"),
        Step(1_500_000_001_000, "NEEDS_PERSON", "several cases fit"),
    ),
)
DONE = replace(
    STUCK, token="QY2", key_hash="2", lane="2", state=S.FILED, number="N-7", settled_at=1, sealed=None
)


def test_what_waits_is_listed_and_the_rest_on_demand(database_url: str, tmp_path: Path) -> None:
    keep(database_url, tmp_path, STUCK, DONE)
    shown = quanyu(database_url, "list")
    assert shown.exit_code == 0, shown.stderr
    assert "QY1" in shown.stdout
    assert "several cases fit" in shown.stdout
    assert "QY2" not in shown.stdout
    rows = [json.loads(line) for line in quanyu(database_url, "list", "--all", "--json").stdout.splitlines()]
    assert [(row["token"], row["state"], row["number"]) for row in rows] == [
        ("QY2", "FILED", "N-7"),
        ("QY1", "NEEDS_PERSON", None),
    ]


def test_one_is_shown_with_all_that_happened(database_url: str, tmp_path: Path) -> None:
    keep(database_url, tmp_path, STUCK)
    told = json.loads(quanyu(database_url, "show", "qy1", "--json").stdout)
    assert [step["state"] for step in told["history"]] == ["RECORDED", "NEEDS_PERSON"]
    missing = quanyu(database_url, "show", "QY9")
    assert missing.exit_code == 1
    assert "no submission QY9" in missing.stderr


def test_a_person_settles_what_only_a_person_can(database_url: str, tmp_path: Path) -> None:
    keep(database_url, tmp_path, STUCK)
    done = quanyu(
        database_url, "resolve", "QY1", "--filed", "N-8", "--by", "li", "--note", "seen at the counter"
    )
    assert done.exit_code == 0, done.stderr
    row = read(database_url, tmp_path, "QY1")
    assert (row.state, row.number, row.sealed) == (S.FILED, "N-8", None)
    assert row.history[-1].note == "by li: seen at the counter"
    again = quanyu(database_url, "resolve", "QY1", "--refused")
    assert again.exit_code == 1
    assert "only NEEDS_PERSON" in again.stderr


def test_a_retry_is_asked_for_twice_and_sent_again(database_url: str, tmp_path: Path) -> None:
    keep(database_url, tmp_path, STUCK)
    assert quanyu(database_url, "retry", "QY1").exit_code == 1  # nobody said yes
    assert read(database_url, tmp_path, "QY1").state == S.NEEDS_PERSON
    assert quanyu(database_url, "retry", "QY1", "--yes").exit_code == 0
    assert read(database_url, tmp_path, "QY1").state == S.NOT_FILED
