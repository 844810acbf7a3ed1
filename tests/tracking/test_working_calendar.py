"""Working days, and counting with them."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tracking.calendar.moments import (
    DAY,
    FIRST_DAY,
    LAST_DAY,
    date_of,
    day_of,
    end_of,
    moment_of,
    time_of,
)
from gateway.tracking.calendar.office_hours import OfficeHours, add_office_seconds, office_seconds_between
from gateway.tracking.calendar.working_calendar import (
    add_days,
    add_workdays,
    days_between,
    workdays_between,
)
from tests.tracking.cases import CALENDAR, now

# domain.md section 5, counted with another implementation of the same notices
WORKDAYS_A_YEAR = dict(
    zip(range(2017, 2027), (249, 250, 250, 249, 250, 249, 249, 251, 248, 248), strict=True)
)
MAKE_UP_DAYS = """2017 01-22 02-04 04-01 05-27 09-30 · 2018 02-11 02-24 04-08 04-28 09-29 09-30 12-29 · 2019 02-02 02-03
04-28 05-05 09-29 10-12 · 2020 01-19 04-26 05-09 06-28 09-27 10-10 · 2021 02-07 02-20 04-25 05-08 09-18 09-26 10-09 ·
2022 01-29 01-30 04-02 04-24 05-07 10-08 10-09 · 2023 01-28 01-29 04-23 05-06 06-25 10-07 10-08 · 2024 02-04 02-18 04-07
04-28 05-11 09-14 09-29 10-12 · 2025 01-26 02-08 04-27 09-28 10-11 · 2026 01-04 02-14 02-28 05-09 09-20 10-10"""

days = st.integers(day_of(date(2016, 6, 1)), day_of(date(2028, 6, 1)))


def spans(*bounds: int) -> list[tuple[int, int]]:
    """Disjoint stops in order, of numbers in order."""
    ordered = sorted(set(bounds))
    return list(zip(ordered[::2], ordered[1::2], strict=False))


stops = st.lists(days, max_size=8).map(lambda bounds: spans(*bounds))


@pytest.mark.parametrize(("year", "expected"), WORKDAYS_A_YEAR.items())
def test_a_year_has_as_many_working_days_as_its_notice_makes(year: int, expected: int) -> None:
    first, last = day_of(date(year - 1, 12, 31)), day_of(date(year, 12, 31))
    assert workdays_between(CALENDAR, first, last) == expected


def test_the_make_up_days_are_those_of_the_notices() -> None:
    expected = set()
    for year in MAKE_UP_DAYS.split("·"):
        number, *listed = year.split()
        expected |= {date.fromisoformat(f"{number}-{one}") for one in listed}
    assert {date_of(day) for day in CALENDAR.make_up_days} == expected
    assert all(CALENDAR.is_workday(day) for day in CALENDAR.make_up_days)


def test_the_sample_city_follows_the_same_days() -> None:
    """samples/data/working_days.csv was made apart from the calendar file."""
    path = Path(__file__).parents[2] / "samples" / "data" / "working_days.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert rows
    for row in rows:
        assert CALENDAR.is_workday(day_of(date.fromisoformat(row["date"]))) == (row["kind"] == "WORKING"), row


def test_half_day_holidays_are_worked() -> None:
    for day in ("2018-03-08", "2018-05-04", "2018-06-01", "2018-08-01"):
        assert CALENDAR.is_workday(day_of(date.fromisoformat(day)))


def test_beyond_what_is_published_monday_to_friday_are_taken() -> None:
    monday = day_of(date(2027, 5, 3))
    assert [CALENDAR.is_workday(monday + number) for number in range(7)] == [True] * 5 + [False] * 2
    assert not CALENDAR.is_published(monday, monday)
    assert CALENDAR.is_published(day_of(date(2017, 1, 1)), day_of(date(2026, 12, 31)))
    assert not CALENDAR.is_published(day_of(date(2016, 12, 31)), monday)


@given(day=days, count=st.integers(1, 300), stops=stops)
def test_the_day_found_is_the_first_with_so_many_working_days(
    day: int, count: int, stops: list[tuple[int, int]]
) -> None:
    """Against a count that goes from day to day."""
    left, slow = count, day
    while left:
        slow += 1
        left -= CALENDAR.is_workday(slow) and not any(first <= slow <= last for first, last in stops)
    found = add_workdays(CALENDAR, day, count, stops)
    assert found == slow
    assert workdays_between(CALENDAR, day, found, stops) == count
    assert workdays_between(CALENDAR, found, day, stops) == -count


@given(day=days, count=st.integers(0, 400), stops=stops)
def test_calendar_days_end_on_the_first_working_day_that_is_not_stopped(
    day: int, count: int, stops: list[tuple[int, int]]
) -> None:
    def is_stopped(one: int) -> bool:
        return any(first <= one <= last for first, last in stops)

    left, slow = count, day
    while left:
        slow += 1
        left -= not is_stopped(slow)
    while not CALENDAR.is_workday(slow) or is_stopped(slow):
        slow += 1
    found = add_days(CALENDAR, day, count, stops)
    assert found == slow
    assert days_between(day, found, stops) >= count


def test_nothing_is_counted_on_behind_a_stop_without_an_end() -> None:
    monday = day_of(date(2017, 11, 20))
    for stop in ((monday + 1, LAST_DAY), (monday, LAST_DAY)):
        assert add_workdays(CALENDAR, monday, 5, [stop]) > LAST_DAY
        assert add_days(CALENDAR, monday, 5, [stop]) > LAST_DAY
    assert add_workdays(CALENDAR, monday, 2, [(monday + 3, LAST_DAY)]) == monday + 2


@pytest.mark.parametrize("day", [FIRST_DAY - 5, FIRST_DAY, LAST_DAY, LAST_DAY + 5])
def test_the_ends_of_what_can_be_counted_hold(day: int) -> None:
    assert CALENDAR.through(day) >= 0
    assert add_workdays(CALENDAR, day, 5000) <= LAST_DAY + 1
    assert add_days(CALENDAR, day, 7300) <= LAST_DAY + 1


# --- moments ---


def test_a_moment_is_of_the_day_in_chongqing() -> None:
    assert moment_of(time_of(0)) == 0
    assert time_of(now("2017-11-20T16:30:00+00:00")).isoformat() == "2017-11-21T00:30:00+08:00"
    assert now("2017-11-20T23:59:59.999") == end_of(day_of(date(2017, 11, 20)))
    assert now("2017-11-20") % DAY == 0


@given(st.datetimes())
def test_a_moment_without_an_offset_is_read_as_chongqings(when: object) -> None:
    moment = moment_of(when)  # type: ignore[arg-type]
    assert (
        time_of(moment).replace(tzinfo=None)
        <= when
        < time_of(moment).replace(tzinfo=None) + timedelta(seconds=1)
    )  # type: ignore[operator]


# --- office hours ---

OFFICE = OfficeHours()


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2017-11-24T09:30:00", 2, "2017-11-24T11:30:00"),  # story 2
        ("2017-11-24T11:00:00", 2, "2017-11-24T14:30:00"),  # over lunch
        ("2017-11-24T16:30:00", 2, "2017-11-27T10:00:00"),  # over the weekend
        ("2017-11-24T20:00:00", 2, "2017-11-27T11:00:00"),  # asked in the evening
        ("2017-09-30T16:30:00", 2, "2017-10-09T10:00:00"),  # a worked Saturday, then the holiday
        ("2017-11-24T15:30:00", 2, "2017-11-24T17:30:00"),  # to the last second
        ("2017-11-24T09:00:00", 7, "2017-11-24T17:30:00"),
        ("2017-11-24T09:00:00", 8, "2017-11-27T10:00:00"),
    ],
)
def test_office_hours_run_while_offices_are_open(asked: str, hours: int, due: str) -> None:
    assert add_office_seconds(CALENDAR, OFFICE, now(asked), hours * 3600) == now(due)


@given(day=days, second=st.integers(0, DAY - 1), seconds=st.integers(1, 400_000))
def test_office_seconds_added_are_those_between(day: int, second: int, seconds: int) -> None:
    start = day * DAY + second
    end = add_office_seconds(CALENDAR, OFFICE, start, seconds)
    assert office_seconds_between(CALENDAR, OFFICE, start, end) == seconds
    assert office_seconds_between(CALENDAR, OFFICE, start, end - 1) == seconds - 1
    assert office_seconds_between(CALENDAR, OFFICE, end, start) == 0


def test_offices_that_never_open_never_answer() -> None:
    never = add_office_seconds(CALENDAR, OfficeHours(()), now("2017-11-24"), 60)
    assert never > end_of(LAST_DAY)
