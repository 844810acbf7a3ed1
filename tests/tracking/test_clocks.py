"""Clocks from events: acceptance, correction, stops, extensions, steps, issue, and what bad data gives."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.tracking.calendar.moments import NEVER, time_of
from gateway.tracking.clocks.facts import Callback, CaseEvent, CaseFacts, facts_of
from gateway.tracking.clocks.follow import CaseTrack
from schema.vocabulary import (
    CaseEventKind,
    CaseState,
    ClockState,
    DeadlineKind,
    DecisionKind,
    ProvisionalReason,
    SpecialProcedureKind,
)
from tests.tracking.cases import case, deadline, event, limit, limits, now, track


def due(found: object) -> str:
    return str(found.due_at and found.due_at.date())  # type: ignore[attr-defined]


def codes(found: CaseTrack) -> list[str]:
    return [finding.code for finding in found.findings]


TEN = limits("10 WORKDAY", "20 WORKDAY")

# --- acceptance ---


def test_a_case_is_to_be_accepted_in_five_working_days_from_receipt() -> None:
    facts = case(event("RECEIVE", "2017-11-20"))
    found = deadline(facts, TEN, "ACCEPTANCE", "2017-11-22")
    assert (due(found), found.state, found.used, found.left) == ("2017-11-27", ClockState.RUNNING, 2, 3)
    assert found.basis.source == "Administrative Licensing Law art. 32"
    assert deadline(facts, TEN, "PROMISED", "2017-11-22").state is ClockState.NOT_STARTED


@pytest.mark.parametrize("kind", ["ACCEPT", "REFUSE_ACCEPTANCE", "REQUEST_CORRECTION", "WITHDRAW"])
def test_each_answer_in_time_meets_it(kind: str) -> None:
    facts = case(event("RECEIVE", "2017-11-20"), event(kind, "2017-11-27T23:59:59"))
    assert deadline(facts, TEN, "ACCEPTANCE", "2017-12-05").state is ClockState.MET
    assert "DEEMED_ACCEPTED" not in codes(track(facts, TEN))


def test_without_an_answer_the_case_is_deemed_accepted_from_receipt() -> None:
    """行政许可法 art. 32. Until then nothing has started; then the clocks run since the receipt."""
    facts = case(event("RECEIVE", "2017-11-20", id="r"))
    before = deadline(facts, TEN, "PROMISED", "2017-11-27T23:59:59")
    after = deadline(facts, TEN, "PROMISED", "2017-11-28T00:00:00")
    assert (before.state, before.due_at, before.deemed) == (ClockState.NOT_STARTED, None, True)
    assert (after.state, due(after), after.used) == (ClockState.RUNNING, "2017-12-04", 6)
    (finding,) = track(facts, TEN).findings
    assert (finding.code, time_of(finding.at).isoformat()) == ("DEEMED_ACCEPTED", "2017-11-28T00:00:00+08:00")
    assert finding.events == ("r",)


@pytest.mark.parametrize("answer", ["ACCEPT", "REQUEST_CORRECTION"])
def test_an_answer_that_comes_late_changes_nothing_of_that(answer: str) -> None:
    facts = case(event("RECEIVE", "2017-11-20"), event(answer, "2017-11-29"))
    found = deadline(facts, TEN, "STATUTORY", "2017-11-30")
    assert found.deemed
    assert found.started_at is not None
    assert found.started_at.date().isoformat() == "2017-11-20"
    assert deadline(facts, TEN, "ACCEPTANCE", "2017-11-30").state is ClockState.MISSED


def test_what_is_no_licence_is_not_deemed_accepted() -> None:
    found = track(case(event("RECEIVE", "2017-11-20")), limits("10 WORKDAY", licence=False))
    assert codes(found) == []
    promised = found.clock(DeadlineKind.PROMISED)
    assert promised is not None
    assert promised.show(now("2018-01-01")).state is ClockState.NOT_STARTED


def test_what_was_only_submitted_is_watched_but_not_deemed_accepted() -> None:
    """When the papers arrived is not known: nothing is held to have happened."""
    facts = case(event("SUBMIT", "2017-11-20"))
    found = deadline(facts, TEN, "ACCEPTANCE", "2017-12-05")
    assert (found.state, found.missing) == (ClockState.MISSED, ("receivedAt",))
    assert codes(track(facts, TEN)) == []


@pytest.mark.parametrize("state", ["UNDER_REVIEW", "CORRECTION_REQUIRED", "CLOSED", "UNKNOWN"])
def test_a_system_that_shows_more_than_its_events_tell_is_not_accused(state: str) -> None:
    """It has answered, and tells no event of it: neither late nor deemed accepted, but unknown."""
    facts = case(event("RECEIVE", "2017-11-20"), state=CaseState(state))
    found = track(facts, TEN)
    assert "acceptedAt" in found.missing
    assert (codes(found), found.clock(DeadlineKind.PROMISED)) == ([], None)
    shown = deadline(facts, TEN, "ACCEPTANCE", "2018-01-01")
    assert (shown.state, shown.missing[:1]) == (ClockState.ENDED, ("acceptedAt",))


def test_what_is_not_yet_known_is_no_finding_yet() -> None:
    found = track(case(event("RECEIVE", "2017-11-20"), state=CaseState.RECEIVED), TEN)
    assert found.findings_at(now("2017-11-27T23:59:59")) == ()
    assert [one.code for one in found.findings_at(now("2017-11-28"))] == ["DEEMED_ACCEPTED"]


def test_corrected_papers_begin_a_new_round() -> None:
    facts = case(
        event("RECEIVE", "2017-11-20"),
        event("REQUEST_CORRECTION", "2017-11-23"),
        event("CORRECTION_RECEIVED", "2017-12-01"),
    )
    of = limits("10 WORKDAY", correction=limit("15 CALENDAR_DAY"))
    first = deadline(facts, of, "ACCEPTANCE", "2017-12-04", subject="1")
    second = deadline(facts, of, "ACCEPTANCE", "2017-12-04", subject="2")
    correction = deadline(facts, of, "CORRECTION", "2017-12-04")
    assert (first.state, second.state, due(second)) == (ClockState.MET, ClockState.RUNNING, "2017-12-08")
    assert (correction.state, due(correction)) == (ClockState.MET, "2017-12-08")
    assert track(facts, of).state is CaseState.RECEIVED


def test_a_second_request_for_corrections_is_told() -> None:
    facts = case(
        event("RECEIVE", "2017-11-20"),
        event("REQUEST_CORRECTION", "2017-11-21"),
        event("CORRECTION_RECEIVED", "2017-11-22"),
        event("REQUEST_CORRECTION", "2017-11-23"),
    )
    assert codes(track(facts, TEN)) == ["CORRECTION_TWICE"]


# --- stops ---


def stopped(
    *spans: tuple[str, str | None], kind: str = "SPECIAL", promised: str = "10 WORKDAY", at: str
) -> object:
    pair = {"SPECIAL": ("SPECIAL_START", "SPECIAL_END"), "SUSPEND": ("SUSPEND", "RESUME")}[kind]
    events = [event("ACCEPT", "2017-11-20")]
    for index, (first, last) in enumerate(spans):
        events.append(event(pair[0], first, step=f"s{index}", notified_at=first))
        if last:
            events.append(event(pair[1], last, step=f"s{index}"))
    return deadline(case(*events), limits(promised), "PROMISED", at)


def test_stops_that_overlap_lie_in_each_other_or_touch_count_once() -> None:
    whole = stopped(("2017-11-23", "2017-12-06"), at="2017-12-07")
    for spans in (
        (("2017-11-23", "2017-12-01"), ("2017-11-28", "2017-12-06")),
        (("2017-11-23", "2017-12-06"), ("2017-11-28", "2017-11-29")),
        (("2017-11-23", "2017-11-30"), ("2017-12-01", "2017-12-06")),
        (("2017-11-23T09:00:00", "2017-11-30T09:00:00"), ("2017-11-30T17:00:00", "2017-12-06T08:00:00")),
    ):
        found = stopped(*spans, at="2017-12-07")
        assert (due(found), found.used) == (due(whole), whole.used) == ("2017-12-18", 3)  # type: ignore[attr-defined]


def test_a_stop_over_a_weekend_costs_nothing_in_working_days() -> None:
    assert due(stopped(("2017-11-25", "2017-11-26"), at="2017-11-27")) == "2017-12-04"
    calendar_days = stopped(("2017-11-25", "2017-11-26"), promised="10 CALENDAR_DAY", at="2017-11-27")
    assert due(calendar_days) == "2017-12-04"  # 11-30 without it, 12-02 with it, and that is a Saturday


def test_a_stop_of_minutes_takes_its_whole_day() -> None:
    assert due(stopped(("2017-11-23T10:00:00", "2017-11-23T10:05:00"), at="2017-11-24")) == "2017-12-05"


def test_of_a_limit_in_hours_the_hours_of_a_stop_are_left_out() -> None:
    found = stopped(("2017-11-20T12:00:00", "2017-11-20T18:00:00"), promised="24 HOUR", at="2017-11-21")
    assert str(found.due_at) == "2017-11-21 16:00:00+08:00"  # type: ignore[attr-defined]
    assert found.used == 8  # type: ignore[attr-defined]


def test_behind_an_open_stop_the_due_date_moves_with_the_days() -> None:
    for at, expected in (
        ("2017-11-24", "2017-12-06"),
        ("2017-11-27", "2017-12-07"),
        ("2017-12-08", "2017-12-20"),
    ):
        found = stopped(("2017-11-23", None), at=at)
        assert (due(found), found.used) == (expected, 2)  # type: ignore[attr-defined]
        assert found.state is ClockState.STOPPED  # type: ignore[attr-defined]
        assert found.provisional == (ProvisionalReason.STOP_OPEN,)  # type: ignore[attr-defined]
        assert found.stopped[-1][1] is None  # type: ignore[attr-defined]


def test_a_stop_after_the_due_date_saves_nobody() -> None:
    found = stopped(("2017-12-05", None), at="2017-12-08")
    assert (found.state, due(found), found.left) == (ClockState.MISSED, "2017-12-04", 0)  # type: ignore[attr-defined]
    ended = stopped(("2017-12-05", "2017-12-06"), at="2017-12-08")
    assert (ended.state, ended.left) == (ClockState.MISSED, -2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["SPECIAL", "SUSPEND"])
def test_a_suspension_stops_the_clock_as_a_special_procedure_does(kind: str) -> None:
    assert due(stopped(("2017-11-23", "2017-12-06"), kind=kind, at="2017-12-07")) == "2017-12-18"


def test_waiting_for_papers_after_acceptance_stops_the_clock() -> None:
    facts = case(
        event("ACCEPT", "2017-11-20"),
        event("REQUEST_CORRECTION", "2017-11-23"),
        event("CORRECTION_RECEIVED", "2017-12-06"),
    )
    assert due(deadline(facts, TEN, "PROMISED", "2017-12-07")) == "2017-12-18"


def test_a_stop_has_a_limit_of_its_own() -> None:
    """The time stated in the event, else the implementation's for that procedure."""
    stated = event("SPECIAL_START", "2017-11-23", special=SpecialProcedureKind.HEARING, stated="5 WORKDAY")
    plain = event("SPECIAL_START", "2017-11-23", special=SpecialProcedureKind.HEARING)
    of = limits("10 WORKDAY", specials={SpecialProcedureKind.HEARING: limit("10 WORKDAY")})
    accepted = event("ACCEPT", "2017-11-20")
    assert due(deadline(case(accepted, stated), of, "SPECIAL_PROCEDURE", "2017-11-24")) == "2017-11-30"
    assert due(deadline(case(accepted, plain), of, "SPECIAL_PROCEDURE", "2017-11-24")) == "2017-12-07"
    untold = track(case(accepted, plain), TEN)
    assert untold.clock(DeadlineKind.SPECIAL_PROCEDURE) is None
    assert "stated time of HEARING" in untold.missing


def test_one_record_may_tell_both_ends_of_a_stop_and_another_repeat_the_end() -> None:
    whole = event("SPECIAL_START", "2017-11-23", ended_at="2017-12-06", notified_at="2017-11-23")
    for events in ((whole,), (whole, event("SPECIAL_END", "2017-12-06"))):
        facts = case(event("ACCEPT", "2017-11-20"), *events)
        assert due(deadline(facts, TEN, "PROMISED", "2017-12-07")) == "2017-12-18"
        assert codes(track(facts, TEN)) == []
        assert track(facts, TEN).state is CaseState.UNDER_REVIEW


def test_the_end_of_a_case_ends_its_stops() -> None:
    facts = case(
        event("ACCEPT", "2017-11-20"), event("SUSPEND", "2017-11-23"), event("CLOSE", "2017-11-28T10:00:00")
    )
    found = deadline(facts, TEN, "PROMISED", "2018-01-31")
    assert (found.state, found.used) == (ClockState.MET, 2)
    assert found.stopped[0][1] is not None


# --- extensions ---


def extended(*events: CaseEvent, at: str = "2017-12-01", **fields: object) -> tuple[str, str, list[str]]:
    facts = case(event("ACCEPT", "2017-11-20"), *events)
    of = limits("10 WORKDAY", "20 WORKDAY", **fields)
    found = track(facts, of)
    return (
        due(deadline(facts, of, "PROMISED", at)),
        due(deadline(facts, of, "STATUTORY", at)),
        codes(found),
    )


def ten_more(at: str, **fields: object) -> CaseEvent:
    return event("EXTEND", at, **{"extend_by": "10 WORKDAY", "approved_by": "局长", **fields})


def test_an_approved_extension_moves_both_clocks_once() -> None:
    assert extended(ten_more("2017-11-29")) == ("2017-12-18", "2018-01-02", [])
    twice = extended(ten_more("2017-11-29"), ten_more("2017-11-30"))
    assert twice == ("2017-12-18", "2018-01-02", ["EXTENDED_TWICE"])


def test_an_extension_without_approval_or_length_does_not_count() -> None:
    assert extended(ten_more("2017-11-29", approved_by="")) == (
        "2017-12-04",
        "2017-12-18",
        ["EXTENSION_UNAPPROVED"],
    )
    assert extended(ten_more("2017-11-29", extend_by=None))[2] == ["EXTENSION_LENGTH_MISSING"]
    refused_first = extended(ten_more("2017-11-28", approved_by=""), ten_more("2017-11-29"))
    assert refused_first == ("2017-12-18", "2018-01-02", ["EXTENSION_UNAPPROVED"])


def test_an_extension_counts_as_far_as_the_law_allows() -> None:
    fifteen = ten_more("2017-11-29", extend_by="15 WORKDAY")
    assert extended(fifteen) == ("2017-12-18", "2018-01-02", ["EXTENSION_TOO_LONG"])
    joint = extended(fifteen, longest_extension=limit("15 WORKDAY"))
    assert joint == ("2017-12-25", "2018-01-09", [])


def test_an_extension_after_expiry_saves_only_the_clock_that_still_ran() -> None:
    promised, statutory, found = extended(ten_more("2017-12-05"), at="2017-12-06")
    assert (promised, statutory, found) == ("2017-12-04", "2018-01-02", ["EXTENDED_AFTER_EXPIRY"])
    facts = case(event("ACCEPT", "2017-11-20"), ten_more("2017-12-05"))
    (extension,) = track(facts, TEN).extensions
    assert extension.counts_for == ("STATUTORY",)


def test_an_extension_runs_on_over_a_stop() -> None:
    promised, _, found = extended(
        ten_more("2017-11-22"),
        event("SPECIAL_START", "2017-11-23", ended_at="2017-12-06", notified_at="2017-11-23"),
        at="2017-12-07",
    )
    assert (promised, found) == ("2018-01-02", [])


def test_what_was_used_is_told_against_the_extended_time() -> None:
    facts = case(event("ACCEPT", "2017-11-20"), ten_more("2017-11-29"))
    found = deadline(facts, TEN, "PROMISED", "2017-12-01")
    assert (found.used, found.total, found.left, found.extended_by) == (9, 20, 11, limit("10 WORKDAY"))


# --- steps, issue, calls ---


def test_steps_have_limits_of_their_own_and_may_come_again() -> None:
    of = limits("10 WORKDAY", steps={"初审": limit("2 WORKDAY")})
    facts = case(
        event("ACCEPT", "2017-11-20"),
        event("STEP_START", "2017-11-20", step="初审"),
        event("STEP_END", "2017-11-22", step="初审"),
        event("STEP_START", "2017-11-23", step="初审", ended_at="2017-11-28"),
        event("STEP_START", "2017-11-28", step="复核"),
    )
    shown = [one for one in track(facts, of).deadlines(now("2017-11-29")) if one.kind is DeadlineKind.STEP]
    assert [(one.state, due(one)) for one in shown] == [
        (ClockState.MET, "2017-11-22"),
        (ClockState.MISSED, "2017-11-27"),
    ]


def test_a_licence_is_handed_over_in_ten_working_days_from_the_decision() -> None:
    granted = case(
        event("ACCEPT", "2017-11-20"), event("DECIDE", "2017-11-27", decision=DecisionKind.APPROVED)
    )
    refused = case(
        event("ACCEPT", "2017-11-20"), event("DECIDE", "2017-11-27", decision=DecisionKind.REFUSED)
    )
    assert due(deadline(granted, TEN, "ISSUE", "2017-11-28")) == "2017-12-11"
    assert track(refused, TEN).clock(DeadlineKind.ISSUE) is None
    assert track(granted, limits("10 WORKDAY", licence=False)).clock(DeadlineKind.ISSUE) is None


def test_the_law_asks_for_the_decision_and_the_promise_for_the_end() -> None:
    facts = case(event("ACCEPT", "2017-11-20"), event("DECIDE", "2017-11-27"))
    assert deadline(facts, TEN, "STATUTORY", "2017-11-28").state is ClockState.MET
    assert deadline(facts, TEN, "PROMISED", "2017-11-28").state is ClockState.RUNNING


def test_calls_run_by_office_hours_unless_said_otherwise() -> None:
    facts = case(callbacks=(Callback("c", datetime(2017, 11, 24, 17, 0)),))
    office = deadline(facts, limits(), "CALLBACK", "2017-11-24T18:00:00")
    plain = deadline(facts, limits(callback_in_office_hours=False), "CALLBACK", "2017-11-24T18:00:00")
    assert str(office.due_at) == "2017-11-27 10:30:00+08:00"
    assert (office.used, office.total) == (0.5, 2)
    assert str(plain.due_at) == "2017-11-24 19:00:00+08:00"


# --- state and order ---


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ("SUBMIT", "SUBMITTED"),
        ("SUBMIT PRE_ACCEPT", "PRE_ACCEPTED"),
        ("SUBMIT RECEIVE", "RECEIVED"),
        ("RECEIVE REQUEST_CORRECTION", "CORRECTION_REQUIRED"),
        ("RECEIVE REQUEST_CORRECTION CORRECTION_RECEIVED", "RECEIVED"),
        ("RECEIVE ACCEPT", "ACCEPTED"),
        ("RECEIVE REFUSE_ACCEPTANCE", "NOT_ACCEPTED"),
        ("ACCEPT STEP_START", "UNDER_REVIEW"),
        ("ACCEPT SPECIAL_START", "SPECIAL_PROCEDURE"),
        ("ACCEPT SPECIAL_START SPECIAL_END", "UNDER_REVIEW"),
        ("ACCEPT SUSPEND", "SUSPENDED"),
        ("ACCEPT SUSPEND SPECIAL_START SPECIAL_END", "SUSPENDED"),
        ("ACCEPT SUSPEND RESUME", "UNDER_REVIEW"),
        ("ACCEPT DECIDE", "DECIDED"),
        ("ACCEPT DECIDE CLOSE", "CLOSED"),
        ("ACCEPT DECIDE CLOSE DELIVER", "DELIVERED"),
        ("ACCEPT DECIDE DELIVER CLOSE", "DELIVERED"),
        ("ACCEPT WITHDRAW", "WITHDRAWN"),
        ("ACCEPT VOID", "VOIDED"),
        ("ACCEPT CLOSE RATE URGE CORRECT_RECORD HAND_OFF", "CLOSED"),
        ("ACCEPT WITHDRAW STEP_START", "WITHDRAWN"),
    ],
)
def test_the_state_follows_from_the_events(kinds: str, state: str) -> None:
    events = [event(kind, f"2017-11-20T10:{minute:02}:00") for minute, kind in enumerate(kinds.split())]
    assert track(case(*events), TEN).state == state


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ("ACCEPT SUBMIT", "ACCEPTED_BEFORE_APPLICATION"),
        ("DECIDE SUBMIT ACCEPT", "RESULT_BEFORE_APPLICATION"),
        ("SUBMIT CLOSE ACCEPT", "CLOSED_BEFORE_ACCEPTED"),
        ("SUBMIT ACCEPT DELIVER DECIDE", "DELIVERED_BEFORE_DECIDED"),
        ("RECEIVE CORRECTION_RECEIVED", "CORRECTION_BEFORE_ASKED"),
        ("ACCEPT SPECIAL_END", "SPECIAL_END_ALONE"),
        ("ACCEPT RESUME", "RESUMED_ALONE"),
        ("ACCEPT STEP_END", "STEP_END_ALONE"),
        ("ACCEPT WITHDRAW STEP_START", "HANDLED_AFTER_END"),
    ],
)
def test_an_order_that_cannot_be_is_found(kinds: str, code: str) -> None:
    events = [
        event(kind, f"2017-11-20T10:{minute:02}:00", id=kind) for minute, kind in enumerate(kinds.split())
    ]
    found = next(finding for finding in track(case(*events), TEN).findings if finding.code == code)
    assert set(found.events) <= set(kinds.split())
    assert found.text
    assert found.text_zh


def test_what_happened_in_one_second_is_put_into_the_order_of_the_lifecycle() -> None:
    """Many systems tell the day only."""
    kinds = ("CLOSE", "DECIDE", "STEP_END", "STEP_START", "ACCEPT", "RECEIVE", "SUBMIT")
    found = track(case(*(event(kind, "2017-11-20T00:00:00") for kind in kinds)), TEN)
    assert found.state is CaseState.CLOSED
    assert codes(found) == []


# --- what is not known ---


def test_the_times_of_the_record_stand_in_for_events() -> None:
    facts = facts_of(
        "CQ-TEST:1",
        {
            "state": "CLOSED",
            "appliedAt": "2017-11-17T09:00:00+08:00",
            "acceptedAt": "2017-11-20T09:00:00+08:00",
            "closedAt": "2017-12-05T09:00:00+08:00",
        },
    )
    found = deadline(facts, TEN, "PROMISED", "2018-01-01")
    assert (found.state, due(found)) == (ClockState.MISSED, "2017-12-04")


def test_an_end_that_nobody_tells_is_not_guessed() -> None:
    """A system that shows only a state: the case has ended, and nobody can say whether in time."""
    facts = case(event("ACCEPT", "2017-11-20"), state=CaseState.CLOSED)
    found = deadline(facts, TEN, "PROMISED", "2018-01-01")
    assert (found.state, found.missing) == (ClockState.ENDED, ("closedAt",))
    assert track(facts, TEN).missing == ("closedAt",)
    assert not track(facts, TEN).is_open


def test_the_systems_own_promise_stands_in_for_a_promised_limit() -> None:
    told = case(event("ACCEPT", "2017-11-20"), promised_at=datetime(2017, 11, 28))
    found = deadline(told, limits(), "PROMISED", "2017-11-28T20:00:00")
    assert (found.basis.rule, str(found.due_at)) == ("PROMISED_BY_SYSTEM", "2017-11-28 23:59:59+08:00")
    assert (found.limit, found.used, found.total) == (None, 6, 6)
    ours = deadline(told, TEN, "PROMISED", "2017-11-28")
    assert due(ours) == "2017-12-04"


def test_missing_limits_and_times_are_named() -> None:
    assert track(case(event("ACCEPT", "2017-11-20")), limits()).missing == ("statutoryLimit", "promisedLimit")
    decided = track(case(event("DECIDE", "2017-11-20")), TEN)
    assert decided.missing == ("acceptedAt",)
    assert decided.clock(DeadlineKind.STATUTORY) is None


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (case(event("ACCEPT", None, id="x")), ["EVENT_WITHOUT_TIME"]),
        (case(event("ACCEPT", "0001-01-01T00:00:00", id="x")), ["TIME_OUT_OF_RANGE"]),
        (case(event("ACCEPT", "9999-12-31T23:59:59", id="x")), ["TIME_OUT_OF_RANGE"]),
        (case(event("UNKNOWN", "2017-11-20", id="x")), ["KIND_UNKNOWN"]),
        (case(event("STEP_START", "2017-11-20", ended_at="2017-11-19")), ["END_BEFORE_START"]),
        (case(event("ACCEPT", "2017-11-20", received_at="2017-11-19")), ["EVENT_IN_FUTURE"]),
        (case(event("REFUSE_ACCEPTANCE", "2017-11-20")), ["REASON_MISSING"]),
        (case(event("REFUSE_ACCEPTANCE", "2017-11-20", opinion="缺材料", document_no="1号")), []),
        (case(event("ACCEPT", "2017-11-20"), unreadable=("appliedAt",)), ["VALUE_UNREADABLE"]),
        (CaseFacts("CQ-TEST:1"), []),
    ],
)
def test_bad_data_gives_findings_and_never_an_exception(facts: CaseFacts, found: list[str]) -> None:
    result = track(facts, TEN)
    assert codes(result) == found
    assert isinstance(result.deadlines(now("2017-12-01")), tuple)


@pytest.mark.parametrize("bad", ["-1 WORKDAY", "99999 WORKDAY", "9999 MONTH"])
def test_a_limit_that_cannot_be_one_is_told_and_left_out(bad: str) -> None:
    found = track(case(event("ACCEPT", "2017-11-20")), limits(bad))
    assert codes(found) == ["LIMIT_UNUSABLE"]
    assert found.clock(DeadlineKind.PROMISED) is None


def test_an_event_sent_again_with_other_content_counts_as_received_last() -> None:
    first = event("ACCEPT", "2017-11-20", id="a", received_at="2017-11-20T11:00:00")
    mended = event("ACCEPT", "2017-11-21", id="a", received_at="2017-11-22T11:00:00")
    for events in ((first, mended), (mended, first), (mended, first, first, mended)):
        found = track(case(*events), TEN)
        assert codes(found) == ["EVENT_REWRITTEN"]
        assert found.clocks[0].start == now("2017-11-21T10:00:00")
        assert [one.event.received_at for one in found.events] == [mended.received_at]


def test_a_record_of_nonsense_still_gives_facts() -> None:
    facts = facts_of(
        "CQ-TEST:1",
        {
            "state": "XX",
            "appliedAt": "yesterday",
            "events": [
                {"kind": "JUMP", "occurredAt": "??"},
                7,
                {"kind": "ACCEPT", "occurredAt": "2017-11-20"},
            ],
        },
    )
    assert facts.unreadable == ("events[0].occurredAt", "events[1]", "appliedAt")
    assert [one.kind for one in facts.events] == [CaseEventKind.UNKNOWN, CaseEventKind.ACCEPT]
    assert facts.state is None
    assert facts_of("CQ-TEST:1", {"events": "none"}).events == ()


def test_a_record_carries_what_clocks_need_beyond_it() -> None:
    facts = facts_of(
        "CQ-TEST:1",
        {
            "events": [
                {
                    "kind": "SPECIAL_START",
                    "occurredAt": "2017-11-23T09:00:00+08:00",
                    "special": "HEARING",
                    "stated": {"amount": 10, "unit": "WORKDAY"},
                    "notifiedAt": "2017-11-22T09:00:00+08:00",
                }
            ]
        },
    )
    (one,) = facts.events
    assert (one.special, one.stated) == (SpecialProcedureKind.HEARING, limit("10 WORKDAY"))


def test_a_case_without_anything_has_no_clock() -> None:
    found = track(CaseFacts("CQ-TEST:1"), limits())
    assert (found.state, found.since, found.clocks) == (None, NEVER, ())
