"""What a change of the calendar does to due dates: an event for each that moves, so that the change is on the trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.tracking.calendar.moments import NEVER, time_of
from gateway.tracking.clocks.clock import Clock
from gateway.tracking.clocks.follow import CaseTrack
from schema.vocabulary import ProvisionalReason

__all__ = ["DeadlineRecomputed", "Due", "dues_of", "recomputed", "recomputed_since"]

Due = tuple[str, str, int, int | None, bool]
"""A clock as it is kept: kind, subject, number among those of both, moment it is due (None behind a stop without an
end), whether the calendar does not reach so far."""


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
    return recomputed_since(dues_of(old), old.calendar.version, new, at=at)


def dues_of(track: CaseTrack) -> list[Due]:
    """What must be kept of a track, so that another calendar can say what it moves."""
    return [
        (str(kind), subject, number, _due(clock), _is_provisional(clock))
        for (kind, subject, number), clock in _by_name(track).items()
    ]


def recomputed_since(
    dues: Iterable[Due], version: str, new: CaseTrack, *, at: int
) -> tuple[DeadlineRecomputed, ...]:
    """As `recomputed`, from what was kept. version: of the calendar that they were made with."""
    return tuple(_differences(dues, version, new, at))


def _differences(dues: Iterable[Due], version: str, new: CaseTrack, at: int) -> Iterator[DeadlineRecomputed]:
    before = {(kind, subject, number): (due, unsure) for kind, subject, number, due, unsure in dues}
    for kind, subject, number, due, unsure in dues_of(new):
        was = before.get((kind, subject, number))
        if was is not None and was != (due, unsure):
            yield DeadlineRecomputed(
                new.case_id, kind, subject, at, was[0], due, version, new.calendar.version, was[1], unsure
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
