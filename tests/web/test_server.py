"""The process: where it listens, and how it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from gateway.web.server import PortTakenError, listen


@contextmanager
def toy_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "tests.web.toy", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait(10)


def until_waiting(url: str, count: int) -> None:
    """Returns when `count` requests are inside the engine, as the gateway's own gauge says."""
    for _ in range(500):
        text = httpx.get(f"{url}/metrics").text
        # The scrape itself is one of them.
        if f"quanyu_http_requests_in_flight {count + 1}.0" in text:
            return
    raise AssertionError("the requests did not arrive")


def test_sigterm_drains_ready_says_503_and_requests_in_flight_finish() -> None:
    with toy_process("--notice-s", "3", "--drain-s", "20") as (process, url):
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(httpx.post(f"{url}/graphql", json={"query": "{ wait }"}, timeout=30))

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        until_waiting(url, 3)
        process.send_signal(signal.SIGTERM)
        while (ready := httpx.get(f"{url}/health/ready")).status_code == 200:
            pass
        assert ready.json()["status"] == "draining"
        late = httpx.post(f"{url}/graphql", json={"query": "{ hello }"})
        assert late.json() == {"data": {"hello": "hello 全域"}}, "still served during the notice"
        assert late.headers["connection"] == "close"
        httpx.post(f"{url}/graphql", json={"query": "mutation { release }"})
        for thread in asking:
            thread.join(30)
        assert [answer.json() for answer in answers] == [{"data": {"wait": "released"}}] * 3
        assert process.wait(30) == 0


def test_a_request_that_never_ends_does_not_keep_the_process() -> None:
    with toy_process("--notice-s", "0", "--drain-s", "1") as (process, url):
        thread = threading.Thread(target=lambda: _ignore(url))
        thread.start()
        until_waiting(url, 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        thread.join(30)


def _ignore(url: str) -> None:
    try:
        httpx.post(f"{url}/graphql", json={"query": "{ wait }"}, timeout=30)
    except httpx.HTTPError:
        return


def test_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} on 127.0.0.1 is taken"):
            listen("127.0.0.1", port)


def test_the_next_free_port_is_chosen_where_that_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = listen("127.0.0.1", port, choose_port=True)
        with listener.socket:
            assert listener.port != port
            assert listener.wanted == port
            assert listener.url == f"http://127.0.0.1:{listener.port}"
