"""Events as they came -> events in order of time, each once.

The same result for any order of arrival and any repeats: an event is known by its id, or by its content where it has
none. Of one id with several contents the last received counts. Times stand in whole seconds; what happened in the same
second is put into the order of the lifecycle, since many systems know the day only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from gateway.tracking.calendar.moments import DAY, FIRST_DAY, LAST_DAY, moment_of, time_of
from gateway.tracking.clocks.facts import CaseEvent, CaseFacts
from gateway.tracking.clocks.findings import CaseFinding
from schema.vocabulary import CaseEventKind as K

__all__ = ["Told", "in_order", "known_at", "name_of"]

# Members bound once: on Python 3.11 looking one up in its class costs as much as five calls of `is`.
_UNKNOWN = K.UNKNOWN

_EARLIEST = FIRST_DAY * DAY
_LATEST = (LAST_DAY - 36_500) * DAY  # limits reach a hundred years beyond it
_UNPLACED = _EARLIEST - 1
_AHEAD_S = 300
"""Clocks of systems differ: so far ahead of the gateway's is no finding."""

_LIFECYCLE = (
    K.SUBMIT,
    K.PRE_ACCEPT,
    K.RECEIVE,
    K.REQUEST_CORRECTION,
    K.CORRECTION_RECEIVED,
    K.ACCEPT,
    K.HAND_OFF,
    K.STEP_START,
    K.SPECIAL_START,
    K.SUSPEND,
    K.EXTEND,
    K.RESUME,
    K.SPECIAL_END,
    K.STEP_END,
    K.DECIDE,
    K.REFUSE_ACCEPTANCE,
    K.WITHDRAW,
    K.VOID,
    K.CLOSE,
    K.DELIVER,
    K.RATE,
    K.URGE,
    K.CORRECT_RECORD,
    K.UNKNOWN,
)
_RANK: Mapping[K, int] = {kind: rank for rank, kind in enumerate(_LIFECYCLE)}
_END_OF: Mapping[K, K] = {
    K.STEP_START: K.STEP_END,
    K.SPECIAL_START: K.SPECIAL_END,
    K.SUSPEND: K.RESUME,
    K.REQUEST_CORRECTION: K.CORRECTION_RECEIVED,
}


class Told(NamedTuple):
    """One event in its place. A named tuple, since sorting and building them is a third of the time of a scan.

    `kind` is an end's where the event's `ended_at` is meant; then `key` ends in a sign that no id has.
    """

    at: int
    rank: int
    key: str
    kind: K
    event: CaseEvent
    received: int | None
    """Moment of its arrival here."""


_told: Callable[[tuple[int, int, str, K, CaseEvent, int | None]], Told] = partial(tuple.__new__, Told)
"""As `Told(*row)`, in a third of its time: the constructor of a named tuple is a Python function."""


def in_order(facts: CaseFacts, findings: list[CaseFinding]) -> list[Told]:
    """Adds to `findings` what cannot be placed."""
    told: list[Told] = []
    for key, event in _each_once(facts.events, findings).items():
        kind = event.kind
        at = _UNPLACED if event.at is None else moment_of(event.at)
        if not _EARLIEST <= at <= _LATEST:
            _unplaced(event, findings)
            continue
        received = None if event.received_at is None else moment_of(event.received_at)
        told.append(_told((at, _RANK[kind], key, kind, event, received)))
        if received is not None and received + _AHEAD_S < at:
            findings.append(
                CaseFinding("EVENT_IN_FUTURE", received, (name_of(event),), time_of(at).isoformat())
            )
        if kind is _UNKNOWN:
            findings.append(CaseFinding("KIND_UNKNOWN", known_at(event), (name_of(event),)))
        if event.ended_at is not None and kind in _END_OF:
            _append_end(told, told[-1], findings)
    _append_record_times(told, facts)
    told.sort(key=_PLACE)
    return told


def _each_once(events: Sequence[CaseEvent], findings: list[CaseFinding]) -> dict[str, CaseEvent]:
    kept = {event.id: event for event in events}
    if len(kept) == len(events) and "" not in kept:  # the common case: every event has its own id
        return kept
    kept = {}
    repeats: dict[str, list[CaseEvent]] = {}
    for event in events:
        key = event.id or _content(event)
        if kept.setdefault(key, event) is not event:
            repeats.setdefault(key, []).append(event)
    for key in sorted(repeats):
        kept[key] = _settled([kept[key], *repeats[key]], findings)
    return kept


def _settled(tellings: Sequence[CaseEvent], findings: list[CaseFinding]) -> CaseEvent:
    """Of several tellings of one event: what the last received says, as received when it was first heard of.

    A time that was corrected to a later one may lie after the first telling; then that one was not of this event.
    """
    last = max(tellings, key=lambda event: (_received(event), _content(event)))
    received = sorted((one.received_at for one in tellings if one.received_at is not None), key=moment_of)
    if last.at is not None:
        at = moment_of(last.at)
        received = [one for one in received if moment_of(one) >= at] or received
    settled = replace(last, received_at=received[0] if received else None)
    if len({_content(event) for event in tellings}) > 1:
        findings.append(CaseFinding("EVENT_REWRITTEN", max(map(known_at, tellings)), (name_of(settled),)))
    return settled


def _received(event: CaseEvent) -> int:
    return moment_of(event.received_at) if event.received_at is not None else -(2**40)


def _content(event: CaseEvent) -> str:
    """All but when it was received. Begins with a sign that no id has."""
    return "\0" + "\0".join(
        str(value)
        for value in (
            event.kind,
            moment_of(event.at) if event.at else "",
            event.step,
            moment_of(event.ended_at) if event.ended_at else "",
            event.special,
            event.stated,
            moment_of(event.notified_at) if event.notified_at else "",
            event.extend_by,
            event.approved_by,
            event.decision,
            event.opinion,
            event.document_no,
        )
    )


def _unplaced(event: CaseEvent, findings: list[CaseFinding]) -> None:
    if event.at is None:
        findings.append(CaseFinding("EVENT_WITHOUT_TIME", known_at(event), (name_of(event),)))
        return
    findings.append(
        CaseFinding("TIME_OUT_OF_RANGE", known_at(event), (name_of(event),), event.at.isoformat())
    )


def _append_end(told: list[Told], begun: Told, findings: list[CaseFinding]) -> None:
    event = begun.event
    assert event.ended_at is not None  # noqa: S101 - the caller looked
    end, kind = moment_of(event.ended_at), _END_OF[begun.kind]
    if end < begun.at or end > _LATEST:
        findings.append(
            CaseFinding("END_BEFORE_START", known_at(event), (name_of(event),), event.ended_at.isoformat())
        )
        return
    told.append(Told(end, _RANK[kind], begun.key + "\1", kind, event, None))


_PLACE = itemgetter(0, 1, 2)
_RECORD_TIMES: Sequence[tuple[str, K]] = (
    ("applied_at", K.SUBMIT),
    ("received_at", K.RECEIVE),
    ("accepted_at", K.ACCEPT),
    ("decided_at", K.DECIDE),
    ("closed_at", K.CLOSE),
)


def _append_record_times(told: list[Told], facts: CaseFacts) -> None:
    """The times of the case's record stand in for events that nobody told."""
    given = [one for one in _RECORD_TIMES if getattr(facts, one[0]) is not None]
    kinds = {one.kind for one in told} if given else set()
    for name, kind in given:
        if kind not in kinds:
            when = getattr(facts, name)
            at = moment_of(when)
            if _EARLIEST <= at <= _LATEST:
                told.append(
                    Told(at, _RANK[kind], f"\2{name}", kind, CaseEvent(kind, when, id=f"record.{name}"), None)
                )


def known_at(event: CaseEvent) -> int:
    """The moment from which the gateway knows of it; its own time where nobody noted that."""
    when = event.received_at or event.at
    return min(max(moment_of(when), _EARLIEST), _LATEST) if when is not None else _EARLIEST


def name_of(event: CaseEvent) -> str:
    """Its id, or kind and time where it has none."""
    return event.id or (
        f"{event.kind}@{time_of(moment_of(event.at)).isoformat()}" if event.at else str(event.kind)
    )
