"""GraphQL over server-sent events, the client's side ("distinct connections mode"): one POST for each stream.

Carried by httpx: a stream is opened once and read for hours, so what a call costs does not matter here, and
backpressure, TLS and timeouts come with it. Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import suppress

import httpx
import orjson

from adapters.fetch import FetchResult
from adapters.remote.reply import AnsweredWithErrors, FailedWithErrors, answer_of, check_reply, read_answer
from adapters.remote.streams.event_reader import EventReader, EventTooLarge
from adapters.remote.streams.refusal import refusal
from adapters.remote.streams.stream import EventStream, StreamRequest
from adapters.reply import RawReply
from adapters.traffic.errors import SourceBadData, SourceTimeout, SourceUnavailable

__all__ = ["ServerSentEvents"]

_OURS = frozenset({b"accept", b"accept-encoding", b"content-length", b"host"})
_ACCEPT = b"text/event-stream, application/graphql-response+json;q=0.9, application/json;q=0.8"
_CLOSE_TIMEOUT_S = 2.0


class ServerSentEvents:
    """tls: for https. idle_s: how long a stream may be silent; None for as long as it likes."""

    def __init__(
        self, system: str, *, tls: ssl.SSLContext | None, max_event_bytes: int, idle_s: float | None = None
    ) -> None:
        self._system = system
        self._tls = tls
        self._max_event_bytes = max_event_bytes
        self._idle_s = idle_s
        self._client: httpx.AsyncClient | None = None

    async def open(self, request: StreamRequest, *, timeout_s: float) -> EventStream:
        client = self._client or self._new_client()
        headers = [(_bytes(name), _bytes(value)) for name, value in request.headers]
        asked = client.build_request(
            "POST",
            request.url,
            headers=[
                *(pair for pair in headers if pair[0].lower() not in _OURS),
                (b"Accept", _ACCEPT),
                (b"Cache-Control", b"no-cache"),
            ],
            content=request.body,
            timeout=httpx.Timeout(timeout_s, read=self._idle_s),
        )
        try:
            async with asyncio.timeout(timeout_s):
                response = await client.send(asked, stream=True)
        except (TimeoutError, httpx.TimeoutException):
            raise SourceTimeout(self._system) from None
        except httpx.HTTPError:
            raise SourceUnavailable(self._system) from None
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code == 200 and media == "text/event-stream":
            return _SseStream(self._system, response, self._max_event_bytes)
        return await self._other(response, timeout_s)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        keep_alive = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        # a peer that vanished without a word: noticed in about a minute
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                keep_alive.append((socket.IPPROTO_TCP, getattr(socket, name), value))
        transport = httpx.AsyncHTTPTransport(
            verify=self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # without one, only http is asked
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            socket_options=keep_alive,
            trust_env=False,
        )
        self._client = httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)
        return self._client

    async def _other(self, response: httpx.Response, timeout_s: float) -> EventStream:
        """An answer that is no stream: one result where it is a GraphQL answer, else a refusal."""
        try:
            async with asyncio.timeout(timeout_s):
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > self._max_event_bytes:
                        raise SourceBadData(
                            self._system, "The reply is larger than `traffic.maxBodyMb` allows."
                        )
        except (TimeoutError, httpx.TimeoutException):
            raise SourceTimeout(self._system) from None
        except httpx.HTTPError:
            raise SourceUnavailable(self._system) from None
        finally:
            await response.aclose()
        reply = RawReply(response.status_code, response.headers.get("content-type", ""), body)
        if 200 <= reply.status < 300 or reply.status == 400:
            try:
                return _OneAnswer(check_reply(self._system, reply))
            except (AnsweredWithErrors, FailedWithErrors) as error:
                return _OneAnswer(read_answer(self._system, error.body))
        raise refusal(self._system, reply)


class _SseStream:
    __slots__ = ("_limit", "_response", "_system")

    def __init__(self, system: str, response: httpx.Response, limit: int) -> None:
        self._system = system
        self._response = response
        self._limit = limit

    async def results(self) -> AsyncGenerator[FetchResult, None]:
        reader = EventReader(self._limit)
        try:
            async for chunk in self._response.aiter_bytes():
                for event, data in reader.feed(chunk):
                    if event == "complete":
                        return
                    if event == "next":
                        yield self._result(data)
        except EventTooLarge:
            raise SourceBadData(self._system, "An event is larger than `traffic.maxBodyMb` allows.") from None
        except httpx.TimeoutException:
            raise SourceTimeout(self._system, "The subgraph's stream was silent for too long.") from None
        except (httpx.HTTPError, httpx.StreamError):
            pass
        # neither an error nor an end without `complete` is the end of the events
        raise SourceUnavailable(self._system, "The subgraph's stream was lost.")

    async def close(self) -> None:
        with suppress(httpx.HTTPError, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._response.aclose()

    def _result(self, data: bytes) -> FetchResult:
        try:
            result = answer_of(orjson.loads(data))
        except orjson.JSONDecodeError:
            result = None
        if result is None:
            raise SourceBadData(self._system, "The subgraph sent an event that is no GraphQL answer.")
        return result


class _OneAnswer:
    """A service that answered at once, as it may where the operation is refused."""

    __slots__ = ("_result",)

    def __init__(self, result: FetchResult) -> None:
        self._result = result

    async def results(self) -> AsyncGenerator[FetchResult, None]:
        yield self._result

    async def close(self) -> None:
        return


def _bytes(value: str | bytes) -> bytes:
    return value.encode("latin-1") if isinstance(value, str) else value
