"""Overload: who is let in, who gets 503, and that it passes."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import NoTracer
from gateway.web.admission import FLOOR, Admission
from gateway.web.boundary import Boundary
from gateway.web.lifecycle import Lifecycle


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Door:
    """An admission with a clock of its own; the loop's probes are told by hand."""

    def __init__(self) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.admission = Admission(0.04, metrics=self.metrics, clock=self.clock)

    def period(self, lag_s: float, *, requests: int, seconds: float = 0.1) -> int:
        """Requests that come evenly, then four probes that find this lag; how many were let in."""
        entered = 0
        for _ in range(requests):
            self.clock.now += seconds / requests
            entered += self.admission.enter()
        if not requests:
            self.clock.now += seconds
        for _ in range(4):
            self.admission.observe(lag_s)
        return entered


@pytest.fixture
async def door() -> Door:
    return Door()


async def test_all_are_let_in_while_the_loop_is_on_time(door: Door) -> None:
    assert [door.period(0.01, requests=500) for _ in range(5)] == [500] * 5
    assert door.admission.rate is None


async def test_a_single_long_step_is_no_overload(door: Door) -> None:
    for lag_s in (0.9, 0.0, 0.0, 0.0):
        door.admission.observe(lag_s)
    assert door.admission.rate is None


async def test_a_loop_that_runs_late_lets_fewer_in_than_came(door: Door) -> None:
    assert door.period(0.08, requests=100) == 100
    assert door.admission.rate == pytest.approx(600, rel=0.02)
    assert 55 <= door.period(0.0, requests=400) <= 70
    assert door.metrics.registry.get_sample_value("quanyu_http_requests_shed_total") >= 330


async def test_lag_of_those_let_in_before_does_not_count_twice(door: Door) -> None:
    door.period(0.08, requests=100)
    first = door.admission.rate
    door.period(0.08, requests=100, seconds=0.05)
    assert door.admission.rate == first
    door.period(0.08, requests=100, seconds=0.5)
    assert door.admission.rate is not None
    assert first is not None
    assert door.admission.rate < first


async def test_some_are_let_in_however_late_the_loop_runs(door: Door) -> None:
    for _ in range(60):
        door.period(3.0, requests=10, seconds=10)
    assert door.admission.rate == FLOOR
    assert door.period(3.0, requests=1000, seconds=2) >= 9


async def test_all_are_let_in_again_when_the_crowd_has_gone(door: Door) -> None:
    door.period(0.2, requests=1000)
    assert door.admission.rate is not None
    for _ in range(3):
        door.period(0.0, requests=1)
    assert door.admission.rate is None
    assert door.metrics.registry.get_sample_value("quanyu_admission_rate") == -1


async def test_who_is_not_let_in_is_told_when_to_ask_again_and_nothing_runs(door: Door) -> None:
    ran: list[str] = []

    async def app(scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
        ran.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    web = Boundary(
        app, routes=("/graphql",), lifecycle=Lifecycle(), tracer=NoTracer(), admission=door.admission
    )
    door.period(9.0, requests=10, seconds=10)
    transport = httpx.ASGITransport(web)  # type: ignore[arg-type]  # httpx has types of its own for ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answers = [await client.post("/graphql", content=b"{}") for _ in range(3)]
        assert (await client.get("/health/live")).status_code == 200, "health is always answered"
    refused = answers[-1]
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
    assert len(ran) <= 2
