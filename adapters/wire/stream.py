"""One exchange whose bodies are too large for memory: files, both ways, in pieces and with back-pressure.

Each has a connection of its own, closed at its end: a file that takes minutes must not hold up the kept-alive ones.
What is in memory of one file is bounded by `_AHEAD_BYTES`, whatever its size.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.wire.errors import (
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    ProtocolError,
    ReadTimeout,
    TlsFailed,
)
from adapters.wire.model import WireHead, WireHeaders

__all__ = ["StreamLimits", "StreamedResponse", "open_stream"]

_AHEAD_BYTES: Final = 128 * 1024
_PIECE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """head_s: until status and headers are there, once the request is sent. idle_s: between two pieces, either way."""

    max_body_bytes: int = 100 * 1024 * 1024
    max_header_bytes: int = 64 * 1024
    connect_s: float = 2.0
    head_s: float = 10.0
    idle_s: float = 15.0


@dataclass(slots=True)
class StreamedResponse:
    """Status and headers of an answer, and its body in pieces, once. Content-Encoding is as the system sent it."""

    status: int
    headers: WireHeaders
    chunks: AsyncIterator[bytes] = field(repr=False)

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the system says."""
        told = self.headers.get("content-length")
        return int(told) if told is not None and told.isascii() and told.isdigit() else None


class _Answer:
    """The parser's callback object."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.status = 0
        self.until_close = False
        self.done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if status < 200:  # 100-continue and its like: the real one follows
            self.headers = []
            return
        self.status = status
        framing = {name.lower() for name, _ in self.headers}
        self.until_close = not framing & {b"content-length", b"transfer-encoding"}

    def on_body(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        if self.status:
            self.done = True


@asynccontextmanager
async def open_stream(
    head: WireHead,
    *,
    tls: ssl.SSLContext | None,
    limits: StreamLimits,
    body: AsyncIterable[bytes] | None = None,
    length: int | None = None,
) -> AsyncIterator[StreamedResponse]:
    """Sends the request with `body` (chunked where `length` is None) and yields the answer once its head is there.

    Leaving the context closes the connection, wherever the body stands. Raises a WireError, also while pieces are read.
    """
    asked = {"origin": head.origin.text, "method": head.method}
    reader, writer = await _connected(head, tls, limits)
    try:
        await _send(writer, head, body, length, limits, asked)
        answer = _Answer()
        try:
            async with asyncio.timeout(limits.head_s):
                await _read_head(reader, answer, limits, asked)
        except TimeoutError:
            raise ReadTimeout("the answer did not begin in time", **asked) from None
        headers = WireHeaders(answer.headers)
        response = StreamedResponse(answer.status, headers, _pieces(reader, answer, limits, asked))
        if response.length is not None and response.length > limits.max_body_bytes:
            raise BodyTooLarge(f"the file is over {limits.max_body_bytes} bytes", **asked)
        yield response
    finally:
        writer.transport.abort()


async def _connected(
    head: WireHead, tls: ssl.SSLContext | None, limits: StreamLimits
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    origin = head.origin
    asked = {"origin": origin.text, "method": head.method}
    secure = origin.scheme == "https"
    context = (tls or ssl.create_default_context()) if secure else None
    try:
        async with asyncio.timeout(limits.connect_s):
            return await asyncio.open_connection(
                origin.host,
                origin.port,
                ssl=context,
                server_hostname=origin.host if secure else None,
                limit=_AHEAD_BYTES,
            )
    except TimeoutError as error:
        raise ConnectTimeout(f"no connection within {limits.connect_s:g} s", **asked) from error
    except ssl.SSLError as error:
        raise TlsFailed(f"the TLS handshake failed ({error.reason})", **asked) from error
    except OSError as error:
        raise ConnectFailed(f"no connection ({error.strerror or type(error).__name__})", **asked) from error


async def _send(
    writer: asyncio.StreamWriter,
    head: WireHead,
    body: AsyncIterable[bytes] | None,
    length: int | None,
    limits: StreamLimits,
    asked: dict[str, str],
) -> None:
    framing = b""
    if body is not None:
        framing = b"Transfer-Encoding: chunked\r\n" if length is None else b"Content-Length: %d\r\n" % length
    writer.write(head.block + b"Connection: close\r\n" + framing + b"\r\n")
    sent = 0
    try:
        if body is not None:
            async for piece in body:
                sent += len(piece)
                if length is not None and sent > length:
                    raise ValueError("a body is longer than its length says")
                if piece:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if length is None else piece)
                async with asyncio.timeout(limits.idle_s):
                    await writer.drain()
            if length is None:
                writer.write(b"0\r\n\r\n")
            elif sent < length:
                raise ValueError("a body is shorter than its length says")
        async with asyncio.timeout(limits.idle_s):
            await writer.drain()
    except TimeoutError:
        raise ReadTimeout("the system does not take the file", **asked) from None
    except ConnectionError as error:
        # it may have answered before it had read all, which is the better explanation
        with suppress(OSError):
            writer.write_eof()
        if sent == 0:
            raise ConnectionLost(
                "closed before the request was sent", origin=asked["origin"], method=asked["method"]
            ) from error


async def _read_head(
    reader: asyncio.StreamReader, answer: _Answer, limits: StreamLimits, asked: dict[str, str]
) -> None:
    received = 0
    while not answer.status:
        data = await _read(reader, asked)
        received += len(data)
        if not data:
            raise ConnectionLost(
                "closed before the answer began", origin=asked["origin"], method=asked["method"]
            )
        _feed(answer, data, asked)
        if not answer.status and received > limits.max_header_bytes:
            raise ProtocolError("the headers of the answer are too large", **asked)


async def _pieces(
    reader: asyncio.StreamReader, answer: _Answer, limits: StreamLimits, asked: dict[str, str]
) -> AsyncIterator[bytes]:
    size = 0
    while True:
        pieces, answer.pieces = answer.pieces, []
        for piece in pieces:
            size += len(piece)
            if size > limits.max_body_bytes:
                raise BodyTooLarge(f"the file is over {limits.max_body_bytes} bytes", **asked)
            yield piece
        if answer.done:
            return
        try:
            async with asyncio.timeout(limits.idle_s):
                data = await _read(reader, asked)
        except TimeoutError:
            raise ReadTimeout("the file did not go on in time", **asked) from None
        if not data:
            if answer.until_close:
                return
            raise ConnectionLost(
                "closed before the file was whole", origin=asked["origin"], method=asked["method"]
            )
        _feed(answer, data, asked)


async def _read(reader: asyncio.StreamReader, asked: dict[str, str]) -> bytes:
    try:
        return await reader.read(_PIECE_BYTES)
    except OSError as error:
        raise ConnectionLost("", origin=asked["origin"], method=asked["method"]) from error


def _feed(answer: _Answer, data: bytes, asked: dict[str, str]) -> None:
    try:
        answer.parser.feed_data(data)
    except (HttpParserError, HttpParserUpgrade) as error:
        raise ProtocolError(f"the answer is not valid HTTP/1.1 ({error})", **asked) from error
