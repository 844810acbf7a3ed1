"""The store inside the process: the default, and the one that needs no server."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cache.freshness import Entry

__all__ = ["EmbeddedStore"]

_ENTRY_OVERHEAD_BYTES: Final = (
    400  # the objects around a value; measured with tracemalloc, so that max_bytes is honest
)


@dataclass(slots=True)
class _Kept:
    entry: Entry
    ends_at: float
    size: int


class EmbeddedStore:
    """Least recently used goes first once `max_bytes` are reached; a value larger than that is not kept.

    clock: Unix seconds, written into entries. monotonic: seconds, for ends, so that a stepped clock neither
    revives nor drops entries.
    """

    def __init__(
        self,
        max_bytes: int = 64 * 1024 * 1024,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        self._closed = False

    async def get(self, key: str) -> Entry | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.ends_at <= self._monotonic():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.entry

    async def put(self, key: str, value: bytes, *, keep_s: float) -> None:
        self._drop(key)
        size = len(value) + len(key) + _ENTRY_OVERHEAD_BYTES
        if keep_s <= 0 or size > self._max_bytes or self._closed:
            return
        while self._size + size > self._max_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[key] = _Kept(Entry(value, self._clock()), self._monotonic() + keep_s, size)
        self._size += size

    async def delete(self, key: str) -> None:
        self._drop(key)

    async def close(self) -> None:
        self._closed = True
        self._kept.clear()
        self._size = 0

    @property
    def size_bytes(self) -> int:
        """Bytes held, the overhead of entries included."""
        return self._size

    def __len__(self) -> int:
        return len(self._kept)

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size
