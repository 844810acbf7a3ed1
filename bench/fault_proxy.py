"""A TCP proxy that breaks what passes through it: one listener for each system, each with a fault of its own.

    ok       passes everything on
    slow     holds each of the system's answers back for two seconds
    hang     takes the request and never answers
    garbage  answers with bytes that are no HTTP
    reset    reads the request, then resets the connection

`python -m bench.fault_proxy` reads one JSON object on its standard input ({"systems": [[origin, fault], ...], "seed": 1})
and prints the listeners' origins as one JSON list. A line `heal` makes every fault `ok`; the end of its input ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from subprocess import PIPE, Popen
from typing import Final

__all__ = ["FAULTS", "FaultProxy", "running_proxy"]

FAULTS: Final = ("ok", "slow", "hang", "garbage", "reset")
SLOW_S: Final = 2.0
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


class FaultProxy:
    """Listeners before systems, in order. `faults` may be changed while it runs."""

    def __init__(self, systems: Sequence[tuple[str, str]], *, seed: int = 1) -> None:
        """systems: (origin such as http://127.0.0.1:9000, fault)."""
        self.faults = [fault for _, fault in systems]
        self._upstreams = [_address(origin) for origin, _ in systems]
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[list[str]]:
        """Origins of the listeners, in the order of the systems."""
        servers: list[asyncio.Server] = []
        try:
            for index in range(len(self._upstreams)):
                server = await asyncio.start_server(self._handler(index), "127.0.0.1", 0)
                servers.append(server)  # one by one, so that those before are closed where one fails
            yield [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]
        finally:
            for server in servers:
                server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def heal(self) -> None:
        self.faults = ["ok"] * len(self.faults)

    def _handler(self, index: int):  # type: ignore[no-untyped-def]
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await self._serve(index, reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                self._tasks.discard(task)
                writer.close()

        return handle

    async def _serve(self, index: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        back: asyncio.Task[None] | None = None
        try:
            while data := await reader.read(65536):
                fault = self.faults[index]
                if fault in ("ok", "slow"):
                    if upstream is None:
                        upstream = await asyncio.open_connection(*self._upstreams[index])
                        back = asyncio.create_task(self._back(index, upstream[0], writer))
                    upstream[1].write(data)
                elif fault == "garbage":
                    writer.write(self._random.randbytes(400))
                    await writer.drain()
                    return
                elif fault == "reset":
                    _reset(writer)
                    return
                # hang: read on, say nothing, until the other side gives up
        finally:
            if back is not None:
                back.cancel()
            if upstream is not None:
                upstream[1].close()

    async def _back(self, index: int, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await upstream.read(65536):
            if self.faults[index] == "slow":
                await asyncio.sleep(SLOW_S)
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.contextmanager
def running_proxy(
    systems: Sequence[tuple[str, str]], *, seed: int = 1
) -> Iterator[tuple[list[str], Popen[str]]]:
    """The proxy in a process of its own: its listeners' origins, and the process to write `heal` to."""
    process = Popen([sys.executable, "-m", "bench.fault_proxy"], stdin=PIPE, stdout=PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        print(json.dumps({"systems": list(systems), "seed": seed}), file=process.stdin, flush=True)
        yield json.loads(process.stdout.readline()), process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _address(origin: str) -> tuple[str, int]:
    host, _, port = origin.removeprefix("http://").partition(":")
    return host, int(port)


def _reset(writer: asyncio.StreamWriter) -> None:
    plain = writer.get_extra_info("socket")
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.transport.abort()


async def _main() -> None:
    asked = json.loads(sys.stdin.readline())
    proxy = FaultProxy([(origin, fault) for origin, fault in asked["systems"]], seed=asked["seed"])
    async with proxy.listening() as origins:
        print(json.dumps(origins), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "heal":
                proxy.heal()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main())
