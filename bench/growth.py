"""What grows with what: declared systems, subgraphs, the size of an answer.

One request asks one system (or one subgraph) whatever stands beside it, so its CPU should be a flat line over the
first two; over the third it should be a straight one.

    python -m bench.growth [--only systems subgraphs answers] [--seconds 3] [--plots bench/results]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from bench.gateway_process import GatewayProcess, running_gateway, running_service
from bench.load import Client
from bench.machine import LOAD_CORE, cpu_s, facts, pin, print_table, write_result
from bench.many_subgraphs import ROW_BYTES, declare_rows, declare_things
from bench.plots import curves
from samples.farm import running_farm
from samples.farm_declarations import write_declarations
from samples.registry import load_registry

SYSTEMS = (10, 120, 1000)
SUBGRAPHS = (10, 100, 300)
ANSWERS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
CASES = """query Cases($number: String!) {
  cases(applicant: {number: $number}, systems: ["FARM-001"], first: 20) { nodes { id title state } sources { status } }
}"""
THING = "query Thing($salt: Int) { thing1(salt: $salt) { id name } }"
ROWS = "query Rows($count: Int!, $salt: Int) { rows(count: $count, salt: $salt) { no title state at } }"
APPLICANTS = tuple(person.id_number for person in load_registry().applicants if person.sample)
Row = dict[str, Any]


def main() -> None:
    """Prints and keeps the tables; draws the curves where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(_PARTS), default=tuple(_PARTS))
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--plots", type=Path, help="folder for growth-*.svg")
    options = parser.parse_args()
    machine, rows = facts(), []
    for name in options.only:
        part: list[Row] = list(_PARTS[name](options.seconds))
        print_table(f"growth: {name}", part)
        rows += part
        if options.plots:
            _draw(options.plots, name, part)
    print(f"written: {write_result('growth', rows, machine)}")


def _systems(seconds: float) -> Iterator[Row]:
    for size in SYSTEMS:
        pin(LOAD_CORE)
        with running_farm(size, processes=min(3, size), latency_ms=0) as farm, _folder() as work:
            write_declarations(farm, work / "systems")
            yield {
                "systems": size,
                **_measured(work, CASES, [{"number": number} for number in APPLICANTS], seconds),
            }


def _subgraphs(seconds: float) -> Iterator[Row]:
    for size in SUBGRAPHS:
        with _beside_a_system(partial(declare_things, count=size)) as work:
            questions = [{"salt": number} for number in range(50)]
            yield {"subgraphs": size, **_measured(work, THING, questions, seconds)}


def _answers(seconds: float) -> Iterator[Row]:
    with _beside_a_system(declare_rows) as work:
        for size in ANSWERS:
            questions = [{"count": size // ROW_BYTES, "salt": -number} for number in range(4)]
            row = _measured(work, ROWS, questions, seconds, connections=2)
            yield {
                "answer bytes": size,
                **row,
                "gatewayCpuUsPerKb": round(1000 * row["gatewayCpuUs"] / size, 2),
            }


_PARTS: Mapping[str, Callable[[float], Iterator[Row]]] = {
    "systems": _systems,
    "subgraphs": _subgraphs,
    "answers": _answers,
}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="quanyu-growth-") as work:
        yield Path(work)


@contextmanager
def _beside_a_system(declare: Callable[[Path, str], None]) -> Iterator[Path]:
    """A gateway wants one system; the subgraphs stand beside it."""
    pin(LOAD_CORE)
    with (
        running_farm(1, processes=1) as farm,
        running_service("bench.many_subgraphs") as url,
        _folder() as work,
    ):
        write_declarations(farm, work / "systems")
        declare(work / "systems" / "subgraphs", url)
        yield work


def _measured(
    work: Path, query: str, questions: Sequence[Mapping[str, Any]], seconds: float, *, connections: int = 8
) -> Row:
    with running_gateway(work / "systems", work) as gateway:
        start_cpu_s, start_mb = cpu_s(gateway.pid), _rss_mb(gateway.pid)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(_asked(gateway, query, questions, seconds, connections))
        return {
            "startS": round(gateway.start_s, 2),
            "startCpuS": round(start_cpu_s, 2),
            "startMb": round(start_mb),
            **figures,
            "afterMb": round(_rss_mb(gateway.pid)),
        }


async def _asked(
    gateway: GatewayProcess,
    query: str,
    questions: Sequence[Mapping[str, Any]],
    seconds: float,
    connections: int,
) -> Row:
    client = Client(gateway.url, gateway.pid, connections=connections)
    bodies = [client.question(query, one) for one in questions]
    for body in bodies:
        await client.expect(body)
    one = (await client.run(bodies, connections=1, seconds=seconds / 2)).row()
    many = (await client.run(bodies, connections=connections, seconds=seconds)).row()
    await client.close()
    return {
        "p50Ms": one["p50Ms"],
        "p99Ms": one["p99Ms"],
        "gatewayCpuUs": many["gatewayCpuUs"],
        "requestsPerS": many["requestsPerS"],
    }


def _draw(folder: Path, name: str, rows: Sequence[Row]) -> None:
    across = next(iter(rows[0]))
    for figure, title in (
        ("gatewayCpuUs", "gateway CPU of one request, us"),
        ("startCpuS", "CPU until it serves, s"),
        ("afterMb", "memory after the load, MB"),
        ("p99Ms", "p99 at one connection, ms"),
    ):
        points = [(float(row[across]), float(row[figure])) for row in rows]
        curves(folder / f"growth-{name}-{figure}.svg", title, across, {figure: points})


def _rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    main()
