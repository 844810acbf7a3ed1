"""Office hours, for the limits in hours that run only while offices are open. Times are moments, see `moments`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.tracking.calendar.moments import DAY, LAST_DAY, NEVER, start_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar

__all__ = ["OfficeHours", "add_office_seconds", "office_seconds_between"]


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Sessions of a working day: when each begins and ends, in seconds since midnight, in order, apart from each other."""

    sessions: Sequence[tuple[int, int]] = ((9 * 3600, 12 * 3600), (13 * 3600 + 1800, 17 * 3600 + 1800))

    @property
    def seconds_a_day(self) -> int:
        return sum(closes - opens for opens, closes in self.sessions)

    def before(self, second: int) -> int:
        """Office seconds of a day that have passed at that second of it."""
        return sum(max(0, min(second, closes) - opens) for opens, closes in self.sessions)

    def after(self, seconds: int) -> int:
        """The second of the day at which so many office seconds have passed; `seconds` from 1 to a day's."""
        for opens, closes in self.sessions:
            if seconds <= closes - opens:
                return opens + seconds
            seconds -= closes - opens
        return DAY


def add_office_seconds(calendar: WorkingCalendar, hours: OfficeHours, moment: int, seconds: int) -> int:
    """The moment at which so many office seconds have passed since `moment`. NEVER if offices never open."""
    a_day = hours.seconds_a_day
    if a_day <= 0:
        return NEVER
    day = moment // DAY
    passed = hours.before(moment - start_of(day)) if calendar.is_workday(day) else 0
    whole, rest = divmod(passed + max(seconds, 1), a_day)
    if rest == 0:  # the end of a day, not the beginning of the next
        whole, rest = whole - 1, a_day
    at = calendar.numbered(calendar.through(day - 1) + 1 + whole)
    return NEVER if at > LAST_DAY else start_of(at) + hours.after(rest)


def office_seconds_between(calendar: WorkingCalendar, hours: OfficeHours, start: int, end: int) -> int:
    """Office seconds from `start` to `end`; 0 where `end` is earlier."""
    if end <= start:
        return 0
    return _passed(calendar, hours, end) - _passed(calendar, hours, start)


def _passed(calendar: WorkingCalendar, hours: OfficeHours, moment: int) -> int:
    """Office seconds since the first day that there is."""
    day = moment // DAY
    today = hours.before(moment - start_of(day)) if calendar.is_workday(day) else 0
    return calendar.through(day - 1) * hours.seconds_a_day + today
