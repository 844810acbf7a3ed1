"""graphql-transport-ws, the client's side: one WebSocket for each stream.

One socket a stream, because the handshake carries the headers of one client's request. Protocol:
https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from adapters.fetch import FetchError, FetchResult
from adapters.remote.reply import answer_of, errors_of
from adapters.remote.streams.refusal import refusal
from adapters.remote.streams.stream import EventStream, StreamRequest
from adapters.reply import RawReply
from adapters.traffic.errors import SourceBadData, SourceRefused, SourceTimeout, SourceUnavailable

__all__ = ["TransportWs"]

SUBPROTOCOL = Subprotocol("graphql-transport-ws")
_ID = "1"
_PONG = b'{"type":"pong"}'
_CLOSE_TIMEOUT_S = 2.0
_REFUSED = frozenset({4400, 4401, 4403, 4406})
"""Close codes with which a server says that the request itself was wrong, or who asks."""
_NOT_OURS = frozenset({"host", "content-type", "content-length", "accept", "accept-encoding"})


class TransportWs:
    """tls: for wss. heartbeat_s: a peer that does not answer a ping within it is gone."""

    def __init__(
        self,
        system: str,
        *,
        tls: ssl.SSLContext | None,
        max_message_bytes: int,
        headers_in_init: bool = False,
        heartbeat_s: float = 20.0,
    ) -> None:
        self._system = system
        self._tls = tls
        self._max_message_bytes = max_message_bytes
        self._headers_in_init = headers_in_init
        self._heartbeat_s = heartbeat_s

    async def open(self, request: StreamRequest, *, timeout_s: float) -> EventStream:
        headers = [(_text(name), _text(value)) for name, value in request.headers]
        headers = [pair for pair in headers if pair[0].lower() not in _NOT_OURS]
        socket: ClientConnection | None = None
        opened = False
        try:
            async with asyncio.timeout(timeout_s):
                socket = await self._connect(request.url, headers, timeout_s)
                await self._introduce(socket, headers)
                await socket.send(b'{"id":"1","type":"subscribe","payload":' + request.body + b"}", text=True)
                opened = True
        except TimeoutError:
            raise SourceTimeout(self._system) from None
        except ConnectionClosed as error:
            raise _closed(self._system, error) from None
        finally:
            if socket is not None and not opened:
                socket.transport.abort()
        return _WsStream(self._system, socket)

    async def close(self) -> None:
        """Nothing is shared between streams."""

    async def _connect(self, url: str, headers: list[tuple[str, str]], timeout_s: float) -> ClientConnection:
        secure = url.startswith("https:")
        more: dict[str, Any] = {"ssl": self._tls or True} if secure else {}
        try:
            return await _Direct(
                "ws" + url.removeprefix("http"),
                subprotocols=[SUBPROTOCOL],
                additional_headers=headers,
                user_agent_header="quanyu",
                proxy=None,
                open_timeout=timeout_s,
                ping_interval=self._heartbeat_s,
                ping_timeout=self._heartbeat_s,
                close_timeout=_CLOSE_TIMEOUT_S,
                max_size=self._max_message_bytes,
                **more,
            )
        except InvalidStatus as error:
            answer = error.response
            reply = RawReply(
                answer.status_code, answer.headers.get("Content-Type", ""), bytes(answer.body or b"")
            )
            raise refusal(self._system, reply) from None
        except InvalidHandshake:
            raise SourceBadData(
                self._system, "The subgraph's WebSocket does not speak graphql-transport-ws."
            ) from None
        except (OSError, EOFError, WebSocketException) as error:
            if isinstance(error, TimeoutError):
                raise
            raise SourceUnavailable(self._system) from None

    async def _introduce(self, socket: ClientConnection, headers: list[tuple[str, str]]) -> None:
        """connection_init and its answer."""
        if socket.subprotocol != SUBPROTOCOL:
            raise SourceBadData(self._system, "The subgraph's WebSocket does not speak graphql-transport-ws.")
        init: dict[str, Any] = {"type": "connection_init"}
        if self._headers_in_init:
            init["payload"] = dict(headers)
        await socket.send(orjson.dumps(init), text=True)
        while True:
            kind = _message(self._system, await socket.recv(decode=False)).get("type")
            if kind == "connection_ack":
                return
            if kind == "ping":
                await socket.send(_PONG, text=True)
            elif kind != "pong":
                raise SourceBadData(self._system, "The subgraph's WebSocket did not acknowledge.")


class _Direct(connect):
    """A redirect is an answer and never a way: it could lead where no declaration allows."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _WsStream:
    __slots__ = ("_ended", "_socket", "_system")

    def __init__(self, system: str, socket: ClientConnection) -> None:
        self._system = system
        self._socket = socket
        self._ended = False

    async def results(self) -> AsyncGenerator[FetchResult, None]:
        try:
            async for result in self._events():
                yield result
        except ConnectionClosed as error:
            self._ended = True
            raise _closed(self._system, error) from None

    async def close(self) -> None:
        socket = self._socket
        with suppress(WebSocketException, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                if not self._ended:
                    await socket.send(orjson.dumps({"id": _ID, "type": "complete"}), text=True)
                await socket.close()
        socket.transport.abort()

    async def _events(self) -> AsyncGenerator[FetchResult, None]:
        system, socket = self._system, self._socket
        while True:
            message = _message(system, await socket.recv(decode=False))
            kind, payload = message.get("type"), message.get("payload")
            if kind == "next":
                result = answer_of(payload)
                if result is None:
                    raise SourceBadData(system, "The subgraph sent an event that is no GraphQL answer.")
                yield result
            elif kind == "complete":
                self._ended = True
                return
            elif kind == "error":
                self._ended = True
                said = errors_of(payload)
                yield FetchResult(None, said or (FetchError("The subgraph refused the subscription."),))
                return
            elif kind == "ping":
                await socket.send(_PONG, text=True)
            elif kind != "pong":
                raise SourceBadData(
                    system, "The subgraph sent a message that graphql-transport-ws does not have."
                )


def _message(system: str, data: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict):
        raise SourceBadData(system, "The subgraph sent something that is no message of graphql-transport-ws.")
    return message


def _closed(system: str, error: ConnectionClosed) -> SourceRefused | SourceBadData | SourceUnavailable:
    if error.sent is not None and not error.rcvd_then_sent and error.sent.code == 1009:
        return SourceBadData(system, "An event is larger than `traffic.maxBodyMb` allows.")
    code = error.rcvd.code if error.rcvd is not None else None
    if code in _REFUSED:
        return SourceRefused(system, f"The subgraph refused the subscription (close code {code}).")
    return SourceUnavailable(system, "The subgraph's stream was lost.")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
