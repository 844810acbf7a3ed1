"""GraphQL over SSE in "single connection mode": all operations of a client answered by one event stream, for browsers
that keep few HTTP/1.1 connections open. PUT reserves a stream, GET opens it, POST starts an operation, DELETE ends one.

Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. A stream lives in one process: behind
several, all requests of a client must reach the same one.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from adapters.fetch import Caller, RequestContext
from gateway.web.entrance import Entrance
from gateway.web.errors import HttpRequestError, error_body
from gateway.web.exchange import exchange_of
from gateway.web.lifecycle import Lifecycle
from gateway.web.messages import GRAPHQL_JSON, encode
from gateway.web.ports import GraphQLAnswer, GraphQLRequest
from gateway.web.reading import Reading
from gateway.web.sse import HEARTBEAT, EventStreamResponse
from gateway.web.streams import Streams

__all__ = ["TOKEN_HEADER", "SingleConnectionEndpoint"]

TOKEN_HEADER: Final = "x-graphql-event-stream-token"  # noqa: S105 - a name
MAX_RESERVED: Final = 1000
"""Streams of this process, open or about to be."""
MAX_OPERATIONS: Final = 100
"""Open at once on one stream."""
OPEN_WITHIN_S: Final = 30.0
_MOST_WAITING: Final = 64  # events; then whoever makes them waits for the client to read


@dataclass(slots=True)
class _Stream:
    """running: id of the client -> the task that answers it."""

    caller: Caller
    address: str
    events: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    is_open: bool = False


class SingleConnectionEndpoint:
    """An ASGI application."""

    def __init__(
        self,
        streams: Streams,
        entrance: Entrance,
        *,
        lifecycle: Lifecycle,
        reading: Reading,
        deadline_s: float,
        open_within_s: float = OPEN_WITHIN_S,
    ) -> None:
        self.streams = streams
        self.entrance = entrance
        self.lifecycle = lifecycle
        self.reading = reading
        self.deadline_s = deadline_s
        self.open_within_s = open_within_s
        self._reserved: dict[str, _Stream] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except HttpRequestError as error:
            exchange_of(scope).facts["codes"] = [error.code]
            body = orjson.dumps(error_body(error.code, str(error)), default=list)
            response = Response(body, error.status, dict(error.headers), media_type="application/json")
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response | EventStreamResponse:
        if request.method == "PUT":
            return await self._reserve(request)
        if request.method not in ("GET", "POST", "DELETE"):
            allowed = "DELETE, GET, POST, PUT"
            raise HttpRequestError(405, "METHOD_NOT_ALLOWED", f"Use one of {allowed}", allow=allowed)
        token = request.headers.get(TOKEN_HEADER) or request.query_params.get("token") or ""
        stream = self._reserved.get(token)
        if stream is None:
            raise HttpRequestError(404, "STREAM_NOT_FOUND", "There is no such stream; reserve one with PUT")
        if request.method == "GET":
            return self._open(token, stream)
        await self._check_caller(request, stream)
        return await (
            self._start(request, stream) if request.method == "POST" else self._end(request, stream)
        )

    async def _reserve(self, request: Request) -> Response:
        address = self.entrance.address(request.scope)
        caller = await self.entrance.identify(request.headers.get("authorization"), address)
        told = await self.entrance.admit(caller, address)
        if len(self._reserved) >= MAX_RESERVED:
            text = f"The gateway holds {MAX_RESERVED} such streams, and takes no more now. Try again later."
            raise HttpRequestError(503, "STREAMS_EXHAUSTED", text)
        token = secrets.token_urlsafe(24)
        self._reserved[token] = _Stream(caller, address)
        asyncio.get_running_loop().call_later(self.open_within_s, self._drop_unopened, token)
        return PlainTextResponse(token, 201, dict(told))

    def _drop_unopened(self, token: str) -> None:
        stream = self._reserved.get(token)
        if stream is not None and not stream.is_open:
            del self._reserved[token]
            for task in stream.running.values():
                task.cancel()

    def _open(self, token: str, stream: _Stream) -> EventStreamResponse:
        """By the stream's token alone: a browser's EventSource sends no headers."""
        if stream.is_open:
            raise HttpRequestError(409, "STREAM_OPEN", "This stream is open already")
        stream.is_open = True
        return _Opened(self, token, stream)

    async def _start(self, request: Request, stream: _Stream) -> Response:
        asked = await self.reading.read(request)
        if isinstance(asked, list):
            raise HttpRequestError(400, "BATCHING_NOT_SUPPORTED", "Send one operation a request")
        name = asked.extensions.get("operationId")
        if not isinstance(name, str) or not 0 < len(name) <= 256:
            text = "`extensions.operationId` must be text of 1 to 256 characters"
            raise HttpRequestError(400, "BAD_REQUEST", text)
        if name in stream.running:
            raise HttpRequestError(409, "OPERATION_EXISTS", f"Operation {name[:60]!r} is running already")
        if len(stream.running) >= MAX_OPERATIONS:
            text = f"{MAX_OPERATIONS} operations are open on this stream; end one first"
            raise HttpRequestError(429, "LIMIT_EXCEEDED", text)
        told = await self.entrance.admit(stream.caller, stream.address)
        context = self._context(request, stream)
        answering = self._answer(name, asked, context, stream)
        stream.running[name] = asyncio.create_task(answering, name="operation on a stream")
        return Response(status_code=202, headers=dict(told))

    async def _end(self, request: Request, stream: _Stream) -> Response:
        task = stream.running.pop(request.query_params.get("operationId", ""), None)
        if task is not None:
            task.cancel()
        return Response(status_code=200)

    async def _check_caller(self, request: Request, stream: _Stream) -> None:
        address = self.entrance.address(request.scope)
        caller = await self.entrance.identify(request.headers.get("authorization"), address)
        if caller.name != stream.caller.name:
            raise HttpRequestError(403, "FORBIDDEN", "This stream is another caller's")
        stream.caller = caller  # perhaps with a newer token

    async def _answer(
        self, name: str, asked: GraphQLRequest, context: RequestContext, stream: _Stream
    ) -> None:
        try:
            found = await self.entrance.document(asked)
            if isinstance(found, GraphQLAnswer):
                await stream.events.put(_next(name, found))
            else:
                async with aclosing(self.streams.answers(found, context, "sse")) as answers:
                    async for answer in answers:
                        await stream.events.put(_next(name, answer))
            await stream.events.put(b"event: complete\ndata: " + orjson.dumps({"id": name}) + b"\n\n")
        finally:
            if stream.running.get(name) is asyncio.current_task():
                del stream.running[name]

    async def close(self, token: str, stream: _Stream) -> None:
        """The client has left: all that it asked ends."""
        self._reserved.pop(token, None)
        tasks = tuple(stream.running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _context(self, request: Request, stream: _Stream) -> RequestContext:
        exchange = exchange_of(request.scope)
        return RequestContext(
            deadline=asyncio.get_running_loop().time() + self.deadline_s,
            caller=stream.caller,
            request_id=exchange.request_id,
            trace_headers=exchange.trace_headers,
            client_name=exchange.facts.get("client", ""),
            headers=request.headers,
            address=stream.address,
        )


class _Opened(EventStreamResponse):
    """What comes in on a stream, until the client leaves."""

    def __init__(self, endpoint: SingleConnectionEndpoint, token: str, stream: _Stream) -> None:
        self._endpoint, self._token, self._stream = endpoint, token, stream
        self._lifecycle = endpoint.lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._endpoint.close(self._token, self._stream)

    async def _give(self, send: Send) -> None:
        while True:
            try:
                async with asyncio.timeout(12.0):
                    data = await self._stream.events.get()
            except TimeoutError:
                data = HEARTBEAT
            await send({"type": "http.response.body", "body": data, "more_body": True})


def _next(name: str, answer: GraphQLAnswer) -> bytes:
    _, body = encode(answer, GRAPHQL_JSON)
    return b'event: next\ndata: {"id":' + orjson.dumps(name) + b',"payload":' + body + b"}\n\n"
