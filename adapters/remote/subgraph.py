"""A GraphQL service over HTTP as `adapters.fetch.Subgraph`: a fetch is body -> traffic -> wire -> answer.

Queries are tried again, and identical ones under way at the same time are one call, as far as the subgraph cannot
tell them apart and the caller is the same. Mutations are sent once. What comes back is each caller's own.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.auth.credentials import Credentials
from adapters.auth.grant import Grant
from adapters.failures import wire_failure
from adapters.fetch import (
    FetchError,
    FetchOperation,
    FetchResult,
    PreparedFetch,
    PreparedSubscription,
    RequestContext,
)
from adapters.mapping.errors import ValueProblem
from adapters.remote.answer_shape import FieldTypes, ShapeCheck, compile_shape_check, field_types
from adapters.remote.headers import Propagation
from adapters.remote.reply import AnsweredWithErrors, FailedWithErrors, check_reply, read_answer
from adapters.remote.subscription import RemoteStreams, RemoteSubscription
from adapters.reply import RawReply
from adapters.tracing import CallTracer
from adapters.traffic.deadline import left_ms
from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused, SourceTimeout
from adapters.traffic.traffic import AnswerStatus, Traffic
from adapters.wire import errors as wire_errors
from adapters.wire.head import encode_lines
from adapters.wire.model import HeaderPairs, WireHead, WireRequest, WireResponse
from adapters.wire.wire import Wire
from cache.keys import cache_key

__all__ = ["GRAPHQL_HEADERS", "RemoteSubgraph"]

GRAPHQL_HEADERS: HeaderPairs = (
    ("Content-Type", "application/json"),
    ("Accept", "application/graphql-response+json, application/json;q=0.9"),
    ("Accept-Encoding", "gzip"),
)


@dataclass(slots=True)
class RemoteSubgraph:
    """head: request line and the `fixed` headers. namespace: changes with what the answers are read with."""

    name: str
    sdl: str
    url: str
    head: WireHead
    fixed: HeaderPairs = field(repr=False)
    wire: Wire
    traffic: Traffic
    credentials: Credentials
    propagation: Propagation
    streams: RemoteStreams = field(repr=False)
    secret: bytes = field(repr=False)
    namespace: str = "remote"
    tracer: CallTracer | None = None
    deadline_header: str | None = None
    _types: FieldTypes | None = field(default=None, init=False, repr=False)

    @property
    def client_headers(self) -> tuple[str, ...]:
        """Headers of the client's request, in lower case, that it is shown."""
        return tuple(name for name, _, _ in self.propagation.rules)

    def prepare(self, operation: FetchOperation) -> PreparedFetch:
        """Everything but the variables is encoded once."""
        is_query = operation.kind == "query"
        return _RemoteFetch(
            self, is_query, *_frame(operation), self._check(operation), is_query and self._is_plain()
        )

    def subscribe(self, operation: FetchOperation) -> PreparedSubscription:
        """The same for an event stream."""
        return RemoteSubscription(self.streams, *_frame(operation), self._check(operation))

    async def ask(self, text: str, *, timeout_s: float) -> FetchResult:
        """One query of the gateway itself, once, past traffic and without anyone's headers. Raises SourceError."""
        body = orjson.dumps({"query": text})
        try:
            async with asyncio.timeout(timeout_s):
                response = await self.exchange(body, (), timeout_s, renew=True)
        except TimeoutError:
            raise SourceTimeout(self.name) from None
        try:
            return check_reply(self.name, _raw(response))
        except (AnsweredWithErrors, FailedWithErrors) as error:
            return read_answer(self.name, error.body)

    async def exchange(
        self, body: bytes, headers: HeaderPairs, timeout_s: float, *, renew: bool
    ) -> WireResponse:
        """One POST. renew: whether it may be sent again with new credentials where the old are refused."""
        until = asyncio.get_running_loop().time() + timeout_s
        renewed = False
        while True:
            grant = await self.credentials.grant()
            response = await self._send(grant, body, headers, until, idempotent=renew)
            if not self.credentials.renewable or not self.credentials.ended(_raw(response)):
                return response
            may_help = self.credentials.forget(grant)
            if renewed or not renew or not may_help:
                return response
            renewed = True

    async def close(self) -> None:
        """Ends what runs behind answers and closes the connections."""
        await self.streams.close()
        await self.traffic.close()
        await self.wire.close()

    def _is_plain(self) -> bool:
        """Whether a query needs nothing for each attempt but the time that it may take."""
        return (
            self.head.idempotent
            and not self.credentials.renewable
            and not self.credentials.edits
            and self.deadline_header is None
            and self.traffic.policy.freshness is None
            and (self.tracer is None or getattr(self.tracer, "passive", False))
        )

    def _check(self, operation: FetchOperation) -> ShapeCheck:
        if self._types is None:
            self._types = field_types(self.sdl)
        return compile_shape_check(operation.document, self._types)

    async def _send(
        self, grant: Grant, body: bytes, headers: HeaderPairs, until: float, *, idempotent: bool
    ) -> WireResponse:
        """until: event-loop time."""
        left_s = max(until - asyncio.get_running_loop().time(), 0.001)
        try:
            return await self.wire.send(self._request(grant, body, headers, idempotent), timeout_s=left_s)
        except wire_errors.WireError as error:
            raise wire_failure(self.name, error) from error

    def _request(self, grant: Grant, body: bytes, headers: HeaderPairs, idempotent: bool) -> WireRequest:
        if not grant.edits:
            head = self.head
            if (
                head.idempotent != idempotent
            ):  # a stale connection: a query may go out again, a mutation never
                head = WireHead(head.method, head.origin, idempotent, head.block)
            return head.request(body, headers)
        request = WireRequest("POST", self.url, (*self.fixed, *headers), body, idempotent=idempotent)
        try:
            return grant.show(request)
        except ValueProblem as problem:
            raise SourceRefused(self.name, f"The request cannot be built: {problem}.") from problem


@dataclass(frozen=True, slots=True)
class _RemoteFetch:
    """One operation, prepared. before, after: the body around the variables. is_plain: `_straight` will do, mostly."""

    subgraph: RemoteSubgraph
    is_query: bool
    before: bytes
    after: bytes
    check: ShapeCheck
    is_plain: bool = False

    async def __call__(self, variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
        name = self.subgraph.name
        try:
            body = self.before + orjson.dumps(dict(variables)) + self.after
        except TypeError as error:  # integers over 64 bits, lone surrogates
            text = f"{name}: The variables cannot be sent as JSON: {error}."
            return FetchResult(None, (FetchError(text, (), {"code": "BAD_USER_INPUT"}),))
        context.seen.systems[name] = "OK"
        try:
            if self.is_plain and (shown := _shown(self.subgraph, context)) is not None:
                propagated, lines, asker = shown
                key = (self.subgraph.namespace, name, body, propagated, asker)
                if self.subgraph.traffic.goes_straight(key):
                    return self._checked(await self._straight(body, lines, key, context.deadline))
            return self._checked(await self._traced(body, context))
        except (AnsweredWithErrors, FailedWithErrors) as error:
            return self._checked(read_answer(name, error.body))
        except SourceError as error:
            context.seen.systems[name] = error.code
            return _failed(error)

    async def _straight(self, body: bytes, lines: bytes, key: Hashable, deadline: float) -> FetchResult:
        """`_traced` for plain subgraphs, as far as one coroutine for each of wire, traffic and this goes."""
        subgraph = self.subgraph
        head = subgraph.head
        request = WireRequest(head.method, head.origin.text, (), body, True, head, "", lines)
        fresh: FetchResult | None = None

        async def send(timeout_s: float) -> bytes:
            nonlocal fresh
            try:
                response = await subgraph.wire.send(request, timeout_s=timeout_s)
            except wire_errors.WireError as error:
                raise wire_failure(subgraph.name, error) from error
            status, later = response.status, None
            if status != 200:
                later = response.headers.get("retry-after")
            fresh = check_reply(subgraph.name, RawReply(status, "", response.body), later)
            return response.body

        answer = await subgraph.traffic.call_straight(send, key=key, deadline=deadline)
        return fresh if fresh is not None else read_answer(subgraph.name, answer.body)

    async def _traced(self, body: bytes, context: RequestContext) -> FetchResult:
        tracer = self.subgraph.tracer
        if tracer is None:
            return await self._ask(body, context, context.trace_headers)
        name = self.subgraph.name
        with tracer.span("subgraph fetch", parent=context.trace_headers, kind="client", system=name) as span:
            try:
                return await self._ask(body, context, span.headers)
            except SourceError as error:
                span.fail(error.code)
                raise

    async def _ask(self, body: bytes, context: RequestContext, trace: Mapping[str, str]) -> FetchResult:
        subgraph = self.subgraph
        propagated = subgraph.propagation.headers(context.headers)
        headers = (*propagated, *trace.items())
        fresh: list[tuple[bytes, FetchResult]] = []

        async def send(timeout_s: float) -> bytes:
            sent = headers
            if subgraph.deadline_header is not None:
                told = left_ms(context.deadline, timeout_s)
                sent = (*headers, (subgraph.deadline_header, told))
            response = await subgraph.exchange(body, sent, timeout_s, renew=self.is_query)
            later = response.headers.get("retry-after") if response.status != 200 else None
            fresh.append((response.body, check_reply(subgraph.name, _raw(response), later)))
            return response.body

        key = self._key(body, propagated, context) if self.is_query else None
        answer = await subgraph.traffic.call(send, key=key, deadline=context.deadline, read=self.is_query)
        if answer.status is AnswerStatus.FRESH:
            for read_from, result in fresh:  # several where attempts ran side by side
                if read_from is answer.body:
                    return result
        result = read_answer(
            subgraph.name, answer.body
        )  # of a shared flight, or kept: parsed for this caller
        return result if answer.error is None else _older(result, answer.error)

    def _key(self, body: bytes, propagated: HeaderPairs, context: RequestContext) -> Hashable:
        """Everything by which the subgraph could answer differently, and who asks. Where nothing is kept it stays in
        this process, and needs no digest."""
        subgraph, caller = self.subgraph, context.caller
        if subgraph.traffic.policy.freshness is None:
            asker = (caller.name, caller.subject, caller.scopes)
            return subgraph.namespace, subgraph.name, body, propagated, asker
        parts = {
            "body": hashlib.blake2b(body, digest_size=20).hexdigest(),
            "headers": [[str(name), str(value)] for name, value in propagated],
            "caller": [caller.name, caller.subject, sorted(caller.scopes)],
        }
        return cache_key(subgraph.namespace, subgraph.name, "fetch", parts, secret=subgraph.secret)

    def _checked(self, result: FetchResult) -> FetchResult:
        if result.data is None:
            return result
        wrong = self.check(result.data)
        if wrong is None:
            return result
        message = f"The subgraph's answer has another shape than was asked for, at {wrong or 'its root'}."
        return _failed(SourceBadData(self.subgraph.name, message))


def _shown(subgraph: RemoteSubgraph, context: RequestContext) -> tuple[HeaderPairs, bytes, Hashable] | None:
    """What a subgraph is shown of the client's request, the header lines that say so with the trace, and who asks: made
    once a request for all subgraphs with the same rules. None where it is not that simple."""
    rules = subgraph.propagation.rules
    if rules in context.kept:
        kept: tuple[HeaderPairs, bytes, Hashable] = context.kept[rules]
        return kept
    if subgraph.tracer is not None and "traceparent" not in context.trace_headers:
        return None
    propagated, caller = subgraph.propagation.headers(context.headers), context.caller
    try:
        lines = encode_lines((*propagated, *context.trace_headers.items()))
    except wire_errors.WireError:
        return None  # it is refused, and told, where it would be sent
    made = propagated, lines, (caller.name, caller.subject, caller.scopes)
    context.kept[rules] = made
    return made


def _frame(operation: FetchOperation) -> tuple[bytes, bytes]:
    """The request body before and after its variables."""
    before = b'{"query":' + orjson.dumps(operation.text) + b',"variables":'
    if operation.operation_name is None:
        return before, b"}"
    return before, b',"operationName":' + orjson.dumps(operation.operation_name) + b"}"


def _raw(response: WireResponse) -> RawReply:
    return RawReply(response.status, response.headers.get("content-type") or "", response.body)


def _failed(error: SourceError) -> FetchResult:
    return FetchResult(None, (FetchError(str(error), (), {"code": error.code}),))


def _older(result: FetchResult, error: SourceError) -> FetchResult:
    """A kept answer in place of a failure says so."""
    said = FetchError(f"{error} An older answer is given.", (), {"code": error.code, "stale": True})
    return FetchResult(result.data, (*result.errors, said))
