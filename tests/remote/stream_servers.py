"""Servers of event streams: a scripted WebSocket, scripted server-sent events, and one on another's stack."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

__all__ = ["Sse", "WebSockets", "next_", "scripted_sockets", "scripted_sse"]

Behave = Callable[["WebSockets", ServerConnection, dict[str, Any]], Awaitable[None]]


def next_(value: Any, name: str = "1") -> str:
    return json.dumps({"id": name, "type": "next", "payload": value})


@dataclass(slots=True)
class WebSockets:
    """behave: what follows a `subscribe`. Everything that arrives is kept."""

    behave: Behave
    port: int = 0
    ack: Any = field(default_factory=lambda: {"type": "connection_ack"})
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    closed: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.headers.append({name.lower(): value for name, value in socket.request.headers.raw_items()})
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                self.seen.append(message)
                if message["type"] == "connection_init" and self.ack is not None:
                    await socket.send(json.dumps(self.ack))
                elif message["type"] == "subscribe":
                    await self.behave(self, socket, message)
        self.closed += 1


@contextlib.asynccontextmanager
async def scripted_sockets(
    behave: Behave,
    *,
    subprotocols: tuple[str, ...] = ("graphql-transport-ws",),
    refuse: Callable[[Request], Response | None] | None = None,
    **how: Any,
) -> AsyncIterator[WebSockets]:
    server = WebSockets(behave, **how)

    def on_request(_connection: ServerConnection, request: Request) -> Response | None:
        return refuse(request) if refuse is not None else None

    listening = await serve(
        server.serve,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(one) for one in subprotocols] or None,
        process_request=on_request,
    )
    server.port = next(iter(listening.sockets)).getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


@dataclass(slots=True)
class Sse:
    """chunks: what is written, piece by piece; None waits until the client has gone."""

    chunks: list[bytes | None]
    head: str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    port: int = 0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            _, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
            self.requests.append((headers, await reader.readexactly(int(headers["content-length"]))))
            writer.write(f"{self.head}Connection: close\r\n\r\n".encode())
            for chunk in self.chunks:
                if chunk is None:
                    await reader.read()
                    self.left.set()
                else:
                    writer.write(chunk)
                    await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def scripted_sse(*chunks: bytes | None, **how: Any) -> AsyncIterator[Sse]:
    server = Sse(list(chunks), **how)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
