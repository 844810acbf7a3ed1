"""What a stream of events is to its reader, whichever protocol carries it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from adapters.fetch import FetchResult
from adapters.wire.model import HeaderPairs

__all__ = ["EventStream", "StreamOpener", "StreamRequest"]


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """url: http or https, checked and with its credentials. body: `{"query": ..., "variables": ...}` as JSON."""

    url: str
    headers: HeaderPairs = field(repr=False)
    body: bytes = field(repr=False)


class EventStream(Protocol):
    """Open until it has been read to its end, or closed."""

    def results(self) -> AsyncGenerator[FetchResult, None]:
        """One for each event, in order, once. Ends when the subgraph completes it. Raises SourceError when it is lost."""
        ...

    async def close(self) -> None:
        """Unsubscribes, if it has not ended. Never raises for what the subgraph does."""
        ...


class StreamOpener(Protocol):
    """One protocol."""

    async def open(self, request: StreamRequest, *, timeout_s: float) -> EventStream:
        """A stream that the subgraph has taken. Raises StreamNotOpened or a SourceError. Cancelling leaves
        nothing open."""
        ...

    async def close(self) -> None: ...
