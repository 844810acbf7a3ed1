"""What the traffic of a system tells the outside: the gateway turns it into metrics, traces and log lines."""

# ruff: noqa: ARG002 - the null observer ignores everything it is told
from __future__ import annotations

from typing import Literal, Protocol

from adapters.traffic.breaker import BreakerState

__all__ = ["CacheStatus", "NullObserver", "TrafficObserver"]

CacheStatus = Literal["hit", "revalidating", "stale", "miss", "bypass"]
"""hit: fresh. revalidating: served, and renewed behind. stale: served for an error. bypass: no key or no freshness."""


class TrafficObserver(Protocol):
    """Called in the event loop, so it must be quick and must not raise. `code` is a SourceError's, None for success."""

    def call_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        """One `Traffic.call`, from the caller's view, cache and queue included; a stale answer carries its error."""

    def attempt_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        """One attempt that was really sent."""

    def retried(self, system: str, code: str) -> None:
        """An attempt failed with `code` and another follows."""

    def hedged(self, system: str) -> None:
        """A second attempt was made beside one that is slow."""

    def breaker_changed(self, system: str, state: BreakerState) -> None: ...

    def cache_asked(self, system: str, status: CacheStatus) -> None: ...

    def call_shared(self, system: str) -> None:
        """A call joined an identical one that was under way."""


class NullObserver:
    """Listens to nothing."""

    def call_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        return

    def attempt_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        return

    def retried(self, system: str, code: str) -> None:
        return

    def hedged(self, system: str) -> None:
        return

    def breaker_changed(self, system: str, state: BreakerState) -> None:
        return

    def cache_asked(self, system: str, status: CacheStatus) -> None:
        return

    def call_shared(self, system: str) -> None:
        return
