"""A small HTTP/1.1 server on one port: whole requests in, ready replies out. What replays and mocks are served by."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

__all__ = ["Answer", "Handler", "Received", "serving"]

MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """target: path and query as sent. headers: as sent, in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def block(self, *, head_only: bool, close: bool) -> bytes:
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Status"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}", *(["Connection: close"] if close else [])]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        return head if head_only else head + self.body


Handler = Callable[[Received], Awaitable[Answer]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port. Raises OSError where the port is taken."""
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(handler, connections), host, port)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for one in tuple(connections):
            one.close()
        await asyncio.gather(*(one.task for one in tuple(connections) if one.task), return_exceptions=True)
        await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One connection: what httptools tells of its requests, answered in order."""

    def __init__(self, handler: Handler, connections: set[_Connection]) -> None:
        self.handler, self.connections = handler, connections
        self.task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._done: list[tuple[Received, bool]] = []
        self._reset()

    def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self._transport is not None:
            self._transport.close()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400)
            return
        if self._size > MOST_BYTES:
            self._refuse(413)
        elif self._done and (self.task is None or self.task.done()):
            self.task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        while self._done:
            received, keep = self._done.pop(0)
            answer = await self.handler(received)
            self._write(answer.block(head_only=received.method == "HEAD", close=not keep))
            if not keep and self._transport is not None:
                self._transport.close()

    def _refuse(self, status: int) -> None:
        self._write(Answer(status, (), b"").block(head_only=False, close=True))
        if self._transport is not None:
            self._transport.close()

    def _write(self, block: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(block)

    # httptools' side

    def _reset(self) -> None:
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = self._received = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value)
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))
        if name.lower() == b"content-length" and value.isdigit():
            self._size += int(value)  # refused before it is sent
        if name.lower() == b"expect":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        self._size = max(self._size, self._received)
        if self._size <= MOST_BYTES:
            self._body.append(body)

    def on_message_complete(self) -> None:
        method, target = self._parser.get_method().decode("ascii"), self._url.decode("latin-1")
        received = Received(method, target, tuple(self._headers), b"".join(self._body))
        self._done.append((received, self._parser.should_keep_alive()))
        self._reset()
