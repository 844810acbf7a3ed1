"""CPU per HTTP call: Wire, httpx over WireTransport, and plain httpx, against one lean server in another process.

Prints microseconds of this process's CPU (user and system) a call, at 1 and 50 in flight, medians of interleaved
rounds, and the ratios to Wire. Run: `python bench/wire.py [--calls 2000] [--rounds 5] [--loop uvloop|asyncio]`.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx

from adapters.wire import UrlGuard, Wire, WireLimits, WireRequest, WireTransport

Call = Callable[[], Awaitable[int]]

BODY = b'{"caseNo":"320500-2026-000017","page":1,"size":20,"fields":["caseNo","state","appliedAt"]}'
ANSWER = (
    b'{"code":0,"msg":"ok","data":['
    + b",".join(b'{"caseNo":"320500-2026-%06d","state":"2"}' % n for n in range(16))
    + b"]}"
)
REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\nContent-Length: %d\r\n\r\n%b"
    % (len(ANSWER), ANSWER)
)
HEADERS = (("Content-Type", "application/json"), ("Accept", "application/json"), ("X-App", "quanyu"))


class LeanServer(asyncio.Protocol):
    """Answers every request whose whole body has come; reads Content-Length and nothing else."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            mark = self.buffer[:end].lower().find(b"content-length:")
            length = int(self.buffer[mark + 15 : end].split(b"\r", 1)[0]) if mark >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.transport.write(REPLY)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(LeanServer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def cpu_us(call: Call, calls: int, in_flight: int) -> float:
    """CPU microseconds of this process a call; workers are started once, so that no task is counted per call."""

    async def worker() -> None:
        for _ in range(calls // in_flight):
            assert await call() == 200

    begin = time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return (time.process_time() - begin) / (calls // in_flight * in_flight) * 1e6


async def measure(port: int, calls: int, rounds: int) -> dict[tuple[str, int], list[float]]:
    origin = f"http://127.0.0.1:{port}"
    wire = Wire(guard=UrlGuard([origin]), limits=WireLimits(max_connections=50), user_agent="quanyu/bench")
    head = wire.prepare(WireRequest("POST", f"{origin}/cases", HEADERS, idempotent=True))
    over_wire = httpx.AsyncClient(transport=WireTransport(wire), timeout=10)
    plain = httpx.AsyncClient(
        timeout=10, limits=httpx.Limits(max_connections=50, max_keepalive_connections=50)
    )

    async def prepared() -> int:
        return (await wire.send(head.request(BODY), timeout_s=10)).status

    async def unprepared() -> int:
        request = WireRequest("POST", f"{origin}/cases", HEADERS, BODY)
        return (await wire.send(request, timeout_s=10)).status

    async def httpx_over_wire() -> int:
        return (await over_wire.post(f"{origin}/cases", headers=dict(HEADERS), content=BODY)).status_code

    async def httpx_plain() -> int:
        return (await plain.post(f"{origin}/cases", headers=dict(HEADERS), content=BODY)).status_code

    candidates: dict[str, tuple[Call, int]] = {
        "Wire, prepared head": (prepared, calls),
        "Wire": (unprepared, calls),
        "httpx over WireTransport": (httpx_over_wire, calls // 4),
        "httpx": (httpx_plain, calls // 10),
    }
    figures: dict[tuple[str, int], list[float]] = {}
    for round_no in range(rounds + 1):  # the first one warms up
        for in_flight in (1, 50):
            for name, (call, count) in candidates.items():
                figure = await cpu_us(call, max(count, in_flight), in_flight)
                if round_no:
                    figures.setdefault((name, in_flight), []).append(figure)
    await over_wire.aclose()
    await plain.aclose()
    await wire.close()
    return figures


def report(figures: dict[tuple[str, int], list[float]]) -> None:
    print(f"{'client':28}{'in flight':>10}{'CPU us/call':>13}{'min':>9}{'max':>9}{'ratio':>8}")
    for (name, in_flight), values in sorted(figures.items(), key=lambda item: item[0][1]):
        median = statistics.median(values)
        base = statistics.median(figures["Wire, prepared head", in_flight])
        print(
            f"{name:28}{in_flight:>10}{median:>13.1f}{min(values):>9.1f}{max(values):>9.1f}{median / base:>8.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    factory = None
    if options.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        if options.serve:
            runner.run(serve())
            return
        command = [sys.executable, __file__, "--serve", "--loop", options.loop]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                port = int(server.stdout.readline())
                sniffio = "with" if importlib.util.find_spec("sniffio") else "without"
                print(
                    f"Python {sys.version.split()[0]}, {options.loop}, httpx {httpx.__version__} {sniffio} sniffio"
                )
                report(runner.run(measure(port, options.calls, options.rounds)))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
