"""The two times that traffic rules need, handed in so that tests own them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """wall: Unix seconds, for what people read. monotonic: seconds that never step, for every rule."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
