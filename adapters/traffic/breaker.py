"""Leaves a failing system alone for a while, and asks it with one call at a time before trusting it again.

A state machine without I/O. CLOSED: calls pass and the last ones are looked at. OPEN: none passes. HALF_OPEN: one
probe is under way; its result closes or re-opens. OPEN turns into HALF_OPEN by the first call after the pause.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from adapters.traffic.policy import BreakerPolicy

__all__ = ["Breaker", "BreakerState", "Pass"]


class BreakerState(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """Leave for one call, to be handed back exactly once. era: the state change after which it was given."""

    era: int
    probe: bool = False


class Breaker:
    """clock: monotonic seconds. on_change: told each new state. draw: a random share in [0, 1)."""

    def __init__(
        self,
        policy: BreakerPolicy,
        *,
        clock: Callable[[], float],
        on_change: Callable[[BreakerState], None] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.policy = policy
        self.on_change = on_change
        self._clock = clock
        self._draw = draw
        self._state = BreakerState.CLOSED
        self._era = 0
        self._ordinary = Pass(0)
        self._probe: Pass | None = None
        self._open_until = 0.0
        self._failed_probes = 0
        self._recent: deque[tuple[float, bool, bool]] = deque()  # when, failed, slow
        self._failures = 0
        self._slow = 0

    @property
    def state(self) -> BreakerState:
        return self._state

    def closed_to_all(self) -> bool:
        """Whether `admit` would refuse now: lets a caller fail before it queues for anything."""
        if self._state is BreakerState.CLOSED:
            return False
        return self._state is BreakerState.HALF_OPEN or self._clock() < self._open_until

    def opens_in_s(self) -> float:
        """Seconds until the next probe may pass; 0 where it may pass now."""
        return max(0.0, self._open_until - self._clock()) if self._state is BreakerState.OPEN else 0.0

    def admit(self) -> Pass | None:
        """Leave for one call, or None. Hand it back by `succeed`, `fail` or `release`."""
        if self._state is BreakerState.CLOSED:
            return self._ordinary
        if self.closed_to_all():
            return None
        self._turn(BreakerState.HALF_OPEN)
        self._probe = Pass(self._era, probe=True)
        return self._probe

    def succeed(self, leave: Pass, took_s: float) -> None:
        """The system answered usefully after `took_s`."""
        self._result(leave, failed=False, took_s=took_s)

    def fail(self, leave: Pass, took_s: float) -> None:
        """The system failed after `took_s`."""
        self._result(leave, failed=True, took_s=took_s)

    def answer(self, leave: Pass) -> None:
        """The system answered with a business error: no sample, but a probe has shown that it lives."""
        if leave is self._probe:
            self._close()

    def release(self, leave: Pass) -> None:
        """The call ended without saying anything about the system (cancelled): no sample; a probe may follow."""
        if leave is self._probe:
            self._probe = None
            self._turn(BreakerState.OPEN)  # its pause is over: the next call is the probe

    def reconfigure(self, policy: BreakerPolicy) -> None:
        """Go on in the present state under another policy."""
        self.policy = policy
        now = self._clock()
        self._open_until = min(self._open_until, now + policy.open_max_s * (1 + policy.jitter))
        self._forget_old(now)

    def _result(self, leave: Pass, *, failed: bool, took_s: float) -> None:
        slow = self.policy.slow_call_s is not None and took_s >= self.policy.slow_call_s
        if leave is self._probe:
            if failed or slow:
                self._failed_probes += 1
                self._open()
            else:
                self._close()
        elif leave.era == self._era and self._state is BreakerState.CLOSED:
            self._sample(failed=failed, slow=slow)

    def _sample(self, *, failed: bool, slow: bool) -> None:
        now = self._clock()
        self._recent.append((now, failed, slow))
        self._failures += failed
        self._slow += slow
        self._forget_old(now)
        calls, policy = len(self._recent), self.policy
        if calls < policy.min_calls:
            return
        slow_too_often = policy.slow_call_s is not None and self._slow >= policy.slow_ratio * calls
        if self._failures >= policy.failure_ratio * calls or slow_too_often:
            self._open()

    def _forget_old(self, now: float) -> None:
        recent, since = self._recent, now - self.policy.window_s
        while recent and (len(recent) > self.policy.window_calls or recent[0][0] < since):
            _, failed, slow = recent.popleft()
            self._failures -= failed
            self._slow -= slow

    def _open(self) -> None:
        policy = self.policy
        doubled_s = policy.open_min_s * 2.0 ** min(self._failed_probes, 60)
        pause_s = min(policy.open_max_s, doubled_s) * (1 + policy.jitter * self._draw())
        self._open_until = self._clock() + pause_s
        self._probe = None
        self._turn(BreakerState.OPEN)

    def _close(self) -> None:
        self._probe = None
        self._failed_probes = 0
        self._turn(BreakerState.CLOSED)

    def _turn(self, state: BreakerState) -> None:
        """Every turn starts an era: results of calls admitted before it say nothing about the time after it."""
        self._state = state
        self._era += 1
        self._ordinary = Pass(self._era)
        self._recent.clear()
        self._failures = self._slow = 0
        if self.on_change is not None:
            self.on_change(state)
