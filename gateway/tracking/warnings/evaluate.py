"""A case's track, its rules and its cards -> its cards at a moment, what changed, and when to look again.

The daily scan and the evaluation on each event are this one function. It raises a card once for each rule and subject;
it never takes an issued card back: where later data removes the ground (a record of a special procedure that came late,
true or not), the card is marked, and a person revokes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.tracking.calendar.moments import NEVER, time_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.tracking.clocks.counting import end_of_limit
from gateway.tracking.clocks.facts import CaseFacts
from gateway.tracking.clocks.follow import CaseTrack, follow
from gateway.tracking.clocks.limits import CaseLimits
from gateway.tracking.warnings.cards import SETTLED, Card, CardChange
from gateway.tracking.warnings.rules import Rule
from gateway.tracking.warnings.triggers import RuleBook, Trigger, Words, triggers
from schema.vocabulary import TimeUnit, WarningState

__all__ = ["Evaluation", "evaluate", "scan", "silent_source"]

RULE = "rule"
"""Who changes a card, where no person does."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """cards: all of the case. changed: those of them that are new or changed, to be stored.

    next_check_at: the next moment at which a rule speaks, if nothing happens before; None if none will.
    """

    track: CaseTrack
    cards: tuple[Card, ...]
    changed: tuple[Card, ...]
    next_check_at: int | None


def scan(
    cases: Iterable[tuple[CaseFacts, CaseLimits, Sequence[Card]]],
    *,
    calendar: WorkingCalendar,
    book: RuleBook,
    now: int,
) -> Iterator[Evaluation]:
    """Every case given, one after the other: facts, limits and the cards that it has."""
    for facts, limits, cards in cases:
        yield evaluate(follow(facts, limits, calendar), book, cards, now=now)


def evaluate(track: CaseTrack, book: RuleBook, cards: Sequence[Card] = (), *, now: int) -> Evaluation:
    """The case's cards at `now`."""
    spoken: list[Trigger] = []
    next_check = NEVER
    for trigger in triggers(track, book):
        if trigger.at <= now:
            spoken.append(trigger)
        elif trigger.at < next_check:
            next_check = trigger.at
    next_check_at = next_check if next_check < NEVER else None
    if not spoken and not cards:
        return Evaluation(track, (), (), next_check_at)
    kept, changed = _settle(track, book, spoken, cards, now)
    return Evaluation(track, kept, changed, next_check_at)


def _settle(
    track: CaseTrack, book: RuleBook, spoken: Sequence[Trigger], cards: Sequence[Card], now: int
) -> tuple[tuple[Card, ...], tuple[Card, ...]]:
    """Cards as they are and as they should be, brought together: all of the case, and those that changed."""
    kept = {card.id: card for card in cards}
    latest: dict[tuple[str, str], Card] = {}
    for card in cards:
        key = (card.rule, card.subject)
        if key not in latest or card.number > latest[key].number:
            latest[key] = card
    changed: list[Card] = []
    standing: set[tuple[str, str]] = set()
    for trigger in spoken:
        key = (trigger.rule.id, trigger.subject)
        standing.add(key)
        found = latest.get(key)
        if found is None or (found.state in SETTLED and found.ground_at != trigger.at):
            changed.append(_raise(track, book, trigger, found.number + 1 if found else 1, now))
        elif (
            found.state not in SETTLED
            and (moved := _on_new_ground(found, track, book, trigger, now)) is not None
        ):
            changed.append(moved)
    for key, card in latest.items():
        if key not in standing and key[0] in book.texts and card.grounded and card.state not in SETTLED:
            changed.append(_without_ground(card, now))
    kept.update((card.id, card) for card in changed)
    return tuple(kept.values()), tuple(changed)


def _raise(track: CaseTrack, book: RuleBook, trigger: Trigger, number: int, now: int) -> Card:
    rule = trigger.rule
    figures = _figures(track, trigger)
    state = WarningState.PENDING if rule.review else WarningState.ISSUED
    return Card(
        id=f"{track.case_id}#{rule.id}#{trigger.subject}#{number}",
        case_id=track.case_id,
        rule=rule.id,
        rule_version=rule.version,
        rules_version=book.version,
        level=rule.level,
        about=rule.subject,
        subject=trigger.subject,
        ground_at=trigger.at,
        raised_at=now,
        state=state,
        text=_fill(book.texts[rule.id][0], figures, 0),
        text_zh=_fill(book.texts[rule.id][1], figures, 1),
        evidence=figures,
        number=number,
        supervision_order=rule.supervision_order,
        feedback_due=_feedback_due(rule, track.calendar, now),
        history=(CardChange(now, "RAISED", RULE, state),),
    )


def _on_new_ground(card: Card, track: CaseTrack, book: RuleBook, trigger: Trigger, now: int) -> Card | None:
    """The card with what is now known; None where nothing is new."""
    events = list(trigger.events)
    if card.grounded and card.ground_at == trigger.at and card.evidence.get("events") == events:
        return None
    what = "GROUND_MOVED" if card.grounded else "GROUND_BACK"
    figures = _figures(track, trigger)
    return replace(
        card,
        ground_at=trigger.at,
        grounded=True,
        evidence=figures,
        text=_fill(book.texts[card.rule][0], figures, 0),
        text_zh=_fill(book.texts[card.rule][1], figures, 1),
        history=(*card.history, CardChange(now, what, RULE, card.state)),
    )


def _without_ground(card: Card, now: int) -> Card:
    """One that is not yet issued is cancelled; an issued one is for a person to judge."""
    if card.state is WarningState.PENDING:
        change = CardChange(now, str(WarningState.CANCELLED), RULE, WarningState.CANCELLED, "ground gone")
        return replace(card, state=WarningState.CANCELLED, grounded=False, history=(*card.history, change))
    change = CardChange(now, "GROUND_GONE", RULE, card.state)
    return replace(card, grounded=False, history=(*card.history, change))


def _figures(track: CaseTrack, trigger: Trigger) -> dict[str, Any]:
    """Evidence as JSON: the figures of the clock at the moment of the ground, and the events."""
    figures: dict[str, Any] = {
        "case": track.case_id,
        "subject": trigger.subject,
        "events": list(trigger.events),
        "groundAt": time_of(trigger.at).isoformat(),
    }
    if trigger.detail:
        figures["detail"] = trigger.detail
    if (clock := trigger.clock) is not None:
        shown = clock.show(trigger.at)
        figures |= {
            "clock": str(clock.kind),
            "limit": f"{shown.limit.amount} {shown.limit.unit}" if shown.limit else None,
            "startedAt": shown.started_at.isoformat() if shown.started_at else None,
            "due": shown.due_at.isoformat() if shown.due_at else None,
            "used": shown.used,
            "total": shown.total,
            "left": shown.left,
            "percent": round(shown.share * 100, 1),
            "unit": str(shown.counted_in),
            "provisional": [str(reason) for reason in shown.provisional],
            "calendar": shown.calendar_version,
            "basis": shown.basis.rule,
        }
    return figures


def _fill(words: Words, figures: Mapping[str, Any], language: int) -> str:
    """No format strings: a text of a file can name figures, and do nothing else."""
    return "".join(
        written + (_shown(name, figures.get(name), language) if name else "") for written, name in words
    )


def _shown(name: str, value: object, language: int) -> str:
    if value is None:
        return ""
    if name == "unit":
        return _UNITS[str(value)][language]
    if name == "due":  # a limit in days ends with its day
        return str(value).removesuffix("T23:59:59+08:00")
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


_UNITS: Mapping[str, tuple[str, str]] = {
    TimeUnit.WORKDAY: ("working days", "个工作日"),
    TimeUnit.CALENDAR_DAY: ("days", "日"),
    TimeUnit.HOUR: ("hours", "小时"),
}


def _feedback_due(rule: Rule, calendar: WorkingCalendar, now: int) -> int | None:
    return None if rule.feedback_within is None else end_of_limit(calendar, now, rule.feedback_within)


def silent_source(
    system: str, last_told_at: int, book: RuleBook, cards: Sequence[Card] = (), *, now: int
) -> tuple[tuple[Card, ...], int | None]:
    """Cards against a system that tells nothing (I-SRC), and when to look again.

    last_told_at: moment of its last successful answer. cards: those that it has; the new ones are given back.
    """
    raised: list[Card] = []
    next_check = NEVER
    for rule in book.silent:
        assert rule.when.silent_for is not None  # noqa: S101 - the book sorted it so
        at = last_told_at + rule.when.silent_for.amount * 3600
        if at > now:
            next_check = min(next_check, at)
            continue
        mine = [card for card in cards if card.rule == rule.id]
        if any(card.ground_at == at or card.state not in SETTLED for card in mine):
            continue
        number = max((card.number for card in mine), default=0) + 1
        raised.append(_of_system(system, rule, book, at, last_told_at, number, now))
    return tuple(raised), next_check if next_check < NEVER else None


def _of_system(
    system: str, rule: Rule, book: RuleBook, at: int, last_told_at: int, number: int, now: int
) -> Card:
    figures = {"subject": system, "lastToldAt": time_of(last_told_at).isoformat(), "events": []}
    return Card(
        id=f"{system}#{rule.id}##{number}",
        case_id="",
        rule=rule.id,
        rule_version=rule.version,
        rules_version=book.version,
        level=rule.level,
        about=rule.subject,
        subject=system,
        ground_at=at,
        raised_at=now,
        state=WarningState.ISSUED,
        text=_fill(book.texts[rule.id][0], figures, 0),
        text_zh=_fill(book.texts[rule.id][1], figures, 1),
        evidence=figures,
        number=number,
        history=(CardChange(now, "RAISED", RULE, WarningState.ISSUED),),
    )
