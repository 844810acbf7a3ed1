"""When a system is known to be down: windows that come back every week, and single ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["Maintenance", "Once", "Weekly"]


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every week on `days` (Monday is 0), from `start_min` to `end_min` (minutes of the day).

    An end that is not after the start lies on the next day, which need not be one of `days`.
    """

    days: frozenset[int]
    start_min: int
    end_min: int

    def end_at(self, now: datetime) -> datetime | None:
        """The end of the window that `now` (local time) lies in, None if it lies in none."""
        length_min = (self.end_min - self.start_min) % 1440 or 1440
        for back in (0, 1):
            day = (now - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
            start = day + timedelta(minutes=self.start_min)
            end = start + timedelta(minutes=length_min)
            if day.weekday() in self.days and start <= now < end:
                return end
        return None


@dataclass(frozen=True, slots=True)
class Once:
    """From `start` to `end`, both local times."""

    start: datetime
    end: datetime

    @property
    def empty(self) -> bool:
        return self.end <= self.start

    def end_at(self, now: datetime) -> datetime | None:
        return self.end if self.start <= now < self.end else None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Windows of one system, in its own offset from UTC."""

    windows: Sequence[Weekly | Once]
    utc_offset: timedelta

    def ends_at(self, now: float) -> float | None:
        """Unix seconds at which the system is back, None where it is in no window at `now` (Unix seconds).

        Windows that touch or overlap count as one.
        """
        zone = timezone(self.utc_offset)
        at = datetime.fromtimestamp(now, UTC).astimezone(zone).replace(tzinfo=None)
        back: datetime | None = None
        for _ in range(len(self.windows) + 7):  # seven whole days in a row, and single windows behind them
            ends = [end for window in self.windows if (end := window.end_at(back or at)) is not None]
            if not ends:
                break
            back = max(ends)
        return None if back is None else back.replace(tzinfo=zone).timestamp()
