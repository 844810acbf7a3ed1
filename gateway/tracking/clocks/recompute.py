"""What a change of the calendar does to due dates: an event for each that moves, so that the change is on the trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.tracking.calendar.moments import NEVER, time_of
from gateway.tracking.clocks.clock import Clock
from gateway.tracking.clocks.follow import CaseTrack
from schema.vocabulary import ProvisionalReason

__all__ = ["DeadlineRecomputed", "recomputed"]


@dataclass(frozen=True, slots=True)
class DeadlineRecomputed:
    """A due time that another calendar moved, or settled. Times are moments; None behind a stop without an end."""

    case_id: str
    kind: str
    subject: str
    at: int
    old_due: int | None
    new_due: int | None
    old_calendar: str
    new_calendar: str
    old_provisional: bool
    new_provisional: bool

    type = "deadline.recomputed"

    def record(self) -> Mapping[str, Any]:
        """As JSON, for the ledger and for those who subscribe."""
        return {
            "type": self.type,
            "case": self.case_id,
            "kind": self.kind,
            "subject": self.subject,
            "at": time_of(self.at).isoformat(),
            "old": {
                "due": _text(self.old_due),
                "calendar": self.old_calendar,
                "provisional": self.old_provisional,
            },
            "new": {
                "due": _text(self.new_due),
                "calendar": self.new_calendar,
                "provisional": self.new_provisional,
            },
        }


def recomputed(old: CaseTrack, new: CaseTrack, *, at: int) -> tuple[DeadlineRecomputed, ...]:
    """What differs between two tracks of the same events and limits that were made with two calendars.

    Clocks that had already ended are told of too: whether they ended in time may have changed.
    """
    return tuple(_differences(old, new, at))


def _differences(old: CaseTrack, new: CaseTrack, at: int) -> Iterator[DeadlineRecomputed]:
    before = _by_name(old)
    for name, clock in _by_name(new).items():
        was = before.get(name)
        if was is None:
            continue
        provisional, now_provisional = _is_provisional(was), _is_provisional(clock)
        if was.due != clock.due or provisional != now_provisional:
            yield DeadlineRecomputed(
                new.case_id,
                str(clock.kind),
                clock.subject,
                at,
                _due(was),
                _due(clock),
                old.calendar.version,
                new.calendar.version,
                provisional,
                now_provisional,
            )


def _by_name(track: CaseTrack) -> dict[tuple[str, str, int], Clock]:
    named: dict[tuple[str, str, int], Clock] = {}
    for clock in track.clocks:
        number = 0
        while (clock.kind, clock.subject, number) in named:
            number += 1
        named[clock.kind, clock.subject, number] = clock
    return named


def _is_provisional(clock: Clock) -> bool:
    return ProvisionalReason.CALENDAR in clock.provisional


def _due(clock: Clock) -> int | None:
    return clock.due if clock.due < NEVER else None


def _text(moment: int | None) -> str | None:
    return time_of(moment).isoformat() if moment is not None else None
