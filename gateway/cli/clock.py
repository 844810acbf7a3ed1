"""`quanyu clock`: when a limit ends, and how its days were counted."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import click

from gateway.settings import SettingsError, load_settings
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.tracking.calendar.moments import DAY, date_of, moment_of, time_of
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.tracking.clocks.clock import Deadline
from gateway.tracking.clocks.counting import Intervals, month_days, stopped_days
from gateway.tracking.clocks.explain import DayRun, explain
from gateway.tracking.clocks.facts import CaseEvent, CaseFacts
from gateway.tracking.clocks.follow import follow
from gateway.tracking.clocks.limits import CaseLimits, is_usable
from gateway.tracking.errors import TrackingFileError
from schema.registry import TimeLimitRow
from schema.vocabulary import CaseEventKind, DeadlineKind, ProvisionalReason, TimeUnit

__all__ = ["clock"]


def _time(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    return None if value is None else _read_time(value)


def _read_time(text: str) -> datetime:
    """A date (its first second) or an ISO time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no date or time; write 2017-11-20 or 2017-11-20T10:00"
        ) from None


def _stops(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[datetime, datetime | None], ...]:
    """`A..B` each, or `A..` for a stop that is still open."""
    return tuple(_read_stop(value) for value in values)


def _read_stop(text: str) -> tuple[datetime, datetime | None]:
    first, dots, last = text.partition("..")
    if not dots:
        raise click.BadParameter(f"{text!r} is no stop; write 2017-11-23..2017-12-06, or 2017-11-23..")
    begun, ended = _read_time(first), _read_time(last) if last else None
    if ended is not None and moment_of(ended) < moment_of(begun):
        raise click.BadParameter(f"{text!r} ends before it begins")
    return begun, ended


@click.command()
@click.option("--accepted", required=True, callback=_time, metavar="TIME", help="When the case was accepted.")
@click.option(
    "--limit",
    required=True,
    type=(int, click.Choice([str(unit) for unit in TimeUnit])),
    metavar="N UNIT",
    help="The limit: a number and WORKDAY, CALENDAR_DAY, MONTH or HOUR.",
)
@click.option(
    "--stop",
    "stops",
    multiple=True,
    callback=_stops,
    metavar="A..B",
    help="Days on which the clock stands, both included; several times, if need be. Without B it is still open.",
)
@click.option("--at", callback=_time, metavar="TIME", help="Say how the clock stands then; by default now.")
@click.option(
    "--calendar",
    "calendars",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Newer calendar file; by default those of the setting calendar_files.",
)
def clock(
    accepted: datetime,
    limit: tuple[int, str],
    stops: tuple[tuple[datetime, datetime | None], ...],
    at: datetime | None,
    calendars: tuple[Path, ...],
) -> None:
    """Count a time limit, and show which days count and why."""
    calendar = _calendar(calendars)
    row = TimeLimitRow(limit[0], TimeUnit(limit[1]))
    if not is_usable(row):
        raise click.BadParameter(f"{row.amount} {row.unit} is no limit of a case", param_hint="--limit")
    facts = CaseFacts(
        "",
        (
            CaseEvent(CaseEventKind.ACCEPT, accepted),
            *(
                CaseEvent(CaseEventKind.SUSPEND, begun, id=str(number), ended_at=ended)
                for number, (begun, ended) in enumerate(stops)
            ),
        ),
    )
    made = follow(facts, CaseLimits(promised=row), calendar).clock(DeadlineKind.PROMISED)
    now = moment_of(at if at is not None else datetime.now().astimezone())
    if made is None or moment_of(accepted) != made.start:
        raise click.BadParameter("lies outside the years that can be counted", param_hint="--accepted")
    shown = made.show(max(now, made.start))
    if shown.due_at is None:
        raise click.BadParameter("lies outside the years that can be counted", param_hint="--at")
    for line in _lines(shown, calendar, made.stops, max(now, made.start)):
        click.echo(line)


def _calendar(paths: tuple[Path, ...]) -> WorkingCalendar:
    try:
        newer = paths or tuple(Path(name) for name in load_settings(os.environ).calendar_files)
        return read_calendar(newer)
    except (TrackingFileError, SettingsError) as error:
        raise click.ClickException(str(error)) from None


def _lines(shown: Deadline, calendar: WorkingCalendar, stops: Intervals, now: int) -> list[str]:
    limit, due = shown.limit, shown.due_at
    assert limit is not None  # noqa: S101 - the command gave one
    assert due is not None  # noqa: S101 - a started clock shows one, be it provisional
    assert shown.started_at is not None  # noqa: S101 - shown at its start or later
    began = shown.started_at.isoformat(sep=" ", timespec="seconds")
    lines = [f"{limit.amount} {limit.unit} from {began}", ""]
    if shown.counted_in is not TimeUnit.HOUR:
        lines.insert(1, "the day of the start does not count 起始当日不计")
        start_day, due_day = moment_of(shown.started_at) // DAY, moment_of(due) // DAY
        days = stopped_days([(first, min(last, now)) for first, last in stops if first <= now])
        allowed = limit.amount if limit.unit is not TimeUnit.MONTH else month_days(start_day, limit.amount)
        runs = explain(calendar, start_day, due_day, unit=shown.counted_in, stops=days, allowed=allowed)
        lines += [_run(run) for run in runs]
        lines.append("")
    for reason in shown.provisional:
        lines.append(f"provisional 暂定: {_PROVISIONAL[reason].format(date_of(calendar.published_until))}")
    lines.append(f"due 应于 {due.isoformat(sep=' ', timespec='seconds')}")
    lines.append(
        f"at {time_of(now).isoformat(sep=' ')}: {shown.state}, {shown.used:g} of {shown.total:g} used 已用,"
        f" {shown.left:g} left 剩余 ({shown.share:.0%})"
    )
    lines.append(f"calendar 日历 {calendar.version}")
    return lines


_PROVISIONAL = {
    ProvisionalReason.CALENDAR: "the calendar is published until {} only 日历未公布",
    ProvisionalReason.STOP_OPEN: "a stop is still open; as if it ended that day 停止计时未结束",
}


def _run(run: DayRun) -> str:
    span = _day(run.first) if run.first == run.last else f"{_day(run.first)} .. {_day(run.last)}"
    if run.counted is None:
        numbers = "-"
    else:
        first, last = run.counted
        numbers = str(first) if first == last else f"{first}..{last}"
    return f"{span:<34}{numbers:>9}  {run.why} {run.why_zh}"


def _day(day: date) -> str:
    return f"{day.isoformat()} {day:%a}"
