"""Files of the working calendar: years of holidays and make-up days, as their notices have them.

The house's own file is beside this one. A newer file adds years, or puts another in place of one that is there: so a
notice that changes a running year becomes a file, and what was reckoned before can be reckoned again.
"""

# No `from __future__ import annotations` here: pydantic reads the annotations at run time.

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.loader import Document
from adapters.problems import Problem
from gateway.tracking.calendar.moments import FIRST_DAY, LAST_DAY, date_of
from gateway.tracking.calendar.working_calendar import Holiday, WorkingCalendar
from gateway.tracking.errors import TrackingFileError
from gateway.tracking.files import parse_model, read_text

__all__ = [
    "OWN_CALENDAR",
    "CalendarFile",
    "calendar_from",
    "calendar_schema",
    "parse_calendar",
    "read_calendar",
]

OWN_CALENDAR = Path(__file__).parent / "cn-2017-2026.json"
_REACH = timedelta(days=31)
"""A notice may set days of the year before or after, as for New Year's Day."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HolidaySpan(_Model):
    """Days off in a row 放假."""

    name: str = Field(min_length=1, max_length=100, description="Its name in Chinese 节日名称.")
    name_en: str = Field(default="", max_length=100, alias="nameEn", description="Its name in English.")
    first: date = Field(alias="from", description="First day off, weekends among them included 首日.")
    last: date = Field(alias="to", description="Last day off 末日.")


class CalendarYear(_Model):
    """One year as its notice has it."""

    year: int = Field(
        ge=date_of(FIRST_DAY).year, le=date_of(LAST_DAY).year, description="Year of the notice 年份."
    )
    source: str = Field(min_length=1, max_length=500, description="The notice that it is from 依据.")
    holidays: tuple[HolidaySpan, ...] = Field(max_length=50, description="Days off 放假.")
    make_up_days: tuple[date, ...] = Field(
        default=(),
        max_length=50,
        alias="makeUpDays",
        description="Saturdays and Sundays that are worked 调休上班.",
    )


class CalendarFile(_Model):
    """China's working calendar, or some years of it."""

    calendar: str = Field(pattern=r"^[a-z]{2,20}$", description="Which calendar: cn.")
    version: str = Field(pattern=r"^[0-9A-Za-z._-]{1,40}$", description="Version of this file 版本.")
    published_until: date = Field(
        alias="publishedUntil",
        description="Last day that is known; due dates after it are provisional 已公布至.",
    )
    source: str = Field(default="", max_length=500, description="Where the facts are from 来源.")
    years: tuple[CalendarYear, ...] = Field(
        max_length=200, description="The years, in order; at least one 各年."
    )


def calendar_schema() -> dict[str, Any]:
    """JSON Schema of a calendar file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **CalendarFile.model_json_schema()}


def read_calendar(newer: Iterable[Path] = ()) -> WorkingCalendar:
    """The house's own calendar, with the years of newer files over its own, in the order given.

    Raises TrackingFileError with all problems of all files.
    """
    texts: list[tuple[Path, str]] = []
    problems: list[Problem] = []
    for path in (OWN_CALENDAR, *newer):
        try:
            texts.append((path, read_text(path)))
        except TrackingFileError as error:
            problems += error.problems
    try:
        calendar = _read(tuple(texts))
    except TrackingFileError as error:
        problems += error.problems
    if problems:
        raise TrackingFileError(problems)
    return calendar


@lru_cache(maxsize=8)
def _read(texts: tuple[tuple[Path, str], ...]) -> WorkingCalendar:
    """Known by what the files hold, as they may change."""
    files: list[tuple[CalendarFile, Document]] = []
    problems: list[Problem] = []
    for path, text in texts:
        try:
            files.append(parse_calendar(path, text))
        except TrackingFileError as error:
            problems += error.problems
    problems += _problems_between(files)
    if problems:
        raise TrackingFileError(problems)
    return _merged([file for file, _ in files])


def parse_calendar(path: Path, text: str) -> tuple[CalendarFile, Document]:
    """One file, checked by itself. Raises TrackingFileError with all its problems."""
    file, document = parse_model(path, text, CalendarFile)
    if problems := list(_problems(file, document)):
        raise TrackingFileError(problems)
    return file, document


def calendar_from(*files: CalendarFile) -> WorkingCalendar:
    """The calendar of files that were checked, later ones over earlier ones."""
    return _merged(files)


def _merged(files: Sequence[CalendarFile]) -> WorkingCalendar:
    years = {year.year: year for file in files for year in file.years}
    ordered = [years[number] for number in sorted(years)]
    return WorkingCalendar(
        files[0].calendar + "-" + "+".join(file.version for file in files),
        holidays=[
            Holiday(span.name, span.first, span.last, span.name_en)
            for year in ordered
            for span in year.holidays
        ],
        make_up_days=[day for year in ordered for day in year.make_up_days],
        published=(date(ordered[0].year, 1, 1), max(file.published_until for file in files)),
    )


def _problems(file: CalendarFile, document: Document) -> Iterable[Problem]:
    numbers = [year.year for year in file.years]
    if not numbers:
        yield document.problem(("years",), "BAD_VALUE", "there must be at least one year")
        return
    for index, number in enumerate(numbers[1:], 1):
        if number != numbers[index - 1] + 1:
            yield document.problem(
                ("years", index, "year"),
                "CALENDAR_YEARS",
                f"{number} stands after {numbers[index - 1]}; the years must follow one another",
            )
    last = date(numbers[-1], 12, 31)
    if not date(numbers[-1], 1, 1) <= file.published_until <= last:
        yield document.problem(
            ("publishedUntil",), "BAD_VALUE", f"must be a day of the last year, {numbers[-1]}"
        )
    seen: dict[date, str] = {}
    for index, year in enumerate(file.years):
        yield from _year_problems(document, ("years", index), year, seen)


def _year_problems(
    document: Document, place: tuple[str | int, ...], year: CalendarYear, seen: dict[date, str]
) -> Iterable[Problem]:
    first, last = date(year.year, 1, 1) - _REACH, date(year.year, 12, 31) + _REACH
    for index, span in enumerate(year.holidays):
        inside = (*place, "holidays", index)
        if span.last < span.first or (span.last - span.first).days > 30:
            yield document.problem((*inside, "to"), "BAD_VALUE", "must be from `from` to 30 days after it")
            continue
        if span.first < first or span.last > last:
            yield document.problem(inside, "BAD_VALUE", f"more than 31 days outside {year.year}")
        for number in range((span.last - span.first).days + 1):
            yield from _twice(document, inside, span.first + timedelta(number), span.name, seen)
    for index, day in enumerate(year.make_up_days):
        inside = (*place, "makeUpDays", index)
        if not first <= day <= last:
            yield document.problem(inside, "BAD_VALUE", f"more than 31 days outside {year.year}")
        if day.weekday() < 5:
            yield document.problem(
                inside, "BAD_VALUE", f"{day} is no Saturday or Sunday: it is worked in any case"
            )
        yield from _twice(document, inside, day, "make-up day", seen)


def _twice(
    document: Document, place: tuple[str | int, ...], day: date, what: str, seen: dict[date, str]
) -> Iterable[Problem]:
    if day in seen:
        yield document.problem(
            place, "CALENDAR_DAY", f"{day} stands here as {what} and before as {seen[day]}"
        )
    seen.setdefault(day, what)


def _problems_between(files: Sequence[tuple[CalendarFile, Document]]) -> Iterable[Problem]:
    if not files:
        return
    known = {year.year for year in files[0][0].years}
    for file, document in files[1:]:
        if file.calendar != files[0][0].calendar:
            yield document.problem(
                ("calendar",), "BAD_VALUE", f"must be {files[0][0].calendar!r}, as the house's own"
            )
        years = {year.year for year in file.years}
        if min(years) > max(known) + 1 or max(years) < min(known) - 1:
            yield document.problem(
                ("years", 0, "year"),
                "CALENDAR_YEARS",
                f"known are {min(known)} to {max(known)}; the years between are missing",
            )
        known |= years
