"""Operations answered by a stream: one answer for a query or mutation, one for each event of a subscription.

What WebSocket and server-sent events have in common: places, deadlines, faults, counts and the log line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

import structlog

from adapters.fetch import RequestContext
from gateway.web.errors import error_body
from gateway.web.ports import Engine, GraphQLAnswer, GraphQLRequest

__all__ = ["StreamMetrics", "Streams"]

GRACE_S = 1.0
"""As for requests that have one answer (see graphql.py)."""


class StreamMetrics(Protocol):
    def stream_opened(self, transport: str) -> None: ...

    def stream_closed(self, transport: str, outcome: str, answers: int) -> None:
        """outcome: completed (by the subgraph, or answered), left (by the client), refused, failed (the gateway's fault)."""
        ...


class Streams:
    """All that are open in this process. max_open: more are refused with STREAMS_EXHAUSTED.

    deadline_s: what a query has, and each event to be completed.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        deadline_s: float,
        max_open: int = 5000,
        metrics: StreamMetrics | None = None,
        log: Any = None,
    ) -> None:
        self.engine = engine
        self.deadline_s = deadline_s
        self.max_open = max_open
        self.metrics = metrics
        self.log = log or structlog.get_logger("gateway.web")
        self.open = 0

    async def answers(
        self, request: GraphQLRequest, context: RequestContext, transport: str
    ) -> AsyncGenerator[GraphQLAnswer, None]:
        """Never raises for what a source, the client or the engine did. Close it to unsubscribe."""
        if self.open >= self.max_open:
            message = f"The gateway holds {self.max_open} streams, and takes no more now. Try again later."
            yield _failure("STREAMS_EXHAUSTED", message, 503, context)
            return
        self.open += 1
        started = asyncio.get_running_loop().time()
        outcome, given, last = "left", 0, GraphQLAnswer()
        if self.metrics:
            self.metrics.stream_opened(transport)
        try:
            async with aclosing(self._answers(request, context)) as answers:
                async for last in answers:
                    given += 1
                    yield last
            outcome = "completed" if last.status_hint == 200 else "refused"
        except TimeoutError:
            outcome = "failed"
            message = (
                f"The operation took longer than {self.deadline_s:g} s and was cut off; ask for less at once"
            )
            yield _failure("DEADLINE_EXCEEDED", message, 504, context)
        except Exception as error:  # the engine's own fault: the log has the cause, the client a reference
            outcome = "failed"
            self.log.exception(
                "engine failed", error_type=type(error).__name__, request_id=context.request_id
            )
            message = f"Something went wrong inside the gateway. Report this reference: {context.request_id}"
            yield _failure("INTERNAL_SERVER_ERROR", message, 500, context, reference=True)
        finally:
            self.open -= 1
            if self.metrics:
                self.metrics.stream_closed(transport, outcome, given)
            self._tell(transport, outcome, given, last, context, started)

    async def _answers(
        self, request: GraphQLRequest, context: RequestContext
    ) -> AsyncGenerator[GraphQLAnswer, None]:
        """With a limit on the first answer of what is no subscription: there it is the only one."""
        stream = self.engine.stream(request, context, event_timeout_s=self.deadline_s)
        async with aclosing(stream):
            kind = self.engine.kind_of(request, context)
            if kind == "subscription":
                async for answer in _while_good(stream, context):
                    yield answer
                return
            async with asyncio.timeout_at(context.deadline + GRACE_S):
                answer = await anext(stream)
            yield answer

    def _tell(
        self,
        transport: str,
        outcome: str,
        given: int,
        last: GraphQLAnswer,
        context: RequestContext,
        started: float,
    ) -> None:
        """One line a stream; never data, never a message."""
        facts: dict[str, Any] = {"transport": transport, "outcome": outcome, "answers": given}
        facts["operation"] = last.operation
        if last.operation_name:
            facts["operation_name"] = last.operation_name
        if context.client_name:
            facts["client"] = context.client_name
        if context.caller.name != "anonymous":
            facts["caller"] = context.caller.name
        codes = {str((error.get("extensions") or {}).get("code", "NONE")) for error in last.errors}
        if codes:
            facts["codes"] = sorted(codes)
        duration_s = asyncio.get_running_loop().time() - started
        self.log.info("stream", request_id=context.request_id, ms=round(duration_s * 1000, 2), **facts)


async def _while_good(
    stream: AsyncGenerator[GraphQLAnswer, None], context: RequestContext
) -> AsyncGenerator[GraphQLAnswer, None]:
    """Up to the end of the caller's token, which is an answer of its own."""
    expires_at = context.caller.expires_at
    if expires_at is None:
        async for answer in stream:
            yield answer
        return
    end = asyncio.get_running_loop().time() + expires_at - time.time()
    while True:
        try:
            # for each event anew: who waits for the next one may be another task
            async with asyncio.timeout_at(end):
                answer = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            yield _failure(
                "UNAUTHENTICATED", "The bearer token has expired. Subscribe with a new one.", 401, context
            )
            return
        yield answer


def _failure(
    code: str, message: str, status: int, context: RequestContext, *, reference: bool = False
) -> GraphQLAnswer:
    body = error_body(code, message, reference=context.request_id if reference else None)
    return GraphQLAnswer(errors=body["errors"], status_hint=status)
