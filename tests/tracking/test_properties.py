"""What holds for any events: order and repeats change nothing, nothing raises, scan and single looks agree."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tracking.calendar.moments import DAY, LAST_DAY, moment_of
from gateway.tracking.clocks.clock import Clock
from gateway.tracking.clocks.facts import Callback, CaseEvent, CaseFacts
from gateway.tracking.clocks.follow import CaseTrack, follow
from gateway.tracking.clocks.limits import CaseLimits
from gateway.tracking.warnings.cards import SETTLED, Card
from gateway.tracking.warnings.evaluate import evaluate, scan
from schema.registry import TimeLimitRow
from schema.vocabulary import (
    CaseEventKind,
    CaseState,
    ClockState,
    DecisionKind,
    SpecialProcedureKind,
    TimeUnit,
)
from tests.tracking.cases import BOOK, CALENDAR

DAY_0 = datetime(2017, 11, 13)
OFFSETS = [None, UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-5))]

kinds = st.sampled_from(list(CaseEventKind))
times = st.builds(
    lambda minutes, offset: (DAY_0 + timedelta(minutes=minutes)).replace(tzinfo=offset),
    st.integers(0, 60 * 24 * 60),
    st.sampled_from(OFFSETS),
)
limit_rows = st.builds(TimeLimitRow, st.integers(-1, 30), st.sampled_from(list(TimeUnit)))
events = st.builds(
    CaseEvent,
    kind=kinds,
    at=st.one_of(times, times, times, st.none()),
    id=st.sampled_from(["", "", "1", "2", "3", "4", "5"]),
    received_at=st.one_of(st.none(), times),
    ended_at=st.one_of(st.none(), st.none(), times),
    step=st.sampled_from(["", "初审", "复核"]),
    special=st.sampled_from([None, *list(SpecialProcedureKind)[:3]]),
    stated=st.one_of(st.none(), limit_rows),
    notified_at=st.one_of(st.none(), times),
    extend_by=st.one_of(st.none(), limit_rows),
    approved_by=st.sampled_from(["", "局长"]),
    decision=st.sampled_from([None, *DecisionKind]),
    opinion=st.sampled_from(["", "已审"]),
    document_no=st.sampled_from(["", "1号"]),
)
case_limits = st.builds(
    CaseLimits,
    statutory=st.one_of(st.none(), limit_rows),
    promised=st.one_of(st.none(), limit_rows),
    correction=st.one_of(st.none(), limit_rows),
    suspension=st.one_of(st.none(), limit_rows),
    steps=st.just({"初审": TimeLimitRow(2, TimeUnit.WORKDAY)}),
    licence=st.booleans(),
)
facts = st.builds(
    CaseFacts,
    case_id=st.just("CQ-TEST:1"),
    events=st.lists(events, max_size=14).map(tuple),
    applied_at=st.one_of(st.none(), times),
    accepted_at=st.one_of(st.none(), times),
    closed_at=st.one_of(st.none(), st.none(), times),
    promised_at=st.one_of(st.none(), times),
    state=st.sampled_from([None, *CaseState]),
    callbacks=st.lists(
        st.builds(Callback, st.sampled_from("ab"), st.one_of(st.none(), times), st.one_of(st.none(), times)),
        max_size=2,
    ).map(tuple),
)


def told(track: CaseTrack, at: int) -> object:
    """All that can be seen of a track."""
    return (
        track.state,
        track.since,
        track.findings,
        track.missing,
        track.extensions,
        track.deadlines(at),
        [(stop.start, stop.end, stop.kind, stop.name) for stop in track.stops],
    )


@settings(max_examples=300, deadline=None)
@given(facts, case_limits, st.randoms(use_true_random=False), times)
def test_any_order_and_any_repeats_of_the_events_give_the_same(
    of: CaseFacts, limits: CaseLimits, chance: random.Random, at: datetime
) -> None:
    mixed = [*of.events, *(one for one in of.events if chance.random() < 0.4)]
    chance.shuffle(mixed)
    now = moment_of(at)
    one = follow(of, limits, CALENDAR)
    other = follow(replace(of, events=tuple(mixed)), limits, CALENDAR)
    assert told(one, now) == told(other, now)
    assert evaluate(one, BOOK, now=now).cards == evaluate(other, BOOK, now=now).cards


@settings(max_examples=300, deadline=None)
@given(facts, case_limits, st.datetimes(timezones=st.sampled_from(OFFSETS)))
def test_whatever_the_data_clocks_are_made_and_what_they_show_fits_together(
    of: CaseFacts, limits: CaseLimits, at: datetime
) -> None:
    now = moment_of(at)
    track = follow(of, limits, CALENDAR)
    for clock, shown in zip(track.clocks, track.deadlines(now), strict=True):
        _check_shown(clock, shown, now)
    found = evaluate(track, BOOK, now=now)
    assert found.next_check_at is None or found.next_check_at > now
    for card in found.cards:
        assert card.ground_at <= now
        assert "{" not in card.text + card.text_zh


def _check_shown(clock: Clock, shown: object, now: int) -> None:
    state = shown.state  # type: ignore[attr-defined]
    if state in (ClockState.MET, ClockState.ENDED):
        return
    if state is ClockState.NOT_STARTED:
        assert shown.due_at is None  # type: ignore[attr-defined]
    elif state in (ClockState.RUNNING, ClockState.STOPPED):
        if shown.due_at is None:  # type: ignore[attr-defined]
            assert now // DAY > LAST_DAY - 400  # behind an open stop, past what can be counted
            return
        assert shown.share <= 1  # type: ignore[attr-defined]
        assert moment_of(shown.due_at) >= now  # type: ignore[attr-defined]
    elif clock.end > now:
        assert shown.left <= 0  # type: ignore[attr-defined]


# a case that goes on day by day, as it is told to the network
lives = st.lists(
    st.tuples(
        st.sampled_from(
            [
                CaseEventKind.RECEIVE,
                CaseEventKind.ACCEPT,
                CaseEventKind.STEP_START,
                CaseEventKind.STEP_END,
                CaseEventKind.SPECIAL_START,
                CaseEventKind.SPECIAL_END,
                CaseEventKind.SUSPEND,
                CaseEventKind.RESUME,
                CaseEventKind.REQUEST_CORRECTION,
                CaseEventKind.CORRECTION_RECEIVED,
                CaseEventKind.EXTEND,
                CaseEventKind.DECIDE,
                CaseEventKind.CLOSE,
            ]
        ),
        st.integers(0, 40 * 24 * 60),  # when it happens, in minutes
        st.sampled_from([0, 1, 30, 60 * 24 * 2, 60 * 24 * 9]),  # how much later it arrives
    ),
    min_size=1,
    max_size=9,
)


def arrivals(life: list[tuple[CaseEventKind, int, int]]) -> list[tuple[int, CaseEvent]]:
    """Events by the moment of their arrival."""
    made = []
    for number, (kind, minutes, late) in enumerate(life):
        at = DAY_0 + timedelta(minutes=minutes)
        received = at + timedelta(minutes=late)
        made.append(
            (
                moment_of(received),
                CaseEvent(
                    kind,
                    at,
                    id=str(number),
                    received_at=received,
                    step="初审",
                    stated=TimeLimitRow(3, TimeUnit.WORKDAY),
                    extend_by=TimeLimitRow(5, TimeUnit.WORKDAY),
                    approved_by="局长",
                ),
            )
        )
    return sorted(made, key=lambda one: one[0])


def grounded(cards: tuple[Card, ...]) -> set[tuple[str, str, int]]:
    return {(card.rule, card.subject, card.ground_at) for card in cards if card.grounded}


@settings(max_examples=200, deadline=None)
@given(lives)
def test_a_daily_scan_and_a_look_at_each_event_agree(life: list[tuple[CaseEventKind, int, int]]) -> None:
    """One store is looked at on each arrival and at each `next_check_at`, the other every morning only. Every morning
    they hold the same grounded cards, and neither ever holds two of a rule and subject that are not settled."""
    limits = CaseLimits(
        statutory=TimeLimitRow(20, TimeUnit.WORKDAY),
        promised=TimeLimitRow(10, TimeUnit.WORKDAY),
        steps={"初审": TimeLimitRow(2, TimeUnit.WORKDAY)},
    )
    coming = arrivals(life)
    known: list[CaseEvent] = []
    live: tuple[Card, ...] = ()
    scanned: tuple[Card, ...] = ()
    next_check: int | None = None
    start = moment_of(DAY_0)
    for number in range(1, 75):
        morning = start + number * 86_400 + 8 * 3600
        while True:
            arrival = coming[0][0] if coming else None
            moments = [one for one in (arrival, next_check) if one is not None and one <= morning]
            if not moments:
                break
            now = min(moments)
            while coming and coming[0][0] <= now:
                known.append(coming.pop(0)[1])
            looked = evaluate(follow(_case(known), limits, CALENDAR), BOOK, live, now=now)
            live, next_check = looked.cards, looked.next_check_at
        (found,) = scan([(_case(known), limits, scanned)], calendar=CALENDAR, book=BOOK, now=morning)
        scanned = found.cards
        assert grounded(live) == grounded(scanned)
        for cards in (live, scanned):
            open_keys = [(card.rule, card.subject) for card in cards if card.state not in SETTLED]
            assert len(open_keys) == len(set(open_keys))
            assert len({card.id for card in cards}) == len(cards)
        again = evaluate(found.track, BOOK, scanned, now=morning)
        assert (again.cards, again.changed) == (scanned, ())


def _case(known: list[CaseEvent]) -> CaseFacts:
    return CaseFacts("CQ-TEST:1", tuple(known))
