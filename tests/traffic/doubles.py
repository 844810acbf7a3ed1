"""A clock that tests move, a system that does what it is told, and an observer that writes everything down."""

# ruff: noqa: ARG002 - doubles ignore what their protocol tells them
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.traffic.breaker import BreakerState
from adapters.traffic.clock import Clock
from adapters.traffic.errors import SourceError
from adapters.traffic.observer import CacheStatus, TrafficObserver
from adapters.traffic.policy import TrafficPolicy
from adapters.traffic.traffic import Answer, Traffic
from cache.embedded import EmbeddedStore
from cache.rates import SharedRates
from cache.single_flight import SingleFlight
from cache.store import Store


class ManualTime:
    """Starts at a plausible Unix time; `clock` reads it as both wall and monotonic time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(wall=self, monotonic=self)


class ScriptedSystem:
    """Answers `b"answer N"` for the N-th attempt, or raises what `script` says for it; the last word is repeated."""

    def __init__(self, *script: SourceError | Exception | None) -> None:
        self.script: list[SourceError | Exception | None] = list(script) or [None]
        self.attempts = 0

    async def __call__(self, timeout_s: float) -> bytes:
        self.attempts += 1
        outcome = self.script[min(self.attempts, len(self.script)) - 1]
        if outcome is not None:
            raise outcome
        return f"answer {self.attempts}".encode()


class HeldSystem:
    """Holds every attempt until `release`; knows how many are inside, how many ever were, and were cancelled."""

    def __init__(self) -> None:
        self.inside = self.most_inside = self.attempts = self.cancelled = 0
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()
        self.outcome: SourceError | None = None

    async def __call__(self, timeout_s: float) -> bytes:
        self.inside += 1
        self.attempts += 1
        self.most_inside = max(self.most_inside, self.inside)
        await self._tell()
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.inside -= 1
        if self.outcome is not None:
            raise self.outcome
        return b"held answer"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for an arrival that makes `condition` true."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    def release(self) -> None:
        self._open.set()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@dataclass
class WritingObserver:
    calls: list[str | None] = field(default_factory=list)
    attempts: list[str | None] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    hedges: int = 0
    breaker: list[BreakerState] = field(default_factory=list)
    cache: list[CacheStatus] = field(default_factory=list)

    def call_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        self.calls.append(code)

    def attempt_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        self.attempts.append(code)

    def retried(self, system: str, code: str) -> None:
        self.retries.append(code)

    def hedged(self, system: str) -> None:
        self.hedges += 1

    def breaker_changed(self, system: str, state: BreakerState) -> None:
        self.breaker.append(state)

    def cache_asked(self, system: str, status: CacheStatus) -> None:
        self.cache.append(status)


def traffic_of(
    policy: TrafficPolicy,
    *,
    time: ManualTime | None = None,
    store: Store | None = None,
    observer: TrafficObserver | None = None,
    flights: SingleFlight[Answer] | None = None,
    rates: SharedRates | None = None,
) -> Traffic:
    """Traffic of the system `registry`, on its own embedded store and clock unless they are given."""
    time = time or ManualTime()
    return Traffic(
        "registry",
        policy,
        store=store or EmbeddedStore(clock=time, monotonic=time),
        flights=flights or SingleFlight(),
        clock=time.clock,
        observer=observer,
        rates=rates,
    )


def in_s(seconds: float) -> float:
    """A deadline, as event-loop time."""
    return asyncio.get_running_loop().time() + seconds


async def until(condition: Callable[[], bool]) -> None:
    """Give the event loop turns until `condition` holds; it must come true without further help."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells when a place is taken or a task has ended
            await asyncio.sleep(0)
