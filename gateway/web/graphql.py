"""The GraphQL endpoint: POST for all operations, GET for queries, one operation a request.

Refuses what is not GraphQL over HTTP before anything is spent on it; hands the rest to the engine under a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.fetch import Caller, RequestContext
from adapters.seen import Seen
from gateway.web.entrance import Entrance
from gateway.web.errors import HttpRequestError, error_body
from gateway.web.exchange import Exchange, exchange_of
from gateway.web.lifecycle import Lifecycle
from gateway.web.messages import (
    EVENT_STREAM,
    JSON,
    PARTS,
    encode,
    negotiate,
    prefers_html,
    takes_events,
    takes_parts,
)
from gateway.web.parts import PartsResponse
from gateway.web.ports import AnswerPart, Engine, GraphQLAnswer, GraphQLRequest
from gateway.web.reading import Reading
from gateway.web.response import respond
from gateway.web.sse import EventStreamResponse
from gateway.web.streams import Streams

__all__ = ["GraphQLEndpoint", "OperationMetrics", "Page"]

Given = TypeVar("Given")

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
        entrance: Entrance,
        *,
        streams: Streams,
        lifecycle: Lifecycle,
        deadline_s: float,
        reading: Reading,
        page: Page | None = None,
        metrics: OperationMetrics | None = None,
        log: Any = None,
    ) -> None:
        self.engine = engine
        self.entrance = entrance
        self.streams = streams
        self.lifecycle = lifecycle
        self.deadline_s = deadline_s
        self.reading = reading
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

    async def answer(self, request: Request) -> Response | EventStreamResponse | PartsResponse:
        """One request on one screen."""
        exchange = exchange_of(request.scope)
        media = JSON
        try:
            media = negotiate(request.headers.get("accept"))
            asked = await self.reading.read(request)
            address = self.entrance.address(request.scope)
            caller = await self.entrance.identify(request.headers.get("authorization"), address)
            count = len(asked) if isinstance(asked, list) else 1
            told = await self.entrance.admit(caller, address, count)
        except HttpRequestError as error:
            exchange.facts["codes"] = [error.code]
            return _refusal(error, _single(media))
        context = self._context(caller, exchange, request.headers, address)
        if isinstance(asked, list):
            return await self._batch(asked, context, exchange, media, told)
        found = await self.entrance.document(asked)
        if isinstance(found, GraphQLRequest):
            if self._is_stream(found, context, media, request.headers.get("accept")):
                exchange.facts["operation"] = "stream"
                return EventStreamResponse(self.streams, found, context, self.lifecycle)
            if media == PARTS or (takes_parts(request.headers.get("accept")) and "@defer" in found.query):
                return await self._in_parts(
                    found,
                    context,
                    exchange,
                    media,
                    lambda one: respond(one, _single(media), request, told),
                    told,
                )
            answer = await self._execute(found, context, exchange)
            await self.entrance.keep(found, answer)
        else:
            answer = found
        _note(answer, exchange)
        return respond(answer, _single(media), request, told)

    async def _batch(
        self,
        asked: list[GraphQLRequest],
        context: RequestContext,
        exchange: Exchange,
        media: str,
        told: Mapping[str, str],
    ) -> Response:
        """Side by side; the answers in their order, with status 200 for all of them."""

        async def one(request: GraphQLRequest) -> GraphQLAnswer:
            found = await self.entrance.document(request)
            if isinstance(found, GraphQLAnswer):
                return found
            answer = await self._execute(found, replace(context, seen=Seen()), exchange)
            await self.entrance.keep(found, answer)
            return answer

        answers = await asyncio.gather(*(one(request) for request in asked))
        exchange.facts["operation"] = "batch"
        exchange.facts["operations"] = len(answers)
        media = _single(media)
        body = b"[" + b",".join(encode(answer, media)[1] for answer in answers) + b"]"
        return Response(body, 200, dict(told), media_type=f"{media}; charset=utf-8")

    async def _in_parts(
        self,
        request: GraphQLRequest,
        context: RequestContext,
        exchange: Exchange,
        media: str,
        respond: Callable[[GraphQLAnswer], Response],
        headers: Mapping[str, str],
    ) -> Response | PartsResponse:
        """In parts where there are some, or where nothing else is accepted; a refusal is an answer as ever."""
        started = asyncio.get_running_loop().time()
        parts = self._parts(request, context, exchange)
        first = await anext(parts)
        answer = first.answer or GraphQLAnswer()
        _note(answer, exchange)
        await self.entrance.keep(request, answer)
        if not first.has_next and (media != PARTS or answer.status_hint != 200):
            self._count(answer, started)
            return respond(answer)

        told = list(answer.errors)

        def given(part: AnswerPart) -> None:
            told.extend(error for one in part.later for error in one.errors)
            if part.answer is not None and part is not first:  # cut off, or the gateway's own fault
                told.extend(part.answer.errors)
            _note_errors(told, exchange)
            if not part.has_next:
                self._count(replace(answer, errors=told), started)

        named = {name: value for name, value in answer.headers.items() if name != "cache-control"}
        return PartsResponse(first, parts, given, {**headers, **named})

    async def _parts(
        self, request: GraphQLRequest, context: RequestContext, exchange: Exchange
    ) -> AsyncGenerator[AnswerPart, None]:
        """Never raises; under the request's deadline as a whole."""
        async with aclosing(self.engine.parts(request, context)) as parts:
            while True:
                part = await self._guarded(_next(parts), context, exchange)
                if part is None:
                    return
                yield part if isinstance(part, AnswerPart) else AnswerPart(part)
                if isinstance(part, GraphQLAnswer):
                    return

    def _is_stream(
        self, request: GraphQLRequest, context: RequestContext, media: str, accept: str | None
    ) -> bool:
        """Where only events are accepted, or a subscription is asked and they are accepted too."""
        if media == EVENT_STREAM:
            return True
        return takes_events(accept) and self.engine.kind_of(request, context) == "subscription"

    def _context(
        self, caller: Caller, exchange: Exchange, headers: Mapping[str, str], address: str
    ) -> RequestContext:
        if caller.name != "anonymous":
            exchange.facts["caller"] = caller.name
        return RequestContext(
            deadline=asyncio.get_running_loop().time() + self.deadline_s,
            caller=caller,
            request_id=exchange.request_id,
            trace_headers=exchange.trace_headers,
            client_name=exchange.facts.get("client", ""),
            headers=headers,
            address=address,
        )

    async def _execute(
        self, request: GraphQLRequest, context: RequestContext, exchange: Exchange
    ) -> GraphQLAnswer:
        started = asyncio.get_running_loop().time()
        answer = await self._guarded(self.engine.execute(request, context), context, exchange)
        self._count(answer, started)
        return answer

    async def _guarded(
        self, run: Awaitable[Given], context: RequestContext, exchange: Exchange
    ) -> Given | GraphQLAnswer:
        """What the engine gives in time, or its failure."""
        try:
            async with asyncio.timeout_at(context.deadline + GRACE_S):
                return await run
        except TimeoutError:
            message = (
                f"The request took longer than {self.deadline_s:g} s and was cut off; ask for less at once"
            )
            return _failure(504, "DEADLINE_EXCEEDED", message, exchange)
        except Exception as error:  # the engine's own fault: the log has the cause, the client a reference
            self.log.exception("engine failed", error_type=type(error).__name__)
            message = f"Something went wrong inside the gateway. Report this reference: {exchange.request_id}"
            return _failure(500, "INTERNAL_SERVER_ERROR", message, exchange)

    def _count(self, answer: GraphQLAnswer, started: float) -> None:
        if self.metrics:
            duration_s = asyncio.get_running_loop().time() - started
            self.metrics.operation_finished(answer.operation, _outcome(answer), duration_s)


async def _next(parts: AsyncGenerator[AnswerPart, None]) -> AnswerPart | None:
    return await anext(parts, None)


def _single(media: str) -> str:
    """The type of one whole answer to whoever takes streams or parts only."""
    return JSON if media in (EVENT_STREAM, PARTS) else media


def _refusal(error: HttpRequestError, media: str) -> Response:
    _, body = encode(
        GraphQLAnswer(errors=error_body(error.code, str(error))["errors"], status_hint=error.status), media
    )
    return Response(body, error.status, dict(error.headers), media_type=f"{media}; charset=utf-8")


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
    _note_errors(answer.errors, exchange)


def _note_errors(errors: Sequence[Mapping[str, Any]], exchange: Exchange) -> None:
    if errors:
        codes = {str((error.get("extensions") or {}).get("code", "NONE")) for error in errors}
        exchange.facts["codes"] = sorted(codes)
        exchange.facts["errors"] = len(errors)
