"""The states of a submission and what leads from one to the next. Pure: rows and times in, rows out.

    RECORDED ──> DISPATCHING ──┬──> FILED
        ^             │        ├──> TAKEN ──(its number comes)──> FILED
        └─ not taken ─┤        ├──> REFUSED
                      │        └──> UNKNOWN ──> RECONCILING ──┬──> FILED
                      │                ^            │         ├──> NOT_FILED ──> DISPATCHING
                      │                └─ not yet ──┘         └──> NEEDS_PERSON ──(operator)──> any of them
                      └─ the process died, with nothing sent ──> RECORDED, else UNKNOWN

It is sent again only from RECORDED and NOT_FILED, that is where it is certain that nothing was filed, or where the
declaration says that the system takes a reference once (`reconcile.style: resend`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from adapters.submission.row import SETTLED, Step, Submission
from adapters.write_model import Reconcile
from schema.vocabulary import SubmissionState

__all__ = [
    "LEADS_TO",
    "Found",
    "Kind",
    "Verdict",
    "WrongState",
    "about_to_send",
    "after_answer",
    "after_query",
    "claimed",
    "given_up",
    "left_behind",
    "needs_person",
    "released",
    "resolved",
    "without_number",
]

S = SubmissionState
LEADS_TO: Mapping[SubmissionState, frozenset[SubmissionState]] = {
    S.RECORDED: frozenset({S.DISPATCHING, S.NEEDS_PERSON}),
    S.DISPATCHING: frozenset({S.RECORDED, S.FILED, S.TAKEN, S.REFUSED, S.UNKNOWN, S.NEEDS_PERSON}),
    S.TAKEN: frozenset({S.FILED, S.REFUSED, S.NEEDS_PERSON}),
    S.UNKNOWN: frozenset({S.RECONCILING, S.DISPATCHING, S.NEEDS_PERSON}),
    S.RECONCILING: frozenset({S.FILED, S.UNKNOWN, S.NOT_FILED, S.NEEDS_PERSON}),
    S.NOT_FILED: frozenset({S.DISPATCHING, S.NEEDS_PERSON}),
    S.NEEDS_PERSON: frozenset({S.FILED, S.REFUSED, S.NOT_FILED, S.UNKNOWN}),
    S.FILED: frozenset(),
    S.REFUSED: frozenset(),
}
MOST_STEPS = 60
FIRST_WAIT_MS, LONGEST_WAIT_MS = 1000, 15 * 60 * 1000
MOST_SENDS = 4
"""Sends of one submission, each after the one before was certainly not filed."""
PATIENCE_MS = 3 * 24 * 3600 * 1000
"""After so long without any outcome a person is asked."""


class WrongState(ValueError):
    """The submission is in a state from which this does not lead."""

    code = "SUBMISSION_STATE"


class Kind(Enum):
    """What one attempt to send came to."""

    FILED = "FILED"
    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    NOT_TAKEN = "NOT_TAKEN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Verdict:
    """note: for operators; reason: the system's own words, which may name people."""

    kind: Kind
    note: str = ""
    number: str | None = None
    ticket: str | None = None
    starts_at: str | None = None
    place: str | None = None
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found: numbers that can be this submission's. certain: the system answered."""

    numbers: tuple[str, ...] = ()
    certain: bool = True
    note: str = ""
    here: bool = False
    """supplement, withdraw: what it was to change has changed."""


def _to(row: Submission, state: SubmissionState, now: int, note: str = "") -> Submission:
    if state is not row.state and state not in LEADS_TO[row.state]:
        raise WrongState(f"{row.token} is {row.state}: it cannot become {state}")
    history = row.history
    if state is not row.state or note:
        history = (*history, Step(now, str(state), note))
        if len(history) > MOST_STEPS:  # the beginning and the end tell most
            history = (*history[:10], *history[-(MOST_STEPS - 10) :])
    settled = state in SETTLED
    return replace(
        row,
        state=state,
        history=history,
        settled_at=now if settled else None,
        sealed=None if settled else row.sealed,
        lease=None,
        lease_until=0,
    )


def wait_ms(tries: int) -> int:
    """Twice as long each time."""
    return min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(max(tries, 0), 20))


# --- who works on it ---


def claimed(row: Submission, holder: str, now: int, lease_ms: int, *, resend: bool = False) -> Submission:
    """`holder` alone works on it until the lease ends. What is next follows from the state; resend: the system takes
    a reference once, so an unknown outcome is found out by sending it again."""
    unknown = S.DISPATCHING if resend else S.RECONCILING
    state = {S.RECORDED: S.DISPATCHING, S.NOT_FILED: S.DISPATCHING, S.UNKNOWN: unknown}.get(
        row.state, row.state
    )
    taken = _to(row, state, now, holder if state is not row.state else "")
    if state is S.DISPATCHING:
        taken = replace(taken, sent_at=None, attempts=row.attempts + 1)
    return replace(taken, lease=holder, lease_until=now + lease_ms)


def about_to_send(row: Submission, now: int, known: Sequence[str], lease_until: int) -> Submission:
    """Written before the first byte goes out: from here on it may have been filed."""
    return replace(
        row,
        sent_at=now,
        first_sent_at=row.first_sent_at or now,
        known=tuple(known) or row.known,
        lease_until=lease_until,
    )


def left_behind(row: Submission, now: int) -> Submission:
    """The process that was sending is gone: back where nothing had been sent, else unknown."""
    if row.state is not S.DISPATCHING:
        raise WrongState(f"{row.token} is {row.state}, not being sent")
    if row.sent_at is None:
        return replace(_to(row, S.RECORDED, now, f"{row.lease} is gone, nothing was sent"), next_at=now)
    return replace(_to(row, S.UNKNOWN, now, f"{row.lease} is gone while it was sent"), next_at=now)


def released(row: Submission, now: int, note: str = "") -> Submission:
    """Given back with nothing done: the state before `claimed`."""
    back = {S.DISPATCHING: S.RECORDED, S.RECONCILING: S.UNKNOWN}.get(row.state, row.state)
    return replace(_to(row, back, now, note), next_at=now + FIRST_WAIT_MS)


def without_number(row: Submission, now: int) -> Submission:
    """Nothing was sent: its case has no number yet at the system that it goes to."""
    note = "the case has no number there yet"
    if row.recorded_at + PATIENCE_MS < now:
        return _to(row, S.NEEDS_PERSON, now, note)
    return replace(released(row, now, note), next_at=now + wait_ms(row.attempts - 1))


# --- what came of it ---


def after_answer(row: Submission, verdict: Verdict, now: int, rule: Reconcile | None) -> Submission:
    """The row after an attempt to send it."""
    match verdict.kind:
        case Kind.FILED:
            done = _to(row, S.FILED, now, verdict.note)
        case Kind.TAKEN:
            done = replace(_to(row, S.TAKEN, now, verdict.note), next_at=now + FIRST_WAIT_MS)
        case Kind.REFUSED:
            done = replace(_to(row, S.REFUSED, now, verdict.note), code=verdict.code or "SUBMISSION_REFUSED")
        case Kind.NOT_TAKEN:
            return _not_taken(row, verdict, now)
        case Kind.UNKNOWN:
            return _unknown(row, verdict, now, rule)
    return replace(
        done,
        number=verdict.number or row.number,
        ticket=verdict.ticket or row.ticket,
        starts_at=verdict.starts_at,
        place=verdict.place,
        reason=verdict.reason,
    )


def _not_taken(row: Submission, verdict: Verdict, now: int) -> Submission:
    if row.recorded_at + PATIENCE_MS < now:
        return _to(row, S.NEEDS_PERSON, now, f"not taken for days: {verdict.note}")
    back = replace(_to(row, S.RECORDED, now, verdict.note), sent_at=None)
    if row.sent_at is not None and row.first_sent_at == row.sent_at:
        back = replace(back, first_sent_at=None)
    return replace(back, next_at=now + wait_ms(row.attempts - 1))


def _unknown(row: Submission, verdict: Verdict, now: int, rule: Reconcile | None) -> Submission:
    if rule is None:
        return _to(row, S.NEEDS_PERSON, now, f"{verdict.note}; no `reconcile` is declared")
    if row.recorded_at + PATIENCE_MS < now:
        return _to(row, S.NEEDS_PERSON, now, f"no outcome for days: {verdict.note}")
    unknown = _to(row, S.UNKNOWN, now, verdict.note)
    return replace(unknown, next_at=now + (wait_ms(row.attempts - 1) if rule.style == "resend" else 0))


def after_query(row: Submission, found: Found, now: int, rule: Reconcile) -> Submission:
    """The row after it was looked for."""
    queries = row.queries + 1
    if found.certain and (len(found.numbers) == 1 or found.here):
        done = _to(row, S.FILED, now, found.note or "found by query")
        return replace(done, number=found.numbers[0] if found.numbers else row.number, queries=queries)
    if len(found.numbers) > 1:
        return replace(
            _to(row, S.NEEDS_PERSON, now, "several cases fit: " + ", ".join(found.numbers)), queries=queries
        )
    since = row.sent_at or row.recorded_at
    if since + PATIENCE_MS < now and row.state is not S.TAKEN:
        return replace(_to(row, S.NEEDS_PERSON, now, found.note or "no outcome for days"), queries=queries)
    if row.state is S.TAKEN:
        return replace(_to(row, S.TAKEN, now), next_at=now + wait_ms(queries), queries=queries)
    settled_at = since + int(rule.settle_s * 1000)
    if not found.certain or now < settled_at:
        wait = wait_ms(queries)
        if found.certain:  # the last look is due when what it finds counts
            wait = min(wait, max(settled_at - now, 0))
        note = found.note if found.note and row.queries == 0 else ""
        return replace(_to(row, S.UNKNOWN, now, note), next_at=now + wait, queries=queries)
    if sum(step.state == S.NOT_FILED for step in row.history) >= MOST_SENDS - 1:
        return replace(_to(row, S.NEEDS_PERSON, now, f"not filed after {MOST_SENDS} sends"), queries=queries)
    return replace(_to(row, S.NOT_FILED, now, found.note or "not there"), next_at=now, queries=queries)


def given_up(row: Submission, now: int, code: str, note: str) -> Submission:
    """Refused by the gateway itself, before anything was sent: what it needs will not come."""
    return replace(_to(row, S.REFUSED, now, note), code=code)


def needs_person(row: Submission, now: int, note: str) -> Submission:
    """Whatever it was: the gateway itself cannot go on with it."""
    return _to(row, S.NEEDS_PERSON, now, note)


def resolved(
    row: Submission, state: SubmissionState, now: int, *, by: str, number: str | None = None, note: str = ""
) -> Submission:
    """What an operator found out. Raises WrongState for rows that no person is asked about."""
    if row.state is not S.NEEDS_PERSON:
        raise WrongState(f"{row.token} is {row.state}; only NEEDS_PERSON is resolved by a person")
    if row.sealed is None and state is S.NOT_FILED:
        raise WrongState(f"{row.token} cannot be sent again: its body is gone")
    done = _to(row, state, now, f"by {by}" + (f": {note}" if note else ""))
    if state is S.FILED:
        return replace(done, number=number or row.number)
    if state is S.REFUSED:
        return replace(done, code="SUBMISSION_REFUSED")
    return replace(done, next_at=now, attempts=0, queries=0)
