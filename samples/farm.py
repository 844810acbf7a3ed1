"""Many small systems, each on a port of its own, in a few processes: for measuring fan-out.

A call costs the server one regular expression or two and a dictionary look-up; latency comes from the loop's timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import uvloop

from samples.children import running_children
from samples.farm_declarations import FarmAddress, write_declarations
from samples.farm_systems import build_handler, farm_systems
from samples.lean_http import LeanProtocol
from samples.serve import DEFAULT_SEED, bind, run_protocols
from samples.stopping import stop_signals

__all__ = [
    "DEFAULT_LATENCY_MS",
    "DEFAULT_PROCESSES",
    "DEFAULT_SYSTEMS",
    "run_farm",
    "running_farm",
    "serve_share",
]

DEFAULT_SYSTEMS = 120
DEFAULT_PROCESSES = 3
DEFAULT_LATENCY_MS = 20.0


@contextlib.contextmanager
def running_farm(
    systems: int = DEFAULT_SYSTEMS,
    *,
    processes: int = DEFAULT_PROCESSES,
    latency_ms: float = DEFAULT_LATENCY_MS,
    seed: int = DEFAULT_SEED,
) -> Iterator[list[FarmAddress]]:
    """Run the farm; yields its systems in order of their codes once every port takes connections.

    latency_ms: added to every answer. Raises ChildFailedError where a process does not start.
    """
    commands = [
        (
            *("farm", "--systems", str(systems), "--share", f"{index}/{processes}"),
            *("--latency-ms", str(latency_ms), "--seed", str(seed)),
        )
        for index in range(processes)
    ]
    with running_children(commands, os.environ) as shares:
        yield sorted(FarmAddress(*address) for share in shares for address in share)


def run_farm(
    *, systems: int, processes: int, latency_ms: float, seed: int, declarations: Path | None = None
) -> None:
    """Run the farm until SIGTERM or Ctrl-C; prints one JSON line a system: [code, kind, url].

    declarations: folder in which each system's declaration is written before its line is printed.
    """
    farm = running_farm(systems, processes=processes, latency_ms=latency_ms, seed=seed)
    with stop_signals() as wait, farm as addresses:
        if declarations is not None:
            write_declarations(addresses, declarations)
        for address in addresses:
            print(json.dumps(address), flush=True)
        wait()


def serve_share(systems: int, *, first: int, step: int, latency_ms: float, seed: int) -> None:
    """Serve every `step`-th system from the `first` in this process; prints their addresses as one JSON line."""
    servers: list[tuple[Callable[[], asyncio.Protocol], socket.socket]] = []
    addresses: list[FarmAddress] = []
    for system in farm_systems(systems, seed=seed)[first::step]:
        listener = bind(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        handler = build_handler(system, seed=seed, address=url)
        servers.append((partial(LeanProtocol, handler, latency_s=latency_ms / 1000), listener))
        addresses.append(FarmAddress(system.code, system.kind, url))
    print(json.dumps(addresses), flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_protocols(servers))
