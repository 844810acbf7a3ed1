"""Short ways to say cases, limits and moments in tests. Times without an offset are Chongqing's."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from gateway.tracking.calendar.calendar_file import OWN_CALENDAR, calendar_from, parse_calendar, read_calendar
from gateway.tracking.calendar.moments import moment_of, time_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.tracking.clocks.clock import Deadline
from gateway.tracking.clocks.facts import CaseEvent, CaseFacts
from gateway.tracking.clocks.follow import CaseTrack, follow
from gateway.tracking.clocks.limits import CaseLimits
from gateway.tracking.warnings.rule_file import read_rules
from gateway.tracking.warnings.triggers import RuleBook
from schema.registry import TimeLimitRow
from schema.vocabulary import CaseEventKind, DeadlineKind, TimeUnit

CALENDAR = read_calendar()
BOOK = RuleBook(read_rules())


def time(text: str) -> datetime:
    """`2017-11-20` (at 10:00) or any ISO time."""
    return datetime.fromisoformat(text if "T" in text or " " in text else f"{text}T10:00:00")


def now(text: str) -> int:
    """The moment of `2017-11-20` (its first second) or of an ISO time."""
    return moment_of(datetime.fromisoformat(text))


def limit(text: str) -> TimeLimitRow:
    """`10 WORKDAY`."""
    amount, unit = text.split()
    return TimeLimitRow(int(amount), TimeUnit(unit))


def event(kind: str, at: str | None, **fields: Any) -> CaseEvent:
    for name in ("received_at", "ended_at", "notified_at"):
        if isinstance(fields.get(name), str):
            fields[name] = time(fields[name])
    for name in ("stated", "extend_by"):
        if isinstance(fields.get(name), str):
            fields[name] = limit(fields[name])
    return CaseEvent(CaseEventKind(kind), time(at) if at is not None else None, **fields)


def case(*events: CaseEvent, **fields: Any) -> CaseFacts:
    return CaseFacts("CQ-TEST:1", tuple(events), **fields)


def limits(promised: str | None = None, statutory: str | None = None, **fields: Any) -> CaseLimits:
    return CaseLimits(
        statutory=limit(statutory) if statutory else None,
        promised=limit(promised) if promised else None,
        **fields,
    )


def track(facts: CaseFacts, of: CaseLimits, calendar: WorkingCalendar = CALENDAR) -> CaseTrack:
    return follow(facts, of, calendar)


def deadline(
    facts: CaseFacts,
    of: CaseLimits,
    kind: str,
    at: str,
    *,
    calendar: WorkingCalendar = CALENDAR,
    subject: str = "",
) -> Deadline:
    """What the clock of that kind shows at that time."""
    clock = track(facts, of, calendar).clock(DeadlineKind(kind), subject)
    assert clock is not None, kind
    return clock.show(now(at))


def due_of(accepted: str, promised: str, *, calendar: WorkingCalendar = CALENDAR) -> str:
    """Due date of a case accepted then, as a date."""
    shown = deadline(
        case(event("ACCEPT", accepted)),
        limits(promised),
        "PROMISED",
        accepted_late(accepted),
        calendar=calendar,
    )
    assert shown.due_at is not None
    assert shown.due_at.strftime("%H:%M:%S") == "23:59:59"
    return shown.due_at.date().isoformat()


def accepted_late(accepted: str) -> str:
    """A moment at which the case is accepted."""
    return f"{time_of(moment_of(time(accepted))).date().isoformat()}T23:59:59"


def own_calendar_text() -> str:
    return OWN_CALENDAR.read_text(encoding="utf-8")


def calendar_before_the_decree_of_2020() -> WorkingCalendar:
    """2020 as it was published in 2019: Spring Festival from 01-24 to 01-30, and 02-01 worked."""
    text = own_calendar_text()
    text = text.replace(
        '"from": "2020-01-24", "to": "2020-02-02"', '"from": "2020-01-24", "to": "2020-01-30"'
    )
    text = text.replace('"2020-01-19", "2020-04-26"', '"2020-01-19", "2020-02-01", "2020-04-26"')
    text = text.replace('"version": "2026.1"', '"version": "2019.11"')
    file, _ = parse_calendar(OWN_CALENDAR, text)
    return calendar_from(file)


def day(text: str) -> date:
    return date.fromisoformat(text)
