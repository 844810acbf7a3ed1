"""A case's facts and limits -> its clocks. The steps of it are `follow`; each is a function below.

Total: whatever the data, it gives a track, with findings for what is wrong and names for what is missing. The same facts
give the same track in any order and with any repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.tracking.calendar.moments import DAY, NEVER, end_of, moment_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.tracking.clocks.basis import BASES, statutory_basis
from gateway.tracking.clocks.clock import Clock, Deadline
from gateway.tracking.clocks.extensions import Extension, extend
from gateway.tracking.clocks.facts import Callback, CaseFacts
from gateway.tracking.clocks.findings import CaseFinding
from gateway.tracking.clocks.history import ENDED, History, Span, read_history
from gateway.tracking.clocks.in_order import Told, in_order, name_of
from gateway.tracking.clocks.limits import CaseLimits, is_usable
from schema.registry import TimeLimitRow
from schema.vocabulary import CaseEventKind as K
from schema.vocabulary import CaseState, ClockStopKind, DeadlineKind, DecisionKind

__all__ = ["CaseTrack", "follow"]


# Members bound once: on Python 3.11 looking one up in its class costs as much as five calls of `is`.
_ACCEPT = K.ACCEPT
_ACCEPTANCE_CLOCK = DeadlineKind.ACCEPTANCE
_CALLBACK_CLOCK = DeadlineKind.CALLBACK
_CLOSE = K.CLOSE
_DECIDE = K.DECIDE
_DELIVER = K.DELIVER
_ISSUE_CLOCK = DeadlineKind.ISSUE
_PRE_ACCEPT = K.PRE_ACCEPT
_PROMISED_CLOCK = DeadlineKind.PROMISED
_REFUSE_ACCEPTANCE = K.REFUSE_ACCEPTANCE
_REQUEST_CORRECTION = K.REQUEST_CORRECTION
_STATUTORY_CLOCK = DeadlineKind.STATUTORY
_STEP_CLOCK = DeadlineKind.STEP
_STOP_CORRECTION = ClockStopKind.CORRECTION
_STOP_SPECIAL_PROCEDURE = ClockStopKind.SPECIAL_PROCEDURE
_SUBMIT = K.SUBMIT
_VOID = K.VOID
_WITHDRAW = K.WITHDRAW


@dataclass(slots=True)
class CaseTrack:
    """What the events of a case come to; it knows no `now` and is not changed once made.

    state: from the events; None without any. since: moment of it, NEVER if not known. missing: names of what would have
    to be known for more clocks. findings: some lie ahead, see `findings_at`.
    """

    case_id: str
    state: CaseState | None
    since: int
    clocks: tuple[Clock, ...]
    stops: tuple[Span, ...]
    extensions: tuple[Extension, ...]
    events: tuple[Told, ...]
    findings: tuple[CaseFinding, ...]
    missing: tuple[str, ...]
    calendar: WorkingCalendar

    @property
    def is_open(self) -> bool:
        return self.state not in ENDED

    def deadlines(self, now: int) -> tuple[Deadline, ...]:
        """What each clock shows at that moment."""
        return tuple(clock.show(now) for clock in self.clocks)

    def findings_at(self, now: int) -> tuple[CaseFinding, ...]:
        """Those that are known by then: a case that waits for acceptance will be deemed accepted one day."""
        return tuple(finding for finding in self.findings if finding.at <= now)

    def clock(self, kind: DeadlineKind, subject: str = "") -> Clock | None:
        """The first of that kind (and subject, where one is given)."""
        for clock in self.clocks:
            if clock.kind is kind and subject in ("", clock.subject):
                return clock
        return None


def follow(facts: CaseFacts, limits: CaseLimits, calendar: WorkingCalendar) -> CaseTrack:
    """The clocks of a case."""
    making = _Making(facts, limits, calendar)
    making.read_events()
    making.add_acceptance()
    making.add_decision()
    making.add_steps()
    making.add_stops()
    making.add_issue()
    making.add_callbacks()
    making.mark_untold_end()
    return making.track()


class _Making:
    """A track while it is made: each step adds clocks, findings, and names of what is missing."""

    __slots__ = (
        "calendar",
        "clocks",
        "deemed_from",
        "extensions",
        "facts",
        "findings",
        "history",
        "limits",
        "missing",
        "stopped",
        "told",
    )

    history: History
    told: list[Told]

    def __init__(self, facts: CaseFacts, limits: CaseLimits, calendar: WorkingCalendar) -> None:
        self.facts, self.limits, self.calendar = facts, limits, calendar
        self.findings: list[CaseFinding] = []
        self.clocks: list[Clock] = []
        self.extensions: tuple[Extension, ...] = ()
        self.missing: list[str] = []
        self.stopped: Sequence[tuple[int, int]] = ()
        self.deemed_from: tuple[int, int] | None = None

    def read_events(self) -> None:
        self.told = in_order(self.facts, self.findings)
        self.history = read_history(self.told, self.findings)
        if self.history.stops:
            self.stopped = _union(self.history.stops)
        if self.facts.unreadable:
            at = max((one.at for one in self.told), default=0)
            self.findings += [
                CaseFinding("VALUE_UNREADABLE", at, detail=name) for name in self.facts.unreadable
            ]

    def add_acceptance(self) -> None:
        """One clock for each receipt of papers, until one of them is missed: then the law deems the case accepted."""
        limit = self._usable(self.limits.acceptance, "acceptance")
        if limit is None:
            return
        history = self.history
        receipts = history.receipts
        if not receipts and (applied := _first(history, _SUBMIT, _PRE_ACCEPT)) is not None:
            ends = (
                _ACCEPT,
                _REFUSE_ACCEPTANCE,
                _REQUEST_CORRECTION,
                _DECIDE,
                _CLOSE,
                _WITHDRAW,
                _VOID,
            )
            receipts = [Span(applied.at, applied.event, end=history.at(*ends))]
        for number, receipt in enumerate(receipts, 1):
            clock = Clock(
                _ACCEPTANCE_CLOCK,
                limit,
                start=receipt.start,
                end=receipt.end,
                calendar=self.calendar,
                basis=BASES["ACCEPTANCE"],
                subject=str(number),
                events=(name_of(receipt.event),),
            )
            self.clocks.append(clock)
            if receipt.end == NEVER and self.facts.state not in _BEFORE_ACCEPTANCE:
                clock.end_untold, clock.missing = True, ("acceptedAt",)  # answered, and nobody says when
            elif not history.receipts:
                clock.missing = ("receivedAt",)  # what was never received cannot be deemed accepted
            elif receipt.end > clock.due and self.limits.licence:
                self.deemed_from = (receipt.start, clock.due + 1)
                self.findings.append(
                    CaseFinding("DEEMED_ACCEPTED", clock.due + 1, clock.events, subject=clock.subject)
                )
                clock.deemed = True
                return

    def add_decision(self) -> None:
        """The statutory and the promised clock, from acceptance on."""
        start, known_from = self.history.at(_ACCEPT), None
        if self.deemed_from is not None and self.deemed_from[0] < start:
            start, known_from = self.deemed_from
        told_due = self.facts.promised_at
        if start == NEVER:
            accepted = (
                self.history.at(_DECIDE, _CLOSE, _DELIVER) < NEVER
                or self.facts.state not in _BEFORE_ACCEPTANCE
            )
            if accepted and (self.limits.statutory or self.limits.promised):
                self.missing.append("acceptedAt")
            if accepted or self.history.state in ENDED:
                return
        for kind, limit, ends in (
            (_STATUTORY_CLOCK, self.limits.statutory, _DECIDED),
            (_PROMISED_CLOCK, self.limits.promised, _SETTLED),
        ):
            usable = self._usable(limit, str(kind).lower())
            due = NEVER
            basis = statutory_basis(self.limits) if kind is _STATUTORY_CLOCK else BASES[kind]
            if usable is None:
                if kind is not _PROMISED_CLOCK or told_due is None or start == NEVER:
                    if limit is None:
                        self.missing.append(f"{kind.lower()}Limit")
                    continue
                due, basis = _told_due(told_due), BASES["PROMISED_BY_SYSTEM"]
            clock = Clock(
                kind,
                usable,
                start=start,
                end=self.history.at(*ends),
                calendar=self.calendar,
                basis=basis,
                stops=self.stopped,
                events=_names(self.history, _ACCEPT),
                told_due=due,
            )
            if known_from is not None:
                clock.known_from, clock.deemed = known_from, True
                clock.events = self.clocks[-1].events if clock.events == () else clock.events
            self.clocks.append(clock)
        if self.history.extensions:
            self.extensions = extend(
                [one for one in self.clocks if one.kind in _EXTENDED],
                self.history.extensions,
                longest=self.limits.longest_extension,
                findings=self.findings,
            )

    def add_steps(self) -> None:
        """A clock for each step that has a limit of its own. One step may come several times."""
        if not self.limits.steps:
            return
        for step in self.history.steps:
            limit = self.limits.steps.get(step.name)
            if limit is not None and (usable := self._usable(limit, f"step {step.name}")) is not None:
                self._add_span(_STEP_CLOCK, usable, step, self.stopped, "STEP")

    def add_stops(self) -> None:
        """The own limit of each stop: as its event states it, else as the implementation has it."""
        for stop in self.history.stops:
            assert stop.kind is not None  # noqa: S101 - history gives every stop its kind
            limit = stop.event.stated
            if stop.kind is _STOP_SPECIAL_PROCEDURE:
                if limit is None and stop.event.special is not None:
                    limit = self.limits.specials.get(stop.event.special)
                if limit is None:
                    self.missing.append(f"stated time of {stop.name or 'a special procedure'}")
            elif limit is None:
                of_correction = stop.kind is _STOP_CORRECTION
                limit = self.limits.correction if of_correction else self.limits.suspension
            if (usable := self._usable(limit, f"stop {stop.name}")) is not None:
                self._add_span(_STOP_CLOCK[stop.kind], usable, stop, (), str(stop.kind))

    def add_issue(self) -> None:
        """From a decision that grants something to its being handed over."""
        decided = self.history.first.get(_DECIDE)
        limit = self._usable(self.limits.issue, "issue") if self.limits.licence else None
        if limit is None or decided is None or decided.event.decision in _NOTHING_TO_ISSUE:
            return
        self.clocks.append(
            Clock(
                _ISSUE_CLOCK,
                limit,
                start=decided.at,
                end=self.history.at(_DELIVER),
                calendar=self.calendar,
                basis=BASES["ISSUE"],
                events=(name_of(decided.event),),
            )
        )

    def add_callbacks(self) -> None:
        limit = self._usable(self.limits.callback, "callback")
        if limit is None:
            return
        for call in sorted(set(self.facts.callbacks), key=_call_key):
            if call.requested_at is None:
                self.missing.append(f"requestedAt of call {call.id}")
                continue
            self.clocks.append(
                Clock(
                    _CALLBACK_CLOCK,
                    limit,
                    start=moment_of(call.requested_at),
                    end=moment_of(call.called_at) if call.called_at is not None else NEVER,
                    calendar=self.calendar,
                    basis=BASES["CALLBACK"],
                    subject=call.id,
                    office=self.limits.office if self.limits.callback_in_office_hours else None,
                )
            )

    def mark_untold_end(self) -> None:
        """A system that shows the case as ended and tells no event of it: its clocks cannot be judged."""
        shown, state = self.facts.state, self.history.state
        if shown not in ENDED or state in ENDED:
            return
        self.missing.append("closedAt")
        for clock in self.clocks:
            if clock.end == NEVER and clock.kind is not _CALLBACK_CLOCK:
                clock.end_untold = True
                clock.missing = (*clock.missing, "closedAt")
        self.history.state, self.history.since = shown, NEVER

    def track(self) -> CaseTrack:
        history = self.history
        return CaseTrack(
            self.facts.case_id,
            history.state,
            history.since,
            tuple(self.clocks),
            tuple(history.stops),
            self.extensions,
            tuple(self.told),
            tuple(sorted(self.findings, key=_finding_key))
            if len(self.findings) > 1
            else tuple(self.findings),
            tuple(self.missing),
            self.calendar,
        )

    def _add_span(
        self,
        kind: DeadlineKind,
        limit: TimeLimitRow,
        span: Span,
        stops: Sequence[tuple[int, int]],
        basis: str,
    ) -> None:
        self.clocks.append(
            Clock(
                kind,
                limit,
                start=span.start,
                end=span.end,
                calendar=self.calendar,
                basis=BASES[basis],
                stops=stops,
                subject=span.name,
                events=(name_of(span.event),),
            )
        )

    def _usable(self, limit: TimeLimitRow | None, what: str) -> TimeLimitRow | None:
        if limit is None or is_usable(limit):
            return limit
        at = self.told[0].at if self.told else 0
        self.findings.append(CaseFinding("LIMIT_UNUSABLE", at, detail=f"{what}: {limit.amount} {limit.unit}"))
        return None


_DECIDED = (K.DECIDE, K.CLOSE, K.DELIVER, K.REFUSE_ACCEPTANCE, K.WITHDRAW, K.VOID)
"""What the law's clock ends with: the decision (行政许可法 art. 42), or the end of the case without one."""
_SETTLED = (K.CLOSE, K.DELIVER, K.REFUSE_ACCEPTANCE, K.WITHDRAW, K.VOID)
"""What the promised clock ends with: that the case is settled 办结."""
_BEFORE_ACCEPTANCE = frozenset(
    {None, CaseState.DRAFT, CaseState.SUBMITTED, CaseState.PRE_ACCEPTED, CaseState.RECEIVED}
)
"""What a system shows of a case that nobody has answered yet (None: it shows nothing)."""
_EXTENDED = frozenset({DeadlineKind.STATUTORY, DeadlineKind.PROMISED})
_NOTHING_TO_ISSUE = frozenset({DecisionKind.REFUSED, DecisionKind.TERMINATED})
_STOP_CLOCK = {
    ClockStopKind.SPECIAL_PROCEDURE: DeadlineKind.SPECIAL_PROCEDURE,
    ClockStopKind.CORRECTION: DeadlineKind.CORRECTION,
    ClockStopKind.SUSPENSION: DeadlineKind.SUSPENSION,
}


def _union(stops: Sequence[Span]) -> list[tuple[int, int]]:
    """Stops that overlap or touch become one."""
    union: list[tuple[int, int]] = []
    for stop in sorted(stops, key=lambda one: one.start):
        if union and stop.start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], stop.end))
        else:
            union.append((stop.start, stop.end))
    return union


def _first(history: History, *kinds: K) -> Told | None:
    return min((history.first[kind] for kind in kinds if kind in history.first), default=None)


def _names(history: History, kind: K) -> tuple[str, ...]:
    one = history.first.get(kind)
    return (name_of(one.event),) if one is not None else ()


def _told_due(when: datetime) -> int:
    """A promised end told as a day is the end of that day."""
    moment = moment_of(when)
    return end_of(moment // DAY) if moment % DAY == 0 else moment


def _call_key(call: Callback) -> tuple[str, str, str]:
    return (call.id, str(call.requested_at), str(call.called_at))


def _finding_key(finding: CaseFinding) -> tuple[int, str, tuple[str, ...], str]:
    return (finding.at, finding.code, finding.events, finding.detail)
