"""What every HTTP request passes on its way in and out: request id, trace, security headers, one count, one log line.

Plain ASGI, because it stands on the path of every request. It knows nothing of GraphQL.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Protocol

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.telemetry.traces import Span, Tracer
from gateway.web.admission import ADMITTED, Admission, is_guarded
from gateway.web.errors import error_body
from gateway.web.exchange import Exchange, clean_client_name, clean_request_id
from gateway.web.lifecycle import Lifecycle

__all__ = ["Boundary", "RequestMetrics"]

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Set where the endpoint has not set them itself."""

_SECURITY_HEADERS = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())


class RequestMetrics(Protocol):
    def request_started(self) -> None: ...

    def request_finished(self, route: str, method: str, status: int, duration_s: float) -> None: ...


class Boundary:
    """routes: the paths that are told apart in metrics and logs; all others count as `other`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Iterable[str],
        lifecycle: Lifecycle,
        tracer: Tracer,
        metrics: RequestMetrics | None = None,
        admission: Admission | None = None,
        log: Any = None,  # structlog's loggers have no common type
    ) -> None:
        self.app = app
        self.routes = frozenset(routes)
        self.lifecycle = lifecycle
        self.tracer = tracer
        self.metrics = metrics
        self.admission = admission
        self.log = log or structlog.get_logger("gateway.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # of a server that is not ours: `BoundedProtocol` refuses before there is a scope
        unasked = self.admission is not None and ADMITTED not in scope and is_guarded(scope["path"])
        if self.admission is not None and unasked and not self.admission.enter():
            await self.admission.refuse(send)  # no id, no span, no log line: it must cost next to nothing
            return
        headers = Headers(scope=scope)
        exchange = Exchange(clean_request_id(headers.get("x-request-id")))
        exchange.attach(scope)
        if client := clean_client_name(headers.get("graphql-client-name")):
            exchange.facts["client"] = client
        route = _route(scope["path"], self.routes)
        answer = _Answer(send, exchange.request_id, self.lifecycle)
        started = time.perf_counter()
        self.lifecycle.in_flight += 1
        if self.metrics:
            self.metrics.request_started()
        try:
            with (
                self.tracer.span(
                    f"{scope['method']} {route}", parent=headers, kind="server", **{"http.route": route}
                ) as span,
                structlog.contextvars.bound_contextvars(
                    request_id=exchange.request_id, trace_id=span.trace_id
                ),
            ):
                exchange.trace_headers = span.headers
                await self._run(scope, receive, answer, exchange)
                self._record(scope, route, answer, exchange, span, time.perf_counter() - started)
        finally:
            self.lifecycle.in_flight -= 1

    async def _run(self, scope: Scope, receive: Receive, answer: _Answer, exchange: Exchange) -> None:
        try:
            await self.app(scope, receive, answer.send)
        except (
            Exception
        ) as error:  # the last fence: whatever it was, the client gets a reference and no detail
            self.log.exception("unhandled", error_type=type(error).__name__)
            exchange.facts["codes"] = ["INTERNAL_SERVER_ERROR"]
            if not answer.status:
                await answer.internal_error()

    def _record(
        self, scope: Scope, route: str, answer: _Answer, exchange: Exchange, span: Span, duration_s: float
    ) -> None:
        # No status: the client hung up before there was an answer (499, as nginx calls it).
        status = answer.status or 499
        span.set("http.response.status_code", status)
        if status >= 500:
            span.fail(str(status))
        if self.metrics:
            self.metrics.request_finished(route, scope["method"], status, duration_s)
        tell = self.log.debug if route.startswith(("/health", "/metrics")) else self.log.info
        tell(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(duration_s * 1000, 2),
            **exchange.facts,
        )


def _route(path: str, routes: frozenset[str]) -> str:
    """/events/{system} is one: which system it is stands in the log line."""
    if path in routes:
        return path
    return "/events" if "/events" in routes and path.startswith("/events/") else "other"


class _Answer:
    """Sends the response on, with the headers that all have, and remembers its status."""

    __slots__ = ("_lifecycle", "_request_id", "_send", "status")

    def __init__(self, send: Send, request_id: str, lifecycle: Lifecycle) -> None:
        self._send = send
        self._request_id = request_id
        self._lifecycle = lifecycle
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # Raw pairs, in lower case as Starlette makes them: this runs for every answer.
            headers = list(message["headers"])
            given = {name for name, _ in headers}
            headers += [pair for pair in _SECURITY_HEADERS if pair[0] not in given]
            headers.append((b"x-request-id", self._request_id.encode()))
            if self._lifecycle.draining and b"connection" not in given:
                # The client's next request then goes to another instance.
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self._send(message)

    async def internal_error(self) -> None:
        body = error_body(
            "INTERNAL_SERVER_ERROR",
            f"Something went wrong inside the gateway. Report this reference: {self._request_id}",
            reference=self._request_id,
        )
        await self.send(
            {
                "type": "http.response.start",
                "status": 500,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await self.send({"type": "http.response.body", "body": orjson.dumps(body)})
