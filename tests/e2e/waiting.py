"""Waiting for something that can be seen, with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["until", "until_async"]

T = TypeVar("T")


def until(look: Callable[[], T], *, what: str, timeout_s: float = 30.0, every_s: float = 0.02) -> T:
    """What `look` gives as soon as it is truthy. Fails, naming `what`, after timeout_s."""
    end = time.monotonic() + timeout_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {timeout_s:g} s: {what}"
        time.sleep(every_s)


async def until_async(look: Callable[[], object], *, timeout_s: float = 30.0, every_s: float = 0.01) -> None:
    """Returns as soon as `look` is truthy, and lets the event loop go on meanwhile."""
    async with asyncio.timeout(timeout_s):
        while not look():  # noqa: ASYNC110 - what is looked at may change in another thread
            await asyncio.sleep(every_s)
