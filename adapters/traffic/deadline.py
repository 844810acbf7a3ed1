"""Until when an answer is of use, shared by all who wait for the same call."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

__all__ = ["Deadline", "left_ms"]

_MARGIN_S: Final = 0.005
_MARGIN_SHARE: Final = 0.1


class Deadline:
    """Event-loop time (`loop.time()`), later if someone with more time joins.

    `work_until` lies a little before it, so that the error (or the older answer) of a call that ran out of time
    is still back before the deadline itself, where whoever asked stops listening.
    """

    __slots__ = ("_running", "_timeout_s", "_timer_from", "users", "work_until")

    def __init__(self, at: float, now: float) -> None:
        self.users = 0
        self.work_until = _work_until(at, now)
        self._running: asyncio.Timeout | None = None
        self._timeout_s: float | None = None
        self._timer_from = now

    def left_s(self, now: float) -> float:
        return self.work_until - now

    def extend(self, at: float, now: float) -> None:
        """Give work under way the time of a further waiter."""
        later = _work_until(at, now)
        if later <= self.work_until:
            return
        self.work_until = later
        if self._running is not None:
            with suppress(
                RuntimeError
            ):  # it has run out, or what it limited has ended; a Timeout does not tell
                self._running.reschedule(self._until())

    def beside(self) -> Deadline:
        """The same end for a second call at the same time: only one limit at a time moves along."""
        other = Deadline(self.work_until, self.work_until)
        other.work_until = self.work_until
        return other

    def limit(self, now: float, timeout_s: float | None = None) -> asyncio.Timeout:
        """A timeout at `work_until`, or after `timeout_s` if that is sooner; moved along by `extend`.

        One at a time: a call waits for its place, then for its answer. Raises TimeoutError.
        """
        self._timer_from, self._timeout_s = now, timeout_s
        self._running = asyncio.timeout_at(self._until())
        return self._running

    def _until(self) -> float:
        if self._timeout_s is None:
            return self.work_until
        return min(self.work_until, self._timer_from + self._timeout_s)


def left_ms(deadline: float, timeout_s: float) -> str:
    """What a system is told of the time that its answer is waited for: whole milliseconds, at least 1.

    deadline: event-loop time at which whoever asked stops listening; timeout_s: of this attempt.
    """
    left_s = min(timeout_s, deadline - asyncio.get_running_loop().time())
    return str(max(1, int(left_s * 1000)))


def _work_until(at: float, now: float) -> float:
    return at - min(_MARGIN_S, max(0.0, at - now) * _MARGIN_SHARE)
