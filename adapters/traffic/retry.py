"""Second attempts: the only file that knows tenacity.

Exponential back-off with full jitter, so that callers that failed together do not come back together. A budget for
the whole system bounds how many extra calls a dead one gets: a share of its ordinary calls and a few a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_random_exponential

from adapters.traffic.deadline import Deadline
from adapters.traffic.errors import SourceCircuitOpen, SourceError, SourceOverloaded

__all__ = ["Backoff", "RetryBudget", "try_again"]

T = TypeVar("T")

_USEFUL_S: Final = 0.02
"""Less time than this after a pause is not worth an attempt."""


class RetryBudget:
    """Retries that one system may still get. clock: monotonic seconds."""

    def __init__(
        self, *, clock: Callable[[], float], share: float = 0.1, per_s: float = 3.0, most: float = 10.0
    ) -> None:
        self._clock = clock
        self._share = share
        self._per_s = per_s
        self._most = most
        self._left = most
        self._at = clock()

    def earn(self) -> None:
        """An ordinary call was made."""
        self._left = min(self._most, self._left + self._share)

    def take(self) -> bool:
        """Whether one retry may be made; then it is counted."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True, slots=True)
class Backoff:
    """retries: attempts after the first. The n-th pause is drawn from [0, min(most_s, base_s * 2**(n-1))]."""

    retries: int
    base_s: float
    most_s: float


async def try_again(
    attempt: Callable[[], Awaitable[T]],
    first_error: SourceError,
    *,
    backoff: Backoff,
    budget: RetryBudget,
    deadline: Deadline,
    on_retry: Callable[[SourceError], None],
) -> T:
    """Further attempts after one that failed with `first_error`; raises the last error.

    The first attempt is made by the caller, since nearly all succeed and building the retrier costs more than the
    rest of the path. It stops at an error that is not retryable, and when the pause (at least what the system asked
    for) would leave no time or the budget is spent.
    """
    loop = asyncio.get_running_loop()
    drawn = wait_random_exponential(multiplier=backoff.base_s, max=backoff.most_s)

    def pause_s(state: RetryCallState) -> float:
        return max(float(drawn(state)), _error(state).retry_after_s or 0.0)

    def no_more(state: RetryCallState) -> bool:
        if state.attempt_number > backoff.retries:
            return True
        left_s = deadline.left_s(loop.time()) - state.upcoming_sleep
        return left_s < _USEFUL_S or not budget.take()

    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        retry=retry_if_exception(lambda error: isinstance(error, SourceError) and error.retryable),
        wait=pause_s,
        stop=no_more,
        before_sleep=lambda state: on_retry(_error(state)),
        reraise=True,
    )
    pending: SourceError | None = first_error

    async def next_attempt() -> T:
        nonlocal pending
        if pending is not None:
            first, pending = pending, None
            raise first
        return await attempt()

    try:
        return await retrying(next_attempt)
    except (SourceCircuitOpen, SourceOverloaded) as nothing_sent:
        raise first_error from nothing_sent  # what the system did tells more than that we gave up


def _error(state: RetryCallState) -> SourceError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, SourceError)  # noqa: S101 - the retry condition lets nothing else through
    return error
