"""Overload: who is let in, who gets 503, and that it passes."""

from __future__ import annotations

import json
import socket
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import NoTracer
from gateway.web.admission import FLOOR, Admission
from gateway.web.boundary import Boundary
from gateway.web.lifecycle import Lifecycle
from tests.web.toy import RunningWeb, running_web


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


# --- on the socket ---


class Lock(Admission):
    """Lets in what it is told to."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.places = 100
        self.asked = 0

    def enter(self) -> bool:
        self.asked += 1
        self.places -= 1
        return self.places >= 0


class Line:
    """A connection that says and hears bytes."""

    def __init__(self, web: RunningWeb) -> None:
        url = httpx.URL(web.url)
        self.socket = socket.create_connection((url.host, url.port or 0), timeout=20)
        self.reader = self.socket.makefile("rb")

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def hear(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers, body of one answer."""
        status = int(self.reader.readline().split()[1])
        headers = {}
        while line := self.reader.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, json.loads(self.reader.read(int(headers["content-length"])))

    def is_over(self) -> bool:
        return self.reader.read(1) == b""


BODY = b'{"query": "{ hello }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
ASKED = HEAD % len(BODY) + b"\r\n"


def code_of(answer: tuple[int, dict[str, str], Any]) -> tuple[int, str]:
    return answer[0], answer[2]["errors"][0]["extensions"]["code"]


def test_who_is_refused_keeps_the_connection_and_is_let_in_later() -> None:
    lock = Lock()
    with running_web(admission=lock) as web:
        line = Line(web)
        lock.places = 0
        line.say(ASKED + BODY)
        refused = line.hear()
        assert code_of(refused) == (503, "OVERLOADED")
        assert refused[1]["retry-after"] == "1"
        line.say(ASKED, BODY[:5], BODY[5:])  # in pieces, as most clients send it
        assert code_of(line.hear()) == (503, "OVERLOADED")
        line.say(b"GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n\r\n")
        assert code_of(line.hear()) == (503, "OVERLOADED")
        lock.places = 1
        line.say(ASKED + BODY)
        assert line.hear()[2] == {"data": {"hello": "hello 全域"}}
        assert lock.asked == 4, "each is asked for once"


def test_refused_requests_in_one_piece_are_answered_each_in_its_turn() -> None:
    lock = Lock()
    with running_web(admission=lock) as web:
        line = Line(web)
        lock.places = 0
        line.say((ASKED + BODY) * 3)
        assert [code_of(line.hear()) for _ in range(3)] == [(503, "OVERLOADED")] * 3


def test_one_that_waits_behind_an_answer_is_refused_after_it() -> None:
    lock = Lock()
    with running_web(admission=lock) as web:
        line = Line(web)
        wait = b'{"query": "{ wait }"}'
        line.say(HEAD % len(wait) + b"\r\n" + wait)
        while not web.engine.waiting:
            pass
        lock.places = 1  # for who lets the first one go
        line.say(ASKED + BODY)
        httpx.post(f"{web.url}/graphql", json={"query": "mutation { release }"})
        assert line.hear()[2] == {"data": {"wait": "released"}}
        assert code_of(line.hear()) == (503, "OVERLOADED")


@pytest.mark.parametrize("more", [b"connection: close\r\n", b""])
def test_a_connection_is_closed_where_that_was_asked_for_or_the_body_is_not_worth_it(more: bytes) -> None:
    lock = Lock()
    with running_web(admission=lock) as web:
        line = Line(web)
        lock.places = 0
        if more:
            line.say(HEAD % len(BODY) + more + b"\r\n" + BODY)
        else:
            line.say(HEAD % 1_000_000 + b"\r\n", b" " * 80_000)
        refused = line.hear()
        assert code_of(refused) == (503, "OVERLOADED")
        assert refused[1]["connection"] == "close"
        assert line.is_over()


def test_health_and_metrics_are_answered_whoever_is_refused() -> None:
    lock = Lock()
    with running_web(admission=lock) as web:
        lock.places = 0
        assert httpx.get(f"{web.url}/health/live").status_code == 200
        assert httpx.get(f"{web.url}/metrics").status_code == 200
        assert lock.asked == 0
