"""Trails for auditors, and what people are told of looks at their data, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from gateway.views.disclosure import DAY_US, DisclosureRules
from gateway.views.records import RecordViews
from tests.views.conftest import APPLICANT, AUDITOR, CITIZEN, COMPANY, TOURISM, TRANSPORT, Office, at

RECORD = """
  __typename
  ... on LedgerEvent { id recordedAt leafHash caseId systemCode kind occurredAt department { name } }
  ... on AccessRecord { id recordedAt leafHash actor purposes fields caseIds subjectRefs disclosure disclosedFrom }
  ... on ChangeRecord { id recordedAt leafHash action target detail }
"""
TRACE = f"""
query ($id: ID!, $first: Int, $after: String, $newest: Boolean! = false) {{
  trace(caseId: $id) {{
    tracked {{ id state }}
    warnings {{ id }}
    records(first: $first, after: $after, newestFirst: $newest) {{
      nodes {{ {RECORD} }} pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}"""
CROSS = f"""
query ($applicant: ApplicantInput, $ref: ID, $project: String, $from: DateTime, $to: DateTime) {{
  crossDepartmentTrail(applicant: $applicant, subjectRef: $ref, projectCode: $project, from: $from, to: $to) {{
    cases {{ id department {{ name }} }} departments {{ code }} truncated
    records(first: 100) {{ nodes {{ {RECORD} }} }}
  }}
}}"""
LOOKS = """
query ($filter: AccessRecordFilter, $first: Int, $after: String) {
  accessRecords(filter: $filter, first: $first, after: $after) {
    nodes { actor purposes caseIds disclosure disclosedFrom } pageInfo { hasNextPage endCursor }
  }
}"""
MINE = """
query ($from: DateTime, $to: DateTime, $first: Int, $after: String) {
  myAccessRecords(from: $from, to: $to, first: $first, after: $after) {
    nodes { at byMyself departmentCode purposes fields caseIds disclosure } pageInfo { hasNextPage endCursor }
  }
}"""
VERIFY = """
query ($from: DateTime, $to: DateTime) {
  verifyChain(from: $from, to: $to) { intact complete firstLeaf leaves size root signedBy checkedUntil findings { kind what leaf } }
}"""


async def told(office: Office) -> None:
    """Two events, a look, a red card, another event and a look at case A:1; a look at B:1 of somebody else."""
    await office.add("A:1", itemCode="500128001000", late=True)
    office.now_us += 1
    await office.look(cases=("A:1",), subjects=(office.ref(CITIZEN),), actor_department=TRANSPORT)
    office.now_us += 1
    await office.add("B:1", number=COMPANY, late=True)
    office.now_us += 1
    await office.look(
        actor="auditor-9",
        purpose="AUDIT",
        cases=("B:1", "A:1"),
        subjects=(office.ref(CITIZEN), office.ref(COMPANY)),
    )
    office.now_us += 1
    await office.look(actor="counter-4", cases=("B:1",), subjects=(office.ref(COMPANY),))


async def test_a_trace_has_events_looks_and_changes_in_one_order(office: Office) -> None:
    await told(office)
    found = (await office.ask(TRACE, by=AUDITOR, id="A:1", first=100))["trace"]
    kinds = [one["__typename"] for one in found["records"]["nodes"]]
    assert kinds[0] == "LedgerEvent"
    assert kinds.count("AccessRecord") == 2
    changes = [one for one in found["records"]["nodes"] if one["__typename"] == "ChangeRecord"]
    assert [one["target"] for one in changes if one["action"] == "case.placed"] == ["A:1"]
    moments = [one["recordedAt"] for one in found["records"]["nodes"]]
    assert moments == sorted(moments)
    judged = {one["target"] for one in changes if one["action"] != "case.placed"}
    assert judged == {one["id"] for one in found["warnings"]}
    assert judged
    assert found["tracked"]["id"] == "A:1"


@pytest.mark.parametrize("newest", [False, True])
async def test_pages_of_a_trace_give_each_record_once(office: Office, newest: bool) -> None:
    await told(office)
    await office.add("A:1", [("ACCEPT", "2017-11-20T10:00"), ("DECIDE", "2017-11-29T10:00")], late=True)
    whole = (await office.ask(TRACE, by=AUDITOR, id="A:1", first=100, newest=newest))["trace"]["records"]
    after, paged = None, []
    while True:
        found = await office.ask(TRACE, by=AUDITOR, id="A:1", first=1, after=after, newest=newest)
        page = found["trace"]["records"]
        paged += [one["id"] for one in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert paged == [one["id"] for one in whole["nodes"]]
    assert len(set(paged)) == len(paged) >= 5


async def test_a_project_is_followed_over_departments(office: Office) -> None:
    """Story 10: all events in time order with source and gateway time, over every department."""
    for number, department in enumerate((TRANSPORT, TOURISM, TRANSPORT)):
        await office.add(
            f"S{number}:1",
            departmentCode=department,
            externalRefs={"projectCode": "2017-500107-48-03-012345"},
        )
    await office.add("S3:1", externalRefs={"projectCode": "another"})
    await office.look(actor="counter-3", cases=("S1:1",))
    found = (await office.ask(CROSS, by=AUDITOR, project="2017-500107-48-03-012345"))["crossDepartmentTrail"]
    assert [one["id"] for one in found["cases"]] == ["S0:1", "S1:1", "S2:1"]
    assert [one["code"] for one in found["departments"]] == sorted({TRANSPORT, TOURISM})
    events = [one for one in found["records"]["nodes"] if one["__typename"] == "LedgerEvent"]
    assert {one["systemCode"] for one in events} == {"S0", "S1", "S2"}
    assert all(one["occurredAt"] and one["recordedAt"] for one in events)
    looks = [one for one in found["records"]["nodes"] if one["__typename"] == "AccessRecord"]
    assert [one["actor"] for one in looks] == ["counter-3"]


async def test_a_person_is_followed_by_number_or_reference_and_each_look_is_there_once(
    office: Office,
) -> None:
    await told(office)
    by_number = await office.ask(CROSS, by=AUDITOR, applicant={"number": CITIZEN})
    by_ref = await office.ask(CROSS, by=AUDITOR, ref=office.ref(CITIZEN))
    assert by_number == by_ref
    found = by_number["crossDepartmentTrail"]
    assert [one["id"] for one in found["cases"]] == ["A:1"]
    looks = [one["actor"] for one in found["records"]["nodes"] if one["__typename"] == "AccessRecord"]
    assert looks == ["counter-3", "auditor-9"]
    assert CITIZEN not in str(found)
    none = await office.ask(CROSS, by=AUDITOR, ref="0" * 64)
    assert none["crossDepartmentTrail"]["records"]["nodes"] == []
    unknown = await office.ask(CROSS, by=AUDITOR, project="no such project")
    assert unknown["crossDepartmentTrail"]["records"]["nodes"] == []
    assert await office.codes(CROSS, by=AUDITOR) == ["ARGUMENT_INVALID"]
    assert await office.codes(CROSS, by=AUDITOR, ref="x", project="y") == ["ARGUMENT_INVALID"]


async def test_a_trail_can_be_cut_to_a_window(office: Office) -> None:
    await told(office)
    early = await office.ask(CROSS, by=AUDITOR, ref=office.ref(CITIZEN), to="2017-11-20T00:00:00+08:00")
    assert early["crossDepartmentTrail"]["records"]["nodes"] == []


async def test_looks_are_found_by_account_person_case_and_purpose(office: Office) -> None:
    await told(office)

    async def actors(**given: Any) -> list[str]:
        found = await office.ask(LOOKS, by=AUDITOR, filter=given or None, first=100)
        return [one["actor"] for one in found["accessRecords"]["nodes"]]

    assert await actors() == ["counter-4", "auditor-9", "counter-3"]
    assert await actors(actor="counter-4") == ["counter-4"]
    assert await actors(caseId="A:1") == ["auditor-9", "counter-3"]
    assert await actors(applicant={"number": CITIZEN}) == ["auditor-9", "counter-3"]
    assert await actors(subjectRef=office.ref(COMPANY), caseId="A:1") == ["auditor-9"]
    assert await actors(purpose="AUDIT") == ["auditor-9"]
    assert await actors(purpose="AUDIT", actor="counter-3") == []
    page = (await office.ask(LOOKS, by=AUDITOR, first=2))["accessRecords"]
    rest = await office.ask(LOOKS, by=AUDITOR, first=2, after=page["pageInfo"]["endCursor"])
    assert [one["actor"] for one in rest["accessRecords"]["nodes"]] == ["counter-3"]


async def test_an_auditor_looks_at_those_that_the_question_is_about(office: Office) -> None:
    await told(office)
    await office.ask(TRACE, by=AUDITOR, id="A:1")
    assert "A:1" in office.seen[-1].seen.cases
    await office.ask(LOOKS, by=AUDITOR, filter={"applicant": {"number": CITIZEN}})
    assert office.ref(CITIZEN) in office.seen[-1].seen.subjects


# --- for the people it is about ---


async def mine(office: Office, **how: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await office.ask(MINE, by=APPLICANT, first=100, **how))["myAccessRecords"][
        "nodes"
    ]
    return found


async def test_a_citizen_sees_who_looked_and_why_but_no_other_person(office: Office) -> None:
    await told(office)
    await office.look(
        actor="citizen-1", purpose="OWN_DATA", cases=("A:1",), actor_subject=office.ref(CITIZEN)
    )
    own, clerk = await mine(office)
    assert (own["byMyself"], own["purposes"]) == (True, ["OWN_DATA"])
    assert clerk == {
        "at": clerk["at"],
        "byMyself": False,
        "departmentCode": TRANSPORT,
        "purposes": ["HANDLE_CASE"],
        "fields": ["case.title"],
        "caseIds": ["A:1"],
        "disclosure": "IMMEDIATE",
    }


async def test_a_look_for_audit_is_told_of_later_without_the_other_s_case(office: Office) -> None:
    """Story 10: the same accesses except one DELAYED, no third party's name."""
    await told(office)
    auditor = next(
        one
        for one in (await office.ask(LOOKS, by=AUDITOR))["accessRecords"]["nodes"]
        if one["actor"] == "auditor-9"
    )
    assert (auditor["disclosure"], auditor["disclosedFrom"][:10]) == ("DELAYED", "2018-02-28")
    assert [one["purposes"] for one in await mine(office)] == [["HANDLE_CASE"]]
    office.now_us = at("2018-03-01T08:00")
    later = await mine(office)
    assert [(one["purposes"], one["disclosure"]) for one in later] == [
        (["AUDIT"], "DELAYED"),
        (["HANDLE_CASE"], "IMMEDIATE"),
    ]
    assert later[0]["caseIds"] == ["A:1"]
    assert [one["purposes"] for one in await mine(office, to="2017-11-30T08:00:00.000002+08:00")] == [
        ["HANDLE_CASE"]
    ]


async def test_purposes_can_be_delayed_or_withheld_by_setting(office: Office) -> None:
    await told(office)
    office.with_disclosure(DisclosureRules(DAY_US, frozenset({"HANDLE_CASE"}), frozenset({"AUDIT"})))
    assert await mine(office) == []
    office.now_us = at("2019-01-01T08:00")
    assert [one["purposes"] for one in await mine(office)] == [["HANDLE_CASE"]]


# --- the chain ---


async def test_an_untouched_trail_is_intact_and_its_root_is_signed(office: Office) -> None:
    await told(office)
    await office.seal()
    found = (await office.ask(VERIFY, by=AUDITOR))["verifyChain"]
    assert (found["intact"], found["complete"], found["findings"]) == (True, True, [])
    assert found["leaves"] == found["size"] >= 6
    assert (len(found["root"]), found["signedBy"]) == (64, "quanyu.test/trail")


async def test_nothing_sealed_is_nothing_wrong(office: Office) -> None:
    found = (await office.ask(VERIFY, by=AUDITOR))["verifyChain"]
    assert (found["intact"], found["leaves"], found["root"]) == (True, 0, None)


async def test_a_stretch_is_checked_alone_and_an_altered_record_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        await office.add(f"A:{number}")
        await office.seal()
        office.now_us += 60_000_000
    whole = (await office.ask(VERIFY, by=AUDITOR))["verifyChain"]
    part = (await office.ask(VERIFY, by=AUDITOR, **{"from": "2017-11-30T08:03:00+08:00"}))["verifyChain"]
    assert part["intact"]
    assert 0 < part["firstLeaf"] < part["size"]
    assert part["firstLeaf"] + part["leaves"] == whole["size"]

    await alter(office, "UPDATE case_event SET body = %s WHERE case_id = 'A:5'")
    broken = (await office.ask(VERIFY, by=AUDITOR, **{"from": "2017-11-30T08:03:00+08:00"}))["verifyChain"]
    assert not broken["intact"]
    assert broken["findings"][0]["kind"] == "ALTERED"
    assert broken["findings"][0]["leaf"] >= part["firstLeaf"]
    before = (await office.ask(VERIFY, by=AUDITOR, to="2017-11-30T08:02:30+08:00"))["verifyChain"]
    assert before["intact"]

    monkeypatch.setattr("gateway.views.chain.MOST_LEAVES", 2)
    bounded = (await office.ask(VERIFY, by=AUDITOR))["verifyChain"]
    assert (bounded["complete"], bounded["leaves"]) == (False, 2)


async def test_a_false_leaf_cannot_hide_behind_the_kept_tree(office: Office) -> None:
    """The leaf is altered with its record: the root under the signature no longer holds."""
    for number in range(3):
        await office.add(f"A:{number}")
        await office.seal()
        office.now_us += 60_000_000
    await alter(office, "UPDATE ledger_leaf SET hash = %s WHERE idx = 1")
    found = (await office.ask(VERIFY, by=AUDITOR))["verifyChain"]
    assert not found["intact"]


async def alter(office: Office, statement: str) -> None:
    """As someone with all rights on the database does."""
    async with office.database.write() as connection:
        if office.database.kind == "sqlite":
            for name in ("case_event", "ledger_leaf"):
                rows = await connection.execute(
                    text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name"),
                    {"name": name},
                )
                for (trigger,) in rows.all():
                    await connection.execute(text(f"DROP TRIGGER {trigger}"))
            await connection.execute(text(statement % "CAST('{}' AS BLOB)"))
        else:
            await connection.execute(text("SET session_replication_role = replica"))
            await connection.execute(text(statement % "'{}'::bytea"))


def test_views_are_made_of_what_the_gateway_has() -> None:
    assert RecordViews.__slots__[:3] == ("database", "writer", "keys")
