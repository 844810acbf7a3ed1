"""GraphQL over WebSocket, the server's side: the sub-protocol graphql-transport-ws, all operations.

Protocol: https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md. The caller is who the
handshake's `Authorization` says, or that of the payload of `connection_init`, as browsers set no headers there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from adapters.fetch import Caller, RequestContext
from gateway.web.entrance import Entrance
from gateway.web.errors import HttpRequestError
from gateway.web.exchange import clean_client_name, clean_request_id
from gateway.web.messages import GRAPHQL_JSON, encode, read_document
from gateway.web.ports import GraphQLAnswer, GraphQLRequest
from gateway.web.streams import Streams

__all__ = ["WebSocketEndpoint"]

SUBPROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT_S = 10.0
MAX_OPERATIONS = 100
"""Open at once on one socket."""

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN = 4400, 4401, 4403
BAD_SUBPROTOCOL, INIT_TIMEOUT, SUBSCRIBER_EXISTS, TOO_MANY_INITS = 4406, 4408, 4409, 4429
_LONGEST_REASON = 120  # bytes of UTF-8; RFC 6455 section 5.5 allows 123


class _Close(Exception):
    """The socket is closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class WebSocketEndpoint:
    """An ASGI application for scopes of type websocket. origins: web origins that may open one, beside the gateway's own."""

    def __init__(
        self,
        streams: Streams,
        entrance: Entrance,
        *,
        origins: Collection[str] = (),
        init_timeout_s: float = INIT_TIMEOUT_S,
    ) -> None:
        self.streams = streams
        self.entrance = entrance
        self.origins = frozenset(origins)
        self.init_timeout_s = init_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        if not self._is_allowed(socket.headers):
            await socket.close()  # before it is accepted: the handshake is answered with 403
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            await socket.accept()
            await socket.close(BAD_SUBPROTOCOL, f"Ask for the sub-protocol {SUBPROTOCOL}")
            return
        await socket.accept(SUBPROTOCOL)
        session = _Session(socket, self)
        try:
            await session.run()
        except _Close as error:
            with suppress(RuntimeError, WebSocketDisconnect):  # it may be gone already
                await socket.close(error.code, str(error).encode()[:_LONGEST_REASON].decode(errors="ignore"))
        except WebSocketDisconnect:
            pass
        finally:
            await session.end()

    def _is_allowed(self, headers: Headers) -> bool:
        """A page elsewhere must not use a browser's standing at the gateway; other clients send no Origin."""
        origin = headers.get("origin")
        if origin is None or origin in self.origins or "*" in self.origins:
            return True
        return urlsplit(origin).netloc == headers.get("host")


class _Session:
    """One socket. `running`: id of the client -> the task that answers it."""

    def __init__(self, socket: WebSocket, endpoint: WebSocketEndpoint) -> None:
        self.socket = socket
        self.endpoint = endpoint
        self.caller: Caller | None = None
        self.client_name = clean_client_name(socket.headers.get("graphql-client-name"))
        self.running: dict[str, asyncio.Task[None]] = {}
        self.address = endpoint.entrance.address(socket.scope)
        self._sending = asyncio.Lock()
        self._served = 0

    async def run(self) -> None:
        """Until one side closes. Raises _Close or WebSocketDisconnect."""
        try:
            async with asyncio.timeout(self.endpoint.init_timeout_s):
                await self._introduced()
        except TimeoutError:
            raise _Close(INIT_TIMEOUT, "Connection initialisation timeout") from None
        while True:
            await self._handle(await self._receive())

    async def end(self) -> None:
        """Unsubscribes everything."""
        tasks = tuple(self.running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _introduced(self) -> None:
        while self.caller is None:
            message = await self._receive()
            kind = message.get("type")
            if kind == "connection_init":
                self.caller = await self._identify(message.get("payload"))
                await self._send({"type": "connection_ack"})
            elif kind == "ping":
                await self._send({"type": "pong"})
            elif kind == "subscribe":
                raise _Close(UNAUTHORIZED, "Unauthorized: send connection_init first")
            elif kind not in ("pong", "complete"):
                raise _Close(BAD_REQUEST, "Invalid message: `type` must be one of graphql-transport-ws")

    async def _handle(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind == "subscribe":
            await self._subscribe(message)
        elif kind == "complete":
            task = self.running.get(_id_of(message))
            if task is not None:
                task.cancel()
        elif kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "connection_init":
            raise _Close(TOO_MANY_INITS, "Too many initialisation requests")
        elif kind != "pong":
            raise _Close(BAD_REQUEST, "Invalid message: `type` must be one of graphql-transport-ws")

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        name = _id_of(message)
        caller = self.caller
        if caller is not None and caller.expires_at is not None and caller.expires_at <= time.time():
            raise _Close(FORBIDDEN, "Forbidden: the bearer token has expired")
        if name in self.running:
            raise _Close(SUBSCRIBER_EXISTS, f"Subscriber for {name[:60]} already exists")
        payload = message.get("payload")
        if not isinstance(payload, dict):
            raise _Close(BAD_REQUEST, "Invalid message: `payload` must be an object")
        if len(self.running) >= MAX_OPERATIONS:
            text = f"{MAX_OPERATIONS} operations are open on this socket; complete one first"
            await self._error(name, "LIMIT_EXCEEDED", text)
            return
        try:
            request = read_document(payload)
        except HttpRequestError as error:
            await self._error(name, error.code, str(error))
            return
        task = asyncio.create_task(self._answer(name, request), name="operation on a socket")
        self.running[name] = task

    async def _answer(self, name: str, request: GraphQLRequest) -> None:
        """next for each answer and complete; error where it never ran."""
        try:
            found = await self._admitted(name, request)
            if found is None:
                return
            answers = self.endpoint.streams.answers(found, self._context(), "websocket")
            async with aclosing(answers):
                async for answer in answers:
                    if answer.status_hint != 200:
                        await self._send({"id": name, "type": "error", "payload": list(answer.errors)})
                        return
                    _, body = encode(answer, GRAPHQL_JSON)
                    await self._send_text(
                        b'{"id":' + orjson.dumps(name) + b',"type":"next","payload":' + body + b"}"
                    )
            await self._send_text(b'{"id":' + orjson.dumps(name) + b',"type":"complete"}')
        except (WebSocketDisconnect, RuntimeError):
            return  # the socket is gone; `run` has noticed too
        finally:
            self.running.pop(name, None)

    async def _admitted(self, name: str, request: GraphQLRequest) -> GraphQLRequest | None:
        """None where the client was told why not."""
        entrance = self.endpoint.entrance
        assert self.caller is not None  # noqa: S101 - set before any operation
        try:
            await entrance.admit(self.caller, self.address)
        except HttpRequestError as error:
            await self._error(name, error.code, str(error))
            return None
        found = await entrance.document(request)
        if isinstance(found, GraphQLAnswer):
            await self._send({"id": name, "type": "error", "payload": list(found.errors)})
            return None
        return found

    def _context(self) -> RequestContext:
        headers, served = self.socket.headers, self._served
        self._served += 1
        given = headers.get("x-request-id")
        assert self.caller is not None  # noqa: S101 - set before any operation
        return RequestContext(
            deadline=asyncio.get_running_loop().time() + self.endpoint.streams.deadline_s,
            caller=self.caller,
            request_id=clean_request_id(f"{given}.{served}" if given else None),
            trace_headers={
                key: value for key in ("traceparent", "tracestate") if (value := headers.get(key)) is not None
            },
            client_name=self.client_name,
            headers=headers,
            address=self.address,
        )

    async def _identify(self, payload: Any) -> Caller:
        """Raises _Close for a token that is not known."""
        if payload is not None and not isinstance(payload, dict):
            raise _Close(BAD_REQUEST, "Invalid message: `payload` must be an object")
        if payload and not self.client_name:
            self.client_name = clean_client_name(_text_in(payload, "graphql-client-name"))
        authorization = _text_in(payload or {}, "authorization") or self.socket.headers.get("authorization")
        try:
            return await self.endpoint.entrance.identify(authorization, self.address)
        except HttpRequestError as error:
            raise _Close(FORBIDDEN, f"Forbidden: {error}") from None

    async def _receive(self) -> dict[str, Any]:
        """The next message. Raises _Close for what is none."""
        raw = await self.socket.receive()
        if raw["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(raw.get("code", 1005))
        text = raw.get("text")
        if text is None:
            raise _Close(BAD_REQUEST, "Invalid message: send text")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            raise _Close(BAD_REQUEST, "Invalid message: it must be a JSON object")
        return message

    async def _error(self, name: str, code: str, text: str) -> None:
        errors = [{"message": text, "extensions": {"code": code}}]
        await self._send({"id": name, "type": "error", "payload": errors})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(orjson.dumps(message, default=dict))

    async def _send_text(self, data: bytes) -> None:
        async with self._sending:  # waits while the client reads slowly, and so does the stream behind it
            if self.socket.application_state is WebSocketState.CONNECTED:
                await self.socket.send_text(data.decode())


def _id_of(message: Mapping[str, Any]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 256:
        raise _Close(BAD_REQUEST, "Invalid message: `id` must be text of 1 to 256 characters")
    return name


def _text_in(payload: Mapping[str, Any], name: str) -> str | None:
    """A value under a name in any case, at the top or in `headers`."""
    for place in (payload, payload.get("headers")):
        if isinstance(place, dict):
            for key, value in place.items():
                if key.lower() == name and isinstance(value, str):
                    return value
    return None
