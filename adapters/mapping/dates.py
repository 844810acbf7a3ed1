"""Dates as legacy systems write them, read by patterns compiled once.

Everything becomes one form, `YYYY-MM-DDTHH:MM:SS+08:00` in the network's own offset, so that answers from many
systems compare as text. `strptime` costs about four times a compiled pattern, which is why there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from adapters.mapping.errors import ExpressionError, ValueProblem

__all__ = ["NETWORK_OFFSET", "date_reader", "date_writer", "epoch_reader", "iso_reader", "parse_offset"]

NETWORK_OFFSET = timezone(timedelta(hours=8))
_FIELDS = {
    "yyyy": "year",
    "MM": "month",
    "dd": "day",
    "HH": "hour",
    "mm": "minute",
    "ss": "second",
    "SSS": "milli",
}
_PATTERN = re.compile("yyyy|SSS|MM|dd|HH|mm|ss|'[^']*'|.", re.DOTALL)
_STRFTIME = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "000"}


def parse_offset(text: str) -> timezone:
    """ "+08:00" -> timezone. The form is checked by the declaration's model."""
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def _parts(pattern: str) -> list[str]:
    parts = _PATTERN.findall(pattern)
    if "yyyy" not in parts:
        raise ExpressionError(
            f"date pattern {pattern!r} has no year", 0, "of yyyy MM dd HH mm ss SSS and other signs"
        )
    return list(parts)


def _network_text(moment: datetime) -> str:
    return moment.astimezone(NETWORK_OFFSET).isoformat(timespec="seconds")


def date_reader(pattern: str, offset: timezone) -> Callable[[str], str]:
    """Text in `pattern` (yyyy MM dd HH mm ss SSS; others stand for themselves; '...' quotes) -> network time."""
    regex, names = "", []
    for part in _parts(pattern):
        if part in _FIELDS:
            name = _FIELDS[part]
            regex += rf"(?P<{name}>\d{{{len(part)}}})"
            names.append(name)
        else:
            regex += re.escape(part.strip("'") if len(part) > 1 else part)
    match = re.compile(regex + r"\Z", re.ASCII).match
    same_zone = offset.utcoffset(None) == NETWORK_OFFSET.utcoffset(None)

    def read(text: str) -> str:
        found = match(text.strip())
        if found is None:
            raise ValueProblem(f"not a date of the form {pattern}")
        given = found.groupdict()
        try:
            moment = datetime(
                int(given["year"]),
                int(given.get("month") or 1),
                int(given.get("day") or 1),
                int(given.get("hour") or 0),
                int(given.get("minute") or 0),
                int(given.get("second") or 0),
            )
        except ValueError:
            raise ValueProblem("no such day or time") from None
        if same_zone:
            return moment.isoformat() + "+08:00"
        return _network_text(moment.replace(tzinfo=offset))

    return read


def iso_reader(offset: timezone) -> Callable[[str], str]:
    """ISO 8601; a time without an offset is taken in the system's own."""

    def read(text: str) -> str:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueProblem("not an ISO 8601 date") from None
        return _network_text(moment if moment.tzinfo else moment.replace(tzinfo=offset))

    return read


def epoch_reader(per_second: int) -> Callable[[object], str]:
    """Seconds (1) or milliseconds (1000) since 1970 UTC."""

    def read(value: object) -> str:
        try:
            return _network_text(datetime.fromtimestamp(float(str(value)) / per_second, UTC))
        except (ValueError, OverflowError, OSError):
            raise ValueProblem("not a number of seconds since 1970") from None

    return read


def date_writer(pattern: str, offset: timezone) -> Callable[[str], str]:
    """ISO 8601 text of a request's argument -> the system's own form."""
    form = ""
    for part in _parts(pattern) if pattern != "iso" else []:
        form += _STRFTIME.get(part) or (part.strip("'") if len(part) > 1 else part).replace("%", "%%")

    def write(text: str) -> str:
        moment = datetime.fromisoformat(text)
        moment = (
            moment.astimezone(offset)
            if moment.tzinfo
            else moment.replace(tzinfo=NETWORK_OFFSET).astimezone(offset)
        )
        return moment.strftime(form) if form else moment.isoformat(timespec="seconds")

    return write


def epoch_writer(per_second: int) -> Callable[[str], int]:
    def write(text: str) -> int:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=NETWORK_OFFSET)
        return int(moment.timestamp() * per_second)

    return write
