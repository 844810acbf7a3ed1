"""A token or session that all callers share: opened once, renewed ahead of its end, once for all, never in a storm.

Knows nothing of HTTP: `Open` makes the call. One event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused

__all__ = ["Held", "Kept", "Open", "Opened"]

LARGEST_RENEW_BEFORE_S = 30.0
MOST_DROPS, DROPS_WITHIN_S = 5, 60.0
"""Refused tokens that are thrown away in that time: a system that refuses every token, or answers 401 for what
another user may not see, must not be logged in to with each call."""
PAUSE_AFTER_FAILURE_S = 1.0


@dataclass(frozen=True, slots=True)
class Opened:
    """values: what `$session` gives, `token` among them. life_s: None if the system did not say."""

    values: Mapping[str, str] = field(repr=False)
    life_s: float | None


Open = Callable[[], Awaitable[Opened]]
"""Opens one: raises SourceError."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One token or session. Times are of the clock given to `Kept`."""

    values: Mapping[str, str] = field(repr=False)
    renew_at: float
    ends_at: float


@dataclass(slots=True)
class Kept:
    """pause_s: how long no other is asked for after one was refused (wrong password: accounts get locked)."""

    open: Open = field(repr=False)
    clock: Callable[[], float] = field(repr=False)
    renew_before_s: float | None = None
    pause_s: float = 30.0
    held: Held | None = field(default=None, repr=False)
    _task: asyncio.Task[Held] | None = field(default=None, repr=False)
    _refused: tuple[SourceError, float] | None = field(default=None, repr=False)
    _not_before: float = -math.inf
    _drops: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_DROPS), repr=False)

    async def get(self) -> Held:
        """What is held, or what is being opened. Raises the SourceError with which that failed.

        Past `renew_at` the one held is given while another is opened behind it; it serves until it ends.
        """
        now, held = self.clock(), self.held
        if held is not None and now < held.ends_at:
            if now >= held.renew_at and now >= self._not_before:
                self._opening()
            return held
        self._raise_if_refused(now)
        # shielded: who gives up leaves the login to the others, and to the next call
        return await asyncio.shield(self._opening())

    def drop(self, used: Held) -> bool:
        """The system refused `used`. Whether asking once more may help: another is there, or will be opened."""
        if self.held is not used:
            return True
        now = self.clock()
        if len(self._drops) == MOST_DROPS and now - self._drops[0] < DROPS_WITHIN_S:
            return False
        self._drops.append(now)
        self.held = None
        return True

    def adopt(self, previous: Kept) -> None:
        """Go on with what the same credentials of a former generation hold."""
        self.held, self._refused = previous.held, previous._refused

    def take_away(self) -> Held | None:
        """What is held, which nobody gets any more."""
        held, self.held = self.held, None
        return held

    def _opening(self) -> asyncio.Task[Held]:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._open_one())
            self._task.add_done_callback(_read_outcome)
        return self._task

    async def _open_one(self) -> Held:
        try:
            opened = await self.open()
        except (SourceRefused, SourceBadData) as error:
            # an answer that is no token is as likely a refusal that nobody declared
            self._refused = (error, self.clock() + self.pause_s)
            self._not_before = self._refused[1]
            raise
        except SourceError:
            self._not_before = self.clock() + PAUSE_AFTER_FAILURE_S
            raise
        now, life_s = self.clock(), opened.life_s
        self._refused, self._not_before = None, -math.inf
        if life_s is None:
            self.held = Held(opened.values, math.inf, math.inf)
        else:
            before_s = self._before_s(life_s)
            self.held = Held(opened.values, now + life_s - before_s, now + life_s)
        return self.held

    def _before_s(self, life_s: float) -> float:
        before_s = self.renew_before_s
        return min(life_s / 10, LARGEST_RENEW_BEFORE_S) if before_s is None else min(before_s, life_s)

    def _raise_if_refused(self, now: float) -> None:
        if self._refused is None:
            return
        error, until = self._refused
        if now < until:
            # anew: one object raised again and again would collect every caller's traceback
            raise type(error)(error.system, error.message) from error.__cause__


def _read_outcome(task: asyncio.Task[Any]) -> None:
    """So that a renewal behind a call that fails does not end as an exception that nobody has read."""
    if not task.cancelled():
        task.exception()
