"""Budgets that refill as time passes, kept by name: so many units in a window, spent in any sizes.

Generic cell rate algorithm (ITU-T I.371): one number a name, the time at which its budget will be full again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["Allowance", "Budgets", "EmbeddedBudgets", "Spent", "spend_at"]

_MOST_NAMES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many units within so many seconds, all of them at once if need be."""

    limit: float
    window_s: float

    @property
    def unit_s(self) -> float:
        """Time in which one unit comes back."""
        return self.window_s / self.limit


@dataclass(frozen=True, slots=True)
class Spent:
    """remaining: units left now; wait_s: until what was refused could be had; full_s: until all is back."""

    granted: bool
    remaining: float
    wait_s: float
    full_s: float


class Budgets(Protocol):
    """Never raises for being ill."""

    async def spend(self, name: str, amount: float, allowance: Allowance) -> Spent:
        """Takes `amount` (no more than the limit counts) or nothing."""
        ...

    async def close(self) -> None: ...


def spend_at(full_at: float, now: float, amount: float, allowance: Allowance) -> tuple[float, Spent]:
    """One step, pure: when the budget was to be full -> when it will be, and what came of it. Seconds of one clock."""
    unit_s = allowance.unit_s
    full_at = max(now, full_at)
    after = full_at + min(amount, allowance.limit) * unit_s
    wait_s = after - now - allowance.window_s
    if wait_s > 1e-9:
        return full_at, _spent(False, full_at - now, wait_s, allowance)
    return after, _spent(True, after - now, 0.0, allowance)


def _spent(granted: bool, full_s: float, wait_s: float, allowance: Allowance) -> Spent:
    return Spent(granted, max(0.0, allowance.limit - full_s / allowance.unit_s), wait_s, full_s)


class EmbeddedBudgets:
    """Of this process. The least recently used name leaves first: a flood of names costs memory for `most_names`."""

    def __init__(self, *, most_names: int = _MOST_NAMES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_names = most_names
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def spend(self, name: str, amount: float, allowance: Allowance) -> Spent:
        full_at, spent = spend_at(self._full_at.get(name, 0.0), self._clock(), amount, allowance)
        self._full_at[name] = full_at
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most_names:
            self._full_at.popitem(last=False)
        return spent

    async def close(self) -> None:
        self._full_at.clear()

    def __len__(self) -> int:
        return len(self._full_at)
