"""Working days, and counting with them. Days are numbers, see `moments`.

Every day from 1950 to 2149 can be counted: where the calendar is not published, Monday to Friday are taken as working
days, and what was reckoned with such a day is provisional. All counting is by look-up in two tables, so that a limit of
a hundred working days costs what one of five does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.tracking.calendar.moments import FIRST_DAY, LAST_DAY, date_of, day_of

__all__ = [
    "Holiday",
    "Stops",
    "WorkingCalendar",
    "add_days",
    "add_workdays",
    "days_between",
    "workdays_between",
]

Stops = Sequence[tuple[int, int]]
"""First and last day of each stop, both left out of count; in order, apart from one another."""

_NO_DAY = LAST_DAY + 1


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days off in a row, weekends among them included."""

    name: str
    first: date
    last: date
    name_en: str = ""


class WorkingCalendar:
    """Immutable. `version` names what it was made of and is kept with all that is reckoned with it.

    holidays: days off; make_up_days: Saturdays and Sundays that are worked; published: first and last day for which
    both are known.
    """

    __slots__ = (
        "_days",
        "_names",
        "_through",
        "make_up_days",
        "published_from",
        "published_until",
        "version",
    )

    def __init__(
        self,
        version: str,
        *,
        holidays: Iterable[Holiday],
        make_up_days: Iterable[date],
        published: tuple[date, date],
    ) -> None:
        self.version = version
        self.published_from, self.published_until = (day_of(day) for day in published)
        self._names: Mapping[int, str] = {
            day: holiday.name
            for holiday in holidays
            for day in range(day_of(holiday.first), day_of(holiday.last) + 1)
        }
        self.make_up_days = frozenset(day_of(day) for day in make_up_days)
        through: list[int] = []  # working days from FIRST_DAY through each day
        days: list[int] = []  # the working days themselves
        for day in range(FIRST_DAY, LAST_DAY + 1):
            # 1970-01-01 was a Thursday
            if day in self.make_up_days or ((day + 3) % 7 < 5 and day not in self._names):
                days.append(day)
            through.append(len(days))
        self._through, self._days = through, days

    def is_workday(self, day: int) -> bool:
        return self.through(day) > self.through(day - 1)

    def holiday(self, day: int) -> str | None:
        """The holiday's name; None on every other day, weekends included."""
        return self._names.get(day)

    def is_published(self, first: int, last: int) -> bool:
        """Whether the calendar is known for all days from `first` to `last`."""
        return self.published_from <= first and last <= self.published_until

    def through(self, day: int) -> int:
        """Number of working days from the first day that there is, through this one."""
        if FIRST_DAY <= day <= LAST_DAY:
            return self._through[day - FIRST_DAY]
        return 0 if day < FIRST_DAY else self._through[-1]

    def numbered(self, number: int) -> int:
        """The day with that number in the count of `through`; a day after the last for one too great."""
        return self._days[number - 1] if number <= len(self._days) else _NO_DAY

    def next_workday(self, day: int) -> int:
        """`day` itself where it is worked, else the next that is."""
        return self.numbered(self.through(day - 1) + 1)

    def __repr__(self) -> str:
        return f"WorkingCalendar({self.version!r}, until {date_of(self.published_until)})"


def add_workdays(calendar: WorkingCalendar, day: int, count: int, stops: Stops = ()) -> int:
    """The `count`th working day after `day`, days inside stops left out.

    `day` itself is not counted. With 0: `day`, or the next that is worked and not stopped. After LAST_DAY where a stop
    has no end.
    """
    if count <= 0:
        day, count = day - 1, 1
    number = calendar.through(day) + count
    if not stops:
        return calendar.numbered(number)
    for first, last in stops:
        if last <= day:
            continue
        if calendar.numbered(number) < first:
            break
        number += calendar.through(last) - calendar.through(max(first - 1, day))
    return calendar.numbered(number)


def add_days(calendar: WorkingCalendar, day: int, count: int, stops: Stops = ()) -> int:
    """The `count`th calendar day after `day`, stops left out, moved on to a day that is worked and not stopped."""
    return add_workdays(calendar, plain_days(day, count, stops), 0, stops)


def plain_days(day: int, count: int, stops: Stops = ()) -> int:
    """As `add_days`, on whatever day it falls."""
    end = day + count
    for first, last in stops:
        if last <= day:
            continue
        if end < first or end > LAST_DAY:
            break
        end += last - max(first - 1, day)
    return min(end, _NO_DAY)


def workdays_between(calendar: WorkingCalendar, day: int, until: int, stops: Stops = ()) -> int:
    """Working days after `day` through `until`, stops left out; negative where `until` is earlier."""
    if until < day:
        return -workdays_between(calendar, until, day, stops)
    counted = calendar.through(until) - calendar.through(day)
    for first, last in stops:
        if first > until:
            break
        if last > day:
            counted -= calendar.through(min(last, until)) - calendar.through(max(first - 1, day))
    return counted


def days_between(day: int, until: int, stops: Stops = ()) -> int:
    """Calendar days after `day` through `until`, stops left out; negative where `until` is earlier."""
    if until < day:
        return -days_between(until, day, stops)
    counted = until - day
    for first, last in stops:
        if first > until:
            break
        if last > day:
            counted -= min(last, until) - max(first - 1, day)
    return counted
