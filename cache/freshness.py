"""How old a stored answer may be: rules without I/O.

After RFC 9111 section 4.2 (freshness) and RFC 5861 section 3 (stale-while-revalidate) and section 4
(stale-if-error): both grace times are counted from the moment at which the answer stops being fresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = ["CLOCK_TOLERANCE_S", "Entry", "Freshness", "Verdict", "judge"]

CLOCK_TOLERANCE_S: Final = 5.0
"""How far in the future an entry may lie (clocks of workers differ) and still count as just stored."""


class Verdict(Enum):
    """What may be done with a stored answer."""

    FRESH = "fresh"
    STALE_WHILE_REVALIDATE = "stale-while-revalidate"
    STALE_IF_ERROR = "stale-if-error"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds that an answer is fresh, and the grace times after that."""

    ttl_s: float
    stale_if_error_s: float = 0.0
    stale_while_revalidate_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.ttl_s, self.stale_if_error_s, self.stale_while_revalidate_s) < 0:
            raise ValueError("freshness: seconds must be >= 0")

    @property
    def keep_s(self) -> float:
        """Seconds after which no rule can use the answer any more."""
        return self.ttl_s + max(self.stale_if_error_s, self.stale_while_revalidate_s)


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored answer; stored_at in Unix seconds."""

    value: bytes
    stored_at: float


def judge(entry: Entry, freshness: Freshness, now: float) -> Verdict:
    """What may be done with `entry` at `now` (Unix seconds).

    An entry from further in the future than CLOCK_TOLERANCE_S was stored under another clock: its age is unknown,
    so it is taken as having just stopped being fresh.
    """
    age_s = now - entry.stored_at
    if age_s < -CLOCK_TOLERANCE_S:
        age_s = freshness.ttl_s
    elif age_s < 0:
        age_s = 0.0
    if age_s < freshness.ttl_s:
        return Verdict.FRESH
    stale_s = age_s - freshness.ttl_s
    if stale_s < freshness.stale_while_revalidate_s:
        return Verdict.STALE_WHILE_REVALIDATE
    if stale_s < freshness.stale_if_error_s:
        return Verdict.STALE_IF_ERROR
    return Verdict.EXPIRED
