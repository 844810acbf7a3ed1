"""Load shedding 过载保护: who may come in while the process has more to do than it can.

One event loop does all the work, so being overloaded shows in one place: its timers run late. A probe measures that
lag every 20 ms. Where the least of the last probes is over what is allowed (a single long step is no overload), fewer
requests a second may begin, and more again when it is not (additive increase, multiplicative decrease). Whoever comes
beyond gets 503 with Retry-After at once, which costs a small part of an answer, and those inside stay in time.

A rate and not a number of requests under way: those that wait for slow systems take no turn of the loop, however
many they are, and those that wait for nothing are never under way but one at a time, with the queue before the door.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson
import structlog
from starlette.types import Send

from gateway.web.errors import error_body

__all__ = ["ADMITTED", "OVERLOADED", "RETRY_AFTER_S", "Admission", "AdmissionMetrics", "is_guarded"]

ADMITTED: Final = "quanyu.admitted"
"""In a request's scope where the socket's protocol has let it in already."""

FLOOR: Final = 5.0
"""So many a second may always begin."""
_PROBE_S: Final = 0.02
_PROBES: Final = 4
_BURST_S: Final = 0.05
_SETTLE_S: Final = 0.2
RETRY_AFTER_S: Final = 1
OVERLOADED: Final = orjson.dumps(
    error_body("OVERLOADED", f"The gateway has more to do than it can; ask again in {RETRY_AFTER_S} s.")
)


class AdmissionMetrics(Protocol):
    def request_shed(self) -> None: ...

    def admission_changed(self, lag_s: float, rate: float | None) -> None:
        """lag_s: how late the loop's timers run; rate: requests a second that may begin, None for all."""
        ...


def is_guarded(path: str) -> bool:
    """Whether requests to it may be refused: health and metrics are always answered."""
    return path == "/graphql"


class Admission:
    """`enter` for each request. max_lag_s: above it fewer may begin. One event loop."""

    def __init__(
        self,
        max_lag_s: float,
        *,
        metrics: AdmissionMetrics | None = None,
        clock: Callable[[], float] = time.perf_counter,  # a loop's own stands still during a turn (uvloop)
        log: Any = None,
    ) -> None:
        self.rate: float | None = None
        self._max_lag_s = max_lag_s
        self._metrics = metrics
        self._clock = clock
        self._log = log or structlog.get_logger("gateway.web")
        self._lags: list[float] = []
        self._due: float | None = None
        self._begun = self._refused = 0
        self._judged_at = clock()
        self._tokens = 0.0
        self._filled_at = self._settled_at = 0.0

    def enter(self) -> bool:
        """Whether one more request may begin; if not, `refuse` it."""
        if self.rate is not None and not self._take(self.rate):
            self._refused += 1
            if self._metrics is not None:
                self._metrics.request_shed()
            return False
        self._begun += 1
        if self._due is None:
            self._judged_at = self._clock()
            loop = asyncio.get_running_loop()
            self._due = loop.time() + _PROBE_S
            loop.call_at(self._due, self._probe, loop)
        return True

    def _take(self, rate: float) -> bool:
        """One token of a bucket that fills at `rate`."""
        now = self._clock()
        self._tokens = min(max(1.0, rate * _BURST_S), self._tokens + rate * (now - self._filled_at))
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    @staticmethod
    async def refuse(send: Send) -> None:
        """503 at once."""
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(OVERLOADED)).encode()),
            (b"retry-after", str(RETRY_AFTER_S).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": OVERLOADED})

    def _probe(self, loop: asyncio.AbstractEventLoop) -> None:
        now, due = loop.time(), self._due
        assert due is not None  # noqa: S101 - the probe that runs was due
        idle = self._begun == 0 and self.rate is None
        self.observe(max(0.0, now - due))
        if idle:
            self._due = None  # nobody has come: the next request begins again
            return
        self._due = now + _PROBE_S
        loop.call_at(self._due, self._probe, loop)

    def observe(self, lag_s: float) -> None:
        """What one probe found; every fourth decides."""
        self._lags.append(lag_s)
        if len(self._lags) < _PROBES:
            return
        least = min(self._lags)
        self._lags.clear()
        now = self._clock()
        begun = self._begun / max(now - self._judged_at, 1e-3)  # a second
        self._begun, self._judged_at = 0, now
        before = self.rate
        if least > self._max_lag_s:
            if now >= self._settled_at:  # what was let in before the last cut must first have gone
                share = min(0.9, max(0.6, self._max_lag_s / least))
                self.rate = max(FLOOR, share * (begun if before is None else min(begun, before)))
                self._settled_at = now + max(_SETTLE_S, 2 * least)
            if before is None:
                self._tokens, self._filled_at = 0.0, now
        elif before is not None:
            self.rate = 1.1 * before + 0.5
            if begun < 0.5 * before:
                self.rate = None
        if self._metrics is not None:
            self._metrics.admission_changed(least, self.rate)
        if before is None and self.rate is not None:
            self._log.warning("overloaded", lag_ms=round(1000 * least), requests_per_s=round(self.rate))
        elif before is not None and self.rate is None:
            self._log.info("no longer overloaded", refused=self._refused)
            self._refused = 0
