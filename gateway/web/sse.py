"""Answers as server-sent events: GraphQL over SSE, "distinct connections mode". Every operation may be asked so.

Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. A refused operation is an event too, as
browsers do not show the body of another status to an EventSource.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.types import Receive, Scope, Send

from adapters.fetch import RequestContext
from gateway.web.disconnect import disconnected
from gateway.web.lifecycle import Lifecycle
from gateway.web.messages import EVENT_STREAM, GRAPHQL_JSON, encode
from gateway.web.ports import GraphQLAnswer, GraphQLRequest
from gateway.web.streams import Streams

__all__ = ["HEARTBEAT", "EventStreamResponse"]

HEARTBEAT_S = 12.0
"""A comment after that much silence: proxies cut what is silent for a minute."""

_COMPLETE = b"event: complete\ndata:\n\n"
HEARTBEAT = b":\n\n"


class EventStreamResponse:
    """An ASGI response. Ends without `complete` when the process stops: clients then ask again elsewhere."""

    def __init__(
        self,
        streams: Streams,
        request: GraphQLRequest,
        context: RequestContext,
        lifecycle: Lifecycle,
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._streams = streams
        self._request = request
        self._context = context
        self._lifecycle = lifecycle
        self._heartbeat_s = heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),  # nginx would gather them
                ],
            }
        )
        await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        giving = asyncio.create_task(self._give(send), name="events to a client")
        leaving = asyncio.create_task(disconnected(receive), name="client leaves")
        stopping = asyncio.create_task(self._lifecycle.stopping.wait(), name="process stops")
        tasks = (giving, leaving, stopping)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _give(self, send: Send) -> None:
        async with aclosing(self._streams.answers(self._request, self._context, "sse")) as answers:
            async for answer in _or_silence(answers, self._heartbeat_s):
                data = HEARTBEAT if answer is None else _event(answer)
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": _COMPLETE, "more_body": True})


async def _or_silence(
    answers: AsyncGenerator[GraphQLAnswer, None], after_s: float
) -> AsyncGenerator[GraphQLAnswer | None, None]:
    """The answers, and None each time that none came for `after_s`."""
    pending: asyncio.Task[GraphQLAnswer] | None = None
    try:
        while True:
            pending = pending or asyncio.create_task(anext(answers), name="next event")
            done, _ = await asyncio.wait((pending,), timeout=after_s)
            if not done:
                yield None
                continue
            task, pending = pending, None
            try:
                answer = task.result()
            except StopAsyncIteration:
                return
            yield answer
    finally:
        if pending is not None:
            pending.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await pending


def _event(answer: GraphQLAnswer) -> bytes:
    """With the cursor as its id, where the stream has one: a browser sends it back as `Last-Event-ID`."""
    _, body = encode(answer, GRAPHQL_JSON)
    cursor = answer.extensions.get("cursor")
    name = b"" if cursor is None else b"id: " + str(cursor).encode() + b"\n"
    return name + b"event: next\ndata: " + body + b"\n\n"
