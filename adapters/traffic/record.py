"""What is remembered of a system's last calls, for health views."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from adapters.traffic.breaker import BreakerState
from adapters.traffic.errors import SourceError

__all__ = ["AttemptRecord", "TrafficSnapshot"]

_LATENCIES: Final = 100


@dataclass(frozen=True, slots=True)
class TrafficSnapshot:
    """One system at one moment.

    calls, failures: attempts sent and those that failed, since the first declaration of the system. Times in Unix
    seconds; latencies in seconds over the last 100 attempts that were answered, None where there were none.
    """

    system: str
    breaker_state: BreakerState
    in_flight: int
    waiting: int
    calls: int
    failures: int
    last_success_at: float | None
    last_error_code: str | None
    last_error_at: float | None
    p50_s: float | None
    p95_s: float | None


class AttemptRecord:
    """Counts and last results; one per system, handed on over reloads."""

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.last_success_at: float | None = None
        self.last_error_code: str | None = None
        self.last_error_at: float | None = None
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES)

    def answered(self, took_s: float, at: float) -> None:
        self.calls += 1
        self.last_success_at = at
        self._latencies_s.append(took_s)

    def failed(self, error: SourceError, at: float) -> None:
        self.calls += 1
        self.failures += 1
        self.last_error_code = error.code
        self.last_error_at = at

    def percentile_s(self, share: float) -> float | None:
        """Nearest-rank percentile of the latencies kept."""
        ordered = sorted(self._latencies_s)
        if not ordered:
            return None
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
