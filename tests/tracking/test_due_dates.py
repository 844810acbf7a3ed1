"""Due dates: every worked date of domain.md 2.6, and the edges of counting. The table stands in the documentation too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schema.vocabulary import ClockState, ProvisionalReason
from tests.tracking.cases import (
    CALENDAR,
    calendar_before_the_decree_of_2020,
    case,
    deadline,
    due_of,
    event,
    limits,
)

PAGE = Path(__file__).parents[2] / "docs" / "deadlines-and-warnings.md"

WORKED = [  # accepted, limit, stop or "", due
    ("2017-11-20", "5 WORKDAY", "", "2017-11-27"),
    ("2017-11-20", "15 WORKDAY", "", "2017-12-11"),
    ("2017-11-20", "20 WORKDAY", "", "2017-12-18"),
    ("2017-09-28", "5 WORKDAY", "", "2017-10-11"),
    ("2017-09-29", "1 WORKDAY", "", "2017-09-30"),
    ("2018-02-09", "1 WORKDAY", "", "2018-02-11"),
    ("2018-02-09", "5 WORKDAY", "", "2018-02-22"),
    ("2018-02-09", "10 WORKDAY", "", "2018-02-28"),
    ("2018-02-09", "20 WORKDAY", "", "2018-03-14"),
    ("2020-01-20", "10 WORKDAY", "", "2020-02-11"),
    ("2017-11-20", "10 WORKDAY", "2017-11-23..2017-12-06", "2017-12-18"),
    ("2017-11-20", "10 WORKDAY", "", "2017-12-04"),
    ("2017-11-20", "20 WORKDAY", "2017-12-01..2017-12-21", "2018-01-09"),
    ("2017-11-24", "60 WORKDAY", "", "2018-02-23"),
    ("2017-11-24", "75 WORKDAY", "", "2018-03-15"),
    ("2017-11-24", "110 WORKDAY", "", "2018-05-07"),
    ("2017-11-24", "170 WORKDAY", "", "2018-07-31"),
]


def shown(accepted: str, limit: str, stop: str, at: str) -> str:
    events = [event("ACCEPT", accepted)]
    if stop:
        first, last = stop.split("..")
        events += [event("SPECIAL_START", first), event("SPECIAL_END", last)]
    found = deadline(case(*events), limits(limit), "PROMISED", at)
    assert found.due_at is not None
    assert found.due_at.isoformat().endswith("T23:59:59+08:00")
    assert found.provisional == ()
    return found.due_at.date().isoformat()


@pytest.mark.parametrize(("accepted", "limit", "stop", "due"), WORKED)
def test_the_worked_dates_of_the_domain(accepted: str, limit: str, stop: str, due: str) -> None:
    assert shown(accepted, limit, stop, "2019-01-01" if accepted < "2019" else "2021-01-01") == due


def test_the_page_has_the_same_worked_dates() -> None:
    rows = re.findall(
        r"^\| (\d{4}-\d\d-\d\d) \w{3} \| (\d+ [A-Z_]+) \| (\S*) ?\| (\d{4}-\d\d-\d\d) ",
        PAGE.read_text(encoding="utf-8"),
        re.M,
    )
    assert len(rows) > len(WORKED)
    assert set(WORKED) <= {(accepted, limit, stop.strip("-"), due) for accepted, limit, stop, due in rows}
    for accepted, limit, stop, due in rows:
        assert shown(accepted, limit, stop.strip("-"), "2026-12-31") == due, (accepted, limit)


def test_a_due_date_past_the_published_calendar_is_provisional() -> None:
    """Accepted 2026-11-24, 60 working days: the holidays of 2027 were not known."""
    found = deadline(case(event("ACCEPT", "2026-11-24")), limits("60 WORKDAY"), "PROMISED", "2026-11-25")
    assert found.provisional == (ProvisionalReason.CALENDAR,)
    assert found.due_at is not None
    assert found.due_at.year == 2027


def test_a_due_date_on_the_last_published_day_is_not_provisional() -> None:
    for accepted, expected in (("2026-12-30", ()), ("2026-12-31", (ProvisionalReason.CALENDAR,))):
        found = deadline(
            case(event("ACCEPT", accepted)), limits("1 WORKDAY"), "PROMISED", accepted + "T23:00"
        )
        assert found.provisional == expected, found.due_at


def test_a_limit_in_hours_needs_no_calendar() -> None:
    found = deadline(case(event("ACCEPT", "2026-12-31T20:00:00")), limits("8 HOUR"), "PROMISED", "2027-01-01")
    assert (found.due_at is not None and found.due_at.isoformat()) == "2027-01-01T04:00:00+08:00"
    assert found.provisional == ()


def test_the_decree_of_2020_moved_a_due_date() -> None:
    before = calendar_before_the_decree_of_2020()
    assert due_of("2020-01-20", "10 WORKDAY", calendar=before) == "2020-02-07"
    assert due_of("2020-01-20", "10 WORKDAY") == "2020-02-11"


@pytest.mark.parametrize(
    ("accepted", "limit", "due", "why"),
    [
        ("2017-11-20T00:00:00", "1 WORKDAY", "2017-11-21", "the first second of a day is of that day"),
        ("2017-11-20T23:59:59", "1 WORKDAY", "2017-11-21", "the last second too"),
        ("2017-11-20T16:00:00+00:00", "1 WORKDAY", "2017-11-22", "it was the 21st in Chongqing"),
        ("2017-11-20T15:59:59Z", "1 WORKDAY", "2017-11-21", "it was still the 20th in Chongqing"),
        ("2017-11-20T01:00:00-12:00", "1 WORKDAY", "2017-11-21", "another offset, the same day"),
        ("2017-10-03", "1 WORKDAY", "2017-10-09", "accepted in the holiday: the first working day is day 1"),
        ("2018-02-10", "1 WORKDAY", "2018-02-11", "accepted on a Saturday before a worked Sunday"),
        ("2017-11-18", "5 WORKDAY", "2017-11-24", "accepted on a Saturday"),
        ("2017-11-20", "0 WORKDAY", "2017-11-20", "at once is the same day"),
        ("2017-11-18", "0 WORKDAY", "2017-11-20", "or the next working day"),
        ("2017-11-18", "0 HOUR", "2017-11-20", "in whatever unit"),
        ("2017-11-20", "10 CALENDAR_DAY", "2017-11-30", "calendar days count every day"),
        ("2017-09-25", "10 CALENDAR_DAY", "2017-10-09", "ends in the holiday: the next working day"),
        ("2017-09-20", "10 CALENDAR_DAY", "2017-09-30", "ends on a worked Saturday"),
        ("2017-11-13", "5 CALENDAR_DAY", "2017-11-20", "ends on a Saturday"),
        ("2017-11-20", "1 MONTH", "2017-12-20", "the same day of the next month"),
        ("2018-01-31", "1 MONTH", "2018-02-28", "February has no 31st"),
        ("2020-01-31", "1 MONTH", "2020-03-02", "29 February 2020 was a Saturday"),
        ("2024-01-31", "1 MONTH", "2024-02-29", "a leap year"),
        ("2023-12-29", "2 MONTH", "2024-02-29", "over the year's end into a leap year"),
        ("2019-02-28", "12 MONTH", "2020-02-28", "28 February stays 28 February"),
        ("2020-02-29", "12 MONTH", "2021-03-01", "29 February a year on is the 28th, a Sunday: moved on"),
        ("2017-08-31", "1 MONTH", "2017-09-30", "30 September, a worked Saturday"),
        ("2017-12-29", "1 WORKDAY", "2018-01-02", "over New Year"),
        ("2018-12-28", "1 WORKDAY", "2018-12-29", "a make-up day that the next year's notice set"),
    ],
)
def test_the_edges_of_counting(accepted: str, limit: str, due: str, why: str) -> None:
    assert due_of(accepted, limit) == due, why


def test_a_limit_in_hours_runs_through_the_night_and_the_holiday() -> None:
    """民法典 art. 201: by the hour from the moment itself. Only calls run by office hours."""
    facts = case(event("ACCEPT", "2017-09-30T18:00:00"))
    found = deadline(facts, limits("48 HOUR"), "PROMISED", "2017-10-01T18:00:00")
    assert (found.due_at is not None and found.due_at.isoformat()) == "2017-10-02T18:00:00+08:00"
    assert (found.used, found.total, found.left, found.share) == (24, 48, 24, 0.5)


def test_the_due_second_is_in_time_and_the_next_is_not() -> None:
    for closed, state in (
        ("2017-11-27T23:59:59", ClockState.MET),
        ("2017-11-28T00:00:00", ClockState.MISSED),
    ):
        facts = case(event("ACCEPT", "2017-11-20"), event("CLOSE", closed))
        assert deadline(facts, limits("5 WORKDAY"), "PROMISED", "2017-12-01").state is state


def test_the_calendar_is_the_published_one() -> None:
    assert CALENDAR.version == "cn-2026.1"
