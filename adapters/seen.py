"""What one request has seen of cases and people: noted by those who answer it, read by whoever records looks."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Seen"]


@dataclass(slots=True)
class Seen:
    """cases: ids. subjects: references of people, never numbers. systems: code -> how it answered. purposes: those that
    unmasked fields were asked for with. in_reach: ids of the cases that the house itself has shown the caller. cursor: where a stream goes on after its last event, if it can."""

    cases: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    systems: dict[str, str] = field(default_factory=dict)
    purposes: set[str] = field(default_factory=set)
    in_reach: set[str] = field(default_factory=set)
    cursor: str | None = None

    def take(self, other: Seen) -> None:
        """Moves what another has over: the next event of a stream begins with nothing."""
        self.cases |= other.cases
        self.subjects |= other.subjects
        self.systems |= other.systems
        self.purposes |= other.purposes
        self.in_reach |= other.in_reach
        other.clear()

    def clear(self) -> None:
        for one in (self.cases, self.subjects, self.systems, self.purposes, self.in_reach):
            one.clear()
