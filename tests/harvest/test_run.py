"""Runs of the harvest: the ledger afterwards is what the system holds, whatever happened on the way."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import select

from adapters.mapping.scope import Trouble
from adapters.traffic.errors import SourceBadData, SourceUnavailable
from gateway.casefile.tables import CARD, CASE_FILE
from gateway.ledger import LedgerReader
from tests.harvest.conftest import Field, case_record, change


def expected(count: int) -> list[tuple[str, str]]:
    return [(f"JT-PERMIT:JT{number // 3:04d}", f"E{number}") for number in range(count)]


async def rows(field: Field, table: Any) -> list[dict[str, Any]]:
    async with field.database.read() as connection:
        return [dict(row) for row in (await connection.execute(select(table))).mappings()]


async def test_everything_that_a_system_tells_is_in_the_ledger_and_in_the_case_files(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(12)]
    field_.source.cases = {f"JT{case:04d}": case_record(f"JT{case:04d}") for case in range(4)}
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.events, report.pages, report.cases, report.fault) == (12, 3, 4, None)
    assert await field_.events() == expected(12)
    assert [event.key for event in field_.told] == [f"E{number}" for number in range(12)]
    files = await rows(field_, CASE_FILE)
    assert {row["case_id"] for row in files} == {f"JT-PERMIT:JT{case:04d}" for case in range(4)}
    one = files[0]
    assert (one["state"], one["is_open"], one["region"]) == ("UNDER_REVIEW", True, "500107")
    assert len(one["subject"]) == 64
    assert one["record"]["applicant"]["name"] == "陈**"
    assert "500229197001010010" not in str(files)
    assert one["due_us"] is not None


async def test_a_second_run_adds_nothing_and_a_later_change_is_found(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(6)]
    await field_.harvester().run("JT-PERMIT")
    again = await field_.harvester().run("JT-PERMIT")
    assert (again.events, again.repeated) == (0, 6)
    field_.source.changes.append(change(6))
    assert (await field_.harvester().run("JT-PERMIT")).events == 1
    assert await field_.events() == expected(7)
    state = await field_.store.state("JT-PERMIT")
    assert (state.watermark, state.events, state.failures) == ("2017-11-20T09:06:00+08:00", 7, 0)


@pytest.mark.parametrize("seed", range(8))
async def test_late_repeated_and_reordered_changes_give_the_same_ledger(field_: Field, seed: int) -> None:
    rng = random.Random(seed)
    told = [change(number) for number in range(20)]
    for _ in range(4):
        part = rng.sample(told, rng.randint(5, 15))
        field_.source.changes = part + rng.sample(part, 3)
        await field_.harvester().run("JT-PERMIT")
    field_.source.changes = told
    await field_.harvester().run("JT-PERMIT")
    assert await field_.events() == expected(20)


async def test_an_event_told_otherwise_is_appended_beside_the_first(field_: Field) -> None:
    field_.source.changes = [change(0)]
    await field_.harvester().run("JT-PERMIT")
    field_.source.changes = [change(0, rawStatus="11")]
    assert (await field_.harvester().run("JT-PERMIT")).events == 1
    page = await LedgerReader(field_.database).case_events(system="JT-PERMIT")
    assert page.records[1].fields["supersedes"] == "E0"


async def test_a_system_that_fails_midway_keeps_its_progress(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(12)]
    field_.source.fault, field_.source.fault_at = SourceUnavailable("JT-PERMIT"), 2
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.events, report.fault_code) == (8, "SOURCE_UNAVAILABLE")
    state = await field_.store.state("JT-PERMIT")
    assert (state.failures, state.fault_code, state.good_us, state.position) == (
        1,
        "SOURCE_UNAVAILABLE",
        None,
        8,
    )
    field_.source.fault = None
    field_.source.asked.clear()
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.events, report.repeated) == (4, 0)  # it went on where it was
    state = await field_.store.state("JT-PERMIT")
    assert (state.failures, state.fault, state.position) == (0, None, None)
    assert await field_.events() == expected(12)


async def test_a_list_that_comes_to_the_same_page_again_is_a_fault_and_ends(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(4)]
    field_.source.next_page = lambda _start, _count: 0
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.events, report.fault_code, report.pages) == (4, "HARVEST_REPEATS", 1)
    assert (await field_.store.state("JT-PERMIT")).position is None


async def test_a_flood_is_taken_in_bounded_runs(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(40)]
    first = await field_.harvester(pages=3).run("JT-PERMIT")
    assert (first.events, first.more) == (12, True)
    while (await field_.harvester(pages=3).run("JT-PERMIT")).more:
        pass
    assert await field_.events() == expected(40)


async def test_clocks_that_jump_do_not_move_the_mark_back_or_into_the_future(field_: Field) -> None:
    field_.source.changes = [change(0), change(1, occurredAt="2099-01-01T00:00:00+08:00")]
    await field_.harvester().run("JT-PERMIT")
    mark = (await field_.store.state("JT-PERMIT")).watermark
    assert mark == "2017-11-30T08:00:00+08:00"
    field_.source.changes = [change(2, occurredAt="2017-11-29T09:00:00+08:00")]
    assert (await field_.harvester().run("JT-PERMIT")).events == 1
    assert (await field_.store.state("JT-PERMIT")).watermark == mark


async def test_a_record_that_cannot_be_read_is_quarantined_without_its_personal_data(field_: Field) -> None:
    raw = {"CaseNo": "JT9", "Who": "500229197001010010", "ChangeTime": "yesterday"}
    trouble = Trouble("changes[0]", "record left out, it lacks occurredAt (not a date)", raw)
    field_.source.changes, field_.source.troubles = [change(0)], [trouble]
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.events, report.rejected, report.fault) == (1, 1, None)
    [kept] = await field_.store.list_quarantined("JT-PERMIT")
    assert "occurredAt" in kept["reason"]
    assert "JT9" in kept["raw"]
    assert "500229197001010010" not in kept["raw"]
    await field_.harvester().run("JT-PERMIT")
    assert [one["attempts"] for one in await field_.store.list_quarantined()] == [2]


async def test_after_a_mapping_fix_what_was_quarantined_is_asked_for_again(field_: Field) -> None:
    trouble = Trouble("changes[0]", "record left out, it lacks occurredAt", {"CaseNo": "JT9"})
    field_.source.changes = [change(0)]
    field_.source.troubles = [trouble]
    await field_.harvester().run("JT-PERMIT")
    field_.now_us += 40 * 86_400_000_000
    field_.source.changes = [change(5, case=1, occurredAt="2017-12-30T09:00:00+08:00")]
    await field_.harvester().run("JT-PERMIT")
    field_.source.troubles = []
    field_.now_us += 1_000_000
    await field_.harvester().run("JT-PERMIT")
    assert len(await field_.store.list_quarantined()) == 1  # that run did not ask for its time
    field_.source.namespace = "mapping-2"
    field_.source.changes = [change(1), *field_.source.changes]  # the one that could not be read
    report = await field_.harvester().run("JT-PERMIT")
    assert report.events == 1
    assert await field_.store.list_quarantined() == []
    assert await field_.events() == [
        ("JT-PERMIT:JT0000", "E0"),
        ("JT-PERMIT:JT0000", "E1"),
        ("JT-PERMIT:JT0001", "E5"),
    ]


async def test_a_reply_that_cannot_be_read_is_a_fault_with_its_code(field_: Field) -> None:
    field_.source.fault = SourceBadData("JT-PERMIT", "The reply is not XML.")
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.fault_code, report.events) == ("SOURCE_BAD_DATA", 0)


async def test_only_one_process_harvests_a_system_at_a_time(field_: Field) -> None:
    field_.source.changes = [change(0)]
    assert await field_.store.begin("JT-PERMIT", "another", lease_s=60)
    assert (await field_.harvester().run("JT-PERMIT")).skipped
    await field_.store.give_up("JT-PERMIT", "another")
    assert (await field_.harvester().run("JT-PERMIT")).events == 1


async def test_a_system_without_changes_is_harvested_by_its_list_of_cases(field_: Field) -> None:
    field_.source.verbs = ("cases",)
    events = [
        {"id": "a", "kind": "SUBMIT", "occurredAt": "2017-11-20T09:00:00+08:00"},
        {
            "id": "b",
            "kind": "ACCEPT",
            "occurredAt": "2017-11-20T10:00:00+08:00",
            "actor": "王建国",
            "opinion": "同意",
        },
    ]
    field_.source.cases = {"JT1": case_record("JT1", events=events), "JT2": case_record("JT2")}
    report = await field_.harvester().run("JT-PERMIT")
    assert (report.events, report.cases) == (3, 2)
    page = await LedgerReader(field_.database).case_events(case_id="JT-PERMIT:JT1")
    accepted = next(one for one in page.records if one.fields["kind"] == "ACCEPT")
    assert accepted.fields["detail"] == {"actor": "王**", "opinionGiven": True}
    assert "同意" not in str(accepted.fields)


async def test_a_case_whose_time_has_passed_gets_its_cards_once(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(3)]
    field_.source.cases = {"JT0000": case_record("JT0000")}
    await field_.harvester().run("JT-PERMIT")
    field_.now_us += 400 * 86_400_000_000
    due = await field_.files.due_for_check()
    assert due == ["JT-PERMIT:JT0000"]
    assert await field_.files.update(due) > 0
    cards = await rows(field_, CARD)
    assert any(row["level"] == 3 for row in cards)
    assert await field_.files.update(due) == 0
    assert await rows(field_, CARD) == cards
    [file] = await rows(field_, CASE_FILE)
    assert file["level"] == 3


async def test_an_unknown_system_and_one_without_a_way_are_told_apart(field_: Field) -> None:
    assert (await field_.harvester().run("GONE")).skipped
    field_.source.verbs = ("case",)
    assert (await field_.harvester().run("JT-PERMIT")).fault_code == "HARVEST_IMPOSSIBLE"


async def test_a_process_that_died_after_appending_is_made_good_by_the_next(field_: Field) -> None:
    field_.source.changes = [change(number) for number in range(6)]
    harvester = field_.harvester()

    async def dies(*_: Any, **__: Any) -> int:
        raise asyncio.CancelledError

    field_.files.update = dies  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await harvester.run("JT-PERMIT")
    assert await rows(field_, CASE_FILE) == []
    assert len(await field_.events()) == 6
    del field_.files.update  # type: ignore[method-assign]
    field_.now_us += 1_000_000
    field_.source.cases = {f"JT{case:04d}": case_record(f"JT{case:04d}") for case in range(2)}
    report = await field_.harvester("worker-2").run("JT-PERMIT")
    assert report.events == 0
    files = await rows(field_, CASE_FILE)
    assert [(row["case_id"], row["record"]["title"], row["unseen"]) for row in files] == [
        ("JT-PERMIT:JT0000", "超限运输许可", False),
        ("JT-PERMIT:JT0001", "超限运输许可", False),
    ]


async def test_without_changes_open_cases_are_asked_for_again_and_their_steps_kept(field_: Field) -> None:
    field_.source.verbs, field_.source.events_only_in_case = ("cases", "case"), True
    submitted = {"id": "a", "kind": "SUBMIT", "occurredAt": "2017-11-20T09:00:00+08:00"}
    accepted = {"id": "b", "kind": "ACCEPT", "occurredAt": "2017-11-21T09:00:00+08:00"}
    field_.source.cases = {"JT1": case_record("JT1", events=[submitted])}
    await field_.harvester().run("JT-PERMIT")
    assert await field_.events() == [("JT-PERMIT:JT1", "a")]
    field_.source.cases = {
        "JT1": case_record("JT1", events=[submitted, accepted], appliedAt="2017-11-01T09:00:00+08:00")
    }
    await field_.harvester().run("JT-PERMIT")
    assert len(await field_.events()) == 1  # it was seen a moment ago
    field_.now_us += 2 * 3_600_000_000
    await field_.harvester().run("JT-PERMIT")
    assert await field_.events() == [("JT-PERMIT:JT1", "a"), ("JT-PERMIT:JT1", "b")]


async def test_of_many_unseen_cases_the_list_is_asked_in_place_of_each(field_: Field) -> None:
    field_.source.verbs = ("changes", "case", "cases")
    field_.source.changes = [change(number) for number in range(30)]
    field_.source.cases = {f"JT{case:04d}": case_record(f"JT{case:04d}") for case in range(10)}
    await field_.harvester(listed=5).run("JT-PERMIT")
    asked = [verb for verb, _, _ in field_.source.asked]
    assert asked.count("cases") == 3
    assert "case" not in asked
    assert all(not row["unseen"] for row in await rows(field_, CASE_FILE))


async def test_a_quarantine_that_is_full_stops_the_harvest_and_loses_nothing(field_: Field) -> None:
    field_.source.changes = [change(0)]
    field_.source.troubles = [
        Trouble(f"changes[{number}]", "record left out", {"CaseNo": f"JT{number}"}) for number in range(4)
    ]
    report = await field_.harvester(quarantined=3).run("JT-PERMIT")
    assert (report.fault_code, report.rejected) == ("HARVEST_QUARANTINE_FULL", 0)
    state = await field_.store.state("JT-PERMIT")
    assert (state.watermark, state.position) == (None, None)  # asked for again


async def test_titles_and_steps_do_not_name_the_applicant(field_: Field) -> None:
    field_.source.verbs = ("cases",)
    events = [{"id": "a", "kind": "SUBMIT", "step": "陈晓明申请", "occurredAt": "2017-11-20T09:00:00+08:00"}]
    title = "陈晓明（500229197001010010）超限运输许可"
    field_.source.cases = {"JT1": case_record("JT1", title=title, events=events)}
    await field_.harvester().run("JT-PERMIT")
    [file] = await rows(field_, CASE_FILE)
    assert file["record"]["title"].startswith("陈**（500")
    assert "陈晓明" not in str(file)
    page = await LedgerReader(field_.database).case_events(case_id="JT-PERMIT:JT1")
    assert page.records[0].fields["detail"]["step"] == "陈**申请"
