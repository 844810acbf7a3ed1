"""A proxy before a real system that does to chosen requests what networks and old systems do: holds, loses, garbles."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Asked", "Fault", "FaultProxy", "Hold", "fault_proxy"]


@dataclass(frozen=True, slots=True)
class Asked:
    """head and body as they came; forward: sends it to the system and gives the whole answer."""

    head: bytes
    body: bytes
    forward: Callable[[], Awaitable[bytes]]
    writer: asyncio.StreamWriter

    def has(self, text: bytes) -> bool:
        return text in self.head or text in self.body

    def answer(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)

    def reset(self) -> None:
        self.writer.transport.abort()


Fault = Callable[[Asked], Awaitable[None]]


class Hold:
    """Takes the request and waits. files_first: the system has it while the answer waits, else it waits itself.

    Whoever asked may be gone when it is released: the system gets it all the same.
    """

    def __init__(self, *, files_first: bool) -> None:
        self.files_first = files_first
        self.there = threading.Event()
        self.done = threading.Event()
        self._released: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drop = False

    async def __call__(self, asked: Asked) -> None:
        self._loop, self._released = asyncio.get_running_loop(), asyncio.Event()
        data = await asked.forward() if self.files_first else b""
        self.there.set()
        await self._released.wait()
        if self._drop:
            asked.reset()
        else:
            asked.answer(data or await asked.forward())
            with contextlib.suppress(ConnectionError):
                await asked.writer.drain()
        self.done.set()

    def release(self, *, drop: bool = False) -> None:
        assert self._loop is not None, "nothing is held"
        assert self._released is not None
        self._drop = drop
        self._loop.call_soon_threadsafe(self._released.set)
        assert self.done.wait(20)


class FaultProxy:
    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.faults: list[tuple[bytes, Fault]] = []
        self.passed: list[bytes] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def once(self, marker: bytes, fault: Fault) -> None:
        """The next request with this text in it meets the fault."""
        self.faults.append((marker, fault))

    def times(self, marker: bytes) -> int:
        """How often a request with this text reached the system."""
        return sum(marker in one for one in self.passed)

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = await reader.readexactly(_length(head))
                    await self._one(head, body, writer)
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        async def forward() -> bytes:
            self.passed.append(head + body)
            up_reader, up_writer = await asyncio.open_connection(*self._target)
            try:
                up_writer.write(head + body)
                answer_head = await up_reader.readuntil(b"\r\n\r\n")
                return answer_head + await up_reader.readexactly(_length(answer_head))
            finally:
                up_writer.close()

        asked = Asked(head, body, forward, writer)
        for index, (marker, fault) in enumerate(self.faults):
            if asked.has(marker):
                del self.faults[index]
                await fault(asked)
                return
        asked.answer(await forward())


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


@contextlib.contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """A running proxy in a thread of its own."""
    proxy = FaultProxy(target)
    thread = threading.Thread(target=proxy.loop.run_forever, daemon=True)
    thread.start()
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        proxy.loop.call_soon_threadsafe(proxy.loop.stop)
        thread.join(10)
        proxy.loop.close()


# What may happen to a request that must not be lost and not be done twice.


def answers(
    body: bytes, *, status: str = "200 OK", content_type: str = "application/json", files: bool = True
) -> Fault:
    """The system files it (or does not), and something else than its answer comes."""

    async def fault(asked: Asked) -> None:
        if files:
            await asked.forward()
        head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        asked.answer(head.encode() + body)

    return fault


def resets(*, files: bool) -> Fault:
    """The connection breaks, after the system has filed it or before it has seen it."""

    async def fault(asked: Asked) -> None:
        if files:
            await asked.forward()
        asked.reset()

    return fault
