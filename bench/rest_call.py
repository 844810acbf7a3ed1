"""CPU per REST call: one case of a declared JSON system, mapped and through all of its traffic, against raw aiohttp that
only sends and parses the JSON. And our wire alone, for what lies between the two.

aiohttp is no dependency of the project: `pip install aiohttp` into the environment to have its column.

python -m bench.rest_call [--calls 3000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import orjson
import uvloop

from adapters.build import Surroundings, build_source
from adapters.loader import load
from adapters.references import Lookup
from adapters.source import Source
from adapters.validate import Known, check_document
from adapters.wire import UrlGuard, Wire, WireLimits, WireRequest
from bench.machine import GATEWAY_CORE, LOAD_CORE, facts, pin, print_table, write_result
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from samples.lean_http import LeanProtocol, response

__all__ = ["main"]

CASE = {
    "no": "C1", "title": "超限运输许可", "state": "3", "at": "2017-05-01 10:00:00", "item": "000118001000",
    "region": "500100", "who": {"name": "张三", "id": "500229197001010010"},
    "steps": [{"t": f"2017-05-0{day} 09:00:00", "n": "审查"} for day in range(1, 6)],
}  # fmt: skip
FIELDS = ("localNo", "title", "state", "appliedAt", "applicant", "events")
DECLARATION = """
system: {code: BENCH, name: 测速系统, owner: 11500000009000015M}
source: {rest: {baseUrl: URL}}
traffic: {concurrency: 64, retries: 0}
tables: {status: {1: SUBMITTED, 3: ACCEPTED}}
connectors:
  case:
    path: /cases/{$args.number}
    failure: {when: code != 0}
    records: data
    map:
      localNo: no
      title: title
      state: state | table("status")
      appliedAt: at | date("yyyy-MM-dd HH:mm:ss")
      applicant: {name: who.name, idNumber: who.id}
      events: {each: steps, step: n, occurredAt: 't | date("yyyy-MM-dd HH:mm:ss")'}
"""
Ask = Callable[[int], Awaitable[None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.serve:
            runner.run(_serve())
            return
        machine = facts()
        pin(LOAD_CORE)
        with Popen([sys.executable, "-m", "bench.rest_call", "--serve"], stdout=PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                url = f"http://127.0.0.1:{int(server.stdout.readline())}"
                pin(GATEWAY_CORE)
                rows = runner.run(_measured(url, options.calls, options.rounds))
            finally:
                server.terminate()
    print_table("rest-call", rows)
    print(f"written: {write_result('rest-call', rows, machine)}")


async def _serve() -> None:
    answer = response(orjson.dumps({"code": 0, "data": CASE}), content_type="application/json")
    server = await asyncio.get_running_loop().create_server(
        lambda: LeanProtocol(lambda _: answer), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _measured(url: str, calls: int, rounds: int) -> list[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        askers: dict[str, Ask] = {}
        if importlib.util.find_spec("aiohttp") is None:
            print("aiohttp is not installed: its column is left out", file=sys.stderr)
        else:
            askers["aiohttp and orjson"] = await _aiohttp(url, stack)
        askers["wire and orjson"] = _wire(url, stack)
        askers["a declared case"] = _source(url, stack)
        figures: dict[tuple[str, int], list[float]] = {}
        for turn in range(rounds + 1):  # the first one warms up
            for in_flight in (1, 20):
                for name, ask in askers.items():
                    figure = await _cpu_us(ask, calls, in_flight)
                    if turn:
                        figures.setdefault((name, in_flight), []).append(figure)
    base = next(iter(askers))
    return [
        {
            "client": name,
            **{
                f"cpuUsAt{in_flight}": round(statistics.median(figures[name, in_flight]), 1)
                for in_flight in (1, 20)
            },
            **{
                f"ratioAt{in_flight}": round(
                    statistics.median(figures[name, in_flight]) / statistics.median(figures[base, in_flight]),
                    2,
                )
                for in_flight in (1, 20)
            },
        }
        for name in askers
    ]


async def _cpu_us(ask: Ask, calls: int, in_flight: int) -> float:
    """CPU microseconds of this process a call; every call is for another case, so that none is shared."""
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await ask(number)

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return 1e6 * (time.process_time() - began) / calls


async def _aiohttp(url: str, stack: AsyncExitStack) -> Ask:
    import aiohttp  # a peer to measure against, not a dependency

    connector = aiohttp.TCPConnector(limit=64)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

    async def ask(number: int) -> None:
        async with session.get(f"{url}/cases/C{number}") as answer:
            assert orjson.loads(await answer.read())["data"]["no"] == "C1"

    return ask


def _wire(url: str, stack: AsyncExitStack) -> Ask:
    wire = Wire(guard=UrlGuard([url]), limits=WireLimits(max_connections=64))
    stack.push_async_callback(wire.close)

    async def ask(number: int) -> None:
        answer = await wire.send(WireRequest("GET", f"{url}/cases/C{number}"), timeout_s=10)
        assert orjson.loads(answer.body)["data"]["no"] == "C1"

    return ask


def _source(url: str, stack: AsyncExitStack) -> Ask:
    text = DECLARATION.replace("URL", url)
    checked = check_document(load(Path("bench.yaml"), text), Lookup({}, str), Known())
    assert checked.declaration is not None
    assert not checked.document.problems, checked.document.problems
    around = Surroundings(EmbeddedStore(), SingleFlight(), None, b"0" * 32)
    source: Source = build_source(checked.declaration, None, around)
    stack.push_async_callback(source.close)
    loop = asyncio.get_running_loop()

    async def ask(number: int) -> None:
        page = await source.ask("case", {"number": f"C{number}"}, fields=FIELDS, deadline=loop.time() + 10)
        assert len(page.records[0]["events"]) == 5

    return ask


if __name__ == "__main__":
    main()
