"""Ranges of numbers that were passed over, or may be: for a check, which must not hold each number of millions. Pure."""

from __future__ import annotations

__all__ = ["take_from", "without"]


def take_from(gaps: list[list[int]], seq: int) -> bool:
    """Whether a number was passed over; it is no longer, then."""
    for at, (first, last, noticed) in enumerate(gaps):
        if first <= seq <= last:
            gaps[at : at + 1] = [
                [start, end, noticed] for start, end in ((first, seq - 1), (seq + 1, last)) if start <= end
            ]
            return True
    return False


def without(first: int, last: int, allowed: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of first..last no allowed range covers."""
    left: list[tuple[int, int]] = []
    at = first
    for start, end in sorted(allowed):
        if end < at or start > last:
            continue
        if start > at:
            left.append((at, start - 1))
        at = max(at, end + 1)
    if at <= last:
        left.append((at, last))
    return left
