"""The GraphQL endpoint: POST for all operations, GET for queries, one operation a request.

Refuses what is not GraphQL over HTTP before anything is spent on it; hands the rest to the engine under a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.fetch import Caller, RequestContext
from gateway.web.body import whole_body
from gateway.web.errors import HttpRequestError, error_body
from gateway.web.exchange import Exchange, exchange_of
from gateway.web.lifecycle import Lifecycle
from gateway.web.messages import (
    EVENT_STREAM,
    JSON,
    check_content_type,
    encode,
    negotiate,
    prefers_html,
    read_body,
    read_query,
    takes_events,
)
from gateway.web.ports import Authenticator, Engine, GraphQLAnswer, GraphQLRequest
from gateway.web.sse import EventStreamResponse
from gateway.web.streams import Streams

__all__ = ["GraphQLEndpoint", "OperationMetrics", "Page"]

GRACE_S = 1.0
"""How long past its deadline the engine may take to put an answer together before the request is cut off."""


class Page(Protocol):
    """What a browser gets that opens the endpoint."""

    def respond(self, request: Request) -> Response: ...


class OperationMetrics(Protocol):
    def operation_finished(self, kind: str, outcome: str, duration_s: float) -> None:
        """outcome: ok, partial (data and errors), refused (a request error) or failed (the gateway's own fault)."""
        ...


class GraphQLEndpoint:
    """An ASGI application. deadline_s: what every request gets; the engine may take less of it."""

    def __init__(
        self,
        engine: Engine,
        authenticator: Authenticator,
        *,
        streams: Streams,
        lifecycle: Lifecycle,
        deadline_s: float,
        max_body_bytes: int,
        page: Page | None = None,
        metrics: OperationMetrics | None = None,
        log: Any = None,
    ) -> None:
        self.engine = engine
        self.authenticator = authenticator
        self.streams = streams
        self.lifecycle = lifecycle
        self.deadline_s = deadline_s
        self.max_body_bytes = max_body_bytes
        self.page = page
        self.metrics = metrics
        self.log = log or structlog.get_logger("gateway.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response: ASGIApp
        if self.page and request.method == "GET" and prefers_html(request.headers.get("accept")):
            response = self.page.respond(request)
        else:
            try:
                response = await self.answer(request)
            except ClientDisconnect:
                return
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response | EventStreamResponse:
        """One request on one screen."""
        exchange = exchange_of(request.scope)
        media = JSON
        try:
            media = negotiate(request.headers.get("accept"))
            graphql_request = await self._read(request)
            caller = await self._identify(request)
        except HttpRequestError as error:
            exchange.facts["codes"] = [error.code]
            return _refusal(error, JSON if media == EVENT_STREAM else media)
        context = self._context(caller, exchange, request.headers)
        if self._is_stream(graphql_request, context, media, request.headers.get("accept")):
            exchange.facts["operation"] = "stream"
            return EventStreamResponse(self.streams, graphql_request, context, self.lifecycle)
        answer = await self._execute(graphql_request, context, exchange)
        _note(answer, exchange)
        status, body = encode(answer, media)
        headers = {"allow": "POST"} if status == 405 else None
        return Response(body, status, headers, media_type=f"{media}; charset=utf-8")

    async def _read(self, request: Request) -> GraphQLRequest:
        if request.method == "GET":
            # A page elsewhere can make a browser GET without asking; it cannot read the answer, but it can time it.
            if request.headers.get("sec-fetch-mode") == "no-cors":
                raise HttpRequestError(
                    403, "CSRF_REFUSED", "Operations are not for <img>, <script> and their like"
                )
            return read_query(request.query_params)
        if request.method == "POST":
            check_content_type(request.headers.get("content-type"))
            return read_body(await whole_body(request, self.max_body_bytes))
        raise HttpRequestError(
            405,
            "METHOD_NOT_ALLOWED",
            f"Use POST, or GET for queries; found {request.method[:16]}",
            allow="GET, POST",
        )

    async def _identify(self, request: Request) -> Caller:
        try:
            return await self.authenticator.authenticate(request.headers.get("authorization"))
        except Exception as error:
            if getattr(error, "code", None) != "UNAUTHENTICATED":
                raise
            raise HttpRequestError(401, "UNAUTHENTICATED", str(error), www_authenticate="Bearer") from None

    def _is_stream(
        self, request: GraphQLRequest, context: RequestContext, media: str, accept: str | None
    ) -> bool:
        """Where only events are accepted, or a subscription is asked and they are accepted too."""
        if media == EVENT_STREAM:
            return True
        return takes_events(accept) and self.engine.kind_of(request, context) == "subscription"

    def _context(self, caller: Caller, exchange: Exchange, headers: Mapping[str, str]) -> RequestContext:
        if caller.name != "anonymous":
            exchange.facts["caller"] = caller.name
        return RequestContext(
            deadline=asyncio.get_running_loop().time() + self.deadline_s,
            caller=caller,
            request_id=exchange.request_id,
            trace_headers=exchange.trace_headers,
            client_name=exchange.facts.get("client", ""),
            headers=headers,
        )

    async def _execute(
        self, request: GraphQLRequest, context: RequestContext, exchange: Exchange
    ) -> GraphQLAnswer:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout_at(context.deadline + GRACE_S):
                answer = await self.engine.execute(request, context)
        except TimeoutError:
            message = (
                f"The request took longer than {self.deadline_s:g} s and was cut off; ask for less at once"
            )
            answer = _failure(504, "DEADLINE_EXCEEDED", message, exchange)
        except Exception as error:  # the engine's own fault: the log has the cause, the client a reference
            self.log.exception("engine failed", error_type=type(error).__name__)
            message = f"Something went wrong inside the gateway. Report this reference: {exchange.request_id}"
            answer = _failure(500, "INTERNAL_SERVER_ERROR", message, exchange)
        if self.metrics:
            self.metrics.operation_finished(answer.operation, _outcome(answer), loop.time() - started)
        return answer


def _refusal(error: HttpRequestError, media: str) -> Response:
    _, body = encode(
        GraphQLAnswer(errors=error_body(error.code, str(error))["errors"], status_hint=error.status), media
    )
    return Response(body, error.status, error.headers, media_type=f"{media}; charset=utf-8")


def _failure(status: int, code: str, message: str, exchange: Exchange) -> GraphQLAnswer:
    return GraphQLAnswer(
        errors=error_body(code, message, reference=exchange.request_id)["errors"], status_hint=status
    )


def _outcome(answer: GraphQLAnswer) -> str:
    if answer.status_hint >= 500:
        return "failed"
    if answer.status_hint != 200:
        return "refused"
    return "partial" if answer.errors else "ok"


def _note(answer: GraphQLAnswer, exchange: Exchange) -> None:
    """What the log line tells of an answer: never its data, never a message."""
    exchange.facts["operation"] = answer.operation
    if answer.operation_name:
        exchange.facts["operation_name"] = answer.operation_name
    if answer.errors:
        codes = {str((error.get("extensions") or {}).get("code", "NONE")) for error in answer.errors}
        exchange.facts["codes"] = sorted(codes)
        exchange.facts["errors"] = len(answer.errors)
