"""Events in order -> what happened: state, milestones, stops, steps, extensions, and what cannot have been."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gateway.tracking.calendar.moments import NEVER
from gateway.tracking.clocks.facts import CaseEvent
from gateway.tracking.clocks.findings import CaseFinding
from gateway.tracking.clocks.in_order import Told, known_at, name_of
from schema.vocabulary import CaseEventKind as K
from schema.vocabulary import CaseState, ClockStopKind, DecisionKind

__all__ = ["ENDED", "History", "Span", "read_history"]

# Members bound once: on Python 3.11 looking one up in its class costs as much as five calls of `is`.
_ACCEPT = K.ACCEPT
_ACCEPTED = CaseState.ACCEPTED
_CLOSE = K.CLOSE
_CLOSED = CaseState.CLOSED
_CORRECTION = ClockStopKind.CORRECTION
_CORRECTION_REQUIRED = CaseState.CORRECTION_REQUIRED
_DECIDE = K.DECIDE
_DECIDED = CaseState.DECIDED
_DELIVER = K.DELIVER
_DELIVERED = CaseState.DELIVERED
_IN_SPECIAL = CaseState.SPECIAL_PROCEDURE
_NOT_ACCEPTED = CaseState.NOT_ACCEPTED
_PRE_ACCEPTED = CaseState.PRE_ACCEPTED
_RECEIVE = K.RECEIVE
_RECEIVED = CaseState.RECEIVED
_REFUSE_ACCEPTANCE = K.REFUSE_ACCEPTANCE
_SPECIAL = ClockStopKind.SPECIAL_PROCEDURE
_SUBMIT = K.SUBMIT
_SUBMITTED = CaseState.SUBMITTED
_SUSPENDED = CaseState.SUSPENDED
_SUSPENSION = ClockStopKind.SUSPENSION
_UNDER_REVIEW = CaseState.UNDER_REVIEW
_VOIDED = CaseState.VOIDED
_WITHDRAW = K.WITHDRAW
_WITHDRAWN = CaseState.WITHDRAWN

ENDED: frozenset[CaseState] = frozenset(
    {
        CaseState.CLOSED,
        CaseState.DELIVERED,
        CaseState.WITHDRAWN,
        CaseState.VOIDED,
        CaseState.NOT_ACCEPTED,
        CaseState.TRANSFERRED,
    }
)
"""States in which nobody is waited for any more."""


class Span:
    """Something with a beginning and an end: a stop, a step, a round of acceptance. `end` is NEVER while it lasts.

    kind: of a stop. name: of a step, or of the special procedure.
    """

    __slots__ = ("end", "ended_by", "event", "kind", "name", "start")

    def __init__(
        self,
        start: int,
        event: CaseEvent,
        end: int = NEVER,
        *,
        kind: ClockStopKind | None = None,
        name: str = "",
    ) -> None:
        self.start, self.event, self.end, self.kind, self.name = start, event, end, kind, name
        self.ended_by: CaseEvent | None = None


class History:
    """Built by `read_history` and not changed after. Times are moments.

    first: the first event of each kind. state, since: from when it is in it. receipts: from each receipt of papers to
    the decision on acceptance, the request for a correction, or the end. extensions: the EXTEND events.
    """

    __slots__ = ("extensions", "findings", "first", "receipts", "since", "state", "steps", "stops")

    def __init__(self, findings: list[CaseFinding]) -> None:
        self.first: dict[K, Told] = {}
        self.state: CaseState | None = None
        self.since = NEVER
        self.stops: list[Span] = []
        self.steps: list[Span] = []
        self.receipts: list[Span] = []
        self.extensions: list[Told] = []
        self.findings = findings

    def at(self, *kinds: K) -> int:
        """The first moment of any of these kinds; NEVER if there is none."""
        found = NEVER
        for kind in kinds:
            one = self.first.get(kind)
            if one is not None and one.at < found:
                found = one.at
        return found


def read_history(told: Iterable[Told], findings: list[CaseFinding]) -> History:
    history = History(findings)
    first = history.first
    for one in told:
        kind = one.kind
        read = _READ.get(kind)
        if read is not None:
            if kind in _HANDLING and history.state in ENDED:
                _find(history, "HANDLED_AFTER_END", one, str(kind))
            else:
                read(history, one)
        if kind not in first:
            first[kind] = one
    _check_order(history)
    return history


def _enter(history: History, state: CaseState, at: int) -> None:
    if history.state in ENDED and not (state is _DELIVERED and history.state is _CLOSED):
        return  # nothing re-opens a case; what came after its end is told by HANDLED_AFTER_END
    if state is not history.state:
        history.state, history.since = state, at


def _submitted(history: History, one: Told) -> None:
    if history.state is None:
        _enter(history, _SUBMITTED, one.at)


def _pre_accepted(history: History, one: Told) -> None:
    if history.state in (None, _SUBMITTED):
        _enter(history, _PRE_ACCEPTED, one.at)


def _received(history: History, one: Told) -> None:
    if history.state in (None, _SUBMITTED, _PRE_ACCEPTED):
        _enter(history, _RECEIVED, one.at)
    if not history.receipts and _ACCEPT not in history.first:
        history.receipts.append(Span(one.at, one.event))


def _correction_asked(history: History, one: Told) -> None:
    if any(stop.kind is _CORRECTION for stop in history.stops):
        _find(history, "CORRECTION_TWICE", one)
    _end_receipt(history, one)
    _open(history, one, _CORRECTION)
    _enter(history, _CORRECTION_REQUIRED, one.at)


def _correction_received(history: History, one: Told) -> None:
    if not _close(history, one, _CORRECTION):
        _find(history, "CORRECTION_BEFORE_ASKED", one)
    if _ACCEPT in history.first:
        _enter(history, _UNDER_REVIEW, one.at)
        return
    _end_receipt(history, one)
    history.receipts.append(Span(one.at, one.event))
    _enter(history, _RECEIVED, one.at)


def _accepted(history: History, one: Told) -> None:
    _end_receipt(history, one)
    if history.state not in _PAST_ACCEPTANCE:
        _enter(history, _ACCEPTED, one.at)


def _refused(history: History, one: Told) -> None:
    _end_receipt(history, one)
    _end_all(history, one)
    _check_reason(history, one)
    _enter(history, _NOT_ACCEPTED, one.at)


def _step_started(history: History, one: Told) -> None:
    history.steps.append(Span(one.at, one.event, name=one.event.step))
    _review(history, one.at)


def _step_ended(history: History, one: Told) -> None:
    event = one.event
    for step in history.steps:
        if step.end == NEVER and (step.event is event or step.name == event.step):
            step.end, step.ended_by = one.at, event
            return
    if not any(step.name == event.step and step.end == one.at for step in history.steps):
        _find(history, "STEP_END_ALONE", one, event.step)


def _special_started(history: History, one: Told) -> None:
    _open(history, one, _SPECIAL)
    if one.event.notified_at is None:
        _find(history, "NOTICE_MISSING", one, str(one.event.special or one.event.step))
    _enter(history, _IN_SPECIAL, one.at)


def _special_ended(history: History, one: Told) -> None:
    if not _close(history, one, _SPECIAL):
        _find(history, "SPECIAL_END_ALONE", one)
    _review(history, one.at)


def _suspended(history: History, one: Told) -> None:
    _open(history, one, _SUSPENSION)
    _enter(history, _SUSPENDED, one.at)


def _resumed(history: History, one: Told) -> None:
    if not _close(history, one, _SUSPENSION):
        _find(history, "RESUMED_ALONE", one)
    _review(history, one.at)


def _extended(history: History, one: Told) -> None:
    history.extensions.append(one)


def _decided(history: History, one: Told) -> None:
    _end_receipt(history, one)
    _check_reason(history, one)
    if history.state is not _DECIDED:
        _enter(history, _DECIDED, one.at)


def _closed(history: History, one: Told) -> None:
    _end_receipt(history, one)
    _end_all(history, one)
    _enter(history, _CLOSED, one.at)


def _delivered(history: History, one: Told) -> None:
    _end_receipt(history, one)
    _end_all(history, one)
    _enter(history, _DELIVERED, one.at)


def _withdrawn(history: History, one: Told) -> None:
    _end_receipt(history, one)
    _end_all(history, one)
    _enter(history, _WITHDRAWN if one.kind is _WITHDRAW else _VOIDED, one.at)


_READ: Mapping[K, Callable[[History, Told], None]] = {
    K.SUBMIT: _submitted,
    K.PRE_ACCEPT: _pre_accepted,
    K.RECEIVE: _received,
    K.REQUEST_CORRECTION: _correction_asked,
    K.CORRECTION_RECEIVED: _correction_received,
    K.ACCEPT: _accepted,
    K.REFUSE_ACCEPTANCE: _refused,
    K.STEP_START: _step_started,
    K.STEP_END: _step_ended,
    K.SPECIAL_START: _special_started,
    K.SPECIAL_END: _special_ended,
    K.SUSPEND: _suspended,
    K.RESUME: _resumed,
    K.EXTEND: _extended,
    K.DECIDE: _decided,
    K.CLOSE: _closed,
    K.DELIVER: _delivered,
    K.WITHDRAW: _withdrawn,
    K.VOID: _withdrawn,
}
"""What each kind does; the others change neither state nor clock."""

_HANDLING = frozenset(
    {
        K.RECEIVE,
        K.REQUEST_CORRECTION,
        K.CORRECTION_RECEIVED,
        K.ACCEPT,
        K.STEP_START,
        K.SPECIAL_START,
        K.SUSPEND,
        K.EXTEND,
        K.DECIDE,
    }
)
"""What cannot come after the end of a case; it is told, and changes nothing."""

_PAST_ACCEPTANCE = frozenset(
    {
        CaseState.UNDER_REVIEW,
        CaseState.SPECIAL_PROCEDURE,
        CaseState.SUSPENDED,
        CaseState.DECIDED,
    }
)


def _review(history: History, at: int) -> None:
    """Back to (or on to) review, unless a stop is still open or the case is already decided or not yet accepted."""
    if history.state is _DECIDED or history.state is _UNDER_REVIEW:
        return
    if _ACCEPT not in history.first:
        return
    for stop in reversed(history.stops):
        if stop.end == NEVER:
            _enter(history, _STATE_OF[stop.kind], at)
            return
    _enter(history, _UNDER_REVIEW, at)


_STATE_OF: Mapping[ClockStopKind | None, CaseState] = {
    ClockStopKind.SPECIAL_PROCEDURE: CaseState.SPECIAL_PROCEDURE,
    ClockStopKind.CORRECTION: CaseState.CORRECTION_REQUIRED,
    ClockStopKind.SUSPENSION: CaseState.SUSPENDED,
}


def _open(history: History, one: Told, kind: ClockStopKind) -> None:
    name = str(one.event.special) if one.event.special else one.event.step
    history.stops.append(Span(one.at, one.event, kind=kind, name=name))


def _close(history: History, one: Told, kind: ClockStopKind) -> bool:
    """Ends the stop that this event is the end of. False where there is none."""
    event, of_kind = one.event, [stop for stop in history.stops if stop.kind is kind]
    still_open = [stop for stop in of_kind if stop.end == NEVER]
    name = str(event.special) if event.special else event.step
    found = next((stop for stop in still_open if stop.event is event), None)
    found = found or next((stop for stop in still_open if name and stop.name == name), None)
    found = found or (still_open[0] if still_open else None)
    if found is None:  # told twice: as `ended_at` of its beginning, and by an event of its own
        return any(stop.end == one.at for stop in of_kind)
    found.end, found.ended_by = one.at, event
    return True


def _end_receipt(history: History, one: Told) -> None:
    if history.receipts and history.receipts[-1].end == NEVER:
        history.receipts[-1].end, history.receipts[-1].ended_by = one.at, one.event


def _end_all(history: History, one: Told) -> None:
    """The end of a case ends what was still going on in it."""
    for span in (*history.stops, *history.steps):
        if span.end == NEVER:
            span.end, span.ended_by = one.at, one.event


def _check_reason(history: History, one: Told) -> None:
    event = one.event
    refused = one.kind is _REFUSE_ACCEPTANCE or event.decision is DecisionKind.REFUSED
    if refused and not (event.opinion and event.document_no):
        lacking = [
            name
            for name, said in (("reason", event.opinion), ("document number", event.document_no))
            if not said
        ]
        _find(history, "REASON_MISSING", one, f"without {' and '.join(lacking)}")


def _find(history: History, code: str, one: Told, detail: str = "") -> None:
    history.findings.append(
        CaseFinding(code, max(one.at, known_at(one.event)), (name_of(one.event),), detail)
    )


def _check_order(history: History) -> None:
    """Orders that cannot be, whatever came between."""
    first = history.first
    applied = min((first[kind] for kind in (_SUBMIT, _RECEIVE) if kind in first), default=None)
    results = [first[kind] for kind in (_DECIDE, _CLOSE, _DELIVER) if kind in first]
    if results and applied and (result := min(results)).at < applied.at:
        _find_pair(history, "RESULT_BEFORE_APPLICATION", result, applied)
    accepted, closed = first.get(_ACCEPT), first.get(_CLOSE)
    if accepted and applied and accepted.at < applied.at:
        _find_pair(history, "ACCEPTED_BEFORE_APPLICATION", accepted, applied)
    if accepted and closed and closed.at < accepted.at:
        _find_pair(history, "CLOSED_BEFORE_ACCEPTED", closed, accepted)
    decided, delivered = first.get(_DECIDE), first.get(_DELIVER)
    if decided and delivered and delivered.at < decided.at:
        _find_pair(history, "DELIVERED_BEFORE_DECIDED", delivered, decided)


def _find_pair(history: History, code: str, one: Told, other: Told) -> None:
    known = max(one.at, other.at, known_at(one.event), known_at(other.event))
    history.findings.append(CaseFinding(code, known, (name_of(one.event), name_of(other.event))))
