"""What rules raise and when, and what becomes of cards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.tracking.calendar.moments import time_of
from gateway.tracking.clocks.facts import CaseFacts
from gateway.tracking.clocks.limits import CaseLimits
from gateway.tracking.errors import CardStateError
from gateway.tracking.warnings import cards as moves
from gateway.tracking.warnings.cards import Card, levels_told
from gateway.tracking.warnings.evaluate import Evaluation, evaluate, silent_source
from gateway.tracking.warnings.rule_file import parse_rules, read_rules
from gateway.tracking.warnings.triggers import RuleBook, triggers
from schema.vocabulary import DecisionKind, WarningLevel, WarningState, WarningSubject
from tests.tracking.cases import BOOK, case, event, limit, limits, now, track

TEN = limits("10 WORKDAY", "20 WORKDAY")
ACCEPTED = event("ACCEPT", "2017-11-20", id="a")


def look(
    facts: CaseFacts, of: CaseLimits, at: str, cards: tuple[Card, ...] = (), book: RuleBook = BOOK
) -> Evaluation:
    return evaluate(track(facts, of), book, cards, now=now(at))


def rules_of(found: Evaluation) -> list[str]:
    return [card.rule for card in found.cards]


def spoken(facts: CaseFacts, of: CaseLimits) -> dict[str, str]:
    return {one.rule.id: time_of(one.at).isoformat()[:19] for one in triggers(track(facts, of), BOOK)}


# --- when each rule speaks ---


@pytest.mark.parametrize(
    ("promised", "notice", "yellow", "red"),
    [
        ("10 WORKDAY", "2017-11-30T00:00:00", "2017-12-01T00:00:00", "2017-12-05T00:00:00"),
        ("5 WORKDAY", "2017-11-24T00:00:00", "2017-11-24T00:00:00", "2017-11-28T00:00:00"),
        ("20 WORKDAY", "2017-12-12T00:00:00", "2017-12-14T00:00:00", "2017-12-19T00:00:00"),
        # of one day nothing is said before that day
        ("1 WORKDAY", "2017-11-21T00:00:00", "2017-11-21T00:00:00", "2017-11-22T00:00:00"),
        ("10 CALENDAR_DAY", "2017-11-28T00:00:00", "2017-11-29T00:00:00", "2017-12-01T00:00:00"),
        ("100 HOUR", "2017-11-23T18:00:00", "2017-11-24T04:00:00", "2017-11-24T14:00:01"),
    ],
)
def test_the_promised_clock_speaks_at_80_and_90_percent_and_past_its_end(
    promised: str, notice: str, yellow: str, red: str
) -> None:
    assert spoken(case(ACCEPTED), limits(promised)) == {"T-80": notice, "T-90": yellow, "T-100": red}


def test_a_promise_kept_early_is_never_spoken_of() -> None:
    facts = case(ACCEPTED, event("CLOSE", "2017-11-29T17:00:00"))
    assert spoken(facts, TEN) == {}
    assert look(facts, TEN, "2018-06-01").next_check_at is None


def test_what_came_true_before_the_end_is_found_after_it() -> None:
    facts = case(ACCEPTED, event("CLOSE", "2017-12-01T17:00:00"))
    assert rules_of(look(facts, TEN, "2018-06-01")) == ["T-80", "T-90"]


def test_past_the_law_a_supervision_order_goes_with_the_card() -> None:
    found = look(case(ACCEPTED), TEN, "2017-12-19")
    by_rule = {card.rule: card for card in found.cards}
    assert by_rule["L-100"].supervision_order
    assert by_rule["L-100"].level is WarningLevel.RED
    assert not by_rule["T-100"].supervision_order
    assert by_rule["L-100"].feedback_due == now("2017-12-22T23:59:59")


def test_a_step_over_its_limit_is_yellow_though_the_case_is_in_time() -> None:
    of = limits("10 WORKDAY", steps={"初审": limit("2 WORKDAY")})
    facts = case(ACCEPTED, event("STEP_START", "2017-11-20", step="初审", id="s"))
    (card,) = look(facts, of, "2017-11-23").cards
    assert (card.rule, card.level, card.about) == ("S-STEP", WarningLevel.YELLOW, WarningSubject.STEP)
    assert card.text == "step 初审 took longer than its limit; due 2017-11-22"
    assert card.text_zh == "环节“初审”超时,应于2017-11-22前完成"
    assert card.evidence["events"] == ["s"]


def test_no_decision_on_acceptance_is_yellow_and_a_day_later_red() -> None:
    facts = case(event("RECEIVE", "2017-11-20"))
    times = spoken(facts, TEN)
    assert (times["C-5D"], times["C-DEEMED"]) == ("2017-11-28T00:00:00", "2017-11-29T00:00:00")
    accepted = case(event("RECEIVE", "2017-11-20"), event("ACCEPT", "2017-11-28T09:00:00"))
    assert "C-DEEMED" not in spoken(accepted, TEN)
    assert "C-5D" in spoken(accepted, TEN)
    assert "C-DEEMED" not in spoken(case(event("SUBMIT", "2017-11-20")), TEN)


def test_clocks_that_run_by_law_alone_speak_from_then_on() -> None:
    """Deemed accepted since 11-20, which is known on 11-28 only: earlier thresholds count from then."""
    times = spoken(case(event("RECEIVE", "2017-11-20")), limits("5 WORKDAY"))
    assert times["T-80"] == times["T-100"] == "2017-11-28T00:00:00"


def test_a_stop_over_its_own_limit_is_yellow() -> None:
    stop = event("SPECIAL_START", "2017-11-23", stated="5 WORKDAY", notified_at="2017-11-23", step="听证")
    assert spoken(case(ACCEPTED, stop), TEN)["P-OVER"] == "2017-12-01T00:00:00"
    both = (stop, event("SUSPEND", "2017-11-24", stated="2 WORKDAY", step="听证"))
    subjects = [
        one.subject for one in triggers(track(case(ACCEPTED, *both), TEN), BOOK) if one.rule.id == "P-OVER"
    ]
    assert subjects == ["听证", "听证#2"]


def test_an_open_stop_lets_nothing_speak_until_it_ends() -> None:
    stop = event("SUSPEND", "2017-12-01T09:00:00")
    assert spoken(case(ACCEPTED, stop), TEN) == {"T-80": "2017-11-30T00:00:00"}
    assert look(case(ACCEPTED, stop), TEN, "2018-06-01").next_check_at is None


def test_a_refusal_without_reason_or_number_is_yellow() -> None:
    refused = event("DECIDE", "2017-11-27", decision=DecisionKind.REFUSED, opinion="不符合条件", id="d")
    (card,) = look(case(ACCEPTED, refused), TEN, "2017-11-28").cards
    assert (card.rule, card.evidence["events"]) == ("D-REASON", ["d"])
    assert "without document number" in card.text


def test_one_card_for_all_faults_of_order_of_a_case() -> None:
    facts = case(ACCEPTED, event("RESUME", "2017-11-21", id="r"), event("SPECIAL_END", "2017-11-22", id="e"))
    first = look(case(*facts.events[:2]), TEN, "2017-11-21T12:00:00")
    assert [(card.rule, card.evidence["events"]) for card in first.cards] == [("D-ORDER", ["r"])]
    second = look(facts, TEN, "2017-11-23", first.cards)
    assert [(card.rule, card.evidence["events"]) for card in second.cards] == [("D-ORDER", ["r", "e"])]
    assert [change.what for change in second.cards[0].history] == ["RAISED", "GROUND_MOVED"]


def test_an_event_that_came_late_is_a_notice() -> None:
    in_time = event("ACCEPT", "2017-11-20T10:00:00", id="a", received_at="2017-11-21T10:00:00")
    late = replace(in_time, received_at=now_time("2017-11-21T10:00:01"))
    assert "D-LATE" not in spoken(case(in_time), TEN)
    assert spoken(case(late), TEN)["D-LATE"] == "2017-11-21T10:00:01"
    assert "D-LATE" not in spoken(case(late, in_time), TEN)  # sent again: what counts is when it first came


def now_time(text: str) -> object:
    return time_of(now(text))


def test_a_case_whose_end_nobody_tells_is_not_judged() -> None:
    assert spoken(case(ACCEPTED, state="CLOSED"), TEN) == {}


# --- raising ---


def test_next_check_is_the_next_moment_at_which_a_rule_speaks() -> None:
    assert look(case(ACCEPTED), TEN, "2017-11-20T12:00:00").next_check_at == now("2017-11-30")
    assert look(case(ACCEPTED), TEN, "2017-11-30").next_check_at == now("2017-12-01")
    assert look(case(ACCEPTED), TEN, "2018-12-01").next_check_at is None


def test_looking_again_raises_nothing_twice() -> None:
    found = look(case(ACCEPTED), TEN, "2017-12-05")
    again = look(case(ACCEPTED), TEN, "2017-12-06", found.cards)
    assert (again.cards, again.changed) == (found.cards, ())


def test_a_due_date_that_moves_moves_the_card_with_it() -> None:
    found = look(case(ACCEPTED), TEN, "2017-12-05")
    extended = case(ACCEPTED, event("SUSPEND", "2017-11-21T09:00:00", ended_at="2017-11-21T10:00:00"))
    same = look(extended, TEN, "2017-12-06", found.cards)
    red = next(card for card in same.cards if card.rule == "T-100")
    assert (red.id, red.ground_at) == ("CQ-TEST:1#T-100##1", now("2017-12-06"))
    assert [change.what for change in red.history] == ["RAISED", "GROUND_MOVED"]
    assert "2017-12-05" in red.text


def test_a_ground_that_comes_back_is_told() -> None:
    found = look(case(ACCEPTED), TEN, "2017-12-05")
    stopped = case(ACCEPTED, event("SUSPEND", "2017-11-21", id="s", ended_at="2017-12-01"))
    gone = look(stopped, TEN, "2017-12-05T12:00:00", found.cards)
    assert {card.rule: card.grounded for card in gone.cards} == {"T-80": False, "T-90": False, "T-100": False}
    assert all(card.state is WarningState.ISSUED for card in gone.cards)
    back = look(case(ACCEPTED), TEN, "2017-12-06", gone.cards)
    assert [change.what for change in back.cards[0].history] == ["RAISED", "GROUND_GONE", "GROUND_BACK"]


REVIEWED = """
version: "2"
rules:
  - id: T-100
    version: 3
    level: RED
    review: true
    when: {clock: PROMISED, passed: true}
    text: {en: "{case} {clock}{percent}", zh: 超时}
""".replace("{clock}", "")


def test_a_rule_may_ask_a_person_first() -> None:
    book = RuleBook(parse_rules(Path("r.yaml"), REVIEWED))
    found = look(case(ACCEPTED), TEN, "2017-12-05", book=book)
    (card,) = found.cards
    assert (card.state, card.mark, card.stands) == (WarningState.PENDING, "D", False)
    assert (card.rule_version, card.rules_version, card.text) == (3, "2", "CQ-TEST:1 110")
    stopped = case(ACCEPTED, event("SUSPEND", "2017-11-21", ended_at="2017-12-01"))
    (cancelled,) = look(stopped, TEN, "2017-12-05", found.cards, book).cards
    assert (cancelled.state, cancelled.mark) == (
        WarningState.CANCELLED,
        "Q",
    )  # never issued: nobody is wronged
    (same, again) = look(stopped, TEN, "2017-12-16", (cancelled,), book).cards
    assert (same, again.id) == (cancelled, "CQ-TEST:1#T-100##2")


def test_cards_of_a_rule_that_is_gone_stay_as_they_are() -> None:
    found = look(case(ACCEPTED), TEN, "2017-12-01")
    book = RuleBook(parse_rules(Path("r.yaml"), REVIEWED))
    later = look(case(ACCEPTED), TEN, "2017-12-01T12:00:00", found.cards, book)
    assert (later.cards, later.changed) == (found.cards, ())


def test_a_rule_that_is_switched_off_is_silent() -> None:
    rules = read_rules()
    off = rules.model_copy(
        update={"rules": tuple(rule.model_copy(update={"enabled": False}) for rule in rules.rules)}
    )
    assert look(case(ACCEPTED), TEN, "2018-12-01", book=RuleBook(off)).cards == ()


# --- systems ---


def test_a_silent_system_is_a_notice_once() -> None:
    last = now("2017-11-20T08:00:00")
    none, next_check = silent_source("JT-PERMIT", last, BOOK, now=now("2017-11-21T07:59:59"))
    assert (none, next_check) == ((), now("2017-11-21T08:00:00"))
    (card,), next_check = silent_source("JT-PERMIT", last, BOOK, now=now("2017-11-21T08:00:00"))
    assert (card.rule, card.about, card.subject, next_check) == (
        "I-SRC",
        WarningSubject.SYSTEM,
        "JT-PERMIT",
        None,
    )
    assert card.text == "system JT-PERMIT has told nothing for more than 24 hours"
    assert silent_source("JT-PERMIT", last, BOOK, (card,), now=now("2017-11-22"))[0] == ()
    settled = moves.resolve(card, at=0, by="ops")
    assert silent_source("JT-PERMIT", last, BOOK, (settled,), now=now("2017-11-22"))[0] == ()
    (second,), _ = silent_source("JT-PERMIT", last + 86_400, BOOK, (settled,), now=now("2017-11-23"))
    assert second.id == "JT-PERMIT#I-SRC##2"


# --- cards ---


def card_in(state: WarningState) -> Card:
    return replace(look(case(ACCEPTED), TEN, "2017-12-05").cards[-1], state=state)


MOVES = {
    "issue": WarningState.ISSUED,
    "cancel": WarningState.CANCELLED,
    "appeal": WarningState.APPEALED,
    "uphold": WarningState.UPHELD,
    "revoke": WarningState.REVOKED,
    "send_back": WarningState.PENDING,
    "escalate": WarningState.ESCALATED,
    "resolve": WarningState.RESOLVED,
}
ALLOWED = {
    WarningState.PENDING: {"issue", "cancel"},
    WarningState.ISSUED: {"appeal", "escalate", "resolve"},
    WarningState.APPEALED: {"uphold", "revoke", "send_back", "escalate"},
    WarningState.UPHELD: {"escalate", "resolve"},
    WarningState.ESCALATED: {"resolve", "revoke"},
    WarningState.REVOKED: set(),
    WarningState.CANCELLED: set(),
    WarningState.RESOLVED: set(),
}


@pytest.mark.parametrize("state", list(WarningState))
@pytest.mark.parametrize("name", MOVES)
def test_a_card_goes_only_where_its_state_allows(state: WarningState, name: str) -> None:
    card = card_in(state)
    move = getattr(moves, name)
    if name in ALLOWED[state]:
        moved = move(card, at=7, by="GB", reason="r")
        assert moved.state is MOVES[name]
        assert moved.history[:-1] == card.history
        last = moved.history[-1]
        assert (last.at, last.by, last.reason, last.state) == (7, "GB", "r", MOVES[name])
        return
    with pytest.raises(CardStateError) as caught:
        move(card, at=7, by="GB", reason="r")
    assert caught.value.extensions == {"code": "CARD_STATE_INVALID"}
    assert card.id in str(caught.value)


def test_the_letters_of_supervision_systems() -> None:
    assert {state: card_in(state).mark for state in WarningState if card_in(state).mark} == {
        WarningState.ISSUED: "Y",
        WarningState.PENDING: "D",
        WarningState.REVOKED: "C",
        WarningState.CANCELLED: "Q",
        WarningState.ESCALATED: "B",
    }


def test_a_red_card_is_told_to_all_and_a_notice_to_its_own_people() -> None:
    assert [len(levels_told(level)) for level in WarningLevel] == [1, 2, 3]
    assert levels_told(WarningLevel.RED) == tuple(WarningLevel)
