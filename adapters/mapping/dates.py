"""Dates as legacy systems write them, read by patterns compiled once.

Everything becomes one form, `YYYY-MM-DDTHH:MM:SS+08:00` in the network's own offset, so that answers from many
systems compare as text. `strptime` costs about four times a compiled pattern, which is why there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from adapters.mapping.errors import ExpressionError, ValueProblem

__all__ = [
    "NETWORK_OFFSET",
    "PIVOT",
    "Fixed",
    "chinese_reader",
    "date_reader",
    "date_writer",
    "epoch_reader",
    "fixed_slices",
    "iso_reader",
    "parse_offset",
]

NETWORK_OFFSET = timezone(timedelta(hours=8))
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})", re.ASCII)
# letters of the pattern -> field, and the digits that it takes
_FIELDS = {
    "yyyy": ("year", r"\d{4}"),
    "yy": ("short", r"\d{2}"),
    "MM": ("month", r"\d{2}"),
    "M": ("month", r"\d{1,2}"),
    "dd": ("day", r"\d{2}"),
    "d": ("day", r"\d{1,2}"),
    "HH": ("hour", r"\d{2}"),
    "H": ("hour", r"\d{1,2}"),
    "mm": ("minute", r"\d{2}"),
    "m": ("minute", r"\d{1,2}"),
    "ss": ("second", r"\d{2}"),
    "s": ("second", r"\d{1,2}"),
    "SSS": ("milli", r"\d{3}"),
}
PIVOT = 69
"""Two-digit years below it are of this century (POSIX strptime %y): 68 is 2068, 69 is 1969."""

_PATTERN = re.compile("yyyy|yy|SSS|MM|dd|HH|mm|ss|[MdHms]|'[^']*'|.", re.DOTALL)


def parse_offset(text: str) -> timezone:
    """ "+08:00" -> timezone. Raises ExpressionError for any other form, and for more than 14 hours."""
    found = _OFFSET.fullmatch(text)
    hours, minutes = (int(found[2]), int(found[3])) if found else (99, 0)
    if found is None or hours > 14 or minutes > 59:
        raise ExpressionError(f"no time offset {text!r}", 0, "such as +08:00, at most 14 hours")
    return timezone((-1 if found[1] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _parts(pattern: str) -> list[str]:
    parts = _PATTERN.findall(pattern)
    fields = [_FIELDS[part][0] for part in parts if part in _FIELDS]
    if "year" not in fields and "short" not in fields:
        raise ExpressionError(
            f"date pattern {pattern!r} has no year", 0, "of yyyy (or yy) MM dd HH mm ss SSS and other signs"
        )
    if "year" in fields and "short" in fields:
        raise ExpressionError(f"date pattern {pattern!r} has yyyy and yy")
    twice = sorted({name for name in fields if fields.count(name) > 1})
    if twice:
        raise ExpressionError(f"date pattern {pattern!r} has {', '.join(twice)} twice")
    if "'" in parts:
        raise ExpressionError(f"date pattern {pattern!r} has a quote without its end")
    return list(parts)


def _literal(part: str) -> str:
    return part[1:-1] if len(part) > 1 else part


def _network_text(moment: datetime) -> str:
    try:
        return moment.astimezone(NETWORK_OFFSET).isoformat(timespec="seconds")
    except (OverflowError, ValueError):
        # what databases hold where there is no date: 0001-01-01, 9999-12-31
        raise ValueProblem("a date at the end of the calendar") from None


def date_reader(pattern: str, offset: timezone, *, pivot: int = PIVOT) -> Callable[[str], str]:
    """Text in `pattern` -> network time. yyyy MM dd HH mm ss SSS; M d H m s take one or two digits; other signs stand
    for themselves, letters between '...' too. yy: two digits, below the pivot in this century."""
    regex = "".join(
        rf"(?P<{_FIELDS[part][0]}>{_FIELDS[part][1]})" if part in _FIELDS else re.escape(_literal(part))
        for part in _parts(pattern)
    )
    match = re.compile(regex + r"\Z", re.ASCII).match
    same_zone = offset.utcoffset(None) == NETWORK_OFFSET.utcoffset(None)
    if same_zone and set(_PATTERN.findall(pattern)) >= _PADDED:
        return _padded_reader(match, pattern)

    def read(text: str) -> str:
        found = match(text.strip())
        if found is None:
            raise ValueProblem(f"not a date of the form {pattern}")
        given = found.groupdict()
        try:
            moment = datetime(
                _year(given, pivot),
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


@dataclass(frozen=True, slots=True)
class Fixed:
    """A pattern in which every part has its place. parts: of the ISO text, slices (start, end) of the given text or
    texts of their own; literals: what must stand where in it; offset: to be put behind."""

    width: int
    parts: tuple[tuple[int, int] | str, ...]
    literals: tuple[tuple[int, str], ...]
    offset: str


def fixed_slices(pattern: str, offset: timezone) -> Fixed | None:
    """None for patterns whose parts vary in width, without a whole day, or in another offset than the network's.

    Whether digits stand in the slices is not its business: `datetime.fromisoformat` of the ISO text says.
    """
    if pattern in ("iso", "cn") or offset.utcoffset(None) != NETWORK_OFFSET.utcoffset(None):
        return None
    at, places, literals = 0, {}, []
    for part in _parts(pattern):
        if part in _FIELDS:
            if part not in _PADDED:
                return None
            places[_FIELDS[part][0]] = (at, at + len(part))
            at += len(part)
        else:
            literals.append((at, _literal(part)))
            at += len(_literal(part))
    if not {"year", "month", "day"} <= places.keys():
        return None
    day = (places["year"], "-", places["month"], "-", places["day"], "T")
    hour, minute, second = (places.get(name, "00") for name in ("hour", "minute", "second"))
    return Fixed(
        at, (*day, hour, ":", minute, ":", second), tuple(one for one in literals if one[1]), "+08:00"
    )


def _year(given: dict[str, str | None], pivot: int) -> int:
    if (year := given.get("year")) is not None:
        return int(year)
    short = int(given["short"] or 0)
    return (2000 if short < pivot else 1900) + short


_PADDED = frozenset({"yyyy", "MM", "dd", "HH", "mm", "ss"})


def _padded_reader(match: Callable[[str], re.Match[str] | None], pattern: str) -> Callable[[str], str]:
    """For the commonest patterns, all parts there and padded: the parts are the ISO text, put in order, and
    `fromisoformat` checks it in C, which takes a fifth of the time of six numbers and a constructor."""

    def read(text: str) -> str:
        found = match(text.strip())
        if found is None:
            raise ValueProblem(f"not a date of the form {pattern}")
        year, month, day, hour, minute, second = found.group(
            "year", "month", "day", "hour", "minute", "second"
        )
        iso = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
        try:
            datetime.fromisoformat(iso)
        except ValueError:
            raise ValueProblem("no such day or time") from None
        return iso + "+08:00"

    return read


_NUMBER = r"[0-9０-９〇零○一二两三四五六七八九十廿卅]"
_CHINESE = re.compile(
    rf"(?P<year>{_NUMBER}{{4}})年(?P<month>{_NUMBER}{{1,3}})月(?P<day>{_NUMBER}{{1,3}})[日号]?"
    rf"(?:\s*(?P<half>上午|下午|晚上|凌晨)?(?P<hour>{_NUMBER}{{1,3}})[时時点點]"
    rf"(?:(?P<minute>{_NUMBER}{{1,3}})分(?:(?P<second>{_NUMBER}{{1,3}})秒)?|(?P<half_past>半)|整)?)?"
)
_DIGITS = {
    sign: str(value)
    for value, signs in enumerate(
        ("〇零○０", "一１", "二２两", "三３", "四４", "五５", "六６", "七７", "八８", "九９")
    )
    for sign in signs
}


def _chinese_number(text: str | None) -> int:
    """3, ３, 三, 十三, 二十三, 廿三 -> a number; 二〇一八 digit by digit. Raises ValueError."""
    if not text:
        return 0
    text = "".join(_DIGITS.get(sign, sign) for sign in text.strip()).replace("廿", "2十").replace("卅", "3十")
    tens, ten, ones = text.partition("十")
    if not ten:
        return int(text)
    return int(tens or 1) * 10 + int(ones or 0)


def chinese_reader(offset: timezone) -> Callable[[str], str]:
    """二〇一八年一月九日, 2018年1月9日 12时56分, with 上午 and 下午."""

    def read(text: str) -> str:
        found = _CHINESE.fullmatch(text.strip())
        if found is None:
            raise ValueProblem("not a Chinese date such as 二〇一八年一月九日")
        try:
            hour = _chinese_number(found["hour"])
            if found["half"] in ("下午", "晚上") and hour < 12:
                hour += 12
            minute = 30 if found["half_past"] else _chinese_number(found["minute"])
            year, month, day = (_chinese_number(found[name]) for name in ("year", "month", "day"))
            moment = datetime(year, month, day, hour, minute, _chinese_number(found["second"]))
        except ValueError:
            raise ValueProblem("no such day or time") from None
        return _network_text(moment.replace(tzinfo=offset))

    return read


def iso_reader(offset: timezone) -> Callable[[str], str]:
    """ISO 8601; a time without an offset is taken in the system's own."""

    def read(text: str) -> str:
        text = text.strip()
        if len(text) > 10 and text[10] in "+-Z":  # an xsd:date with its offset, which is no time of day
            text = f"{text[:10]}T00:00:00{text[10:]}"
        try:
            moment = datetime.fromisoformat(text)
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
    """ISO 8601 text of a request's argument -> the system's own form. Raises ValueProblem for no such text."""
    parts = _parts(pattern) if pattern != "iso" else []

    def write(text: str) -> str:
        moment = _moment(text, offset)
        if not parts:
            return moment.isoformat(timespec="seconds")
        return "".join(_written(part, moment) if part in _FIELDS else _literal(part) for part in parts)

    return write


def _written(part: str, moment: datetime) -> str:
    """One field; not by strftime, whose %Y does not pad everywhere."""
    name = _FIELDS[part][0]
    if name == "short":
        return f"{moment.year % 100:02d}"
    return f"{0 if name == 'milli' else getattr(moment, name):0{len(part)}d}"


def _moment(text: str, offset: timezone) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=NETWORK_OFFSET)).astimezone(offset)
    except (ValueError, OverflowError):
        raise ValueProblem("not a date that can be written in the system's form") from None


def epoch_writer(per_second: int) -> Callable[[str], int]:
    return lambda text: int(_moment(text, UTC).timestamp() * per_second)
