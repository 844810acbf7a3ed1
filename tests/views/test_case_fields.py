"""What the gateway's own records add to a case: clocks, warnings, events, on both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from adapters.fetch import Caller
from tests.views.conftest import APPLICANT, COMPANY, Office, at

ENTITY = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Case { %s } } }"


async def of_cases(office: Office, fields: str, *cases: str, **how: Any) -> list[dict[str, Any]]:
    of = [{"__typename": "Case", "id": case} for case in cases]
    found: list[dict[str, Any]] = (await office.ask(ENTITY % fields, of=of, **how))["_entities"]
    return found


async def test_deadlines_are_counted_from_the_events_in_the_ledger(office: Office) -> None:
    """Story 1 of domain.md: accepted on 2017-11-20, promised by 2017-11-27, by law by 2017-12-18."""
    await office.add("JT-PERMIT:1", itemCode="500128001000")
    [case] = await of_cases(
        office,
        "deadlines(kinds: [PROMISED, STATUTORY]) { kind state startedAt dueAt usedAmount totalAmount "
        "remainingAmount percentUsed countedIn limit { amount unit } provisional basis { rule } calendarVersion }",
        "JT-PERMIT:1",
    )
    statutory, promised = sorted(case["deadlines"], key=lambda one: str(one["kind"]), reverse=True)
    assert (statutory["kind"], statutory["limit"]) == ("STATUTORY", {"amount": 20, "unit": "WORKDAY"})
    assert statutory["dueAt"] == "2017-12-18T23:59:59+08:00"
    assert (promised["kind"], promised["state"], promised["dueAt"]) == (
        "PROMISED",
        "MISSED",
        "2017-11-27T23:59:59+08:00",
    )
    assert (promised["usedAmount"], promised["totalAmount"], promised["remainingAmount"]) == (8, 5, -3)
    assert not promised["provisional"]


async def test_a_stop_moves_the_due_day_and_is_told(office: Office) -> None:
    """Story 6: a hearing from 2017-12-01 to 2017-12-21 moves 2017-12-18 to 2018-01-09."""
    events: list[Any] = [("ACCEPT", "2017-11-20T10:00"), ("SPECIAL_START", "2017-12-01T09:00")]
    office.now_us = at("2017-12-25T09:00")
    await office.add("A:1", [*events, ("SPECIAL_END", "2017-12-21T09:00")], itemCode="500128001000")
    [case] = await of_cases(
        office,
        "deadlines(kinds: [STATUTORY]) { dueAt stopped { start end } } clockStops { kind start end }",
        "A:1",
    )
    assert case["deadlines"][0]["dueAt"] == "2018-01-09T23:59:59+08:00"
    assert case["clockStops"] == [
        {
            "kind": "SPECIAL_PROCEDURE",
            "start": "2017-12-01T09:00:00+08:00",
            "end": "2017-12-21T09:00:00+08:00",
        }
    ]


async def test_a_page_of_cases_costs_as_many_statements_as_one(office: Office) -> None:
    for number in range(12):
        await office.add(f"A:{number}")
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append(statement)

    fields = "tracked { id } deadlines { kind } warnings { id } clockStops { start } trackedState { state }"
    event.listen(office.database.engine.sync_engine, "before_cursor_execute", note)
    one = await of_cases(office, fields, "A:0")
    single = len(statements)
    many = await of_cases(office, fields, *(f"A:{number}" for number in range(12)))
    assert (len(statements) - single, len(one), len(many)) == (single, 1, 12)
    assert all(case["deadlines"] for case in many)


async def test_what_the_files_do_not_know_is_empty_and_no_error(office: Office) -> None:
    [case] = await of_cases(
        office,
        "tracked { id } deadlines { kind } warnings { id } history { nodes { id } } trackedState { state }",
        "NOWHERE:1",
    )
    assert case == {
        "tracked": None,
        "deadlines": [],
        "warnings": [],
        "history": {"nodes": []},
        "trackedState": None,
    }


async def test_history_is_in_the_order_of_recording_and_pages_both_ways(office: Office) -> None:
    events = [("SUBMIT", "2017-11-20T09:00"), ("RECEIVE", "2017-11-20T09:30"), ("ACCEPT", "2017-11-20T10:00")]
    await office.add("A:1", events)
    late = {
        "kind": "PRE_ACCEPT",
        "occurredAt": "2017-11-20T09:10:00+08:00",
        "id": "late",
        "actor": "张晓明",
        "opinion": "同意",
    }
    await office.add("A:1", [*events, late], late=True)
    fields = "history(first: 2, after: $after, newestFirst: $newest) { nodes { kind occurredAt recordedAt actor opinionGiven leafHash } pageInfo { hasNextPage endCursor } }"
    query = "query ($of: [_Any!]!, $after: String, $newest: Boolean!) { _entities(representations: $of) { ... on Case { %s } } }"
    of = [{"__typename": "Case", "id": "A:1"}]
    for newest, expected in (
        (False, ["SUBMIT", "RECEIVE", "ACCEPT", "PRE_ACCEPT"]),
        (True, ["PRE_ACCEPT", "ACCEPT", "RECEIVE", "SUBMIT"]),
    ):
        after, kinds = None, []
        while True:
            data = await office.ask(query % fields, of=of, after=after, newest=newest)
            page = data["_entities"][0]["history"]
            kinds += [node["kind"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert kinds == expected
    last = (await office.ask(query % fields, of=of, after=None, newest=True))["_entities"][0]["history"]
    assert last["nodes"][0]["actor"] == "张**"
    assert last["nodes"][0]["opinionGiven"] is True


async def test_an_applicant_sees_what_is_recorded_of_their_own_cases_only(office: Office) -> None:
    await office.add("A:1")
    await office.add("A:2", number=COMPANY)
    office.now_us = at("2018-03-01T08:00")
    await office.files.update(["A:1", "A:2"])
    fields = "tracked { id applicantName } deadlines { kind } warnings { id } history { nodes { kind } }"
    own, other = await of_cases(office, fields, "A:1", "A:2", by=APPLICANT)
    assert own["tracked"] == {"id": "A:1", "applicantName": "陈**"}
    assert own["deadlines"]
    assert own["warnings"]
    assert other == {"tracked": None, "deadlines": [], "warnings": [], "history": {"nodes": []}}
    [nobody] = await of_cases(office, fields, "A:1", by=Caller("x", frozenset({"cases:own"})))
    assert nobody["tracked"] is None


async def test_what_was_read_is_noted_for_the_record_of_the_look(office: Office) -> None:
    await office.add("A:1")
    await of_cases(office, "deadlines { kind }", "A:1")
    assert office.seen[-1].seen.cases == {"A:1"}
    await of_cases(office, "tracked { id }", "A:1")
    assert office.seen[-1].seen.subjects == {office.ref("500229197001010010")}
