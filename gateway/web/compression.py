"""Compresses whole answers by what the client accepts (RFC 9110 section 12.5.3): zstd or gzip; streams are left alone.

Answers from 64 KiB on are compressed in a thread, so that the event loop goes on. What tells of people is compressed
too: an attack by lengths (BREACH) needs a browser that sends a secret unasked, and tokens are never sent unasked.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Compression", "accepted_encoding"]

_SHORT: Final = 200
"""Characters of an `Accept-Encoding` that is remembered."""
IN_THREAD_FROM: Final = 65_536
_GZIP_LEVEL: Final = 5
_ZSTD_LEVEL: Final = 3
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_COMPRESSIBLE: Final = ("application/", "text/", "image/svg+xml")
_STREAMS: Final = (
    "text/event-stream",
    "multipart/",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
)


def accepted_encoding(accept_encoding: str | None) -> str | None:
    """zstd or gzip, whichever is wanted more, zstd where both are the same; None for neither."""
    if not accept_encoding:
        return None
    return _known(accept_encoding) if len(accept_encoding) <= _SHORT else _chosen(accept_encoding)


@lru_cache(maxsize=256)
def _known(accept_encoding: str) -> str | None:
    return _chosen(accept_encoding)


def _chosen(accept_encoding: str) -> str | None:
    weights: dict[str, float] = {}
    for part in accept_encoding.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        weights[name] = quality
    best = max(("zstd", "gzip"), key=lambda name: weights.get(name, weights.get("*", 0.0)))
    return best if weights.get(best, weights.get("*", 0.0)) > 0 else None


class Compression:
    """An ASGI layer. from_bytes: smaller bodies go out as they are."""

    def __init__(self, app: ASGIApp, *, from_bytes: int) -> None:
        self.app = app
        self.from_bytes = from_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        encoding = accepted_encoding(Headers(scope=scope).get("accept-encoding"))
        await self.app(scope, receive, _Answer(send, encoding, self.from_bytes).send)


class _Answer:
    """Holds the start back until the first piece of the body tells whether it is the whole."""

    __slots__ = ("_encoding", "_from_bytes", "_send", "_start")

    def __init__(self, send: Send, encoding: str | None, from_bytes: int) -> None:
        self._send = send
        self._encoding = encoding
        self._from_bytes = from_bytes
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if _is_stream(message):
                await self._send(message)
            else:
                self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await self._send(message)
            return
        headers = MutableHeaders(
            raw=start["headers"] if isinstance(start["headers"], list) else list(start["headers"])
        )
        start["headers"] = headers.raw
        body = message.get("body", b"")
        if message.get("more_body") or not _may_compress(headers, start["status"]):
            await self._send(start)
            await self._send(message)
            return
        headers.add_vary_header("accept-encoding")
        if self._encoding is not None and len(body) >= self._from_bytes:
            pack = _PACK[self._encoding]
            packed = pack(body) if len(body) < IN_THREAD_FROM else await asyncio.to_thread(pack, body)
            headers["content-encoding"] = self._encoding
            headers["content-length"] = str(len(packed))
            message = {**message, "body": packed}
        await self._send(start)
        await self._send(message)


def _is_stream(message: Message) -> bool:
    media = Headers(raw=list(message["headers"])).get("content-type", "")
    return media.startswith(_STREAMS)


def _may_compress(headers: MutableHeaders, status: int) -> bool:
    media = headers.get("content-type", "")
    return (
        status not in (204, 206, 304)
        and "content-encoding" not in headers
        and media.startswith(_COMPRESSIBLE)
        and not media.startswith(_STREAMS)
    )


def _gzip(body: bytes) -> bytes:
    packer: Any = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    packed: bytes = packer.compress(body) + packer.flush()
    return packed


def _zstd(body: bytes) -> bytes:
    # one for each: a compressor is not for several threads at once, and costs microseconds
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)


_PACK: Final[dict[str, Callable[[bytes], bytes]]] = {"gzip": _gzip, "zstd": _zstd}
