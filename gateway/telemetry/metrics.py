"""What is counted, for Prometheus. Built per application, in a registry of its own.

Labels are bounded by the declarations: system codes, stable error codes, known routes. Never a case number, a
person, an operation's text or a client's own words.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from adapters.traffic.breaker import BreakerState
from adapters.traffic.observer import CacheStatus
from gateway.telemetry.tallies import Tallies

__all__ = ["Metrics"]

_BREAKER_VALUE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
_METHODS = frozenset({"GET", "POST", "OPTIONS", "HEAD"})
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_SYSTEM = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)


class Metrics:
    """Implements the web's `RequestMetrics`, `OperationMetrics` and `StreamMetrics` and the adapters' `TrafficObserver`
    and `SubmissionObserver`."""

    def __init__(self, *, version: str = "") -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        self._tallies = Tallies(registry)
        self._requests = Counter(
            "quanyu_http_requests",
            "HTTP requests answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._request_s = Histogram(
            "quanyu_http_request_duration_seconds",
            "Time from request to answer.",
            ["route"],
            buckets=_FAST,
            registry=registry,
        )
        self._looks = Counter(
            "quanyu_access_records",
            "Answers about cases or people: recorded, or refused because they could not be.",
            ["result"],
            registry=registry,
        )
        self._look_s = Histogram(
            "quanyu_access_record_duration_seconds",
            "Time that an answer waits for its record.",
            buckets=_FAST,
            registry=registry,
        )
        self._sealed = Counter("quanyu_ledger_sealed", "Records sealed by this process.", registry=registry)
        self._leaves = Gauge(
            "quanyu_ledger_leaves", "Records in the trail, as last sealed by this process.", registry=registry
        )
        self._in_flight = Gauge(
            "quanyu_http_requests_in_flight", "HTTP requests being answered.", registry=registry
        )
        self._shed = Counter(
            "quanyu_http_requests_shed", "Requests refused with 503: overload.", registry=registry
        )
        self._lag = Gauge("quanyu_loop_lag_seconds", "How late the event loop runs.", registry=registry)
        self._admitted = Gauge(
            "quanyu_admission_rate",
            "Requests a second that may begin while there is overload; -1 where all may.",
            registry=registry,
        )
        self._admitted.set(-1)
        self._operations = Counter(
            "quanyu_operations",
            "GraphQL operations. outcome: ok, partial (data and errors), refused (the request's fault), failed (ours).",
            ["type", "outcome"],
            registry=registry,
        )
        self._operations_shared = Counter(
            "quanyu_operations_shared",
            "Queries answered by an identical one that was under way.",
            registry=registry,
        )
        self._operation_s = Histogram(
            "quanyu_operation_duration_seconds",
            "Time in the engine.",
            ["type"],
            buckets=_FAST,
            registry=registry,
        )
        self._streams = Gauge(
            "quanyu_streams_open", "Event streams that clients hold.", ["transport"], registry=registry
        )
        self._streams_closed = Counter(
            "quanyu_streams",
            "Event streams that have ended. outcome: completed, left (by the client), refused, failed (ours).",
            ["transport", "outcome"],
            registry=registry,
        )
        self._stream_answers = Counter(
            "quanyu_stream_answers", "Answers given in event streams.", ["transport"], registry=registry
        )
        self._counters: dict[tuple[Counter, str, str], Counter] = {}
        self._histograms: dict[tuple[Histogram, str], Histogram] = {}
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._build_systems(registry)
        self._gaps = Counter(
            "quanyu_mapping_gaps",
            "Values of a system that its code tables do not know, answered as UNKNOWN.",
            ["system", "table"],
            registry=registry,
        )
        self._submissions = Counter(
            "quanyu_submissions",
            "Submissions that came into a state: FILED, REFUSED, UNKNOWN, NEEDS_PERSON, ...",
            ["system", "operation", "state"],
            registry=registry,
        )
        self._harvests = Counter(
            "quanyu_harvests",
            "Runs of the harvest that ended in this process. code: ok or a stable error code.",
            ["system", "code"],
            registry=registry,
        )
        self._harvested = Counter(
            "quanyu_harvest_records",
            "What harvests and pushes brought. result: appended (to the ledger) or quarantined.",
            ["system", "result"],
            registry=registry,
        )
        self._reloads = Counter(
            "quanyu_reloads", "Changed declarations taken (ok) or refused.", ["result"], registry=registry
        )
        build = Gauge(
            "quanyu_build_info", "Always 1; the label tells the version.", ["version"], registry=registry
        )
        build.labels(version).set(1)

    def _build_systems(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "quanyu_system_calls",
            "Calls to a system as a query sees them, cache and queue included. code: ok or a stable error code.",
            ["system", "code"],
            registry=registry,
        )
        self._call_s = Histogram(
            "quanyu_system_call_duration_seconds",
            "Time of a call as a query sees it.",
            ["system"],
            buckets=_SYSTEM,
            registry=registry,
        )
        self._attempts = Counter(
            "quanyu_system_attempts",
            "Attempts really sent to a system.",
            ["system", "code"],
            registry=registry,
        )
        self._attempt_s = Histogram(
            "quanyu_system_attempt_duration_seconds",
            "Time of an attempt really sent.",
            ["system"],
            buckets=_SYSTEM,
            registry=registry,
        )
        self._hedges = Counter(
            "quanyu_system_hedges",
            "Second attempts beside a slow one.",
            ["system"],
            registry=registry,
        )
        self._retries = Counter(
            "quanyu_system_retries",
            "Attempts that followed a failed one.",
            ["system", "code"],
            registry=registry,
        )
        self._breaker = Gauge(
            "quanyu_system_breaker_state",
            "Circuit breaker: 0 closed, 1 half-open, 2 open.",
            ["system"],
            registry=registry,
        )
        self._cache = Counter(
            "quanyu_cache_requests",
            "Answers sought in the cache. status: hit, revalidating, stale, miss, bypass.",
            ["system", "status"],
            registry=registry,
        )
        self._shared = Counter(
            "quanyu_single_flight_shared",
            "Calls that waited for an identical one instead of being sent.",
            ["system"],
            registry=registry,
        )

    # The web.

    def request_started(self) -> None:
        self._in_flight.inc()

    def request_finished(self, route: str, method: str, status: int, duration_s: float) -> None:
        self._in_flight.dec()
        counted = method if method in _METHODS else "other"
        key = (route, counted, status)
        series = self._series.get(key)
        if series is None:
            series = self._requests.labels(route, counted, str(status)), self._request_s.labels(route)
            self._series[key] = series
        self._tallies.count(series[0])
        self._tallies.observe(series[1], duration_s)

    def operation_finished(self, kind: str, outcome: str, duration_s: float) -> None:
        self._tallies.count(self._counted(self._operations, kind, outcome))
        self._tallies.observe(self._timed(self._operation_s, kind), duration_s)

    def request_shed(self) -> None:
        self._tallies.count(self._shed)

    def admission_changed(self, lag_s: float, rate: float | None) -> None:
        self._lag.set(lag_s)
        self._admitted.set(-1 if rate is None else rate)

    def operation_shared(self) -> None:
        self._tallies.count(self._operations_shared)

    def stream_opened(self, transport: str) -> None:
        self._streams.labels(transport).inc()

    def stream_closed(self, transport: str, outcome: str, answers: int) -> None:
        self._streams.labels(transport).dec()
        self._streams_closed.labels(transport, outcome).inc()
        self._stream_answers.labels(transport).inc(answers)

    # The ledger.

    def look_recorded(self, outcome: str, duration_s: float) -> None:
        """outcome: recorded or refused."""
        self._looks.labels(outcome).inc()
        if outcome == "recorded":
            self._look_s.observe(duration_s)

    def sealed(self, size: int, records: int) -> None:
        self._sealed.inc(records)
        self._leaves.set(size)

    # The traffic of the systems.

    def call_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        self._tallies.count(self._counted(self._calls, system, code or "ok"))
        self._tallies.observe(self._timed(self._call_s, system), elapsed_s)

    def attempt_ended(self, system: str, code: str | None, elapsed_s: float) -> None:
        self._tallies.count(self._counted(self._attempts, system, code or "ok"))
        self._tallies.observe(self._timed(self._attempt_s, system), elapsed_s)

    def retried(self, system: str, code: str) -> None:
        self._retries.labels(system, code).inc()

    def hedged(self, system: str) -> None:
        self._hedges.labels(system).inc()

    def breaker_changed(self, system: str, state: BreakerState) -> None:
        self._breaker.labels(system).set(_BREAKER_VALUE[state])

    def cache_asked(self, system: str, status: CacheStatus) -> None:
        self._tallies.count(self._counted(self._cache, system, status))

    def call_shared(self, system: str) -> None:
        self._shared.labels(system).inc()

    def _counted(self, counter: Counter, system: str, value: str) -> Counter:
        """The series of these labels. `labels()` checks and joins them anew, five times for each call to a system."""
        key = (counter, system, value)
        found = self._counters.get(key)
        if found is None:
            found = self._counters[key] = counter.labels(system, value)
        return found

    def _timed(self, histogram: Histogram, system: str) -> Histogram:
        found = self._histograms.get((histogram, system))
        if found is None:
            found = self._histograms[histogram, system] = histogram.labels(system)
        return found

    def submission_changed(self, system: str, operation: str, state: str) -> None:
        self._submissions.labels(system, operation, state).inc()

    # The harvest.

    def harvested(self, system: str, fault_code: str | None, events: int, rejected: int) -> None:
        """A run has ended."""
        self._harvests.labels(system, fault_code or "ok").inc()
        self.taken(system, events, rejected)

    def taken(self, system: str, events: int, rejected: int) -> None:
        self._harvested.labels(system, "appended").inc(events)
        self._harvested.labels(system, "quarantined").inc(rejected)

    # The house.

    def gap_found(self, system: str, table: str) -> None:
        """A value that the code table `table` of `system` does not have."""
        self._gaps.labels(system, table).inc()

    def reloaded(self, *, accepted: bool) -> None:
        self._reloads.labels("ok" if accepted else "refused").inc()

    def system_known(self, system: str) -> None:
        """Its series start at zero, so that a system that was never called is seen as such."""
        self._calls.labels(system, "ok")
        self._breaker.labels(system)
