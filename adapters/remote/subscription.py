"""Event streams of a remote subgraph as the executor meets them: opened under its traffic rules, read without a deadline.

Opening is a call like others: breaker, places, rate, deadline, credentials. What is open afterwards holds no place of
the bulkhead; its number has a limit of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.auth.credentials import Credentials
from adapters.auth.grant import Grant
from adapters.fetch import FetchError, FetchResult, RequestContext
from adapters.mapping.errors import ValueProblem
from adapters.remote.answer_shape import ShapeCheck
from adapters.remote.headers import Propagation
from adapters.remote.streams.refusal import StreamNotOpened
from adapters.remote.streams.stream import EventStream, StreamOpener, StreamRequest
from adapters.traffic.errors import SourceBadData, SourceError, SourceOverloaded, SourceRefused
from adapters.traffic.traffic import Traffic
from adapters.wire.model import HeaderPairs, WireRequest

__all__ = ["RemoteStreams", "RemoteSubscription"]


@dataclass(slots=True)
class RemoteStreams:
    """The streams of one remote subgraph. url: http or https. fixed: headers of every stream."""

    system: str
    url: str
    fixed: HeaderPairs = field(repr=False)
    opener: StreamOpener
    traffic: Traffic
    credentials: Credentials
    propagation: Propagation
    timeout_s: float
    max_open: int
    open: int = 0

    async def start(self, body: bytes, context: RequestContext) -> EventStream:
        """Takes one of the places; `end` gives it back. Raises SourceError."""
        if self.open >= self.max_open:
            raise SourceOverloaded(self.system, f"No more than {self.max_open} streams are open at once.")
        self.open += 1
        opened: list[EventStream] = []
        headers = (
            *self.fixed,
            *self.propagation.headers(context.headers),
            *context.trace_headers.items(),
        )

        async def send(timeout_s: float) -> bytes:
            opened.append(await self._open(body, headers, timeout_s))
            return b""

        deadline = asyncio.get_running_loop().time() + self.timeout_s
        try:
            await self.traffic.call(send, key=None, deadline=deadline)
        except BaseException:
            self.open -= 1
            for one in opened:  # it came as its caller left
                await one.close()
            raise
        return opened[-1]

    async def end(self, stream: EventStream) -> None:
        self.open -= 1
        await stream.close()

    async def close(self) -> None:
        await self.opener.close()

    async def _open(self, body: bytes, headers: HeaderPairs, timeout_s: float) -> EventStream:
        """With new credentials where the old ones are refused, once."""
        renewed = False
        while True:
            grant = await self.credentials.grant()
            try:
                return await self.opener.open(self._request(grant, body, headers), timeout_s=timeout_s)
            except StreamNotOpened as refused:
                ended = self.credentials.ended(refused.reply) and self.credentials.forget(grant)
                if not ended or renewed:
                    raise refused.error from None
                renewed = True

    def _request(self, grant: Grant, body: bytes, headers: HeaderPairs) -> StreamRequest:
        request = WireRequest("POST", self.url, headers, body, idempotent=True)
        try:
            shown = grant.show(request)
        except ValueProblem as problem:
            raise SourceRefused(self.system, f"The request cannot be built: {problem}.") from problem
        url = shown.url if isinstance(shown.url, str) else shown.url.origin.text + shown.url.path
        return StreamRequest(url, shown.headers, shown.body)


@dataclass(frozen=True, slots=True)
class RemoteSubscription:
    """`adapters.fetch.PreparedSubscription`. before, after: the body around the variables."""

    streams: RemoteStreams
    before: bytes
    after: bytes
    check: ShapeCheck

    async def __call__(
        self, variables: Mapping[str, Any], context: RequestContext
    ) -> AsyncGenerator[FetchResult, None]:
        name = self.streams.system
        try:
            body = self.before + orjson.dumps(dict(variables)) + self.after
        except TypeError as error:  # integers over 64 bits, lone surrogates
            text = f"{name}: The variables cannot be sent as JSON: {error}."
            yield FetchResult(None, (FetchError(text, (), {"code": "BAD_USER_INPUT"}),))
            return
        try:
            stream = await self.streams.start(body, context)
        except SourceError as error:
            yield _failed(error)
            return
        try:
            async with aclosing(stream.results()) as results:
                async for result in results:
                    yield self._checked(result)
        except SourceError as error:
            yield _failed(error)
        finally:
            await self.streams.end(stream)

    def _checked(self, result: FetchResult) -> FetchResult:
        wrong = self.check(result.data) if result.data is not None else None
        if wrong is None:
            return result
        message = f"The subgraph's event has another shape than was asked for, at {wrong or 'its root'}."
        return _failed(SourceBadData(self.streams.system, message))


def _failed(error: SourceError) -> FetchResult:
    return FetchResult(None, (FetchError(str(error), (), {"code": error.code}),))
