"""So many calls a second to one system: the generic cell rate algorithm (ITU-T I.371), without I/O."""

from __future__ import annotations

__all__ = ["Rate"]


class Rate:
    """At most `per_s` calls a second on the long run, and at most `burst` (default: one second's worth) at once."""

    def __init__(self, per_s: float, *, burst: float | None = None) -> None:
        self._gap_s = 1.0 / per_s
        self._tolerance_s = (max(1.0, per_s if burst is None else burst) - 1.0) * self._gap_s
        self._arrival_at = float("-inf")  # theoretical arrival time of the next call

    def reserve(self, now: float, *, at_most_s: float) -> float | None:
        """Seconds to wait before the call may be sent; None, and nothing taken, if that is over `at_most_s`.

        now: monotonic seconds. A reserved place is used up, also where the call is then given up.
        """
        arrival_at = max(now, self._arrival_at)
        wait_s = max(0.0, arrival_at - self._tolerance_s - now)
        if wait_s > at_most_s:
            return None
        self._arrival_at = arrival_at + self._gap_s
        return wait_s

    def adopt(self, previous: Rate) -> None:
        """Start with what `previous` had used up, so that a reload is no second burst."""
        self._arrival_at = previous._arrival_at
