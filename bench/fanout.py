"""`cases` of one applicant over 10, 50 and 120 systems that take 20 ms each.

Wall time of one request at a time, and its ratio to the slowest system asked alone in the same run (goal: 1.5 at
most); the gateway's CPU time per system call; requests a second at 8 clients, each asking for another applicant so
that nothing is shared. `--in-process` asks the engine without HTTP, `--profile` prints where its time goes.

python -m bench.fanout [--systems 10,50,120] [--latency-ms 20] [--seconds 5] [--in-process] [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uvloop

from bench.direct import bare_fan_out, slowest_alone_s
from bench.gateway_process import running_gateway
from bench.in_process import open_engine
from bench.load import Client, Load, WrongAnswerError
from bench.machine import GATEWAY_CORE, LOAD_CORE, facts, pin, print_table, write_result
from bench.sampler import sampling
from samples.farm import running_farm
from samples.farm_declarations import FarmAddress, write_declarations
from samples.registry import load_registry

QUERY = """query Cases($number: String!) {
  cases(applicant: {number: $number}, first: 20) {
    nodes { id title state appliedAt }
    sources { system status }
  }
}"""
CLIENTS = 8
WARM_UP = 3
APPLICANTS = tuple(person.id_number for person in load_registry().applicants if person.sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--systems", default="10,50,120")
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--requests", type=int, default=200, help="at most, one at a time")
    parser.add_argument("--in-process", action="store_true", help="the engine alone, in this process")
    parser.add_argument(
        "--profile", action="store_true", help="with --in-process: print the costliest functions"
    )
    options = parser.parse_args()
    machine = facts()
    sizes = [int(one) for one in options.systems.split(",")]
    rows = [_measure(size, options) for size in sizes]
    name = "fanout-in-process" if options.in_process else "fanout"
    print_table(name, rows)
    print(f"written: {write_result(name, rows, machine)}")


def _measure(size: int, options: argparse.Namespace) -> dict[str, Any]:
    pin(LOAD_CORE)
    processes = min(3, size)
    with (
        tempfile.TemporaryDirectory(prefix="quanyu-bench-") as work,
        running_farm(size, processes=processes, latency_ms=options.latency_ms) as farm,
    ):
        folder = Path(work) / "systems"
        write_declarations(farm, folder)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if options.in_process:
                pin(GATEWAY_CORE)
                return runner.run(_in_process(folder, farm, options))
            with running_gateway(folder, Path(work)) as gateway:
                client = Client(gateway.url, gateway.pid, connections=CLIENTS)
                row = runner.run(_over_http(client, farm, options))
                return {"systems": size, "startS": round(gateway.start_s, 2), **row}


async def _over_http(
    client: Client, farm: Sequence[FarmAddress], options: argparse.Namespace
) -> dict[str, Any]:
    bodies = [client.question(QUERY, {"number": number}) for number in APPLICANTS]
    for body in bodies * WARM_UP:
        _check(await client.expect(body), farm)
    alone_s = await slowest_alone_s(farm, APPLICANTS[0], rounds=5)
    bare = await bare_fan_out(farm, APPLICANTS[0], rounds=30)
    one = await client.run(bodies, connections=1, seconds=options.seconds * 2, most=options.requests)
    many = await client.run(bodies, connections=CLIENTS, seconds=options.seconds)
    await client.close()
    return {**_ratios(one, alone_s, bare.wall_s), **_cpu(one, many, len(farm)), "bareCpuUs": bare.cpu_us}


def _ratios(one: Load, alone_s: float, bare_s: float) -> dict[str, Any]:
    figures = one.row()
    return {
        "requests": one.requests,
        "p50Ms": figures["p50Ms"],
        "p99Ms": figures["p99Ms"],
        "slowestAloneMs": round(alone_s * 1000, 3),
        "bareFanOutMs": round(bare_s * 1000, 3),
        "p50Ratio": round(figures["p50Ms"] / alone_s / 1000, 3),
        "p99Ratio": round(figures["p99Ms"] / alone_s / 1000, 3),
        "bareRatio": round(bare_s / alone_s, 3),
    }


def _cpu(one: Load, many: Load, systems: int) -> dict[str, Any]:
    return {
        "cpuUsPerCall": round(1e6 * one.gateway_cpu_s / one.requests / systems, 1),
        "cpuUsPerCallAt8": round(1e6 * many.gateway_cpu_s / many.requests / systems, 1),
        "requestsPerSAt8": round(many.requests / many.elapsed_s, 1),
        "p50MsAt8": many.row()["p50Ms"],
        "gatewayCpuShareAt8": many.row()["gatewayCpuShare"],
    }


async def _in_process(
    folder: Path, farm: Sequence[FarmAddress], options: argparse.Namespace
) -> dict[str, Any]:
    async with open_engine(folder) as ask:
        for number in APPLICANTS * WARM_UP:
            _check(await ask(QUERY, {"number": number}), farm)
        bare = await bare_fan_out(farm, APPLICANTS[0], rounds=30)
        turns = min(options.requests, max(10, int(2 * options.seconds / 0.03)))
        walls: list[float] = []
        with sampling() if options.profile else nullcontext() as samples:
            cpu = time.process_time()
            for turn in range(turns):
                began = time.perf_counter()
                await ask(QUERY, {"number": APPLICANTS[turn % len(APPLICANTS)]})
                walls.append(time.perf_counter() - began)
            cpu_us = 1e6 * (time.process_time() - cpu) / turns / len(farm)
    if samples is not None:
        samples.show(cpu_us)
    return {
        "systems": len(farm),
        "requests": turns,
        "p50Ms": round(sorted(walls)[turns // 2] * 1000, 3),
        "cpuUsPerCall": round(cpu_us, 1),
        "bareCpuUs": bare.cpu_us,
    }


def _check(data: dict[str, Any], farm: Sequence[FarmAddress]) -> None:
    """Raises WrongAnswerError unless every system answered and the page is full."""
    found = data["cases"]
    good = sum(one["status"] == "OK" for one in found["sources"])
    if good != len(farm) or len(found["nodes"]) != 20:
        raise WrongAnswerError(f"{good} of {len(farm)} systems answered, {len(found['nodes'])} cases of 20")


if __name__ == "__main__":
    main()
