"""Another calendar, put in service while the gateway runs or before it starts, on both databases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.casefile.files import CaseFiles
from gateway.casefile.tables import CASE_FILE
from gateway.harvesting import TrackingFiles
from gateway.ledger.records import read_body
from gateway.ledger.tables import CHANGE_RECORD
from gateway.settings import load_settings
from tests.views.conftest import REGISTRY, Office, at

YEAR = """
calendar: cn
version: "{version}"
publishedUntil: 2017-12-31
years:
  - year: 2017
    source: a notice that is invented
    holidays:
      - {{name: 特别假日, nameEn: Special day, from: 2017-12-01, to: 2017-12-0{last}}}
    makeUpDays: []
"""


def write(path: Path, version: str, last: int) -> None:
    """In one step, as a file in use is replaced."""
    fresh = path.with_suffix(".new")
    fresh.write_text(YEAR.format(version=version, last=last), encoding="utf-8")
    os.replace(fresh, path)


class Desk:
    """Case files of an office with the rules that its files of settings give."""

    def __init__(self, office: Office, *calendars: Path) -> None:
        settings = load_settings({"QUANYU_CALENDAR_FILES": ",".join(str(one) for one in calendars)})
        self.rules = TrackingFiles(settings)
        self.office = office
        self.files = CaseFiles(office.database, office.writer, REGISTRY, self.rules, lambda: office.now_us)

    async def scan(self) -> list[str]:
        self.rules.look()
        found = await self.files.due_for_check()
        await self.files.update(found)
        return found


async def moved(office: Office) -> list[Any]:
    query = select(CHANGE_RECORD.c.target, CHANGE_RECORD.c.body).where(
        CHANGE_RECORD.c.action == "deadline.recomputed"
    )
    async with office.database.read() as connection:
        rows = (await connection.execute(query.order_by(CHANGE_RECORD.c.seq))).all()
    return [(row.target, read_body(bytes(row.body))["record"]["detail"]) for row in rows]


async def due(office: Office, case: str) -> int | None:
    async with office.database.read() as connection:
        found = await connection.scalar(select(CASE_FILE.c.due_us).where(CASE_FILE.c.case_id == case))
    return int(found) if found is not None else None


async def two_cases(office: Office, desk: Desk) -> None:
    for case, end in (("A:1", None), ("B:1", ("CLOSE", "2017-11-22T10:00"))):
        steps = [("ACCEPT", "2017-11-20T10:00"), *([end] if end else [])]
        await office.add(case, steps, state="CLOSED" if end else "UNDER_REVIEW")
    await desk.files.update(["A:1", "B:1"])


async def test_a_calendar_that_changes_in_service_counts_open_cases_again_and_each_move_is_on_the_trail(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "calendar.yaml"
    write(path, "2017.8", 1)
    desk = Desk(office, path)
    await two_cases(office, desk)
    before = await due(office, "A:1")
    assert await moved(office) == []
    office.now_us += 1
    assert await desk.scan() == []
    write(path, "2017.9", 5)
    assert await desk.scan() == ["A:1"]
    after = await due(office, "A:1")
    assert before is not None
    assert after is not None
    assert after > before
    told = [one for one in await moved(office) if one[1]["kind"] == "PROMISED"]
    assert [target for target, _ in told] == ["A:1"]
    detail = told[0][1]
    assert at(detail["old"]["due"]) == before
    assert at(detail["new"]["due"]) == after
    assert [detail[one]["calendar"].split("+")[-1] for one in ("old", "new")] == ["2017.8", "2017.9"]
    count = len(await moved(office))
    assert await desk.scan() == []
    assert len(await moved(office)) == count


async def test_a_calendar_that_changed_while_nothing_ran_is_counted_at_the_next_start(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "calendar.yaml"
    write(path, "2017.8", 1)
    await two_cases(office, Desk(office, path))
    write(path, "2017.8", 5)  # whoever wrote it forgot the version
    assert await Desk(office, path).scan() == ["A:1"]
    assert {target for target, _ in await moved(office)} == {"A:1"}


async def test_processes_with_different_calendars_do_not_count_against_each_other(
    office: Office, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    write(old, "2017.8", 1)
    write(new, "2017.9", 5)
    first, second = Desk(office, old), Desk(office, new)
    office.now_us = max(first.rules().loaded_us, second.rules().loaded_us) + 1
    await two_cases(office, second)
    office.now_us += 1
    async with office.database.read() as connection:
        basis = await connection.scalar(select(CASE_FILE.c.basis).where(CASE_FILE.c.case_id == "A:1"))
    assert basis == second.rules().basis != first.rules().basis
    due_now = set(await second.files.due_for_check())
    assert set(await first.files.due_for_check()) == due_now, (
        "only what clocks reached, not what the other made"
    )


@pytest.mark.parametrize("text", ["calendar: cn\nyears: [", ""])
async def test_a_calendar_that_cannot_be_read_leaves_the_one_before_in_service(
    office: Office, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "calendar.yaml"
    write(path, "2017.8", 1)
    desk = Desk(office, path)
    await two_cases(office, desk)
    basis = desk.rules().basis
    path.write_text(text, encoding="utf-8")
    assert await desk.scan() == []
    assert desk.rules().basis == basis
    path.unlink()
    assert await desk.scan() == []
    write(path, "2017.9", 5)
    assert await desk.scan() == ["A:1"]
