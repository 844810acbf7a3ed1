"""The public federation benchmark's query (accounts, inventory, products, reviews), beside other gateways.

    python -m bench.peers_federation [--only quanyu grafbase] [--rounds 3] [--seconds 3]

All gateways run at once, each on the gateways' core, and are asked in turn, round by round: `own` (every request has
a header of its own that is sent on to the subgraphs, so nothing can be shared), `same` (identical requests), `one` (one
connection). Before the clock runs, each answer is compared with the query run over one schema in one place. The figure
to compare is requests a second of gateway CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from adapters.wire import UrlGuard, Wire, WireLimits, WireRequest
from bench.gateway_process import running_gateway, running_service
from bench.load import WrongAnswerError
from bench.machine import LOAD_CORE, facts, pin, print_table, quantile_ms, write_result
from bench.peer_processes import PEERS, Running, install_peers, running_peer
from bench.plots import bars
from bench.store_graph import QUERY, SDLS, reference_answer, supergraph_sdl

MODES = ("own", "same", "one")
CONNECTIONS = 50
TIMEOUT_S = 60.0
_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Figures:
    """One gateway's, one entry a round."""

    per_cpu_s: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    per_s: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    p50_ms: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    p99_ms: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    fetches: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    memory_mb: float = 0.0


def main() -> None:
    """Prints and keeps the table; a gateway that does not start, or answers wrongly, is named and left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=["quanyu", *PEERS], choices=["quanyu", *PEERS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--plot", type=Path, help="draw the table there, as SVG")
    options = parser.parse_args()
    machine = facts()
    with tempfile.TemporaryDirectory() as work, contextlib.ExitStack() as stack:
        pin(LOAD_CORE)
        subgraphs = stack.enter_context(running_service("bench.store_graph"))
        running = list(_start(stack, options.only, Path(work), subgraphs))
        figures = asyncio.run(
            _measure(running, subgraphs, options.rounds, options.seconds, options.connections)
        )
    rows = [_row(one, figures[one.name]) for one in running]
    rows = _ratios(rows)
    print_table("TestQuery, 87 KB of answer", rows)
    write_result("peers-federation", rows, machine)
    if options.plot:
        bars(options.plot, "TestQuery, nothing shared: requests a second of gateway CPU",
             {str(row["gateway"]): float(row["own req/cpu s"]) for row in rows})  # fmt: skip


def _start(
    stack: contextlib.ExitStack, names: Sequence[str], work: Path, subgraphs: str
) -> Iterator[Running]:
    sdl = supergraph_sdl(subgraphs)
    peers = install_peers() if set(names) - {"quanyu"} else work
    for name in names:
        folder = work / name
        try:
            if name == "quanyu":
                yield stack.enter_context(running_quanyu(folder, sdl, subgraphs))
            else:
                yield stack.enter_context(running_peer(name, peers, folder, sdl, subgraphs))
        except RuntimeError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)


@contextlib.contextmanager
def running_quanyu(
    folder: Path, sdl: str, subgraphs: str, settings: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """With its defaults, but for the places at each subgraph, which are made to fit the connections."""
    declarations = folder / "systems" / "subgraphs"
    declarations.mkdir(parents=True)
    for name in SDLS:
        (declarations / f"{name}.yaml").write_text(
            f"subgraph: {{name: {name}, url: '{subgraphs}/{name}', headers: {{propagate: [x-n]}}}}\n"
            f"traffic: {{concurrency: {4 * CONNECTIONS}, timeoutMs: 10000}}\n"
        )
    (folder / "supergraph.graphql").write_text(sdl)
    environment = {
        "QUANYU_SUPERGRAPH": str(folder / "supergraph.graphql"),
        **(settings or {}),
    }
    with running_gateway(folder / "systems", folder, environment) as process:
        yield Running("quanyu", f"{process.url}/graphql", process.pid, process.start_s)


async def _measure(
    running: Sequence[Running], subgraphs: str, rounds: int, seconds: float, connections: int
) -> Mapping[str, Figures]:
    figures = {one.name: Figures() for one in running}
    asking = {one.name: _Asking(one, connections) for one in running}
    calls = _Calls(subgraphs)
    for one in asking.values():
        await one.check()
        await one.run("own", 1.0)
        await one.run("same", 1.0)
    for _ in range(rounds):
        for name, mode in itertools.product(asking, MODES):
            await asking[name].measure(mode, seconds, figures[name], calls)
    for one in asking.values():
        await one.close()
    return figures


class _Calls:
    """How many calls the subgraphs have had."""

    def __init__(self, url: str) -> None:
        self._wire = Wire(guard=UrlGuard([url]))
        self._request = WireRequest("GET", f"{url}/calls")

    async def count(self) -> int:
        return int((await self._wire.send(self._request, timeout_s=5)).body)


class _Asking:
    """One gateway and the answer that it must give."""

    def __init__(self, gateway: Running, connections: int) -> None:
        self.gateway = gateway
        self._connections = connections
        self._wire = Wire(
            guard=UrlGuard([gateway.url.removesuffix("/graphql")]),
            limits=WireLimits(max_connections=connections),
        )
        self._head = self._wire.prepare(
            WireRequest(
                "POST", gateway.url, (("Content-Type", "application/json"), ("Accept", "application/json"))
            )
        )
        self._body = orjson.dumps({"query": QUERY})
        self._expected = b""

    async def close(self) -> None:
        await self._wire.close()

    async def check(self) -> None:
        """Raises WrongAnswerError. Key order does not count here; later answers are compared byte by byte."""
        for mode in ("own", "same"):
            self._expected = await self._ask(mode)
            answer: dict[str, Any] = orjson.loads(self._expected)
            if answer.get("errors") or answer.get("data") != reference_answer():
                raise WrongAnswerError(f"{self.gateway.name} answered {self._expected[:500]!r}")

    async def measure(self, mode: str, seconds: float, into: Figures, calls: _Calls) -> None:
        asked, cpu, began = await calls.count(), self.gateway.cpu_s(), time.perf_counter()
        latencies = await self.run(mode, seconds)
        elapsed, cpu = time.perf_counter() - began, self.gateway.cpu_s() - cpu
        into.per_cpu_s[mode].append(len(latencies) / cpu)
        into.per_s[mode].append(len(latencies) / elapsed)
        into.p50_ms[mode].append(quantile_ms(latencies, 0.5))
        into.p99_ms[mode].append(quantile_ms(latencies, 0.99))
        into.fetches[mode].append((await calls.count() - asked) / len(latencies))
        into.memory_mb = max(into.memory_mb, self.gateway.memory_mb())

    async def run(self, mode: str, seconds: float) -> list[float]:
        """Latencies in seconds. Raises WrongAnswerError."""
        latencies: list[float] = []
        until = time.perf_counter() + seconds

        async def worker() -> None:
            while (asked := time.perf_counter()) < until:
                answer = await self._ask(mode)
                latencies.append(time.perf_counter() - asked)
                if answer != self._expected:
                    raise WrongAnswerError(
                        f"{self.gateway.name}: another answer than before: {answer[:300]!r}"
                    )

        async with asyncio.TaskGroup() as group:
            for _ in range(1 if mode == "one" else self._connections):
                group.create_task(worker())
        return latencies

    async def _ask(self, mode: str) -> bytes:
        headers = () if mode == "same" else (("x-n", str(next(_NUMBERS))),)
        answer = await self._wire.send(self._head.request(self._body, headers), timeout_s=TIMEOUT_S)
        if answer.status != 200:
            raise WrongAnswerError(f"{self.gateway.name}: HTTP {answer.status}: {answer.body[:300]!r}")
        return answer.body


def _row(gateway: Running, figures: Figures) -> dict[str, Any]:
    row: dict[str, Any] = {"gateway": gateway.name}
    for mode in MODES:
        found = figures.per_cpu_s[mode]
        row[f"{mode} req/cpu s"] = round(statistics.median(found), 1)
        row[f"{mode} spread"] = f"{min(found):.0f}-{max(found):.0f}"
        row[f"{mode} req/s"] = round(statistics.median(figures.per_s[mode]), 1)
        row[f"{mode} p50 ms"] = round(statistics.median(figures.p50_ms[mode]), 2)
        row[f"{mode} p99 ms"] = round(statistics.median(figures.p99_ms[mode]), 2)
        row[f"{mode} fetches"] = round(statistics.median(figures.fetches[mode]), 2)
    row["start s"] = round(gateway.start_s, 2)
    row["memory MB"] = round(figures.memory_mb)
    return row


def _ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Beside each peer, how many times its requests a second of CPU Quanyu has."""
    ours = next((row for row in rows if row["gateway"] == "quanyu"), None)
    if ours is None:
        return list(rows)
    made = []
    for row in rows:
        ratios = {
            f"quanyu is, {mode}": round(ours[f"{mode} req/cpu s"] / row[f"{mode} req/cpu s"], 2)
            for mode in MODES
        }
        made.append({**row, **ratios})
    return made


if __name__ == "__main__":
    main()
