"""Systems that misbehave: small asyncio servers on free ports, and the declarations that name them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Behaviour",
    "Gate",
    "Request",
    "Stub",
    "Writer",
    "answering",
    "bytes_then_close",
    "declaration",
    "endless",
    "half_of",
    "http",
    "row",
    "silent",
    "stub",
]

Writer = asyncio.StreamWriter
Behaviour = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    head: bytes


class Stub:
    """A server whose behaviour may be changed, and which may be stopped and started again on the same port."""

    def __init__(self, loop: asyncio.AbstractEventLoop, behave: Behaviour) -> None:
        self.loop, self.behave = loop, behave
        self.calls = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)

    def stop(self) -> None:
        """Closes the port and every connection."""
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    head = await reader.readuntil(b"\r\n\r\n")
                    if length := _content_length(head):
                        await reader.readexactly(length)
                    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
                    self.calls += 1
                    await self.behave(Request(method, target, head), writer)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()


@contextlib.contextmanager
def stub(behave: Behaviour) -> Iterator[Stub]:
    """A running stub in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = Stub(loop, behave)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


# What a stub may do with a request.


def http(body: bytes, *, status: str = "200 OK", content_type: str = "application/json") -> Behaviour:
    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(status, content_type, len(body)) + body)

    return behave


def answering(rows: Sequence[Mapping[str, Any]]) -> Behaviour:
    """The list of cases, whole on its first page, and each case by its number."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/case/"):
            number = request.target.rpartition("/")[2]
            found = [one for one in rows if one["no"] == number]
            body: Any = found[0] if found else {"missing": True}
        else:
            body = {"total": len(rows), "rows": list(rows)}
        text = json.dumps(body, ensure_ascii=False).encode()
        writer.write(_head("200 OK", "application/json", len(text)) + text)

    return behave


def bytes_then_close(data: bytes) -> Behaviour:
    """Sends these bytes, whatever they are, and closes."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return behave


def half_of(body: bytes) -> Behaviour:
    """Promises all of the body, sends half of it and closes."""
    return bytes_then_close(_head("200 OK", "application/json", len(body)) + body[: len(body) // 2])


def endless(size: int, *, chunked: bool) -> Behaviour:
    """`size` bytes of JSON, in a chunked body or one whose length is told."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        block = b'"' + b"a" * (1 << 20) + b'",'
        framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % size
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + framing + b"\r\n\r\n")
        for _ in range(size // len(block)):
            writer.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            await writer.drain()
        writer.close()

    return behave


async def silent(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    await asyncio.Event().wait()


class Gate:
    """Holds requests until it is opened; `held` counts those that wait."""

    def __init__(self, then: Behaviour) -> None:
        self.then = then
        self.held = 0
        self._open = threading.Event()
        self._opened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self._loop = asyncio.get_running_loop()
        self.held += 1
        try:
            if not self._open.is_set():
                await self._opened.wait()
        finally:
            self.held -= 1
        await self.then(request, writer)

    def open(self) -> None:
        self._open.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._opened.set)


def _head(status: str, content_type: str, length: int) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n".encode()


# What they are declared as.


def row(
    number: str, *, status: str = "SL", applied: str = "2017-06-01T09:00:00+08:00", who: str = ""
) -> dict[str, Any]:
    """A case as a stub tells it."""
    return {
        "no": number,
        "title": f"事项{number}",
        "who": who or "500241198808151235",
        "phone": "18100000321",
        "status": status,
        "applied": applied,
        "steps": [{"kind": "SJ", "at": applied}],
    }


def declaration(
    code: str,
    url: str,
    *,
    timeout_ms: int = 10000,
    retries: int = 0,
    ttl_s: float = 0,
    stale_s: float = 0,
    accepted: str = "ACCEPTED",
    numbers: str = r"\d+",
    concurrency: int = 64,
) -> str:
    """YAML of a stub's declaration. accepted: what its code SL means."""
    return f"""\
system:
  code: {code}
  name: 测试系统{code}
  owner: "115000000090001627"
source:
  rest: {{baseUrl: "{url}"}}
traffic:
  timeoutMs: {timeout_ms}
  retries: {retries}
  concurrency: {concurrency}
  cache: {{ttlS: {ttl_s}, staleIfErrorS: {stale_s}}}
tables:
  status: {{SL: {accepted}, BJ: CLOSED}}
  event: {{SJ: RECEIVE}}
connectors:
  case:
    path: /case/{{$args.number}}
    numbers: '{code}-{numbers}'
    failure: {{notFound: missing == true}}
    map: &case
      localNo: no
      title: title
      applicant: {{name: '"王小明"', idNumber: who, mobile: phone}}
      state: status | table("status")
      appliedAt: applied
      events: {{each: steps, kind: 'kind | table("event")', occurredAt: at}}
  cases:
    path: /cases
    query: {{id: $args.applicant.idNumber, page: $page.number}}
    paging: {{style: page, size: 50, total: total}}
    records: rows
    map:
      <<: *case
      events: ~
"""
