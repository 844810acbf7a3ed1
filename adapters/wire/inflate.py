"""Decompression of an answer's body as it arrives, with a cap on what comes out: no I/O."""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["InflateError", "InflatedTooLarge", "Inflater"]

_GZIP: Final = 16 + zlib.MAX_WBITS
_MAX_MEMBERS: Final = 1024  # each one costs a copy of the rest of the chunk


class InflateError(Exception):
    """The compressed data is damaged or incomplete."""


class InflatedTooLarge(Exception):  # names the fact, like the wire's own errors
    """More came out than allowed."""


class Inflater:
    """gzip (RFC 1952, several members allowed) or deflate (RFC 1950, or bare RFC 1951 as old IIS sends it)."""

    __slots__ = ("_engine", "_gzip", "_head", "_members", "_room")

    def __init__(self, coding: str, *, max_bytes: int) -> None:
        """coding: "gzip" or "deflate"; max_bytes: of all output together."""
        self._gzip = coding == "gzip"
        self._engine = zlib.decompressobj(_GZIP) if self._gzip else None
        self._head = b""  # first bytes of a deflate stream, until its kind can be told
        self._room = max_bytes
        self._members = 1

    def feed(self, data: bytes) -> bytes:
        """Decompress the next piece. Raises InflateError, InflatedTooLarge."""
        if self._engine is None:
            self._head += data
            if len(self._head) < 2:
                return b""
            data, self._head = self._head, b""
            self._engine = zlib.decompressobj(zlib.MAX_WBITS if _has_zlib_head(data) else -zlib.MAX_WBITS)
        pieces = []
        while data:
            if self._engine.eof:
                data = data.lstrip(b"\0")  # padding, as gzip(1) allows
                if not data:
                    break
                self._next_member()
            pieces.append(self._step(data))
            data = self._engine.unused_data
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> bool:
        """Whether the data was complete. A body with no byte at all counts as complete."""
        return self._engine is not None and self._engine.eof

    def _step(self, data: bytes) -> bytes:
        assert self._engine is not None  # noqa: S101  # for the type checker; feed() sets it
        try:
            out = self._engine.decompress(data, self._room + 1)
        except zlib.error as error:
            raise InflateError(str(error)) from None
        if len(out) > self._room:
            raise InflatedTooLarge
        self._room -= len(out)
        return out

    def _next_member(self) -> None:
        self._members += 1
        if not self._gzip or self._members > _MAX_MEMBERS:
            raise InflateError("data after the end of the compressed body")
        self._engine = zlib.decompressobj(_GZIP)


def _has_zlib_head(data: bytes) -> bool:
    """RFC 1950 section 2.2: method 8, and the first two bytes a multiple of 31."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
