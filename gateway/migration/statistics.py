"""What counts say: shares with their uncertainty, latencies from buckets. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Interval", "percentile_ms", "wilson"]

_Z = 1.959963984540054
"""Of 95 %, two-sided."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A share of `of`, and the bounds between which the true one lies 95 times of 100."""

    share: float
    low: float
    high: float


def wilson(count: int, of: int) -> Interval:
    """Wilson score interval (Wilson 1927; Brown, Cai, DasGupta 2001 for why not the plain one: at 0 of n that one says
    that nothing can happen). Of nothing: 0 to 1."""
    if of <= 0:
        return Interval(0.0, 0.0, 1.0)
    share = count / of
    spread = _Z * math.sqrt(share * (1 - share) / of + _Z * _Z / (4 * of * of))
    middle = share + _Z * _Z / (2 * of)
    whole = 1 + _Z * _Z / of
    return Interval(share, max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole))


def percentile_ms(counts: Mapping[str, int], share: float) -> float | None:
    """From buckets "ms:20" -> n (`tally.latency_name`): the upper end of the one in which it lies."""
    ends = sorted(
        (float(name.removeprefix("ms:")), n) for name, n in counts.items() if name.startswith("ms:")
    )
    whole = sum(n for _, n in ends)
    if not whole:
        return None
    reached = 0
    for end, n in ends:
        reached += n
        if reached >= share * whole:
            return end
    return ends[-1][0]
