"""Supervision: counts by the database, cards and what people decide about them, on both databases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from adapters.fetch import Caller
from gateway.casefile.tables import CASE_FILE
from gateway.database import open_database
from gateway.ledger import LedgerReader
from gateway.views.supervision import (
    Counts,
    count_open,
    counts_by,
    counts_by_waiting,
    total_of,
    waits_for,
)
from gateway.views.worklist import WorkFilter
from tests.views.conftest import AUDITOR, TOURISM, TRANSPORT, Office, at

OVERVIEW = """
query ($region: RegionCode, $department: Uscc) {
  supervision(region: $region, department: $department, soonDays: 2, stuckDays: 5) {
    total { open overdue dueSoon withoutLimit notice yellow red }
    byDepartment { code department { name } counts { open overdue } }
    byItem { baseCode counts { open } }
    byState { state counts { open } }
    byWaiting { waitsFor counts { open } }
    stuck { id stepAt }
  }
}"""
DECIDE = """
mutation ($id: ID!, $decision: WarningDecision!, $reason: String!) {
  decideWarning(id: $id, decision: $decision, reason: $reason) {
    warning { state appeal { by reason outcome } history { what by state reason } }
  }
}"""
APPEAL = 'mutation ($id: ID!) { appealWarning(id: $id, reason: "特别程序记录迟到") { warning { id state } } }'
WARNINGS = """
query ($levels: [WarningLevel!], $states: [WarningState!], $department: Uscc, $first: Int, $after: String) {
  warnings(levels: $levels, states: $states, department: $department, first: $first, after: $after) {
    nodes { id caseId level state rule { id version } textZh evidence case { deadlines(kinds: [PROMISED]) { state } } }
    pageInfo { hasNextPage endCursor }
  }
}"""
CLERK = Caller("clerk-1", frozenset({"cases:read", "warnings:appeal"}), department=TRANSPORT)


async def busy(office: Office) -> None:
    """A: red; B: yellow, of another department; C: waits for the applicant, out of order; D: closed; E: just handed in."""
    free: dict[str, Any] = {"itemCode": None}
    accepted = ("ACCEPT", "2017-11-20T10:00")
    await office.add("A:1", [accepted], **free, promisedAt="2017-11-28T00:00:00+08:00")
    await office.add(
        "B:1",
        [accepted, ("STEP_START", "2017-11-29T10:00")],
        **free,
        departmentCode=TOURISM,
        promisedAt="2017-12-01T00:00:00+08:00",
    )
    await office.add("C:1", [("REQUEST_CORRECTION", "2017-11-29T10:00")], **free, state="CORRECTION_REQUIRED")
    await office.add("D:1", [accepted, ("CLOSE", "2017-11-22T10:00")], **free, state="CLOSED")
    await office.add("E:1", [("SUBMIT", "2017-11-29T10:00")], regionCode="500229", state="SUBMITTED")


@pytest.mark.parametrize("seed", range(4))
async def test_counts_are_those_of_a_plain_look_at_every_file_after_random_changes(
    office: Office, seed: int
) -> None:
    rng = random.Random(seed)
    now, soon = at("2017-11-30T08:00"), at("2017-12-02T08:00")
    departments, items, states = ("D1", "D2", None), ("I1", "I2", None), ("ACCEPTED", "SUSPENDED", "CLOSED")
    for step in range(6):
        async with office.database.write() as connection:
            for _ in range(40):
                number = rng.randrange(120)
                row = {
                    "department": rng.choice(departments),
                    "item": rng.choice(items),
                    "state": rng.choice(states),
                    "is_open": rng.random() < 0.7,
                    "region": rng.choice(("500229", "500107", None)),
                    "due_us": rng.choice((None, now - 1, now, now + 5, soon, soon + 1)),
                    "level": rng.randrange(4),
                }
                there = CASE_FILE.c.case_id == f"R:{number}"
                if rng.random() < 0.2:
                    await connection.execute(delete(CASE_FILE).where(there))
                elif (await connection.execute(update(CASE_FILE).where(there).values(row))).rowcount == 0:
                    fixed = {"case_id": f"R:{number}", "system": "R", "as_of_us": 0, "changed_us": 0}
                    await connection.execute(
                        insert(CASE_FILE).values(**row, **fixed, unseen=False, record={})
                    )
        wanted = WorkFilter(regions=frozenset({"500229"})) if step % 2 else WorkFilter()
        async with office.database.read() as connection:
            files = (await connection.execute(select(CASE_FILE))).all()
            counted = await count_open(connection, wanted, now, soon)
        files = [one for one in files if one.is_open and (step % 2 == 0 or one.region == "500229")]
        assert total_of(counted) == plain(files, now, soon)
        for place, name in enumerate(("department", "item", "state")):
            by = {key: plain([one for one in files if getattr(one, name) == key], now, soon)
                  for key in {getattr(one, name) for one in files}}  # fmt: skip
            assert dict(counts_by(counted, place)) == by
        waiting = {waits_for(one.state) for one in files}
        assert dict(counts_by_waiting(counted)) == {
            who: plain([one for one in files if waits_for(one.state) == who], now, soon) for who in waiting
        }


def plain(files: Sequence[Any], now: int, soon: int) -> Counts:
    dues = [one.due_us for one in files]
    levels = [one.level for one in files]
    return Counts(
        len(files),
        sum(due is not None and due < now for due in dues),
        sum(due is not None and now <= due <= soon for due in dues),
        dues.count(None),
        *(levels.count(level) for level in (1, 2, 3)),
    )


async def test_what_is_open_late_and_warned_is_counted(office: Office) -> None:
    await busy(office)
    found = (await office.ask(OVERVIEW))["supervision"]
    assert found["total"] == {
        "open": 4,
        "overdue": 1,
        "dueSoon": 1,
        "withoutLimit": 2,
        "notice": 0,
        "yellow": 2,
        "red": 1,
    }
    assert [(one["code"], one["counts"]) for one in found["byDepartment"]] == [
        (TRANSPORT, {"open": 3, "overdue": 1}),
        (TOURISM, {"open": 1, "overdue": 0}),
    ]
    assert found["byDepartment"][1]["department"]["name"] == "市旅游局"
    assert {one["baseCode"]: one["counts"]["open"] for one in found["byItem"]} == {None: 3, "500118001000": 1}
    assert {one["waitsFor"]: one["counts"]["open"] for one in found["byWaiting"]} == {
        "DEPARTMENT": 3,
        "APPLICANT": 1,
    }
    assert found["stuck"] == [{"id": "A:1", "stepAt": "2017-11-20T10:00:00+08:00"}]


async def test_the_view_can_be_of_one_division_or_department(office: Office) -> None:
    await busy(office)
    assert (await office.ask(OVERVIEW, department=TOURISM))["supervision"]["total"]["open"] == 1
    assert (await office.ask(OVERVIEW, region="500229"))["supervision"]["total"]["open"] == 1
    assert (await office.ask(OVERVIEW, region="500000"))["supervision"]["total"]["open"] == 4
    assert await office.codes(OVERVIEW, region="nowhere") != []


async def test_an_empty_office_counts_nothing(office: Office) -> None:
    found = (await office.ask(OVERVIEW))["supervision"]
    assert found["total"]["open"] == 0
    assert found["byDepartment"] == found["stuck"] == []


async def test_warnings_come_latest_first_with_evidence_and_their_case(office: Office) -> None:
    await busy(office)
    found = (await office.ask(WARNINGS, levels=["RED"]))["warnings"]["nodes"]
    assert [one["id"] for one in found] == ["A:1#T-100##1"]
    assert found[0]["evidence"]["due"] == "2017-11-28T23:59:59+08:00"
    assert found[0]["case"] == {"deadlines": [{"state": "MISSED"}]}
    assert "已超承诺时限" in found[0]["textZh"]
    every, after = [], None
    while True:
        page = (await office.ask(WARNINGS, first=1, after=after))["warnings"]
        every += [one["id"] for one in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(every) == len(set(every)) >= 3
    assert every == [one["id"] for one in (await office.ask(WARNINGS, first=100))["warnings"]["nodes"]]
    assert (await office.ask(WARNINGS, department=TOURISM, states=["REVOKED"]))["warnings"]["nodes"] == []


async def level_of(office: Office, case: str) -> int:
    async with office.database.read() as connection:
        return int(await connection.scalar(select(CASE_FILE.c.level).where(CASE_FILE.c.case_id == case)) or 0)


async def test_a_department_appeals_and_a_supervisor_revokes_and_the_card_stays(office: Office) -> None:
    """Story 7: the card is revoked with its reason and stays in the history; the case bears the graver of what stands."""
    await busy(office)
    card = "A:1#T-100##1"
    assert (await office.ask(APPEAL, by=CLERK, id=card))["appealWarning"]["warning"]["state"] == "APPEALED"
    decided = (await office.ask(DECIDE, id=card, decision="REVOKE", reason="特别程序属实"))["decideWarning"]
    warning = decided["warning"]
    assert (warning["state"], warning["appeal"]["outcome"]) == ("REVOKED", "REVOKED")
    assert [(one["what"], one["by"]) for one in warning["history"]] == [
        ("RAISED", "rule"),
        ("APPEALED", "clerk-1"),
        ("REVOKED", "supervisor-1"),
    ]
    assert [one["id"] for one in (await office.ask(WARNINGS, levels=["RED"]))["warnings"]["nodes"]] == [card]
    assert await level_of(office, "A:1") < 3
    records = await LedgerReader(office.database).change_records(target=card)
    assert [one.fields["detail"]["what"] for one in records.records] == ["RAISED", "APPEALED", "REVOKED"]
    assert records.records[-1].fields["actor"] == "supervisor-1"
    await office.files.update(["A:1"])  # the next scan on the same ground raises no other
    assert [one["id"] for one in (await office.ask(WARNINGS, levels=["RED"]))["warnings"]["nodes"]] == [card]


async def test_what_a_card_does_not_allow_changes_nothing(office: Office) -> None:
    await busy(office)
    card = "A:1#T-100##1"
    how: dict[str, Any] = {"decision": "REVOKE", "reason": "too early"}
    assert await office.codes(DECIDE, id=card, **how) == ["CARD_STATE_INVALID"]
    assert await office.codes(DECIDE, id="A:1#NONE##1", **how) == ["NOT_FOUND"]
    assert await office.codes(DECIDE, id=card, decision="RESOLVE", reason="  ") == ["ARGUMENT_INVALID"]
    assert await office.codes(APPEAL, by=CLERK, id="B:1#T-90##1") == ["NOT_FOUND"]  # another department's
    assert await level_of(office, "A:1") == 3
    records = await LedgerReader(office.database).change_records(target=card)
    assert len(records.records) == 1


async def test_decisions_at_once_leave_one_and_a_scan_does_not_undo_it(office: Office) -> None:
    await busy(office)
    card = "A:1#T-100##1"
    await office.ask(APPEAL, by=CLERK, id=card)
    found = await asyncio.gather(
        *(office.answer(DECIDE, id=card, decision=one, reason="r") for one in ("REVOKE", "UPHOLD")),
        office.files.update(["A:1"]),
        return_exceptions=True,
    )
    assert sum(not getattr(one, "errors", None) for one in found[:2]) == 1
    [state] = {one["state"] for one in (await office.ask(WARNINGS, levels=["RED"]))["warnings"]["nodes"]}
    assert state in ("REVOKED", "UPHELD")
    records = await LedgerReader(office.database).change_records(target=card)
    assert records.records[-1].fields["detail"]["state"] == state


async def test_without_the_store_a_coded_error_stands_in_its_place_and_the_rest_answers(
    office: Office, tmp_path: Any
) -> None:
    office.views = type(office.views)(
        open_database(f"sqlite:///{tmp_path / 'nowhere' / 'none.db'}", tmp_path),
        office.writer,
        office.views.keys,
        office.views.registry,
        office.views.calendar,
        office.views.clock,
    )
    query = '{ supervision { total { open } } region(code: "500107") { name } }'
    found = await office.answer(query)
    assert found.data == {"supervision": None, "region": {"name": "九龙坡区"}}
    assert await office.codes(query) == ["RECORDS_UNAVAILABLE"]
    await office.views.database.close()


@pytest.mark.parametrize("days", [-1, 5000])
async def test_days_out_of_range_are_refused(office: Office, days: int) -> None:
    query = "query ($days: Int!) { supervision(stuckDays: $days) { total { open } } }"
    assert await office.codes(query, days=days) == ["ARGUMENT_INVALID"]


async def test_the_view_counts_no_people(office: Office) -> None:
    office.now_us = at("2017-11-30T08:00")
    await busy(office)
    await office.ask("{ supervision { total { open } } }", by=AUDITOR)
    assert not office.seen[-1].seen.subjects or office.seen[-1].seen.cases  # only what `stuck` shows is noted
