"""One system's traffic: cache, single flight, then for each attempt admission (maintenance, breaker), bulkhead, rate,
breaker and timeout; retries and hedging around.

Nothing here knows HTTP or SOAP: `send` makes one attempt and raises `SourceError`s. Attempts, not whole calls, take
a place and a rate token, so that a pause before a retry holds up nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timezone
from enum import Enum
from functools import partial
from typing import Any, Final, Literal

from adapters.traffic.breaker import Breaker, BreakerState, Pass
from adapters.traffic.bulkhead import Bulkhead
from adapters.traffic.clock import Clock
from adapters.traffic.deadline import Deadline
from adapters.traffic.errors import (
    SourceCircuitOpen,
    SourceError,
    SourceMaintenance,
    SourceNotFound,
    SourceOverloaded,
    SourceTimeout,
)
from adapters.traffic.hedge import first_good
from adapters.traffic.observer import NullObserver, TrafficObserver
from adapters.traffic.policy import TrafficPolicy
from adapters.traffic.rate import Rate
from adapters.traffic.record import AttemptRecord, TrafficSnapshot
from adapters.traffic.retry import Backoff, RetryBudget, try_again
from cache.freshness import Entry, Freshness, Verdict, judge
from cache.rates import SharedRates
from cache.single_flight import SingleFlight
from cache.store import Store

__all__ = ["Answer", "AnswerStatus", "Send", "Traffic"]

Send = Callable[[float], Awaitable[bytes]]
"""One attempt, given the most seconds that it may take; it is cancelled earlier where nobody waits so long."""

_LOOP_LAG_S: Final = 0.05
"""A timeout noticed later than this tells that our own loop was busy, and nothing about the system."""


class AnswerStatus(Enum):
    """FRESH: from the system, now. CACHED: kept, within its freshness. STALE: kept, served in place of an error."""

    FRESH = "FRESH"
    CACHED = "CACHED"
    STALE = "STALE"


@dataclass(slots=True, unsafe_hash=True)  # one a call: a frozen one takes 3.3 to 4.2 times as long to make
class Answer:
    """body: as the system sent it. as_of: Unix seconds at which the system was asked. error: why it is STALE."""

    body: bytes
    as_of: float
    status: AnswerStatus
    error: SourceError | None = None


class Traffic:
    """All calls to one system. store and flights may be shared by systems, as keys name theirs. One event loop."""

    def __init__(
        self,
        system: str,
        policy: TrafficPolicy,
        *,
        store: Store,
        flights: SingleFlight[Answer],
        clock: Clock | None = None,
        observer: TrafficObserver | None = None,
        rates: SharedRates | None = None,
    ) -> None:
        """rates: of all workers together; without them, and while they cannot be asked, each holds its own."""
        self.system = system
        self.policy = policy
        self._store = store
        self._flights = flights
        self._clock = clock or Clock()
        self._observer: TrafficObserver = observer or NullObserver()
        self._breaker = Breaker(policy.breaker, clock=self._clock.monotonic, on_change=self._breaker_changed)
        self._bulkhead = Bulkhead(policy.concurrency, policy.queue)
        self._rate = None if policy.rate_per_s is None else Rate(policy.rate_per_s)
        self._rates = rates
        kept = policy.freshness is not None and policy.freshness.keep_s
        others = policy.maintenance, policy.hedge_after_s, policy.rate_per_s
        self._is_plain = not kept and all(one is None for one in others)
        self._budget = RetryBudget(clock=self._clock.monotonic)
        self._record = AttemptRecord()
        self._deadlines: dict[Hashable, Deadline] = {}
        self._renewing: set[str] = set()
        self._background: set[asyncio.Task[None]] = set()

    async def call(
        self,
        send: Send,
        *,
        key: Hashable | None,
        deadline: float,
        read: bool = True,
        freshness: Freshness | Literal["policy"] | None = "policy",
        timeout_s: float | None = None,
        max_age_s: float | None = None,
    ) -> Answer:
        """The answer to what `key` names, or SourceError.

        deadline: `loop.time()` by which it is needed. key: None shares and keeps nothing; what may be kept
        has text for a key. read=False: for calls that
        change something: sent at most once, neither shared nor kept. freshness: None keeps nothing. timeout_s: of the
        attempt, for such calls, in place of the policy's. max_age_s: a kept answer that is older is as if there were none.
        """
        started = self._clock.monotonic()
        rule = self.policy.freshness if freshness == "policy" else freshness
        if rule is not None and not rule.keep_s:
            rule = None  # shared while it runs; no store is asked for what none keeps
        try:
            if not read:
                answer = await self._attempt(send, Deadline(deadline, _now()), timeout_s)
            elif key is None or rule is None:
                self._observer.cache_asked(self.system, "bypass")
                answer = await self._ask(send, key, deadline, None)
            else:
                assert isinstance(key, str)  # noqa: S101 - stores know text only
                answer = await self._kept_or_asked(send, key, deadline, rule, max_age_s)
        except SourceError as error:
            self._observer.call_ended(self.system, error.code, self._clock.monotonic() - started)
            raise
        code = None if answer.error is None else answer.error.code
        self._observer.call_ended(self.system, code, self._clock.monotonic() - started)
        return answer

    def goes_straight(self, key: Hashable) -> bool:
        """Whether `call_straight` may be used now: nothing to keep, nothing to wait for, nobody to join."""
        return (
            self._is_plain
            and self._breaker.state is BreakerState.CLOSED
            and self._bulkhead.free
            and not self._flights.running(key)
        )

    async def call_straight(self, send: Send, *, key: Hashable, deadline: float) -> Answer:
        """`call` for a query where `goes_straight` holds, with the same outcome and without a task, future or timer of
        its own. send: ends by itself within the seconds that it is given."""
        policy, clock, loop = self.policy, self._clock, asyncio.get_running_loop()
        now, started, asked_at = loop.time(), clock.monotonic(), clock.wall()
        limit = Deadline(deadline, now)
        until = min(limit.work_until, now + policy.timeout_s)
        self._observer.cache_asked(self.system, "bypass")
        if until <= now:
            error: SourceError = SourceTimeout(self.system)
            self._observer.call_ended(self.system, error.code, 0.0)
            raise error
        led = self._flights.lead(key)
        try:
            self._budget.earn()
            try:
                answer = await self._sent_straight(send, now, until, started, asked_at)
            except SourceError as first:
                if not (first.retryable and policy.retries):
                    raise
                answer = await try_again(
                    partial(self._attempt, send, limit),
                    first,
                    backoff=Backoff(policy.retries, policy.backoff_s, policy.backoff_max_s),
                    budget=self._budget,
                    deadline=limit,
                    on_retry=lambda error: self._observer.retried(self.system, error.code),
                )
        except SourceError as failed:
            if isinstance(failed, SourceTimeout) and until == limit.work_until:
                led.left()  # the time that was over is ours alone
            else:
                led.failed(failed)
            self._observer.call_ended(self.system, failed.code, clock.monotonic() - started)
            raise
        except BaseException:
            led.left()
            raise
        led.landed(answer)
        self._observer.call_ended(self.system, None, clock.monotonic() - started)
        return answer

    async def _sent_straight(
        self, send: Send, now: float, until: float, started: float, asked_at: float
    ) -> Answer:
        """`_attempt` where there is a place and the breaker is closed."""
        self._bulkhead.take()
        leave = self._breaker.admit()
        assert leave is not None  # noqa: S101 - it is closed
        try:
            body = await send(until - now)
        except SourceError as error:
            fair = not isinstance(error, SourceTimeout) or self._fair_until(until, now)
            self._failed(leave, error, started, fair=fair)
            raise
        except asyncio.CancelledError:
            self._given_up(leave, until, now, started)
            raise
        except BaseException:
            self._breaker.release(leave)
            raise
        finally:
            self._bulkhead.give_back()
        took_s = self._clock.monotonic() - started
        self._breaker.succeed(leave, took_s)
        self._record.answered(took_s, self._clock.wall())
        self._observer.attempt_ended(self.system, None, took_s)
        return Answer(body, asked_at, AnswerStatus.FRESH)

    def refuse_if_left_alone(self) -> None:
        """For what goes past the rest of traffic (files): raises SourceMaintenance, or SourceCircuitOpen."""
        if self.policy.maintenance is not None:
            self._refuse_in_maintenance()
        if self._breaker.closed_to_all():
            raise SourceCircuitOpen(self.system, retry_after_s=self._breaker.opens_in_s())

    def snapshot(self) -> TrafficSnapshot:
        record = self._record
        return TrafficSnapshot(
            system=self.system,
            breaker_state=self._breaker.state,
            in_flight=self._bulkhead.in_flight,
            waiting=self._bulkhead.waiting,
            calls=record.calls,
            failures=record.failures,
            last_success_at=record.last_success_at,
            last_error_code=record.last_error_code,
            last_error_at=record.last_error_at,
            p50_s=record.percentile_s(0.50),
            p95_s=record.percentile_s(0.95),
        )

    def adopt(self, previous: Traffic) -> None:
        """Go on from the same system's traffic under a former declaration, before the first call.

        Places, breaker, budget and counts are taken over and not copied, so that calls still under way over there
        count here too. Raises ValueError for another system.
        """
        if previous.system != self.system:
            raise ValueError(f"traffic of {previous.system!r} cannot go on as {self.system!r}")
        self._breaker = previous._breaker
        self._breaker.reconfigure(self.policy.breaker)
        self._breaker.on_change = self._breaker_changed
        self._bulkhead = previous._bulkhead
        self._bulkhead.resize(self.policy.concurrency, self.policy.queue)
        if self._rate is not None and previous._rate is not None:
            self._rate.adopt(previous._rate)
        self._budget = previous._budget
        self._record = previous._record

    async def close(self) -> None:
        """End what runs behind answers; calls under way are their callers' to cancel."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    # Kept answers

    async def _kept_or_asked(
        self, send: Send, key: str, deadline: float, rule: Freshness, max_age_s: float | None
    ) -> Answer:
        entry = await self._store.get(key)
        if entry is not None and max_age_s is not None and self._clock.wall() - entry.stored_at > max_age_s:
            entry = None
        verdict = Verdict.EXPIRED if entry is None else judge(entry, rule, self._clock.wall())
        if entry is not None and verdict is Verdict.FRESH:
            self._observer.cache_asked(self.system, "hit")
            return Answer(entry.value, entry.stored_at, AnswerStatus.CACHED)
        if entry is not None and verdict is Verdict.STALE_WHILE_REVALIDATE:
            self._observer.cache_asked(self.system, "revalidating")
            self._renew(send, key, rule)
            return Answer(entry.value, entry.stored_at, AnswerStatus.CACHED)
        try:
            answer = await self._ask(send, key, deadline, rule)
        except SourceError as error:
            return await self._stale(key, entry, verdict, error)
        self._observer.cache_asked(self.system, "miss")
        return answer

    async def _stale(self, key: str, entry: Entry | None, verdict: Verdict, error: SourceError) -> Answer:
        """The older answer where the system failed; raises `error` where there is none, or the system did answer."""
        if entry is not None and verdict is Verdict.STALE_IF_ERROR and not error.answers:
            self._observer.cache_asked(self.system, "stale")
            return Answer(entry.value, entry.stored_at, AnswerStatus.STALE, error)
        self._observer.cache_asked(self.system, "miss")
        if entry is not None and isinstance(error, SourceNotFound):
            await self._store.delete(key)  # it is gone there: a later failure must not bring it back
        raise error

    def _renew(self, send: Send, key: str, rule: Freshness) -> None:
        if key not in self._renewing:
            self._renewing.add(key)
            self._behind(self._renewed(send, key, rule))

    async def _renewed(self, send: Send, key: str, rule: Freshness) -> None:
        try:
            await self._ask(send, key, _now() + self.policy.timeout_s, rule)
        except SourceNotFound:
            await self._store.delete(key)
        except SourceError:
            return  # recorded and observed as an attempt; the kept answer serves on while its rule lets it
        finally:
            self._renewing.discard(key)

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # Asking the system

    async def _ask(
        self, send: Send, key: Hashable | None, deadline_at: float, rule: Freshness | None
    ) -> Answer:
        if key is None:
            return await self._attempts(send, Deadline(deadline_at, _now()))
        now = _now()
        deadline = self._deadlines.get(key)
        if deadline is None:
            deadline = self._deadlines[key] = Deadline(deadline_at, now)
        else:
            deadline.extend(deadline_at, now)
        deadline.users += 1
        if self._flights.running(key):
            self._observer.call_shared(self.system)
        try:
            flight = partial(self._flight, send, key, deadline, rule)
            # Every step of an attempt ends at the deadline; only other workers' rates are asked of someone else.
            return await self._flights.run(key, flight, until=deadline_at, ends_itself=self._rate is None)
        except TimeoutError:
            raise SourceTimeout(self.system) from None
        finally:
            deadline.users -= 1
            if not deadline.users:
                self._deadlines.pop(key, None)

    async def _flight(self, send: Send, key: Hashable, deadline: Deadline, rule: Freshness | None) -> Answer:
        answer = await self._attempts(send, deadline)
        if rule is not None:
            assert isinstance(key, str)  # noqa: S101 - stores know text only
            # Behind the answer, which may be just in time. One turn of the loop lets the store begin before the flight
            # ends, so that whoever comes next either joins or finds it: stores keep the order of operations.
            self._behind(self._store.put(key, answer.body, keep_s=rule.keep_s))
            await asyncio.sleep(0)
        return answer

    async def _attempts(self, send: Send, deadline: Deadline) -> Answer:
        self._budget.earn()
        try:
            if self.policy.hedge_after_s is not None:
                return await self._hedged(send, deadline, self.policy.hedge_after_s)
            return await self._attempt(send, deadline)
        except SourceError as error:
            if not (error.retryable and self.policy.retries):
                raise
            first_error = error
        policy = self.policy
        return await try_again(
            partial(self._attempt, send, deadline),
            first_error,
            backoff=Backoff(policy.retries, policy.backoff_s, policy.backoff_max_s),
            budget=self._budget,
            deadline=deadline,
            on_retry=lambda error: self._observer.retried(self.system, error.code),
        )

    async def _hedged(self, send: Send, deadline: Deadline, after_s: float) -> Answer:
        """A second attempt is one more call: it is taken from the budget of retries, and only where a place is free."""

        def second() -> Callable[[], Coroutine[Any, Any, Answer]] | None:
            free = self._bulkhead.free and self._breaker.state is BreakerState.CLOSED
            if not free or not self._budget.take():
                return None
            self._observer.hedged(self.system)
            return partial(self._attempt, send, deadline.beside())

        return await first_good(partial(self._attempt, send, deadline), second, after_s=after_s)

    async def _attempt(self, send: Send, deadline: Deadline, timeout_s: float | None = None) -> Answer:
        if self.policy.maintenance is not None:
            self._refuse_in_maintenance()
        if self._breaker.closed_to_all():  # before queueing: an open circuit answers at once
            raise SourceCircuitOpen(self.system, retry_after_s=self._breaker.opens_in_s())
        if not self._bulkhead.take() and not await self._bulkhead.wait(deadline):
            raise SourceOverloaded(self.system)
        try:
            if self._rate is not None:
                await self._wait_for_rate(self._rate, deadline)
            return await self._send(send, deadline, timeout_s or self.policy.timeout_s)
        finally:
            self._bulkhead.give_back()

    def _refuse_in_maintenance(self) -> None:
        maintenance, now = self.policy.maintenance, self._clock.wall()
        ends_at = maintenance.ends_at(now) if maintenance is not None else None
        if maintenance is None or ends_at is None:
            return
        ends = datetime.fromtimestamp(ends_at, UTC).astimezone(timezone(maintenance.utc_offset))
        raise SourceMaintenance(
            self.system,
            f"The system is in its maintenance window until {ends.isoformat(timespec='minutes')}.",
            retry_after_s=ends_at - now,
        )

    async def _wait_for_rate(self, rate: Rate, deadline: Deadline) -> None:
        left_s, wait_s = deadline.left_s(_now()), None
        if self._rates is not None and self.policy.rate_per_s is not None:
            wait_s = await self._rates.reserve(self.system, self.policy.rate_per_s, at_most_s=left_s)
        if wait_s is None:
            wait_s = rate.reserve(self._clock.monotonic(), at_most_s=left_s)
        if wait_s is None or wait_s > left_s:
            raise SourceOverloaded(self.system)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _send(self, send: Send, deadline: Deadline, timeout_s: float) -> Answer:
        now = _now()
        if deadline.left_s(now) <= 0:
            raise SourceTimeout(self.system)
        leave = self._breaker.admit()
        if leave is None:
            raise SourceCircuitOpen(self.system, retry_after_s=self._breaker.opens_in_s())
        asked_at, started = self._clock.wall(), self._clock.monotonic()
        limit = deadline.limit(now, timeout_s)
        try:
            async with limit:
                body = await send(timeout_s)
        except TimeoutError as cause:
            error = SourceTimeout(self.system)
            self._failed(leave, error, started, fair=self._was_fair(limit, now))
            raise error from cause
        except SourceError as error:
            self._failed(leave, error, started)
            raise
        except asyncio.CancelledError:
            self._abandoned(leave, limit, now, started)
            raise
        except BaseException:  # an error of ours, which the caller must see as such
            self._breaker.release(leave)
            raise
        took_s = self._clock.monotonic() - started
        self._breaker.succeed(leave, took_s)
        self._record.answered(took_s, self._clock.wall())
        self._observer.attempt_ended(self.system, None, took_s)
        return Answer(body, asked_at, AnswerStatus.FRESH)

    # What an attempt says about the system

    def _failed(self, leave: Pass, error: SourceError, started: float, *, fair: bool = True) -> None:
        took_s = self._clock.monotonic() - started
        if error.answers:
            self._breaker.answer(leave)
            self._record.answered(took_s, self._clock.wall())
        elif error.counts_as_failure and fair:
            self._breaker.fail(leave, took_s)
            self._record.failed(error, self._clock.wall())
        else:
            self._breaker.release(leave)
            if isinstance(error, SourceTimeout):  # no verdict for the breaker, but health views must show it
                self._record.failed(error, self._clock.wall())
        self._observer.attempt_ended(self.system, error.code, took_s)

    def _was_fair(self, limit: asyncio.Timeout, sent_at: float) -> bool:
        """Whether running out of time is the system's failure.

        Not where the caller left it less than half of its own time, nor where our loop was too busy to notice.
        """
        until = limit.when()
        return until is not None and self._fair_until(until, sent_at)

    def _fair_until(self, until: float, sent_at: float) -> bool:
        return until - sent_at >= self.policy.timeout_s / 2 and _now() - until < _LOOP_LAG_S

    def _abandoned(self, leave: Pass, limit: asyncio.Timeout, sent_at: float, started: float) -> None:
        """Cancelled by whoever asked: at the deadline it is a timeout like any other, before it says nothing."""
        self._given_up(leave, limit.when(), sent_at, started)

    def _given_up(self, leave: Pass, until: float | None, sent_at: float, started: float) -> None:
        if until is not None and _now() >= until:
            fair = self._fair_until(until, sent_at)
            self._failed(leave, SourceTimeout(self.system), started, fair=fair)
        else:
            self._breaker.release(leave)

    def _breaker_changed(self, state: BreakerState) -> None:
        self._observer.breaker_changed(self.system, state)


def _now() -> float:
    return asyncio.get_running_loop().time()
