"""HTTP/1.1 on a socket, with the bounds that uvicorn's protocol leaves open: how large the head of a request may be, how
long it may take to come, how many connections may be open, and that a connection which the answer closes is closed."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.web.admission import ADMITTED, OVERLOADED, RETRY_AFTER_S, Admission, is_guarded
from gateway.web.errors import error_body

__all__ = ["MAX_HEADERS", "MAX_HEAD_BYTES", "BoundedProtocol", "bounded_protocol"]

MAX_HEAD_BYTES: Final = 65_536
"""A GET with a query in its address fits; nothing that is larger is one."""
MAX_HEADERS: Final = 100
_TOO_LARGE: Final = orjson.dumps(error_body("HEAD_TOO_LARGE", "The head of the request is too large"))
_TOO_SLOW: Final = orjson.dumps(error_body("REQUEST_TIMEOUT", "The request did not come in time"))
_TOO_MANY: Final = orjson.dumps(error_body("CONNECTIONS_EXHAUSTED", "Too many connections are open"))
_OVERLOADED_HEAD: Final = (
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\n"
    f"content-length: {len(OVERLOADED)}\r\nretry-after: {RETRY_AFTER_S}\r\n"
    "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
).encode()
_MALFORMED: Final = orjson.dumps(error_body("MALFORMED_HTTP", "This is not HTTP/1.1"))


class BoundedProtocol(HttpToolsProtocol):
    """head_timeout_s: from the connection, or the first byte of a further request, to the end of its head. admission:
    asked as soon as there is a head. A refusal here costs half of one behind the application (no task, no ASGI messages:
    41 against 81 us of CPU, medians of five runs in turn), and at four times the capacity three of four are refused.
    """

    head_timeout_s: float = 10.0
    max_connections: int = 5000
    admission: Admission | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._overhead = 0  # bytes of the message that are no body: its head, the frames of chunks, trailers
        self._body = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._shed = False  # the message that comes is not let in

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(b"503 Service Unavailable", _TOO_MANY, b"retry-after: 5\r\n")
            return
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # refused; what still comes is not read
        self._overhead += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._shed and self._body > MAX_HEAD_BYTES:
            # not worth reading to its end for the connection's sake
            self._answer_overloaded(keep=False)
        elif self._overhead > MAX_HEAD_BYTES + self._body:
            self._refuse(b"431 Request Header Fields Too Large", _TOO_LARGE)
        elif self._in_head and self._head_timer is None:
            self._watch_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._overhead = self._body = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_watching()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refuse(b"431 Request Header Fields Too Large", _TOO_LARGE)
            return
        if self.admission is not None and self._is_asking():
            if not self.admission.enter():
                self._shed = True
                self._watch_head()  # its body must come as quickly
                return
            self.scope[ADMITTED] = True  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        self._body += len(body)
        if not self._shed and not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._shed:
            self._answer_overloaded(keep=self.parser.should_keep_alive())
        elif not self.transport.is_closing():
            super().on_message_complete()

    def _is_asking(self) -> bool:
        """Whether it may be refused here: one that waits behind another's answer must have its own in its turn."""
        alone = self.cycle is None or self.cycle.response_complete
        path = self.url.partition(b"?")[0].decode("latin-1")
        return (
            alone and is_guarded(path) and not self.expect_100_continue and not self.parser.should_upgrade()
        )

    def _answer_overloaded(self, *, keep: bool) -> None:
        self._shed = False
        self._stop_watching()
        if self.transport.is_closing():
            return
        self.transport.write(
            _OVERLOADED_HEAD + (b"\r\n" if keep else b"connection: close\r\n\r\n") + OVERLOADED
        )
        if not keep:
            self.transport.close()
            return
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words; ours are JSON
        self._refuse(b"400 Bad Request", _MALFORMED)

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._head_too_slow)

    def _stop_watching(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(b"408 Request Timeout", _TOO_SLOW)

    def _refuse(self, status: bytes, body: bytes, more: bytes = b"") -> None:
        self._stop_watching()
        self.transport.write(
            b"HTTP/1.1 " + status + b"\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            b"x-content-type-options: nosniff\r\ncontent-length: " + str(len(body)).encode() + b"\r\n"
            b"connection: close\r\n" + more + b"\r\n" + body
        )
        self.transport.close()


def bounded_protocol(
    *, head_timeout_s: float, max_connections: int, admission: Admission | None = None
) -> type[BoundedProtocol]:
    """uvicorn makes protocols itself, of a class."""
    settings = {"head_timeout_s": head_timeout_s, "max_connections": max_connections, "admission": admission}
    return type("Protocol", (BoundedProtocol,), settings)
