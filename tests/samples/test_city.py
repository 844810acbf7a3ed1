"""The city as processes: what it prints, and that nothing of it outlives its parent."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from samples.catalogue import SUBGRAPHS, SYSTEMS
from samples.children import ChildFailedError, running_children
from samples.city import running_city

ROOT = Path(__file__).parents[2]


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    return socket.create_connection((parts.hostname, parts.port or 0), timeout=10)


def _ended(connection: socket.socket) -> bool:
    """Whether the other side closes the connection, waited for."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def test_city_prints_urls_and_variables_and_stops_on_sigterm() -> None:
    command = [sys.executable, "-m", "samples", "city"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as city:
        assert city.stdout is not None
        urls = json.loads(city.stdout.readline())
        variables = dict(city.stdout.readline().strip().split("=", 1) for _ in range(14))
        connections = [_connect(url) for url in urls.values()]
        city.send_signal(signal.SIGTERM)
        assert city.wait(20) == 0
    assert set(urls) == {*SYSTEMS, *SUBGRAPHS}
    assert variables["QUANYU_SAMPLE_JT_PERMIT_URL"] == urls["JT-PERMIT"]
    assert variables["QUANYU_SAMPLE_GSJ_LICENSE_KEY"]
    assert all(_ended(connection) for connection in connections)


def test_children_end_when_their_parent_is_killed() -> None:
    program = (
        "import sys\n"
        "from samples.city import running_city\n"
        "with running_city(['SLJ-WATER', 'JT-PERMIT']) as urls:\n"
        "    print(*urls.values(), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        connections = [_connect(url) for url in parent.stdout.readline().split()]
        parent.kill()
        assert len(connections) == 2
        assert all(_ended(connection) for connection in connections)


def test_serve_writes_its_port_and_names_its_wsdl(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = ("serve", "JT-PERMIT", "--port-file", str(port_file))
    with running_children([command], {}) as [line]:
        assert line["url"].endswith(f":{port_file.read_text().strip()}")
        assert httpx.get(line["wsdl"]).status_code == 200


def test_a_server_that_does_not_start_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = ("serve", "GHJ-PLAN", "--port", str(taken.getsockname()[1]))
        with pytest.raises(ChildFailedError, match="serve GHJ-PLAN"), running_children([command], {}):
            pass


def test_two_runs_of_a_seed_answer_with_the_same_bytes(http: httpx.Client) -> None:
    query = {"method": "list", "pageSize": "100"}
    answers = []
    for seed in (7, 7, 8):
        with running_city(["SLJ-WATER"], seed=seed) as urls:
            answers.append(http.get(f"{urls['SLJ-WATER']}/slxk/permit.ashx", params=query).content)
    assert answers[0] == answers[1] != answers[2]
