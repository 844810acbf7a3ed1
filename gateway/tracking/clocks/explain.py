"""Why a limit ends when it does: its days in runs, each counted or left out, and the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.tracking.calendar.moments import date_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from schema.vocabulary import TimeUnit

__all__ = ["DayRun", "explain"]


@dataclass(frozen=True, slots=True)
class DayRun:
    """Days in a row with one reason. counted: numbers of the first and the last; None where they do not count."""

    first: date
    last: date
    counted: tuple[int, int] | None
    why: str
    why_zh: str


def explain(
    calendar: WorkingCalendar,
    start: int,
    due: int,
    *,
    unit: TimeUnit,
    allowed: int,
    stops: Sequence[tuple[int, int]] = (),
) -> tuple[DayRun, ...]:
    """Days after `start` through `due`, both numbers of days; stops likewise.

    unit: WORKDAY, else every day counts. allowed: how many the limit has; those after them come from its being moved on
    to a working day.
    """
    runs: list[DayRun] = []
    for run in _days(calendar, start, due, unit, allowed, stops):
        before = runs[-1] if runs else None
        if before is None or (before.why, before.counted is None) != (run.why, run.counted is None):
            runs.append(run)
            continue
        counted = (before.counted[0], run.counted[1]) if before.counted and run.counted else None
        runs[-1] = replace(before, last=run.last, counted=counted)
    return tuple(runs)


def _days(
    calendar: WorkingCalendar,
    start: int,
    due: int,
    unit: TimeUnit,
    allowed: int,
    stops: Sequence[tuple[int, int]],
) -> Iterator[DayRun]:
    number = 0
    for day in range(start + 1, due + 1):
        on = date_of(day)
        reason = _left_out(calendar, day, unit, stops)
        if reason is not None:
            yield DayRun(on, on, None, *reason)
            continue
        if number >= allowed:
            yield DayRun(on, on, None, "moved on to a working day", "顺延至工作日")
            continue
        number += 1
        yield DayRun(on, on, (number, number), *_counted(calendar, day, unit))


def _left_out(
    calendar: WorkingCalendar, day: int, unit: TimeUnit, stops: Sequence[tuple[int, int]]
) -> tuple[str, str] | None:
    if any(first <= day <= last for first, last in stops):
        return "clock stopped", "停止计时"
    if unit is not TimeUnit.WORKDAY or calendar.is_workday(day):
        return None
    if (name := calendar.holiday(day)) is not None:
        return f"holiday {name}", "节假日"
    return "weekend", "周末"


def _counted(calendar: WorkingCalendar, day: int, unit: TimeUnit) -> tuple[str, str]:
    if unit is not TimeUnit.WORKDAY:
        return "calendar days", "自然日"
    if day in calendar.make_up_days:
        return "make-up day", "调休上班"
    if not calendar.is_published(day, day):
        return "taken as working days, not published", "日历未公布,暂按工作日"
    return "working days", "工作日"
