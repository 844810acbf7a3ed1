"""A hundred systems of which a quarter misbehave, asked by many users at once: what becomes of the healthy ones?

10 % answer two seconds late, 5 % never answer, 5 % send bytes that are no HTTP, 5 % reset the connection; each question
goes to five systems drawn at random. Healthy fields answered (goal: at least 99.9 %), p99 against the deadline (goal: at
most 1.2), which breakers are open, and the gateway's memory over time. Then all is healed: how long until every breaker
is closed.

python -m bench.chaos [--systems 100] [--users 64] [--seconds 60] [--deadline-ms 1000] [--timeout-ms 800]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import orjson
import uvloop

from adapters.wire import UrlGuard, Wire, WireHead, WireLimits, WireRequest
from bench.fault_proxy import running_proxy
from bench.gateway_process import TOKEN, GatewayProcess, running_gateway
from bench.machine import LOAD_CORE, facts, pin, print_table, quantile_ms, write_result
from samples.farm import running_farm
from samples.farm_declarations import FarmAddress, declaration_texts
from samples.registry import load_registry

__all__ = ["Options", "faults_for", "measure"]

QUERY = """query Chaos($number: String!, $systems: [ID!], $deadline: Int) {
  cases(applicant: {number: $number}, first: 20, systems: $systems, deadlineMs: $deadline) {
    nodes { id state appliedAt }
    sources { system status }
  }
}"""
SHARES = {"slow": 0.10, "hang": 0.05, "garbage": 0.05, "reset": 0.05}
FAN_OUT = 5
GOOD = ("OK", "CACHED")
_BREAKER = re.compile(r'^quanyu_system_breaker_state\{system="([^"]+)"\} ([\d.]+)$', re.M)


@dataclass(frozen=True, slots=True)
class Options:
    """seconds: of load; most: requests in all, for a short run."""

    systems: int = 100
    users: int = 64
    seconds: float = 60.0
    deadline_ms: int = 1000
    timeout_ms: int = 800
    most: int = 10_000_000
    seed: int = 1
    processes: int = 3
    heal: bool = True


@dataclass(slots=True)
class Tally:
    """What came of the questions. healthy, ill: statuses of the fields of such systems."""

    latencies_s: list[float] = field(default_factory=list)
    healthy: Counter[str] = field(default_factory=Counter)
    ill: Counter[str] = field(default_factory=Counter)
    failed: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--systems", type=int, default=100)
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--deadline-ms", type=int, default=1000)
    parser.add_argument("--timeout-ms", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    machine = facts()
    row = measure(
        Options(
            given.systems, given.users, given.seconds, given.deadline_ms, given.timeout_ms, seed=given.seed
        )
    )
    print_table("chaos", [row])
    print(f"written: {write_result('chaos', [row], machine)}")


def faults_for(count: int, *, seed: int) -> list[str]:
    """The fault of each system in order, drawn once."""
    faults = [fault for fault, share in SHARES.items() for _ in range(max(1, round(count * share)))]
    faults += ["ok"] * (count - len(faults))
    random.Random(seed).shuffle(faults)
    return faults


def measure(options: Options) -> dict[str, Any]:
    """Starts farm, proxy and gateway, and gives the figures of one run."""
    pin(LOAD_CORE)
    faults = faults_for(options.systems, seed=options.seed)
    with (
        tempfile.TemporaryDirectory(prefix="quanyu-chaos-") as work,
        running_farm(options.systems, processes=options.processes) as farm,
        running_proxy(
            [(one.url, fault) for one, fault in zip(farm, faults, strict=True)], seed=options.seed
        ) as (origins, proxy),
    ):
        folder = Path(work) / "systems"
        _write(folder, farm, origins, options.timeout_ms)
        with running_gateway(folder, Path(work)) as gateway:
            codes = dict(zip((one.code for one in farm), faults, strict=True))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(_measured(gateway, codes, proxy, options))


def _write(folder: Path, farm: Sequence[FarmAddress], origins: Sequence[str], timeout_ms: int) -> None:
    """Declarations that call through the proxy; a WSDL comes from the system itself."""
    folder.mkdir(parents=True)
    for one, origin in zip(farm, origins, strict=True):
        text = declaration_texts([one])[one.code].replace("timeoutMs: 2000", f"timeoutMs: {timeout_ms}")
        if one.kind == "soap":
            text = text.replace("ws?wsdl\n", f"ws?wsdl\n    address: {origin}/ws\n")
        else:
            text = text.replace(f"baseUrl: {one.url}", f"baseUrl: {origin}")
        (folder / f"{one.code.lower()}.yaml").write_text(text, encoding="utf-8")


class _Users:
    def __init__(self, gateway: GatewayProcess, faults: dict[str, str], options: Options) -> None:
        self.gateway, self.faults, self.options = gateway, faults, options
        self.tally = Tally()
        limits = WireLimits(max_connections=options.users + 2)
        self.wire = Wire(guard=UrlGuard([gateway.url]), limits=limits)
        headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {TOKEN}"))
        self.head: WireHead = self.wire.prepare(WireRequest("POST", f"{gateway.url}/graphql", headers))
        self.numbers = [person.id_number for person in load_registry().applicants if person.sample]
        self.left = options.most

    async def run(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(self.options.users):
                group.create_task(self._user(random.Random(self.options.seed * 1000 + number), until))

    async def _user(self, drawn: random.Random, until: float) -> None:
        codes = sorted(self.faults)
        while time.perf_counter() < until and self.left > 0:
            self.left -= 1
            await self.ask(drawn.choice(self.numbers), drawn.sample(codes, FAN_OUT))

    async def ask(self, number: str, systems: Sequence[str]) -> None:
        variables = {"number": number, "systems": systems, "deadline": self.options.deadline_ms}
        body = orjson.dumps({"query": QUERY, "variables": variables})
        began = time.perf_counter()
        answer = await self.wire.send(self.head.request(body), timeout_s=30)
        self.tally.latencies_s.append(time.perf_counter() - began)
        found = orjson.loads(answer.body).get("data") if answer.status == 200 else None
        if not found or not found.get("cases"):
            self.tally.failed += 1
            return
        for source in found["cases"]["sources"]:
            healthy = self.faults[source["system"]] == "ok"
            (self.tally.healthy if healthy else self.tally.ill)[source["status"]] += 1

    async def open_breakers(self) -> set[str]:
        """Systems whose breaker is not closed, by the gateway's own metrics."""
        request = WireRequest("GET", f"{self.gateway.url}/metrics")
        text = (await self.wire.send(request, timeout_s=30)).body.decode()
        return {system for system, value in _BREAKER.findall(text) if float(value) != 0}


async def _measured(
    gateway: GatewayProcess, faults: dict[str, str], proxy: Popen[str], options: Options
) -> dict[str, Any]:
    users = _Users(gateway, faults, options)
    memory = [_rss_mb(gateway.pid)]
    parts = 6 if options.seconds >= 6 else 1
    ever_open: set[str] = set()
    for _ in range(parts):
        await users.run(options.seconds / parts)
        memory.append(_rss_mb(gateway.pid))
        ever_open |= await users.open_breakers()
    tally = users.tally
    healthy = {code for code, fault in faults.items() if fault == "ok"}
    good = sum(tally.healthy[status] for status in GOOD)
    fields = sum(tally.healthy.values())
    p99_ms = quantile_ms(tally.latencies_s, 0.99)
    row = {
        "systems": options.systems,
        "users": options.users,
        "questions": len(tally.latencies_s),
        "questionsPerS": round(len(tally.latencies_s) / options.seconds, 1),
        "failedQuestions": tally.failed,
        "healthyFields": fields,
        "healthyOkPercent": round(100 * good / max(1, fields), 3),
        "healthyStatuses": dict(tally.healthy),
        "illStatuses": dict(tally.ill),
        "p50Ms": round(quantile_ms(tally.latencies_s, 0.5), 1),
        "p99Ms": round(p99_ms, 1),
        "p99OfDeadline": round(p99_ms / options.deadline_ms, 3),
        "healthyOpened": sorted(ever_open & healthy),
        "illOpened": f"{len(ever_open - healthy)} of {len(faults) - len(healthy)}",
        "memoryMb": [round(one, 1) for one in memory],
    }
    if options.heal:
        row["healedAfterS"] = await _healed(users, proxy)
    await users.wire.close()
    return row


async def _healed(users: _Users, proxy: Popen[str]) -> float | None:
    """Seconds until every breaker is closed again, with one question a turn to each ill system; None after 60."""
    assert proxy.stdin is not None
    print("heal", file=proxy.stdin, flush=True)
    began = time.perf_counter()
    ill = sorted(code for code, fault in users.faults.items() if fault != "ok")
    while time.perf_counter() < began + 60:
        await asyncio.gather(
            *(users.ask(users.numbers[0], ill[at : at + FAN_OUT]) for at in range(0, len(ill), FAN_OUT))
        )
        if not await users.open_breakers():
            return round(time.perf_counter() - began, 1)
        await asyncio.sleep(0.25)
    return None


def _rss_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/statm").read_text("ascii")
    return int(text.split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    main()
