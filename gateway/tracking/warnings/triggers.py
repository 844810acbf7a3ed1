"""Rules and a case's track -> the moments at which each rule speaks. Knows no `now`.

A condition that came true stays a fact, though the case goes on: so whoever looks later finds what an earlier look
would have found, and a scan agrees with what was raised event by event. Only what becomes known later can move such a
moment, or take it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.tracking.calendar.moments import NEVER
from gateway.tracking.clocks.clock import Clock
from gateway.tracking.clocks.findings import CaseFinding
from gateway.tracking.clocks.follow import CaseTrack
from gateway.tracking.clocks.in_order import name_of
from gateway.tracking.warnings.rules import Rule, RuleSet, When
from schema.vocabulary import DeadlineKind, TimeUnit

__all__ = ["RuleBook", "Trigger", "Words", "triggers"]

# Members bound once: on Python 3.11 looking one up in its class costs as much as five calls of `is`.
_HOURS = TimeUnit.HOUR

_HOUR = 3600
_REPEATED = frozenset(
    {
        DeadlineKind.STEP,
        DeadlineKind.SPECIAL_PROCEDURE,
        DeadlineKind.SUSPENSION,
        DeadlineKind.CORRECTION,
        DeadlineKind.CALLBACK,
    }
)


@dataclass(slots=True)
class Trigger:
    """A rule that speaks at moment `at`, of one clock or of findings."""

    at: int
    rule: Rule
    subject: str
    events: tuple[str, ...]
    clock: Clock | None = None
    detail: str = ""


Words = Sequence[tuple[str, str]]
"""A text in parts: what is written, and the name whose value follows it (empty at the end)."""


class RuleBook:
    """Rules sorted by what they look at; made once for a rule set."""

    __slots__ = ("by_clock", "findings", "late", "silent", "texts", "version")

    def __init__(self, rules: RuleSet) -> None:
        self.version = rules.version
        self.texts: Mapping[str, tuple[Words, Words]] = {
            rule.id: (_words(rule.text.en), _words(rule.text.zh)) for rule in rules.active
        }
        self.by_clock: Mapping[DeadlineKind, Sequence[tuple[Rule, bool]]] = {
            kind: [
                (rule, kind in _REPEATED or len(rule.when.clock) > 1)
                for rule in rules.active
                if kind in rule.when.clock
            ]
            for kind in DeadlineKind
        }
        """With each rule whether it may meet several clocks of one subject in a case."""
        self.findings = [(rule, rule.when.findings) for rule in rules.active if rule.when.finding]
        self.late = [
            (rule, rule.when.late_by.amount * _HOUR) for rule in rules.active if rule.when.late_by is not None
        ]
        self.silent = [rule for rule in rules.active if rule.when.silent_for is not None]


def _words(text: str) -> Words:
    parts = [*re.split(r"\{(\w+)\}", text), ""]
    return list(zip(parts[::2], parts[1::2], strict=True))


def triggers(track: CaseTrack, book: RuleBook) -> list[Trigger]:
    """In order of the rules' kinds; none whose moment never comes."""
    found: list[Trigger] = []
    counts: dict[tuple[str, str], int] = {}
    for clock in track.clocks:
        for rule, repeated in book.by_clock[clock.kind]:
            subject = clock.subject
            if repeated:  # the second time a step comes, it is another one
                number = counts[rule.id, subject] = counts.get((rule.id, subject), 0) + 1
                subject = f"{subject}#{number}" if number > 1 else subject
            when = rule.when
            if clock.end_untold or clock.start == NEVER or (when.passed and clock.end <= clock.due):
                continue
            at = _speaks_at(clock, when)
            if at < NEVER and at <= clock.end:
                found.append(Trigger(at, rule, subject, clock.events, clock))
    if track.findings:
        found += _of_findings(track.findings, book)
    if book.late:
        found += _of_late_arrival(track, book)
    return found


def _speaks_at(clock: Clock, when: When) -> int:
    if when.deemed and not clock.deemed:
        return NEVER
    if when.passed:
        at = clock.due + 1 if clock.due < NEVER else NEVER
        if when.after is not None and at < NEVER:
            at = clock.after_due(when.after) + 1
    else:
        at = _used_up(clock, when)
    return max(at, clock.known_from)


def _used_up(clock: Clock, when: When) -> int:
    total = clock.total
    if total <= 0:
        return NEVER
    used = total + 1
    if when.percent is not None:
        used = -(-when.percent * total // 100)
    if when.left is not None and when.left.unit is clock.counted_in:
        scale = _HOUR if clock.counted_in is _HOURS else 1
        # of a limit of one day nothing is said before that day
        used = min(used, max(total - when.left.amount * scale, 1))
    return clock.reached(used) if used <= total else NEVER


def _of_findings(findings: Sequence[CaseFinding], book: RuleBook) -> Iterator[Trigger]:
    """One a rule, from the first of its findings on: a case with ten faults in its data is one fault of somebody."""
    for rule, codes in book.findings:
        those = [finding for finding in findings if finding.code in codes]
        if those:
            events = tuple(dict.fromkeys(event for finding in those for event in finding.events))
            detail = "; ".join(dict.fromkeys(finding.text for finding in those))
            yield Trigger(min(finding.at for finding in those), rule, "", events, detail=detail)


def _of_late_arrival(track: CaseTrack, book: RuleBook) -> Iterator[Trigger]:
    for rule, allowed in book.late:
        late = [one for one in track.events if one.received is not None and one.received - one.at > allowed]
        if late:
            at = min(one.received for one in late if one.received is not None)
            yield Trigger(at, rule, "", tuple(dict.fromkeys(name_of(one.event) for one in late)))
