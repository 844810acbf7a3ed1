"""A real gateway for a benchmark: `python -m quanyu serve` in a process of its own, on a free port and its own core."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.machine import GATEWAY_CORE, ROOT, pin

__all__ = ["TOKEN", "GatewayProcess", "running_gateway", "running_service"]

TOKEN = "bench-clerk"  # noqa: S105 - of a gateway that lives for one run
START_TIMEOUT_S = 180.0
_TOKENS = f'tokens:\n  - {{token: {TOKEN}, name: bench, scopes: ["cases:read", "systems:read"]}}\n'


@dataclass(frozen=True, slots=True)
class GatewayProcess:
    """start_s: from exec to the line that says where it listens, declarations and WSDLs read."""

    url: str
    pid: int
    start_s: float


@contextlib.contextmanager
def running_gateway(
    systems: Path, work: Path, environment: Mapping[str, str] | None = None
) -> Iterator[GatewayProcess]:
    """A gateway over the declarations in `systems`, with a clerk's token, its defaults otherwise.

    work: folder for its tokens, key and log. Raises RuntimeError with the end of its log if it does not start.
    """
    tokens, log = work / "tokens.yaml", work / "gateway.log"
    tokens.write_text(_TOKENS, encoding="utf-8")
    settings = {
        "QUANYU_TOKENS_FILE": str(tokens),
        "QUANYU_DATA_DIR": str(work / "data"),
        "QUANYU_WATCH": "false",
    }
    command = [sys.executable, "-m", "quanyu", "serve", "--port", "0", "--systems", str(systems.resolve())]
    started = time.perf_counter()
    with log.open("wb") as output:
        gateway = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **settings, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            pin(GATEWAY_CORE, gateway.pid)
            url = _wait_for_url(gateway, log, started + START_TIMEOUT_S)
            yield GatewayProcess(url, gateway.pid, time.perf_counter() - started)
        finally:
            gateway.kill()  # nothing in flight is worth its drain
            gateway.wait()


@contextlib.contextmanager
def running_service(module: str) -> Iterator[str]:
    """`python -m MODULE`, a server whose first line is its address, which is yielded."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _wait_for_url(gateway: subprocess.Popen[bytes], log: Path, until: float) -> str:
    while time.perf_counter() < until and gateway.poll() is None:
        for line in log.read_text("utf-8", errors="replace").splitlines():
            if '"listening"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.02)
    tail = "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-20:])
    raise RuntimeError(f"the gateway did not start; the end of its log:\n{tail}")
