"""Where answers are kept for a while. A store may forget anything at any time, and never raises for being ill."""

from __future__ import annotations

from typing import Protocol

from cache.freshness import Entry

__all__ = ["Store"]


class Store(Protocol):
    """Bytes by key, with an end."""

    async def get(self, key: str) -> Entry | None:
        """The entry, or None where there is none, it has ended, or the store cannot be asked."""
        ...

    async def put(self, key: str, value: bytes, *, keep_s: float) -> None:
        """Keep `value` for at most `keep_s` seconds from now, in place of what was there; 0 or less keeps nothing."""
        ...

    async def delete(self, key: str) -> None: ...

    async def close(self) -> None:
        """Let go of connections; later calls find nothing."""
        ...
