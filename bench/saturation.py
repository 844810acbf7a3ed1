"""More requests than the gateway can answer: 0.5, 1, 2 and 4 times its capacity, with load shedding and without.

    python -m bench.saturation [--rounds 2] [--seconds 5]

A query of the catalogue, which the gateway answers without asking anyone, so that nothing but the gateway is saturated;
nothing is shared. Capacity is what 16 clients that ask one after the other get. Then requests come at a fixed rate whatever becomes of them, as from clients who do not wait for one another. Goodput: answers
with status 200 within the deadline, of capacity; the two gateways are asked in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop

from adapters.wire import UrlGuard, Wire, WireError, WireLimits, WireRequest
from bench.gateway_process import GatewayProcess, running_gateway
from bench.machine import LOAD_CORE, facts, pin, print_table, quantile_ms, write_result
from bench.plots import curves
from samples.farm import running_farm
from samples.farm_declarations import declaration_texts

QUERY = """query Catalogue($search: String!) {
  serviceItems(first: 50) { nodes { baseCode name } }
  other: serviceItems(search: $search) { nodes { baseCode } }
}"""
DEADLINE_S = 1.0
CLIENTS = 16
LOADS = (0.5, 1.0, 2.0, 4.0)
SETTINGS = {"shedding": {}, "letting all in": {"QUANYU_MAX_LOOP_LAG_MS": "0"}}
_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Outcome:
    """Of one load. latencies_s: of answers with status 200."""

    latencies_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0.0

    @property
    def goodput(self) -> float:
        """Answers in time, a second."""
        return sum(one <= DEADLINE_S for one in self.latencies_s) / self.elapsed_s


class _Asking:
    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self._wire = Wire(guard=UrlGuard([gateway.url]), limits=WireLimits(max_connections=4000))
        self._head = self._wire.prepare(
            WireRequest("POST", f"{gateway.url}/graphql", (("Content-Type", "application/json"),))
        )

    async def ask(self, into: Outcome) -> None:
        started = time.perf_counter()
        try:
            request = self._head.request(
                orjson.dumps({"query": QUERY, "variables": {"search": str(next(_NUMBERS))}})
            )
            answer = await self._wire.send(request, timeout_s=10 * DEADLINE_S)
        except WireError as error:
            into.statuses[type(error).__name__] += 1
            return
        took = time.perf_counter() - started
        into.statuses[str(answer.status)] += 1
        (into.latencies_s if answer.status == 200 else into.refused_s).append(took)

    async def capacity(self, seconds: float) -> Outcome:
        """Clients that ask one after the other."""
        outcome = Outcome()
        started = time.perf_counter()

        async def client() -> None:
            while time.perf_counter() - started < seconds:
                await self.ask(outcome)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        outcome.elapsed_s = time.perf_counter() - started
        return outcome

    async def offer(self, rate: float, seconds: float) -> Outcome:
        """So many requests a second, evenly."""
        outcome, started, sent = Outcome(), time.perf_counter(), 0
        asking: set[asyncio.Task[None]] = set()
        while (elapsed := time.perf_counter() - started) < seconds:
            while sent < elapsed * rate:
                task = asyncio.create_task(self.ask(outcome))
                asking.add(task)
                task.add_done_callback(asking.discard)
                sent += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*asking)
        outcome.elapsed_s = time.perf_counter() - started
        return outcome

    async def close(self) -> None:
        await self._wire.close()


def main() -> None:
    """Prints and keeps the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--plot", type=Path, help="draw goodput by load there, as SVG")
    options = parser.parse_args()
    machine = facts()
    with tempfile.TemporaryDirectory() as work, contextlib.ExitStack() as stack:
        pin(LOAD_CORE)
        farm = stack.enter_context(running_farm(1, processes=1))
        running = {}
        for number, (name, settings) in enumerate(SETTINGS.items()):
            folder = Path(work) / str(number)
            (folder / "systems").mkdir(parents=True)
            for code, text in declaration_texts(farm).items():  # the gateway wants one system
                (folder / "systems" / f"{code.lower()}.yaml").write_text(text, encoding="utf-8")
            running[name] = stack.enter_context(running_gateway(folder / "systems", folder, settings))
        rows = uvloop.run(_measure(running, options.rounds, options.seconds))
    print_table("saturation", rows)
    write_result("saturation", rows, machine)
    if options.plot:
        lines = {
            name: [(row["load"], row["goodput %"]) for row in rows if row["gateway"] == name]
            for name in SETTINGS
        }
        curves(options.plot, "Goodput, % of capacity", "offered load, times capacity", lines)


async def _measure(
    running: Mapping[str, GatewayProcess], rounds: int, seconds: float
) -> list[dict[str, Any]]:
    asking = {name: _Asking(one) for name, one in running.items()}
    found: dict[tuple[str, float], list[tuple[float, Outcome]]] = {}
    for one in asking.values():
        await one.capacity(1.0)
    for _, load, (name, one) in itertools.product(range(rounds), LOADS, asking.items()):
        # anew each time: the machine has neighbours
        capacity = (await one.capacity(seconds / 2)).goodput
        outcome = await one.offer(load * capacity, seconds)
        found.setdefault((name, load), []).append((capacity, outcome))
        await asyncio.sleep(0.5)
    for one in asking.values():
        await one.close()
    return [_row(name, load, outcomes) for (name, load), outcomes in sorted(found.items())]


def _row(name: str, load: float, outcomes: Sequence[tuple[float, Outcome]]) -> dict[str, Any]:
    answered = [one for _, outcome in outcomes for one in outcome.latencies_s] or [0.0]
    refused = [one for _, outcome in outcomes for one in outcome.refused_s] or [0.0]
    statuses: Counter[str] = sum((outcome.statuses for _, outcome in outcomes), Counter())
    return {
        "gateway": name,
        "load": load,
        "capacity req/s": round(statistics.median(capacity for capacity, _ in outcomes)),
        "goodput %": round(100 * statistics.median(one.goodput / capacity for capacity, one in outcomes), 1),
        "answered p50 ms": round(quantile_ms(answered, 0.5)),
        "answered p99 ms": round(quantile_ms(answered, 0.99)),
        "refused p50 ms": round(quantile_ms(refused, 0.5)),
        "statuses": " ".join(f"{status}:{count}" for status, count in sorted(statuses.items())),
    }


if __name__ == "__main__":
    main()
