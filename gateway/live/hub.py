"""One reader of the trail's end for all who follow it in this process: a window of the newest events in memory.

A follower holds a cursor and nothing else, so that a thousand of them cost what one costs. Whoever is behind the window
reads the ledger; whoever was in it and falls out is too slow and is ended.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from cache.pubsub import PubSub
from gateway.database import DatabaseUnavailable
from gateway.ledger import SEALED
from gateway.live.errors import LiveUnavailable, StreamTooSlow
from gateway.live.events import Cursor, LiveEvent, Place
from gateway.live.reader import LiveReader, Narrow

__all__ = ["LiveHub"]

log = structlog.get_logger("gateway.live")

WINDOW = 10_000
"""Events that are kept in memory, and that a follower may be behind."""
PAGE = 256
POLL_S = 1.0
QUIET_POLL_S = 10.0
"""While a bell of other processes can be heard: for one that was lost."""


class LiveHub:
    """Reads only while someone follows. bell: of `ledger.SEALED`; shared: whether other processes ring it too."""

    def __init__(
        self,
        reader: LiveReader,
        bell: PubSub,
        *,
        shared: bool,
        window: int = WINDOW,
        page: int = PAGE,
        poll_s: float = POLL_S,
        quiet_poll_s: float = QUIET_POLL_S,
    ) -> None:
        self.reader = reader
        self._bell, self._shared = bell, shared
        self._most, self._page = window, page
        self._poll_s, self._quiet_poll_s = poll_s, quiet_poll_s
        self._events: list[LiveEvent] = []
        self._start = 0
        self._head = Cursor(0)
        self._moved = asyncio.Event()
        self._rung = asyncio.Event()
        self._joining = asyncio.Lock()
        self._followers = 0
        self._task: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] = lambda: None
        self._fault: str | None = None

    async def follow(
        self, after: Cursor | None, keep: Callable[[LiveEvent], bool], narrow: Narrow | None = None
    ) -> AsyncGenerator[LiveEvent, None]:
        """Every sealed event after a cursor (None: from now on) that `keep` wants, once, in the trail's order.

        narrow: what `keep` never wants may be left unread. Never ends. Raises CursorRefused, StreamTooSlow,
        LiveUnavailable.
        """
        async with self._joined():
            if after is not None:
                with _unavailable(after):
                    await self.reader.check(after)
            at = after or self._head
            is_live = False
            while True:
                if at.position >= self._start:
                    is_live = True
                    events, at_end = self._since(at.position)
                elif is_live:
                    raise StreamTooSlow(
                        f"more than {self._most} events wait for this stream; it ends here. Subscribe again from "
                        "`resumeAfter`",
                        at.text(),
                    )
                else:
                    with _unavailable(at):
                        events, at_end = await self.reader.page(at.position, limit=self._page, narrow=narrow)
                for event in events:
                    at = event.cursor
                    if keep(event):
                        yield event
                if at_end.position > at.position:
                    at = at_end
                if at.position >= self._head.position:
                    await self._beyond(at.position)

    async def head(self) -> Cursor:
        """Raises LiveUnavailable."""
        with _unavailable(None):
            return await self.reader.head()

    async def place(self, case_id: str) -> Place | None:
        """Where a case belongs, None if it has no file. Raises LiveUnavailable."""
        with _unavailable(None):
            return await self.reader.place(case_id)

    async def health(self) -> Mapping[str, Any]:
        """For /health/ready: down while the ledger cannot be read, degraded while it is polled for want of a bell."""
        if self._fault is not None:
            return {"status": "down", "fault": self._fault, "followers": self._followers}
        if self._shared and not self._bell.available:
            fault = "Redis is away: the ledger is polled"
            return {"status": "degraded", "fault": fault, "followers": self._followers}
        return {"status": "up", "followers": self._followers}

    async def close(self) -> None:
        await self._end()

    # --- inside ---

    def _since(self, position: int) -> tuple[list[LiveEvent], Cursor]:
        """A page of the window, and where to go on."""
        first = bisect_left(self._events, position, key=lambda one: one.leaf)
        end = min(first + self._page, len(self._events))
        while first < end < len(self._events) and self._events[end].leaf == self._events[end - 1].leaf:
            end += 1  # events that are told again at one leaf have one place to go on from, behind them
        found = self._events[first:end]
        return found, self._head if first + len(found) == len(self._events) else found[-1].cursor

    async def _beyond(self, position: int) -> None:
        while self._head.position <= position:
            await self._moved.wait()

    @asynccontextmanager
    async def _joined(self) -> AsyncIterator[None]:
        async with self._joining:
            if self._task is None:
                await self._begin()
            self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1
            if self._followers == 0:
                await self._end()

    async def _begin(self) -> None:
        with _unavailable(None):
            self._head = await self.reader.head()
        self._events, self._start = [], self._head.position
        self._stop_listening = self._bell.listen(SEALED, lambda _message: self._rung.set())
        self._task = asyncio.create_task(self._run(), name="live events")

    async def _end(self) -> None:
        task, self._task = self._task, None
        self._stop_listening()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._rung.clear()
            try:
                await self._advance()
            except DatabaseUnavailable as error:
                if self._fault is None:
                    log.error("live events stand still", fault=str(error))
                self._fault = str(error)
            except Exception as error:  # whoever follows would wait for ever
                log.exception("live events cannot be read")
                self._fault = type(error).__name__
            else:
                self._fault = None
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._rung.wait()

    def _pause_s(self) -> float:
        quiet = self._shared and self._bell.available and self._fault is None
        return self._quiet_poll_s if quiet else self._poll_s

    async def _advance(self) -> None:
        """All that is new, page by page; followers take their turn between pages."""
        while True:
            events, end = await self.reader.page(self._head.position, limit=self._page)
            if end.position == self._head.position:
                return
            self._take(events, end)

    def _take(self, events: list[LiveEvent], end: Cursor) -> None:
        self._events += events
        self._head = end
        if len(self._events) > self._most:
            gone = self._events[: len(self._events) - self._most]
            del self._events[: len(gone)]
            self._start = gone[-1].leaf + 1
        self._moved.set()
        self._moved = asyncio.Event()


class _unavailable:  # noqa: N801 - used as a statement
    """A database that is away, as those who follow are told. at: where they can go on."""

    def __init__(self, at: Cursor | None) -> None:
        self._at = at

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        if isinstance(error, DatabaseUnavailable):
            message = "The ledger cannot be read now. Subscribe again later, from the last cursor."
            raise LiveUnavailable(message, self._at.text() if self._at is not None else None) from error
