"""What is known of a case: its events, as they came, and what its record says beside them. No order is assumed.

These are the canonical records (`schema.canonical`) as Python values, with what clocks need beyond them: when an event
reached the gateway, and what special procedures, extensions and decisions say of themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schema.registry import TimeLimitRow
from schema.vocabulary import CaseEventKind, CaseState, DecisionKind, SpecialProcedureKind, TimeUnit

__all__ = ["Callback", "CaseEvent", "CaseFacts", "facts_of"]


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One event as a system told it.

    id: the system's own or the ledger's; empty where there is none, then the content is what tells events apart.
    at: when it happened at the source, None where that could not be read; without an offset read as +08:00.
    received_at: when it first reached the gateway. ended_at: end of a step or of a special procedure, where one record
    tells both. step: name of the step. special, stated, notified_at: of SPECIAL_START (and `stated` of SUSPEND and
    REQUEST_CORRECTION), which procedure, how long it is to take, when the applicant was told so in writing.
    extend_by, approved_by: of EXTEND. decision: of DECIDE and CLOSE. opinion, document_no: the reasons given.
    """

    kind: CaseEventKind
    at: datetime | None
    id: str = ""
    received_at: datetime | None = None
    ended_at: datetime | None = None
    step: str = ""
    special: SpecialProcedureKind | None = None
    stated: TimeLimitRow | None = None
    notified_at: datetime | None = None
    extend_by: TimeLimitRow | None = None
    approved_by: str = ""
    decision: DecisionKind | None = None
    opinion: str = ""
    document_no: str = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """A call that was promised 回电: when it was asked for, and when it was made."""

    id: str
    requested_at: datetime | None
    called_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case for its clocks. `case_id` is `SYSTEM:NUMBER`.

    The times stand in where no event tells the same; `promised_at` is the end that the system itself promised, taken
    where the implementation names no promised limit. `state` is what the system shows now.
    """

    case_id: str
    events: tuple[CaseEvent, ...] = ()
    applied_at: datetime | None = None
    received_at: datetime | None = None
    accepted_at: datetime | None = None
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    promised_at: datetime | None = None
    state: CaseState | None = None
    callbacks: tuple[Callback, ...] = ()
    unreadable: tuple[str, ...] = field(default=())
    """Names of values that were there and could not be read, as `events[2].occurredAt`."""


def facts_of(case_id: str, record: Mapping[str, Any]) -> CaseFacts:
    """A canonical `Case` record as facts. Never raises: what cannot be read is named in `unreadable`."""
    unreadable: list[str] = []

    def moment(value: object, name: str) -> datetime | None:
        if value is None or value == "":
            return None
        try:
            return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            unreadable.append(name)
            return None

    events = []
    listed = record.get("events") or ()
    for index, one in enumerate(listed if isinstance(listed, list | tuple) else ()):
        if not isinstance(one, Mapping):
            unreadable.append(f"events[{index}]")
            continue
        events.append(_event_of(one, f"events[{index}]", moment))
    return CaseFacts(
        case_id,
        tuple(events),
        applied_at=moment(record.get("appliedAt"), "appliedAt"),
        received_at=moment(record.get("receivedAt"), "receivedAt"),
        accepted_at=moment(record.get("acceptedAt"), "acceptedAt"),
        decided_at=moment(record.get("decidedAt"), "decidedAt"),
        closed_at=moment(record.get("closedAt"), "closedAt"),
        promised_at=moment(record.get("promisedAt"), "promisedAt"),
        state=_term(CaseState, record.get("state")),
        unreadable=tuple(unreadable),
    )


def _event_of(one: Mapping[str, Any], name: str, moment: Any) -> CaseEvent:  # Any: the closure above
    return CaseEvent(
        kind=_term(CaseEventKind, one.get("kind")) or CaseEventKind.UNKNOWN,
        at=moment(one.get("occurredAt"), f"{name}.occurredAt"),
        id=str(one.get("id") or ""),
        received_at=moment(one.get("receivedAt"), f"{name}.receivedAt"),
        ended_at=moment(one.get("endedAt"), f"{name}.endedAt"),
        step=str(one.get("step") or ""),
        special=_term(SpecialProcedureKind, one.get("special")),
        stated=_limit(one.get("stated")),
        notified_at=moment(one.get("notifiedAt"), f"{name}.notifiedAt"),
        extend_by=_limit(one.get("extendBy")),
        approved_by=str(one.get("approvedBy") or ""),
        decision=_term(DecisionKind, one.get("decision")),
        opinion=str(one.get("opinion") or ""),
        document_no=str(one.get("documentNo") or ""),
    )


def _term(enum: Any, value: object) -> Any:  # Any: one of the vocabulary's enums and its member
    try:
        return enum(value) if value is not None else None
    except ValueError:
        return None


def _limit(value: object) -> TimeLimitRow | None:
    """`{"amount": 10, "unit": "WORKDAY"}`."""
    if not isinstance(value, Mapping):
        return None
    try:
        return TimeLimitRow(int(value["amount"]), TimeUnit(value["unit"]))
    except (KeyError, TypeError, ValueError):
        return None
