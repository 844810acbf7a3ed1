"""Worklists from the case files: filters, orders, cursors, counts, on both databases."""

from __future__ import annotations

import random
from typing import Any

from adapters.fetch import Caller
from gateway.casefile.files import CaseFiles
from tests.views.conftest import REGISTRY, TOURISM, TRANSPORT, Office, at

LIST = """
query ($filter: WorklistFilter, $order: WorklistOrder! = DUE_SOONEST, $first: Int, $after: String) {
  worklist(filter: $filter, orderBy: $order, first: $first, after: $after) {
    nodes { id dueAt daysLeft level state waitsFor stepAt }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}"""
COUNTED = (
    "query ($filter: WorklistFilter) { worklist(filter: $filter, first: 1) { totalCount totalIsEstimate } }"
)


async def ids(office: Office, order: str = "DUE_SOONEST", **given: Any) -> list[str]:
    found = await office.ask(LIST, filter=given or None, order=order, first=100)
    return [node["id"] for node in found["worklist"]["nodes"]]


async def some(office: Office) -> None:
    """A: due 2017-12-04, in 九龙坡; B: due 2017-11-28, 城口, tourism; C: closed; D: without a due time, waits for papers;
    E: in a town of 城口."""
    free: dict[str, Any] = {"itemCode": None}
    await office.add("A:1", **free, promisedAt="2017-12-04T00:00:00+08:00")
    await office.add(
        "B:1", **free, regionCode="500229", departmentCode=TOURISM, promisedAt="2017-11-28T00:00:00+08:00"
    )
    await office.add(
        "C:1",
        [("ACCEPT", "2017-11-20T10:00"), ("CLOSE", "2017-11-22T10:00")],
        **free,
        state="CLOSED",
        promisedAt="2017-12-01T00:00:00+08:00",
    )
    await office.add("D:1", [("REQUEST_CORRECTION", "2017-11-21T10:00")], **free, state="CORRECTION_REQUIRED")
    await office.add("E:1", **free, regionCode="500229S01", promisedAt="2017-12-01T00:00:00+08:00")


async def test_open_cases_come_by_due_time_and_those_without_one_last(office: Office) -> None:
    await some(office)
    found = (await office.ask(LIST))["worklist"]
    assert [(node["id"], node["daysLeft"]) for node in found["nodes"]] == [
        ("B:1", -2),
        ("E:1", 1),
        ("A:1", 2),
        ("D:1", None),
    ]
    assert found["nodes"][0]["level"] == "RED"
    assert [node["waitsFor"] for node in found["nodes"]] == [
        "DEPARTMENT",
        "DEPARTMENT",
        "DEPARTMENT",
        "APPLICANT",
    ]


async def test_each_condition_leaves_what_fits(office: Office) -> None:
    await some(office)
    assert await ids(office, open=False) == ["C:1"]
    assert sorted(await ids(office, open=None)) == ["A:1", "B:1", "C:1", "D:1", "E:1"]
    assert await ids(office, states=["CORRECTION_REQUIRED", "CLOSED"]) == ["D:1"]
    assert await ids(office, department=TOURISM) == ["B:1"]
    assert await ids(office, region="500107") == ["A:1", "D:1"]
    assert await ids(office, region="500229") == ["B:1", "E:1"]
    assert await ids(office, region="500229", includeDescendants=False) == ["B:1"]
    assert await ids(office, region="500000") == ["B:1", "E:1", "A:1", "D:1"]
    assert await ids(office, system="A") == ["A:1"]
    assert await ids(office, item="500118001000") == []
    assert await ids(office, hasWarning=True) == ["B:1", "E:1", "A:1"]
    assert await ids(office, hasWarning=False) == ["D:1"]
    assert await ids(office, levels=["RED"]) == ["B:1"]
    assert await ids(office, daysLeftMax=1) == ["B:1", "E:1"]
    assert await ids(office, daysLeftMax=2) == ["B:1", "E:1", "A:1"]
    assert await ids(office, daysLeftMax=-1) == ["B:1"]
    assert await ids(office, daysLeftMax=-3) == []


async def test_days_left_count_working_days_over_a_weekend(office: Office) -> None:
    """Friday 2017-12-01 to Monday 2017-12-04 is one working day."""
    await some(office)
    office.now_us = at("2017-12-01T08:00")
    assert await ids(office, daysLeftMax=0) == ["B:1", "E:1"]
    assert await ids(office, daysLeftMax=1) == ["B:1", "E:1", "A:1"]
    office.now_us = at("2017-12-02T08:00")
    assert await ids(office, daysLeftMax=0) == ["B:1", "E:1"]


async def test_who_handles_a_case_is_found_by_the_masked_name(office: Office) -> None:
    acted = {"kind": "ACCEPT", "occurredAt": "2017-11-20T10:00:00+08:00", "actor": "冉小军"}
    await office.add("A:1", [acted])
    await office.add("A:2")
    assert await ids(office, handler="冉**") == ["A:1"]
    assert await ids(office, handler="冉小军") == []


async def test_pages_of_every_order_give_each_case_once(office: Office) -> None:
    rng = random.Random(5)
    for number in range(23):
        day = rng.randint(1, 9)
        await office.add(
            f"S{number % 3}:{number:02d}",
            [("ACCEPT", f"2017-11-{10 + day}T10:00")],
            itemCode=None,
            regionCode=rng.choice(["500107", "500229", "500229S01"]),
            promisedAt=None if number % 5 == 0 else f"2017-12-0{day}T00:00:00+08:00",
        )
        office.now_us += 1
    for order in ("DUE_SOONEST", "DUE_LATEST", "LONGEST_WITHOUT_STEP", "CHANGED_LATEST"):
        for given in ({}, {"region": "500229"}, {"hasWarning": True}, {"daysLeftMax": 3}):
            whole = await ids(office, order, **given)
            after, paged = None, []
            while True:
                found = await office.ask(LIST, filter=given, order=order, first=3, after=after)
                page = found["worklist"]
                paged += [node["id"] for node in page["nodes"]]
                assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            assert paged == whole
            assert len(set(whole)) == len(whole)
        everything = await ids(office, order)
        assert len(everything) == 23


async def test_the_total_is_counted_only_where_it_is_asked_for(office: Office) -> None:
    await some(office)
    assert (await office.ask(COUNTED))["worklist"] == {"totalCount": 4, "totalIsEstimate": False}
    found = await office.ask(COUNTED, filter={"department": TRANSPORT})
    assert found["worklist"]["totalCount"] == 3


async def test_bad_arguments_are_told_and_a_cursor_is_bound_to_its_list(office: Office) -> None:
    await some(office)
    page = (await office.ask(LIST, first=1))["worklist"]["pageInfo"]
    assert await office.codes(LIST, first=1, after=page["endCursor"], filter={"open": False}) == [
        "CURSOR_INVALID"
    ]
    assert await office.codes(LIST, after="nonsense") == ["CURSOR_INVALID"]
    assert await office.codes(LIST, first=101) == ["LIMIT_EXCEEDED"]
    assert await office.codes(LIST, filter={"region": "999999"}) == ["NOT_FOUND"]
    assert await office.codes(LIST, filter={"daysLeftMax": 10**6}) == ["ARGUMENT_INVALID"]


async def test_a_look_at_a_worklist_names_the_cases_and_people_on_it(office: Office) -> None:
    await some(office)
    await office.ask(LIST, first=2)
    assert {"B:1", "E:1"} <= office.seen[-1].seen.cases
    assert office.seen[-1].seen.subjects


async def test_each_caller_has_their_part_of_the_list(office: Office) -> None:
    await some(office)

    async def listed(*scopes: str, **token: str) -> list[str]:
        caller = Caller("someone", frozenset(scopes), **token)  # type: ignore[arg-type]  # texts
        found = await office.ask(LIST, first=100, by=caller)
        return [node["id"] for node in found["worklist"]["nodes"]]

    assert await listed("cases:department", department=TOURISM) == ["B:1"]
    assert await listed("cases:department", department=TRANSPORT) == ["E:1", "A:1", "D:1"]
    assert await listed("cases:department", department=TRANSPORT, region="500229") == ["E:1"]
    assert await listed("cases:region", region="500229") == ["B:1", "E:1"]
    assert await listed("cases:region", region="500000") == ["B:1", "E:1", "A:1", "D:1"]
    assert await listed("cases:region") == []
    other = {"filter": {"department": TRANSPORT, "region": "500107"}}
    limited = Caller("clerk", frozenset({"cases:department"}), department=TOURISM)
    assert (await office.ask(LIST, by=limited, **other))["worklist"]["nodes"] == []
    assert (await office.ask(COUNTED, by=limited))["worklist"]["totalCount"] == 1


async def test_a_case_that_names_no_department_is_its_system_s(office: Office) -> None:
    rules = office.files._rules
    office.files = CaseFiles(
        office.database, office.writer, REGISTRY, rules, office.clock, {"A": TOURISM}.get
    )
    await office.add("A:1", departmentCode=None)
    assert await ids(office, department=TOURISM) == ["A:1"]
