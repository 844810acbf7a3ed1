"""Gateways that tests ask over real HTTP: one inside this process, or `quanyu serve` as a child of its own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from gateway.app import build_gateway
from gateway.settings import Settings, load_settings
from samples.registry import load_registry
from tests.e2e.waiting import until

__all__ = [
    "CITIZEN",
    "CLERK",
    "NEVER_SHOWN",
    "ROOT",
    "SAMPLES",
    "Asked",
    "Child",
    "Client",
    "child_gateway",
    "clean_environment",
    "here",
]

ROOT = Path(__file__).parents[2]
CLERK = "demo-clerk"
CITIZEN = "demo-citizen"
GRAPHQL_JSON = "application/graphql-response+json"
SAMPLES = tuple(person for person in load_registry().applicants if person.sample)
NEVER_SHOWN = tuple(
    [person.id_number for person in SAMPLES if person.kind == "NATURAL"]
    + [person.mobile for person in SAMPLES]
)
"""Identity numbers of the sample citizens and all sample mobiles. The codes of legal persons are public."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer as a client sees it."""

    status: int
    text: str
    body: dict[str, Any] = field(repr=False)

    @property
    def data(self) -> Any:  # JSON
        return self.body.get("data")

    @property
    def errors(self) -> list[dict[str, Any]]:
        return list(self.body.get("errors", []))

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]

    def of_system(self, code: str) -> list[dict[str, Any]]:
        return [error for error in self.errors if error["extensions"].get("system") == code]


class Client:
    """One HTTP client of one gateway. Looks at every answer for what must never be in one."""

    def __init__(self, url: str, *, token: str | None = CLERK) -> None:
        self.url, self.token = url, token
        # trust_env: proxies of the machine are none of our business
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20)

    def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        token: str | None = "",
        accept: str = GRAPHQL_JSON,
        echoes: bool = False,
    ) -> Asked:
        """token: "" is this client's own. echoes: the answer may repeat what the question itself said."""
        bearer = self.token if token == "" else token
        headers = {"accept": accept} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
        body = {"query": query, "variables": dict(variables or {})}
        reply = self.http.post("/graphql", json=body, headers=headers)
        if not echoes:
            shown = [secret for secret in NEVER_SHOWN if secret in reply.text]
            assert not shown, f"{query} shows {shown}"
        return Asked(reply.status_code, reply.text, reply.json())

    def data(self, query: str, variables: Mapping[str, Any] | None = None, **how: Any) -> Any:
        """The data of an answer without errors."""
        asked = self.ask(query, variables, **how)
        assert (asked.status, asked.errors) == (200, []), asked.text[:2000]
        return asked.data

    @contextlib.contextmanager
    def events(
        self, query: str, variables: Mapping[str, Any] | None = None
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """The answers of a subscription, by server-sent events; leaving the block unsubscribes."""
        headers = {"Accept": "text/event-stream"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = {"query": query, "variables": dict(variables or {})}
        with self.http.stream("POST", "/graphql", json=body, headers=headers, timeout=30) as response:
            assert response.headers["content-type"].startswith("text/event-stream"), response.read()

            def answers() -> Iterator[dict[str, Any]]:
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line.removeprefix("data: "))

            yield answers()

    def ready(self) -> tuple[int, dict[str, Any]]:
        reply = self.http.get("/health/ready")
        return reply.status_code, reply.json()

    def metrics(self) -> str:
        return self.http.get("/metrics").text

    def metric(self, line_start: str) -> float:
        """Value of the series that begins so, 0 where there is none."""
        for line in self.metrics().splitlines():
            if line.startswith(line_start + " "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def close(self) -> None:
        self.http.close()


def settings_of(tmp: Path, systems: Path, **further: Any) -> Settings:
    given = {
        "systems_dir": systems,
        "registry_dir": ROOT / "samples/data",
        "tokens_file": str(ROOT / "samples/tokens.yaml"),
        "data_dir": tmp,
        "secret_key": "an e2e key of no other use, 0123456789",
        "reload_poll_s": 0.05,
        "harvest": False,  # calls that a test did not make would be counted
    }
    return load_settings({}, **(given | further))


@contextlib.contextmanager
def here(
    tmp: Path, systems: Path, environ: Mapping[str, str], *, token: str | None = CLERK, **settings: Any
) -> Iterator[Client]:
    """A gateway in a thread of this process, listening on a free port."""
    gateway = build_gateway(settings_of(tmp, systems, **settings), environ=environ)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                gateway.app, log_config=None, lifespan="on", ws="websockets-sansio", proxy_headers=False
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}", token=token)
        try:
            until(lambda: server.started or not thread.is_alive(), what="the gateway starts")
            assert server.started, "the gateway did not start; its log says why"
            yield client
        finally:
            client.close()
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the gateway did not stop"


@dataclass(slots=True)
class Child:
    """`quanyu serve` as a process, and the log lines that it has written so far."""

    process: subprocess.Popen[bytes]
    log: Path
    client: Client

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """Log lines, all of which must be JSON; those of one event where it is named."""
        rows = [json.loads(line) for line in self.text().splitlines()]
        return [row for row in rows if not event or row["event"] == event]


@contextlib.contextmanager
def child_gateway(tmp: Path, systems: Path, environ: Mapping[str, str], **settings: str) -> Iterator[Child]:
    """settings: QUANYU_ variables by the setting's name."""
    variables = {
        "QUANYU_SYSTEMS_DIR": str(systems),
        "QUANYU_REGISTRY_DIR": str(ROOT / "samples/data"),
        "QUANYU_TOKENS_FILE": str(ROOT / "samples/tokens.yaml"),
        "QUANYU_DATA_DIR": str(tmp / "data"),
        "QUANYU_PORT": "0",
        "QUANYU_RELOAD_POLL_S": "0.05",
        "QUANYU_DRAIN_NOTICE_S": "0",
        "QUANYU_HARVEST": "false",
    } | {f"QUANYU_{name.upper()}": value for name, value in settings.items()}
    log = tmp / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "quanyu", "serve"],
            cwd=ROOT,
            env=clean_environment() | dict(environ) | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        listening = until(
            lambda: _listening(log) or process.poll() is not None, what="the gateway listens", timeout_s=60.0
        )
        assert isinstance(listening, str), f"the gateway ended:\n{log.read_text(encoding='utf-8')}"
        client = Client(listening)
        yield Child(process, log, client)
        client.close()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("QUANYU_")}


def _listening(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8").splitlines():
        if '"listening"' in line:
            return str(json.loads(line)["url"])
    return None
