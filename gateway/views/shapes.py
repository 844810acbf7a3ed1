"""Clocks, cards and records as the schema's types. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import strawberry

from gateway.casefile.files import moment_of_us
from gateway.ledger import RecordRef, Stream
from gateway.tracking.calendar.moments import DAY, NEVER, time_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar, workdays_between
from gateway.tracking.clocks.clock import Deadline as Shown
from gateway.tracking.clocks.extensions import Extension as Made
from gateway.tracking.clocks.findings import CaseFinding
from gateway.tracking.clocks.follow import CaseTrack
from gateway.tracking.clocks.history import Span
from gateway.tracking.warnings.cards import Card
from gateway.views.supervision import waits_for
from schema.scalars import CHINA_STANDARD_TIME, JSON, DateTime, RegionCode, Uscc
from schema.types.catalogue import limit_of
from schema.types.tracked import CaseTracking, CaseWarning, TrackedCase
from schema.types.tracking import (
    ClockStop,
    Deadline,
    DeadlineBasis,
    Extension,
    Finding,
    StoppedInterval,
    TrackedState,
    WarningAppeal,
    WarningChange,
    WarningRule,
)
from schema.types.trail import ChangeRecord, LedgerEvent
from schema.vocabulary import (
    CaseEventKind,
    CaseState,
    DeadlineKind,
    WaitsFor,
    WarningLevel,
    WarningState,
)

__all__ = [
    "change_of",
    "event_of",
    "iso",
    "iso_of_us",
    "record_id",
    "tracked_of",
    "tracking_of",
    "us_of_iso",
    "warning_of",
]

_LEVELS = (None, WarningLevel.NOTICE, WarningLevel.YELLOW, WarningLevel.RED)
_OUTCOMES = (WarningState.UPHELD, WarningState.REVOKED, WarningState.PENDING, WarningState.ESCALATED)


def iso(moment: int | None) -> DateTime | None:
    return DateTime(time_of(moment).isoformat()) if moment is not None and moment < NEVER else None


def iso_of_us(us: int) -> DateTime:
    """Microseconds since 1970, with offset +08:00."""
    return DateTime(datetime.fromtimestamp(us / 1_000_000, UTC).astimezone(CHINA_STANDARD_TIME).isoformat())


def us_of_iso(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1_000_000)


# --- case files ---


def tracked_of(row: Any, calendar: WorkingCalendar, now_us: int) -> TrackedCase:
    """row: of `case_file`."""
    record: Mapping[str, Any] = row.record
    state = CaseState(row.state)
    applicant = record.get("applicant")
    due = row.due_us
    return TrackedCase(
        id=strawberry.ID(row.case_id),
        system_code=strawberry.ID(row.system),
        title=record.get("title"),
        item_code=strawberry.ID(row.item) if row.item else None,
        region_code=RegionCode(row.region) if row.region else None,
        department_code=Uscc(row.department) if row.department else None,
        applicant_ref=strawberry.ID(row.subject) if row.subject else None,
        applicant_name=applicant.get("name") if isinstance(applicant, Mapping) else None,
        handler=row.handler,
        state=state,
        raw_status=record.get("rawStatus"),
        is_open=bool(row.is_open),
        waits_for=WaitsFor(waits_for(state)) if row.is_open else None,
        applied_at=_iso_of(row.applied_us),
        accepted_at=_iso_of(row.accepted_us),
        step=_member(CaseEventKind, row.step),
        step_at=_iso_of(row.step_us),
        due_at=_iso_of(due),
        days_left=_days_left(calendar, due, now_us) if due is not None and row.is_open else None,
        level=_LEVELS[row.level],
        as_of=_iso_of(row.as_of_us or None),
        changed_at=iso_of_us(row.changed_us),
    )


def _days_left(calendar: WorkingCalendar, due_us: int, now_us: int) -> int:
    return workdays_between(calendar, moment_of_us(now_us) // DAY, moment_of_us(due_us) // DAY)


def _iso_of(us: int | None) -> DateTime | None:
    return None if us is None else iso_of_us(us)


def _member(enum: Any, value: object) -> Any:  # Any: one of the vocabulary's enums and its member
    try:
        return enum(value) if value else None
    except ValueError:
        return None


# --- clocks ---


def tracking_of(track: CaseTrack, now: int) -> CaseTracking:
    return CaseTracking(
        [_deadline(one) for one in track.deadlines(now)],
        [_stop(one) for one in track.stops if one.start <= now],
        [_extension(one) for one in track.extensions],
        TrackedState(
            state=track.state,
            since=iso(track.since),
            findings=[_finding(one) for one in track.findings_at(now)],
        ),
    )


def _deadline(shown: Shown) -> Deadline:
    return Deadline(
        kind=shown.kind,
        subject=shown.subject or None,
        limit=limit_of(shown.limit),
        state=shown.state,
        started_at=_told(shown.started_at),
        due_at=_told(shown.due_at),
        ended_at=_told(shown.ended_at),
        used_amount=shown.used,
        total_amount=shown.total,
        remaining_amount=shown.left,
        percent_used=round(shown.share * 100, 1),
        counted_in=shown.counted_in,
        stopped=[StoppedInterval(start=_sure(one), end=_told(other)) for one, other in shown.stopped],
        extended_by=limit_of(shown.extended_by),
        deemed=shown.deemed,
        provisional=bool(shown.provisional),
        provisional_because=list(shown.provisional),
        basis=DeadlineBasis(
            rule=shown.basis.rule, source=shown.basis.source, source_zh=shown.basis.source_zh
        ),
        calendar_version=shown.calendar_version,
        missing=list(shown.missing),
    )


def _stop(span: Span) -> ClockStop:
    assert span.kind is not None  # noqa: S101 - a stop has one
    return ClockStop(
        kind=span.kind,
        special=span.event.special,
        name=span.name or None,
        start=_moment(span.start),
        end=iso(span.end),
        stated=limit_of(span.event.stated),
        notified_applicant_at=_told(span.event.notified_at),
    )


def _extension(made: Made) -> Extension:
    return Extension(
        at=_moment(made.at),
        by=limit_of(made.by),
        approved_by=made.approved_by or None,
        counts_for=[DeadlineKind(kind) for kind in made.counts_for],
    )


def _finding(found: CaseFinding) -> Finding:
    return Finding(
        code=found.code,
        at=_moment(found.at),
        text=found.text,
        text_zh=found.text_zh,
        events=[strawberry.ID(one) for one in found.events],
    )


def _told(when: datetime | None) -> DateTime | None:
    return None if when is None else _sure(when)


def _sure(when: datetime) -> DateTime:
    return DateTime(when.isoformat())


def _moment(moment: int) -> DateTime:
    return DateTime(time_of(moment).isoformat())


# --- cards ---


def warning_of(card: Card) -> CaseWarning:
    return CaseWarning(
        id=strawberry.ID(card.id),
        case_id=strawberry.ID(card.case_id) if card.case_id else None,
        level=card.level,
        rule=WarningRule(
            id=strawberry.ID(card.rule), version=card.rule_version, rules_version=card.rules_version
        ),
        subject=card.about,
        subject_name=card.subject or None,
        ground_at=_moment(card.ground_at),
        raised_at=_moment(card.raised_at),
        grounded=card.grounded,
        state=card.state,
        mark=card.mark or None,
        text=card.text,
        text_zh=card.text_zh,
        evidence=JSON(dict(card.evidence)),
        supervision_order=card.supervision_order,
        feedback_due_at=iso(card.feedback_due),
        appeal=_appeal(card),
        history=[
            WarningChange(
                at=_moment(one.at), what=one.what, by=one.by, state=one.state, reason=one.reason or None
            )
            for one in card.history
        ],
    )


def _appeal(card: Card) -> WarningAppeal | None:
    """The last one, and the first thing that was decided after it."""
    places = [at for at, one in enumerate(card.history) if one.what == WarningState.APPEALED]
    if not places:
        return None
    made = card.history[places[-1]]
    decided = next((one for one in card.history[places[-1] + 1 :] if one.what in _OUTCOMES), None)
    return WarningAppeal(
        at=_moment(made.at),
        by=made.by,
        reason=made.reason,
        outcome=decided.state if decided else None,
        decided_at=_moment(decided.at) if decided else None,
    )


# --- records of the trail ---


def record_id(ref: RecordRef) -> strawberry.ID:
    return strawberry.ID(f"{ref.stream.table} {ref.writer}/{ref.seq}")


def event_of(ref: RecordRef, at_us: int, leaf: str, fields: Mapping[str, Any]) -> LedgerEvent:
    detail: Mapping[str, Any] = fields["detail"]
    return LedgerEvent(
        id=record_id(ref),
        recorded_at=iso_of_us(at_us),
        leaf_hash=leaf,
        case_id=fields["case"],
        system_code=fields["system"],
        kind=_member(CaseEventKind, fields["kind"]) or CaseEventKind.UNKNOWN,
        raw_kind=detail.get("rawKind"),
        step=detail.get("step"),
        state=_member(CaseState, detail.get("state")),
        raw_status=detail.get("rawStatus"),
        actor=detail.get("actor"),
        department_code=detail.get("departmentCode"),
        occurred_at=_iso_of(fields["occurred"]),
        ended_at=detail.get("endedAt"),
        document_no=detail.get("documentNo"),
        opinion_given=bool(detail.get("opinionGiven")),
        supersedes=fields["supersedes"],
    )


def change_of(ref: RecordRef, at_us: int, leaf: str, fields: Mapping[str, Any]) -> ChangeRecord:
    assert ref.stream is Stream.CHANGE_RECORD  # noqa: S101 - its caller read that stream
    return ChangeRecord(
        id=record_id(ref),
        recorded_at=iso_of_us(at_us),
        leaf_hash=leaf,
        action=fields["action"],
        actor=fields["actor"],
        target=fields["target"],
        detail=JSON(fields["detail"]),
    )
