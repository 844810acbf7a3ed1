"""server-sent events as bytes -> (event, data). Pure, bounded.

WHATWG HTML section 9.2.6, as far as streams of GraphQL use it: `id` and `retry` are read over.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["EventReader", "EventTooLarge"]


class EventTooLarge(Exception):
    """More bytes in one event than allowed."""


class EventReader:
    """Feed it chunks as they come. Lines end in LF, CR LF or CR."""

    __slots__ = ("_data", "_event", "_limit", "_pending", "_size", "_skip_lf", "_start")

    def __init__(self, limit: int) -> None:
        """limit: bytes of one event."""
        self._limit = limit
        self._pending = b""
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0
        self._skip_lf = False
        self._start = True

    def feed(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        """Events that this chunk completes; without data they are none. Raises EventTooLarge."""
        for line in self._lines(chunk):
            if line:
                self._field(line)
                continue
            event, data = self._event or "message", b"\n".join(self._data)
            has_data = bool(self._data)
            self._event, self._data, self._size = "", [], 0
            # an empty `complete` counts: the protocol's own has no data in some servers
            if has_data or event == "complete":
                yield event, data

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        buffer = self._pending + chunk
        if self._start and len(buffer) < 3 and b"\xef\xbb\xbf".startswith(buffer):
            self._pending = buffer
            return
        if self._start:
            self._start, buffer = False, buffer.removeprefix(b"\xef\xbb\xbf")
        if self._skip_lf and buffer:
            self._skip_lf, buffer = False, buffer.removeprefix(b"\n")
        at = 0
        while at < len(buffer):
            lf, cr = buffer.find(b"\n", at), buffer.find(b"\r", at)
            end = min(one for one in (lf, cr, len(buffer)) if one >= 0)
            if end == len(buffer):
                break
            yield buffer[at:end]
            at = end + 1
            if end == cr:
                if at == len(buffer):
                    self._skip_lf = True
                elif buffer[at : at + 1] == b"\n":
                    at += 1
        self._pending = buffer[at:]
        if len(self._pending) + self._size > self._limit:
            raise EventTooLarge

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value) + 1
            if self._size > self._limit:
                raise EventTooLarge
            self._data.append(value)
        elif name == b"event":
            self._event = value[:100].decode("utf-8", "replace")
