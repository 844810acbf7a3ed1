"""A keep-alive HTTP/1.1 server of very few instructions per call: ready bytes out, optional latency.

It reads requests with a Content-Length (or none); chunked bodies get 411. A handler that answers None has the
connection reset, as broken systems do.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

__all__ = ["Handler", "LeanProtocol", "Request", "response"]

LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 1024 * 1024
LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """target: path and query as sent, percent-encoded; head: the whole head as received."""

    method: bytes
    target: bytes
    head: bytes
    body: bytes


Handler = Callable[[Request], bytes | None]
"""Whole response as bytes, or None to reset the connection."""


def response(body: bytes, *, content_type: str, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body


class LeanProtocol(asyncio.Protocol):
    """One connection; answers leave in the order of their requests because all have the same latency."""

    __slots__ = ("_buffer", "_handler", "_latency_s", "_loop", "_transport")

    def __init__(self, handler: Handler, *, latency_s: float = 0.0) -> None:
        self._handler = handler
        self._latency_s = latency_s
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._next_request()) is not None:
            answer = self._handler(request)
            close = b"\r\nconnection: close" in request.head.lower()
            if self._latency_s:
                self._loop.call_later(self._latency_s, self._send, answer, close)
            else:
                self._send(answer, close)

    def _next_request(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
            return None
        head = self._buffer[:end]
        length = _content_length(head)
        if length is None or length > LONGEST_BODY:
            self._refuse(b"411 Length Required" if length is None else b"413 Content Too Large")
            return None
        start = end + 4
        if len(self._buffer) < start + length:
            return None
        body = self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        method, _, rest = head.partition(b" ")
        return Request(method, rest.partition(b" ")[0], head, body)

    def _refuse(self, status: bytes) -> None:
        self._buffer = b""
        self._send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", True)

    def _send(self, answer: bytes | None, close: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if answer is None:
            _reset(transport)
            return
        transport.write(answer)
        if close:
            transport.close()


def _content_length(head: bytes) -> int | None:
    """Declared length of the body, 0 without one, None where it cannot be told (chunked, not a number)."""
    lowered = head.lower()
    if b"\r\ntransfer-encoding:" in lowered:
        return None
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    value = lowered[at + 17 :].split(b"\r\n", 1)[0].strip()
    return int(value) if value.isdigit() else None


def _reset(transport: asyncio.Transport) -> None:
    """Close with a RST packet instead of a FIN (SO_LINGER of zero)."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    transport.abort()
