"""How much one system is asked, and how long it is waited for: plain values of a declaration's `traffic` part."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.traffic.maintenance import Maintenance
from cache.freshness import Freshness

__all__ = ["BreakerPolicy", "TrafficPolicy"]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a system is left alone, and for how long.

    The last `window_calls` calls of the last `window_s` seconds are looked at; from `min_calls` on, the breaker
    opens at `failure_ratio` failures, or at `slow_ratio` calls that took `slow_call_s` or more (None: off).
    It stays open for `open_min_s`, doubling with each failed probe up to `open_max_s`, each time lengthened by
    up to `jitter` (a share), so that many workers do not probe at the same moment.
    """

    window_s: float = 10.0
    window_calls: int = 20
    min_calls: int = 5
    failure_ratio: float = 0.5
    open_min_s: float = 1.0
    open_max_s: float = 30.0
    jitter: float = 0.2
    slow_call_s: float | None = None
    slow_ratio: float = 0.8

    def __post_init__(self) -> None:
        if self.window_s <= 0 or not 1 <= self.min_calls <= self.window_calls:
            raise ValueError("breaker: window_s must be > 0 and 1 <= min_calls <= window_calls")
        if not (0 < self.failure_ratio <= 1 and 0 < self.slow_ratio <= 1):
            raise ValueError("breaker: failure_ratio and slow_ratio must be in (0, 1]")
        if not 0 < self.open_min_s <= self.open_max_s or not 0 <= self.jitter <= 1:
            raise ValueError("breaker: 0 < open_min_s <= open_max_s and 0 <= jitter <= 1")


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    """The traffic of one system.

    timeout_s: one attempt, counted from when it is really sent. concurrency: attempts at once; queue: callers that
    may wait for a place. rate_per_s: attempts a second (None: no limit). retries: further attempts of a read, with
    back-off drawn from [0, backoff_s * 2**n], at most backoff_max_s. hedge_after_s: a read that is unanswered for so long
    is asked a second time beside the first (None: not). maintenance: when nothing is sent. freshness: how long answers
    are kept (None: not).
    """

    timeout_s: float = 2.0
    concurrency: int = 8
    queue: int = 64
    rate_per_s: float | None = None
    retries: int = 2
    backoff_s: float = 0.05
    backoff_max_s: float = 1.0
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    hedge_after_s: float | None = None
    maintenance: Maintenance | None = None
    freshness: Freshness | None = None

    def __post_init__(self) -> None:
        if self.hedge_after_s is not None and self.hedge_after_s <= 0:
            raise ValueError("traffic: hedge_after_s must be > 0")
        if self.timeout_s <= 0:
            raise ValueError("traffic: timeout_s must be > 0")
        if self.concurrency < 1 or self.queue < 0 or self.retries < 0:
            raise ValueError("traffic: concurrency must be >= 1, queue and retries >= 0")
        if self.rate_per_s is not None and self.rate_per_s <= 0:
            raise ValueError("traffic: rate_per_s must be > 0")
        if self.backoff_s < 0 or self.backoff_max_s < 0:
            raise ValueError("traffic: backoff_s and backoff_max_s must be >= 0")
