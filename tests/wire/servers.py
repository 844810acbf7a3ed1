"""Servers for the tests of the wire: one that speaks exact bytes, and uvicorn for the normal case."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

import uvicorn

from adapters.wire import UrlGuard, Wire, WireLimits, WireRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Exchange:
    """What a script of RawServer sees of one request, and how it answers."""

    def __init__(
        self, server: RawServer, head: bytes, body: bytes, number: int, writer: asyncio.StreamWriter
    ) -> None:
        self.head = head
        self.body = body
        self.number = number
        """Of the request on its connection, from 1."""
        self._writer = writer
        self._server = server

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def hang_up(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """End with RST rather than FIN."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def hold(self) -> None:
        """Say nothing until the test lets go."""
        self._server.holding += 1
        try:
            await self._server.let_go.wait()
        finally:
            self._server.holding -= 1


Script = Callable[[Exchange], Awaitable[None]]


class RawServer:
    """Reads requests, hands each to `script`. Counts connections and requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.script: Script = say(OK)
        self.connections = 0
        self.open = 0
        self.requests: list[bytes] = []
        self.let_go = asyncio.Event()
        self.holding = 0
        self.greeting = b""
        """Said to every new connection before any request."""
        self.all_closed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.origin = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up_all(self) -> None:
        """Close every connection from the server's side."""
        for writer in self._writers:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(task := asyncio.ensure_future(self._talk(reader, writer)))
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.all_closed.clear()
        self._writers.add(writer)
        try:
            writer.write(self.greeting)
            number = 0
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_content_length(head))
                self.requests.append(head + body)
                number += 1
                await self.script(Exchange(self, head, body, number, writer))
        except (OSError, EOFError, ssl.SSLError):
            pass  # the client hung up: what many tests are about
        finally:
            writer.close()
            self._writers.discard(writer)
            self.open -= 1
            if not self.open:
                self.all_closed.set()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def say(data: bytes, *, hang_up: bool = False) -> Script:
    """A script that answers every request with `data`."""

    async def script(exchange: Exchange) -> None:
        await exchange.say(data)
        if hang_up:
            exchange.hang_up()

    return script


@contextlib.asynccontextmanager
async def wire_to(*origins: str, tls: ssl.SSLContext | None = None, **limits: Any) -> AsyncIterator[Wire]:
    wire = Wire(guard=UrlGuard(origins), limits=WireLimits(**limits), tls=tls, user_agent="quanyu/test")
    try:
        yield wire
    finally:
        await wire.close()


def get(origin: str, path: str = "/") -> WireRequest:
    return WireRequest("GET", origin + path)


@contextlib.asynccontextmanager
async def uvicorn_server(app: Any) -> AsyncIterator[str]:
    """A real ASGI server in this loop; yields its origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.force_exit = True
            await server.shutdown(sockets=[listener])


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # what is waited for is inside the wire, and signals nobody
            await asyncio.sleep(0)
