"""Times as whole numbers, for counting.

A *moment* is the count of whole seconds since 1970-01-01T00:00:00 of China Standard Time (+08:00, without summer time
since 1991), so that `moment // DAY` is the *day* in Chongqing, counted from 1970-01-01. Fractions of a second are cut:
something done at 23:59:59.9 was done on that day.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from schema.scalars import CHINA_STANDARD_TIME

__all__ = [
    "DAY",
    "FIRST_DAY",
    "LAST_DAY",
    "NEVER",
    "date_of",
    "day_of",
    "end_of",
    "moment_of",
    "start_of",
    "time_of",
]

DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=CHINA_STANDARD_TIME)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

FIRST_DAY = date(1950, 1, 1).toordinal() - _EPOCH_ORDINAL
LAST_DAY = date(2149, 12, 31).toordinal() - _EPOCH_ORDINAL
"""Days that can be counted with. What lies outside is not a time of a case."""

NEVER = (date(9999, 12, 30).toordinal() - _EPOCH_ORDINAL) * DAY
"""A moment that does not come: the end of what stands still."""


def moment_of(when: datetime) -> int:
    """`when` without an offset is read as +08:00."""
    if when.tzinfo is not CHINA_STANDARD_TIME and when.utcoffset() is None:
        when = when.replace(tzinfo=CHINA_STANDARD_TIME)
    since = when - _EPOCH
    return since.days * DAY + since.seconds


def time_of(moment: int) -> datetime:
    """With offset +08:00."""
    return _EPOCH + timedelta(seconds=moment)


def day_of(day: date) -> int:
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    return date.fromordinal(day + _EPOCH_ORDINAL)


def start_of(day: int) -> int:
    """00:00:00 of that day."""
    return day * DAY


def end_of(day: int) -> int:
    """23:59:59 of that day, when a limit counted in days ends."""
    return day * DAY + DAY - 1
