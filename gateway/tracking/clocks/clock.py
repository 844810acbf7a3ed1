"""One clock: what it counts, when it is due, and what it shows at a moment.

A clock is made from events alone and does not know the time. So a scan can keep it, and ask it at any moment, or ask
when it will next reach something. How limits are counted: docs/deadlines-and-warnings.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.tracking.calendar.moments import DAY, LAST_DAY, NEVER, start_of, time_of
from gateway.tracking.calendar.office_hours import OfficeHours, add_office_seconds, office_seconds_between
from gateway.tracking.calendar.working_calendar import (
    WorkingCalendar,
    add_workdays,
    days_between,
    plain_days,
    workdays_between,
)
from gateway.tracking.clocks.counting import (
    Intervals,
    add_seconds,
    end_of_limit,
    seconds_between,
    stopped_days,
)
from schema.registry import TimeLimitRow
from schema.vocabulary import ClockState, DeadlineKind, ProvisionalReason, TimeUnit

__all__ = ["Basis", "Clock", "Deadline"]

_HOUR = 3600


# Members bound once: on Python 3.11 looking one up in its class costs as much as five calls of `is`.
_CALENDAR_DAYS = TimeUnit.CALENDAR_DAY
_HOURS = TimeUnit.HOUR
_MONTHS = TimeUnit.MONTH
_WORKDAYS = TimeUnit.WORKDAY


@dataclass(frozen=True, slots=True)
class Basis:
    """Which rule a deadline follows and where it stands. `rule` is stable, the texts are for people."""

    rule: str
    source: str
    source_zh: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """What a clock shows at one moment.

    subject: name of the step, kind of the special procedure, round of acceptance, id of the call; empty for the case.
    used, total, left: in `counted_in` (WORKDAY, CALENDAR_DAY or HOUR); today counts as used; left is negative once the
    due time has passed. share: used / total. due_at is None where the clock has not
    started, or would end after the days that can be counted. stopped: intervals that are left out, the last without an end while it is open. deemed: it runs because the
    law deems the case accepted. missing: what would have to be known.
    """

    kind: DeadlineKind
    subject: str
    limit: TimeLimitRow | None
    state: ClockState
    started_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    used: float
    total: float
    left: float
    share: float
    counted_in: TimeUnit
    stopped: tuple[tuple[datetime, datetime | None], ...]
    extended_by: TimeLimitRow | None
    deemed: bool
    provisional: tuple[ProvisionalReason, ...]
    basis: Basis
    calendar_version: str
    missing: tuple[str, ...]


class Clock:
    """Times are moments. Not changed once made; plain slots, because a scan makes some five a case.

    limit: None where the system only told an end (`due`). stops: left out of count; the last may end at NEVER.
    end: moment of what ends it, else NEVER. known_from: earlier it is not started, as with deemed acceptance.
    end_untold: it has ended, and nobody says when.
    """

    __slots__ = (
        "basis",
        "calendar",
        "deemed",
        "due",
        "end",
        "end_untold",
        "events",
        "extended_by",
        "kind",
        "known_from",
        "limit",
        "missing",
        "office",
        "start",
        "stops",
        "subject",
        "unit",
    )

    def __init__(
        self,
        kind: DeadlineKind,
        limit: TimeLimitRow | None,
        *,
        start: int,
        end: int,
        calendar: WorkingCalendar,
        basis: Basis,
        stops: Intervals = (),
        subject: str = "",
        events: tuple[str, ...] = (),
        office: OfficeHours | None = None,
        told_due: int = NEVER,
    ) -> None:
        self.kind, self.limit, self.subject, self.basis, self.events = kind, limit, subject, basis, events
        self.start, self.end, self.stops, self.calendar, self.office = start, end, stops, calendar, office
        self.known_from = start
        self.deemed = self.end_untold = False
        self.extended_by: TimeLimitRow | None = None
        self.missing: tuple[str, ...] = ()
        self.unit = limit.unit if limit is not None else _WORKDAYS
        self.due = told_due if limit is None else self._counted_on(start, limit, stops)

    @property
    def counted_in(self) -> TimeUnit:
        """WORKDAY, CALENDAR_DAY or HOUR. Months are counted in calendar days, a limit of 0 in working days."""
        if self.limit is not None and not self.limit.amount:
            return _WORKDAYS
        return _CALENDAR_DAYS if self.unit is _MONTHS else self.unit

    # --- counting ---

    def _counted_on(self, start: int, limit: TimeLimitRow, stops: Intervals) -> int:
        return end_of_limit(self.calendar, start, limit, stops=stops, office=self.office)

    def extend(self, by: TimeLimitRow) -> None:
        """The limit runs on from where it was due. Only while the clock is being made."""
        self.extended_by = by
        self.due = self._counted_on(self.due, by, self.stops)

    def after_due(self, limit: TimeLimitRow) -> int:
        """The last moment of a further limit that runs from the due time."""
        return self._counted_on(self.due, limit, self.stops)

    def _due_with(self, stops: Intervals) -> int:
        """When it would be due with other stops than its own."""
        if self.limit is None:
            return self.due
        due = self._counted_on(self.start, self.limit, stops)
        return due if self.extended_by is None else self._counted_on(due, self.extended_by, stops)

    def used_at(self, moment: int, stops: Intervals | None = None) -> int:
        """Days (or, of a limit in hours, seconds) counted through `moment`; today counts as used."""
        stops = self.stops if stops is None else stops
        moment = max(moment, self.start)
        if self.unit is _HOURS and self.limit is not None and self.limit.amount:
            if self.office is not None:
                return office_seconds_between(self.calendar, self.office, self.start, moment)
            return seconds_between(self.start, moment, stops)
        days = stopped_days(stops) if stops else ()
        if self.unit is _WORKDAYS or (self.limit is not None and not self.limit.amount):
            return workdays_between(self.calendar, self.start // DAY, moment // DAY, days)
        return days_between(self.start // DAY, moment // DAY, days)

    def reached(self, used: int) -> int:
        """The moment at which `used` days (or seconds) have been counted; NEVER if that does not come."""
        if self.start == NEVER:
            return NEVER
        if used <= 0:
            return self.start
        if self.counted_in is _HOURS:
            if self.office is not None:
                return add_office_seconds(self.calendar, self.office, self.start, used)
            return add_seconds(self.start, used, self.stops)
        day, days = self.start // DAY, stopped_days(self.stops) if self.stops else ()
        if self.counted_in is _WORKDAYS:
            at = add_workdays(self.calendar, day, used, days)
        else:
            at = plain_days(day, used, days)
        return NEVER if at > LAST_DAY else start_of(at)

    @property
    def total(self) -> int:
        """Days (or seconds) that it gives in all; behind a stop without an end, those without that stop. 0 for none."""
        if self.start == NEVER:
            return 0
        limit = self.limit
        if limit is not None and limit.unit is _WORKDAYS and limit.amount and self.extended_by is None:
            return limit.amount  # the common case needs no counting
        due, stops = self.due, self.stops
        if due == NEVER:
            stops = [stop for stop in stops if stop[1] < NEVER]
            due = self._due_with(stops)
        return self.used_at(due, stops) if due < NEVER else 0

    # --- what it shows ---

    def state_at(self, now: int) -> ClockState:
        if self.end <= now:
            return ClockState.MET if self.end <= self.due else ClockState.MISSED
        if self.end_untold:
            return ClockState.ENDED
        if now < self.known_from or self.start > now:
            return ClockState.NOT_STARTED
        if now > self.due:
            return ClockState.MISSED
        return ClockState.STOPPED if self.stands_at(now) else ClockState.RUNNING

    @property
    def provisional(self) -> tuple[ProvisionalReason, ...]:
        """Why its due time may still change; what an open stop adds is told by `show`."""
        return self._provisional(self.due, open_stop=False)

    def stands_at(self, moment: int) -> bool:
        return any(first <= moment <= last for first, last in self.stops)

    def show(self, now: int) -> Deadline:
        """Where it stands at `now`. A due time behind a stop that is still open is as if the stop ended today."""
        state = self.state_at(now)
        stops, due = self.stops, self.due
        open_stop = due == NEVER and state in (ClockState.STOPPED, ClockState.RUNNING)
        if open_stop:
            stops = [(first, min(last, max(now, first))) for first, last in stops if first <= now]
            due = self._due_with(stops)
        if state is ClockState.NOT_STARTED:
            due = NEVER
        scale = _HOUR if self.counted_in is _HOURS else 1
        used = 0 if state is ClockState.NOT_STARTED else self.used_at(min(now, self.end), stops)
        total = self.used_at(due, stops) if due < NEVER else self.total
        return Deadline(
            kind=self.kind,
            subject=self.subject,
            limit=self.limit,
            state=state,
            started_at=None if state is ClockState.NOT_STARTED else time_of(self.start),
            due_at=_time(due),
            ended_at=_time(self.end) if self.end <= now else None,
            used=used / scale,
            total=total / scale,
            left=(total - used) / scale,
            share=used / total if total else float(min(now, self.end) > due),
            counted_in=self.counted_in,
            stopped=tuple((time_of(first), _time(last)) for first, last in self.stops if first <= now),
            extended_by=self.extended_by,
            deemed=self.deemed,
            provisional=self._provisional(due, open_stop=open_stop),
            basis=self.basis,
            calendar_version=self.calendar.version,
            missing=self.missing,
        )

    def _provisional(self, due: int, *, open_stop: bool) -> tuple[ProvisionalReason, ...]:
        reasons = []
        in_hours = self.counted_in is _HOURS and self.office is None
        if due < NEVER and not in_hours and not self.calendar.is_published(self.start // DAY, due // DAY):
            reasons.append(ProvisionalReason.CALENDAR)
        if open_stop:
            reasons.append(ProvisionalReason.STOP_OPEN)
        return tuple(reasons)

    def __repr__(self) -> str:
        return f"Clock({self.kind}, {self.subject!r}, {_time(self.start)} to {_time(self.due)}, ended {_time(self.end)})"


def _time(moment: int) -> datetime | None:
    return time_of(moment) if moment < NEVER else None
