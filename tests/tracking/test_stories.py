"""The stories of domain.md 6 that touch clocks and cards, each with its dates."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.tracking.clocks.facts import Callback
from gateway.tracking.clocks.limits import implementation_on, limits_of
from gateway.tracking.warnings.cards import appeal, revoke
from gateway.tracking.warnings.evaluate import evaluate
from schema.registry import ImplementationRow, TimeLimitRow
from schema.vocabulary import (
    CaseType,
    ClockState,
    PowerSource,
    RegionLevel,
    SpecialProcedureKind,
    TimeUnit,
    WarningLevel,
    WarningState,
)
from tests.tracking.cases import BOOK, case, deadline, due_of, event, limits, now, time, track


def test_story_1_travel_agency_licence_delegated_power() -> None:
    """Two implementations of one item: the city's 15 days until June 2017, the district's 5 days since."""

    def row(code: str, days: int, *, since: str | None = None, until: str | None = None) -> ImplementationRow:
        district = since is not None
        return ImplementationRow(
            code,
            "500128001000",
            "LVJ",
            "500107" if district else "500000",
            RegionLevel.DISTRICT if district else RegionLevel.MUNICIPALITY,
            PowerSource.DELEGATED_DOWN if district else PowerSource.STATUTORY_OWN,
            CaseType.COMMITTED,
            statutory=TimeLimitRow(20, TimeUnit.WORKDAY),
            promised=TimeLimitRow(days, TimeUnit.WORKDAY),
            valid_from=date.fromisoformat(since) if since else None,
            valid_to=date.fromisoformat(until) if until else None,
        )

    rows = [row("CITY", 15, until="2017-06-30"), row("JIULONGPO", 5, since="2017-07-01")]
    accepted = case(event("ACCEPT", "2017-11-20T10:00:00"))

    def dues(on: str) -> tuple[str, str, str]:
        implementation = implementation_on(rows, date.fromisoformat(on))
        assert implementation is not None
        found = [
            deadline(accepted, limits_of(implementation), kind, "2017-11-20T12:00:00")
            for kind in ("PROMISED", "STATUTORY")
        ]
        return (implementation.task_code, *(str(one.due_at and one.due_at.date()) for one in found))

    assert dues("2017-11-20") == ("JIULONGPO", "2017-11-27", "2017-12-18")
    assert dues("2017-06-01") == ("CITY", "2017-12-11", "2017-12-18")


@pytest.mark.parametrize(
    ("called", "state", "rules"),
    [
        ("2017-11-24T11:30:00", ClockState.MET, []),
        ("2017-11-24T11:30:01", ClockState.MISSED, [("A-CALL", WarningLevel.YELLOW)]),
        (None, ClockState.MISSED, [("A-CALL", WarningLevel.YELLOW)]),
    ],
)
def test_story_2_lift_inspection_appointment(
    called: str | None, state: ClockState, rules: list[tuple[str, WarningLevel]]
) -> None:
    """Asked for at 09:30, to be called back by 11:30:00."""
    call = Callback("1", time("2017-11-24T09:30:00"), time(called) if called else None)
    facts = case(callbacks=(call, call))
    found = deadline(facts, limits(), "CALLBACK", "2017-11-24T12:00:00")
    assert found.due_at is not None
    assert found.due_at.isoformat() == "2017-11-24T11:30:00+08:00"
    assert found.state is state
    cards = evaluate(track(facts, limits()), BOOK, now=now("2017-11-24T12:00:00")).cards
    assert [(card.rule, card.level) for card in cards] == rules


@pytest.mark.parametrize(
    ("tier", "due"), [("2 WORKDAY", "2017-11-30"), ("5 WORKDAY", "2017-12-05"), ("15 WORKDAY", "2017-12-19")]
)
def test_story_3_oversize_transport_tiers(tier: str, due: str) -> None:
    assert due_of("2017-11-28", tier) == due


@pytest.mark.parametrize(
    ("days", "due"), [(60, "2018-02-23"), (75, "2018-03-15"), (110, "2018-05-07"), (170, "2018-07-31")]
)
def test_story_4_investment_project_parallel_and_serial(days: int, due: str) -> None:
    assert due_of("2017-11-24", f"{days} WORKDAY") == due


def test_story_6_clock_stop() -> None:
    """EIA report form, 20 working days; a hearing from 12-01 to 12-21 that the applicant was not told of."""
    accepted = event("ACCEPT", "2017-11-20")
    start = event("SPECIAL_START", "2017-12-01", special=SpecialProcedureKind.HEARING)
    end = event("SPECIAL_END", "2017-12-21", special=SpecialProcedureKind.HEARING)
    of = limits("20 WORKDAY")

    def due(*events: object, at: str) -> str:
        found = deadline(case(*events), of, "PROMISED", at)  # type: ignore[arg-type]
        return str(found.due_at and found.due_at.date())

    assert due(accepted, at="2017-11-30") == "2017-12-18"
    assert due(accepted, start, end, at="2017-12-22") == "2018-01-09"
    assert due(end, start, start, accepted, end, accepted, at="2017-12-22") == "2018-01-09"

    told = evaluate(track(case(accepted, start, end), of), BOOK, now=now("2017-12-02")).cards
    assert [(card.rule, card.level) for card in told] == [("P-NOTICE", WarningLevel.NOTICE)]
    notified = event(
        "SPECIAL_START", "2017-12-01", special=SpecialProcedureKind.HEARING, notified_at="2017-12-01"
    )
    assert evaluate(track(case(accepted, notified), of), BOOK, now=now("2017-12-02")).cards == ()


def test_story_7_yellow_and_red_card_and_appeal() -> None:
    """Ten working days from 2017-11-20, due 12-04. Daily scans; an appeal with a record that came late."""
    accepted = event("ACCEPT", "2017-11-20", id="a")
    of = limits("10 WORKDAY")
    cards: tuple[object, ...] = ()
    raised: dict[str, list[tuple[str, str]]] = {}
    for day in (
        "2017-11-28",
        "2017-11-29",
        "2017-11-30",
        "2017-12-01",
        "2017-12-04",
        "2017-12-05",
        "2017-12-06",
    ):
        found = evaluate(track(case(accepted), of), BOOK, cards, now=now(f"{day}T08:00:00"))  # type: ignore[arg-type]
        cards = found.cards
        if found.changed:
            raised[day] = [(card.rule, str(card.level)) for card in found.changed]
    assert raised == {
        "2017-11-30": [("T-80", "NOTICE")],
        "2017-12-01": [("T-90", "YELLOW")],
        "2017-12-05": [("T-100", "RED")],
    }
    notice, yellow, red = found.cards
    assert (notice.evidence["used"], notice.evidence["percent"]) == (8, 80)
    assert (yellow.evidence["used"], yellow.evidence["percent"]) == (9, 90)
    assert red.evidence["due"] == "2017-12-04T23:59:59+08:00"
    assert red.evidence["events"] == ["a"]

    late = event(
        "SPECIAL_START",
        "2017-11-23",
        id="s",
        ended_at="2017-12-06",
        received_at="2017-12-07",
        notified_at="2017-11-23",
    )
    facts = case(accepted, late)
    at = now("2017-12-07T12:00:00")
    found = evaluate(track(facts, of), BOOK, found.cards, now=at)
    red = next(card for card in found.cards if card.rule == "T-100")
    assert (red.state, red.grounded) == (WarningState.ISSUED, False)  # no machine takes a red card back
    red = revoke(
        appeal(red, at=at, by="LVJ", reason="expert review 11-23 to 12-06"), at=at, by="GB", reason="upheld"
    )
    cards = tuple(red if card.id == red.id else card for card in found.cards)
    assert [(change.what, change.reason) for change in red.history] == [
        ("RAISED", ""),
        ("GROUND_GONE", ""),
        ("APPEALED", "expert review 11-23 to 12-06"),
        ("REVOKED", "upheld"),
    ]
    assert red.mark == "C"
    new_due = deadline(facts, of, "PROMISED", "2017-12-08").due_at
    assert new_due is not None
    assert new_due.date().isoformat() == "2017-12-18"

    again = evaluate(track(facts, of), BOOK, cards, now=now("2017-12-08"))  # type: ignore[arg-type]
    assert [card.id for card in again.cards] == [card.id for card in cards]  # type: ignore[attr-defined]
    assert again.changed == ()  # cards stay in the history, and the revoked one is not raised again
    later = evaluate(track(facts, of), BOOK, again.cards, now=now("2017-12-19"))
    mixed = evaluate(track(facts, of), BOOK, later.cards[::-1], now=now("2017-12-20"))
    assert mixed.changed == ()  # in whatever order a store gives them
    reds = [(card.id, str(card.state)) for card in later.cards if card.rule == "T-100"]
    assert reds == [("CQ-TEST:1#T-100##1", "REVOKED"), ("CQ-TEST:1#T-100##2", "ISSUED")]
