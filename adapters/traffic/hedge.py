"""A second attempt beside one that is slow: the first good answer counts, the other is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["first_good"]

T = TypeVar("T")
Attempt = Callable[[], Coroutine[Any, Any, T]]


async def first_good(first: Attempt[T], second: Callable[[], Attempt[T] | None], *, after_s: float) -> T:
    """`first()`, or what `second` gives once `after_s` are over, whichever answers first without an error.

    second: asked then whether there may be another attempt; None leaves it at the one. Where both fail, the error of
    the first is raised.
    """
    primary: asyncio.Task[T] = asyncio.create_task(first())
    tasks = {primary}
    try:
        await asyncio.wait(tasks, timeout=after_s)
        if not primary.done() and (hedge := second()) is not None:
            tasks.add(asyncio.create_task(hedge()))
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda one: one is not primary):
                if not task.cancelled() and task.exception() is None:
                    return task.result()
        return primary.result()
    finally:
        for task in tasks:
            task.cancel()
        # their places must be free again before the caller goes on
        await asyncio.gather(*tasks, return_exceptions=True)
