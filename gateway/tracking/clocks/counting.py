"""Counting limits: from a moment, over stops, to the last moment of the limit. Times are moments.

    WORKDAY        the n-th working day after the day of the start, until 23:59:59
    CALENDAR_DAY   the n-th day after it; moved on to a working day where it is none (民法典 art. 203)
    MONTH          the same day n months on, or that month's last (art. 202); moved on likewise
    HOUR           n hours from the moment itself (art. 201), or n office hours where office hours are given
    0 of a unit    the end of the same day, or of the next working day

The day of the start is not counted (art. 201). Days of a stop are left out, its first and last included; of limits in
hours, the hours of a stop.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from gateway.tracking.calendar.moments import DAY, LAST_DAY, NEVER, date_of, day_of, end_of
from gateway.tracking.calendar.office_hours import OfficeHours, add_office_seconds
from gateway.tracking.calendar.working_calendar import WorkingCalendar, add_days, add_workdays
from schema.registry import TimeLimitRow
from schema.vocabulary import TimeUnit

__all__ = ["Intervals", "add_seconds", "end_of_limit", "month_days", "seconds_between", "stopped_days"]

# Members bound once: on Python 3.11 looking one up in its class costs as much as five calls of `is`.
_CALENDAR_DAYS = TimeUnit.CALENDAR_DAY
_HOURS = TimeUnit.HOUR
_WORKDAYS = TimeUnit.WORKDAY

_HOUR = 3600
Intervals = Sequence[tuple[int, int]]
"""First and last moment of each stop, in order, apart from one another; the last may end at NEVER."""


def end_of_limit(
    calendar: WorkingCalendar,
    start: int,
    limit: TimeLimitRow,
    *,
    stops: Intervals = (),
    office: OfficeHours | None = None,
) -> int:
    """The last moment of a limit that runs from `start`; NEVER behind a stop without an end."""
    if start >= NEVER:
        return NEVER
    amount, unit = limit.amount, limit.unit
    if unit is _HOURS and amount:
        if office is not None:
            return add_office_seconds(calendar, office, start, amount * _HOUR)
        return add_seconds(start, amount * _HOUR, stops)
    day, days = start // DAY, stopped_days(stops) if stops else ()
    if unit is _WORKDAYS or not amount:
        due = add_workdays(calendar, day, amount, days)
    else:
        due = add_days(calendar, day, amount if unit is _CALENDAR_DAYS else month_days(day, amount), days)
    return NEVER if due > LAST_DAY else end_of(due)


def stopped_days(stops: Intervals) -> list[tuple[int, int]]:
    """Whole days of stops: both the first and the last day stand still. Stops that touch a day become one."""
    days: list[tuple[int, int]] = []
    for first, last in stops:
        first_day, last_day = first // DAY, min(last // DAY, LAST_DAY)
        if days and first_day <= days[-1][1]:
            days[-1] = (days[-1][0], max(days[-1][1], last_day))
        else:
            days.append((first_day, last_day))
    return days


def add_seconds(start: int, seconds: int, stops: Intervals) -> int:
    end = start + seconds
    for first, last in stops:
        if last <= start:
            continue
        if first >= end:
            break
        if last == NEVER:
            return NEVER
        end += last - max(first, start)
    return end


def seconds_between(start: int, end: int, stops: Intervals) -> int:
    counted = end - start
    for first, last in stops:
        if first >= end:
            break
        if last > start:
            counted -= min(last, end) - max(first, start)
    return counted


def month_days(day: int, months: int) -> int:
    """Days from `day` to the same day so many months on, or to that month's last where it has no such day
    (民法典 art. 202)."""
    from_date = date_of(day)
    index = from_date.year * 12 + from_date.month - 1 + months
    year, month = index // 12, index % 12 + 1
    last = monthrange(year, month)[1]
    return day_of(date(year, month, min(from_date.day, last))) - day
