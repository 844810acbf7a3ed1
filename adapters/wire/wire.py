"""Sends requests to one system and its helpers (a token endpoint): guard, head, pool, connection, answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial

from adapters.wire.connection import Connection, connect
from adapters.wire.errors import ConnectionLost, ReadTimeout, RequestRefused, WireClosed, WireError
from adapters.wire.guard import Origin, UrlGuard
from adapters.wire.head import encode_head, encode_request, encode_user_agent
from adapters.wire.model import WireHead, WireLimits, WireRequest, WireResponse
from adapters.wire.pool import OriginPool, PoolCounts
from adapters.wire.stream import StreamedResponse, StreamLimits, open_stream

__all__ = ["Wire"]


class Wire:
    """One system's way out: its own connections, limits, TLS and registered origins. One event loop."""

    def __init__(
        self,
        *,
        guard: UrlGuard,
        limits: WireLimits | None = None,
        tls: ssl.SSLContext | None = None,
        user_agent: str = "quanyu",
    ) -> None:
        """tls: None means the system's trust store with hostname check; a client certificate is set on it."""
        self._guard = guard
        self._limits = limits or WireLimits()
        self._tls = tls
        self._user_agent = encode_user_agent(user_agent)
        self._pools: dict[str, OriginPool] = {}
        self._connections: set[Connection] = set()
        self._all_lost: asyncio.Event | None = None
        self._closed = False

    def prepare(self, request: WireRequest) -> WireHead:
        """Check and encode all but the body, once for many calls. Raises UrlRefused, HeaderRefused."""
        try:
            target = self._guard.check(request.url)
        except RequestRefused as error:
            raise type(error)(error.reason, origin=error.origin, method=request.method) from None
        return encode_head(request, target, user_agent=self._user_agent)

    async def send(
        self, request: WireRequest, *, timeout_s: float, connect_timeout_s: float | None = None
    ) -> WireResponse:
        """The whole answer, of any status, within `timeout_s` seconds for waiting, connecting and reading.

        Raises a WireError. Cancelling closes the one connection in use. An idempotent request that meets a
        stale kept-alive connection is sent once more on a new one.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        deadline = now + timeout_s
        head = request.head or self.prepare(request)
        data = encode_request(head, request)
        if timeout_s <= 0:
            raise ReadTimeout("no time was left to ask", origin=head.origin.text, method=head.method)
        pool = self._pools.get(head.origin.text) or self._new_pool(head)
        connection = pool.take(now) or await self._acquire(pool, head, deadline, connect_timeout_s)
        method, idempotent = head.method, head.idempotent
        try:
            return await connection.ask(
                data, method=method, idempotent=idempotent, deadline=deadline, loop=loop
            )
        except ConnectionLost as lost:
            if not lost.safe_to_retry:
                raise
        finally:
            pool.release(connection, loop.time())
        connection = await self._acquire(pool, head, deadline, connect_timeout_s, fresh=True)
        try:
            return await connection.ask(
                data, method=method, idempotent=idempotent, deadline=deadline, loop=loop
            )
        finally:
            pool.release(connection, loop.time())

    def stream(
        self,
        request: WireRequest,
        *,
        limits: StreamLimits,
        body: AsyncIterable[bytes] | None = None,
        length: int | None = None,
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """An exchange in pieces, see `open_stream`; `request.body` is not sent where `body` is given. Raises
        UrlRefused, HeaderRefused at once, other WireErrors on entering."""
        if self._closed:
            raise WireClosed(method=request.method)
        head = request.head or self.prepare(request)
        if body is None and (request.body or head.method in ("POST", "PUT", "PATCH")):
            body, length = _whole(request.body), len(request.body)
        return open_stream(head, tls=self._tls, limits=limits, body=body, length=length)

    def counts(self) -> dict[str, PoolCounts]:
        """Origin -> what its pool holds now."""
        return {origin: pool.counts() for origin, pool in self._pools.items()}

    async def close(self) -> None:
        """Close every connection; calls under way fail with WireClosed. Returns when the sockets are gone."""
        self._closed = True
        for pool in self._pools.values():
            pool.close()
        if not self._connections:
            return
        self._all_lost = asyncio.Event()
        for connection in tuple(self._connections):
            connection.close()
        await self._all_lost.wait()

    # steps

    def _new_pool(self, head: WireHead) -> OriginPool:
        origin = head.origin
        if self._closed:
            raise WireClosed(origin=origin.text, method=head.method)
        self._guard.check(origin.text)  # a head may have been prepared by another wire
        pool = OriginPool(origin.text, self._limits, partial(self._open, origin))
        self._pools[origin.text] = pool
        return pool

    async def _acquire(
        self,
        pool: OriginPool,
        head: WireHead,
        deadline: float,
        connect_timeout_s: float | None,
        *,
        fresh: bool = False,
    ) -> Connection:
        limit = self._limits.connect_timeout_s if connect_timeout_s is None else connect_timeout_s
        try:
            return await pool.acquire(deadline=deadline, connect_timeout_s=limit, fresh=fresh)
        except WireError as error:
            error.method = head.method  # the pool serves origins, and knows no methods
            raise

    async def _open(self, origin: Origin, timeout_s: float) -> Connection:
        tls = self._tls_context() if origin.scheme == "https" else None
        connection = await connect(
            origin,
            limits=self._limits,
            tls=tls,
            timeout_s=timeout_s,
            on_lost=partial(self._on_lost, origin.text),
        )
        if not connection.lost:
            self._connections.add(connection)
        if self._closed:
            connection.close()
            raise WireClosed(origin=origin.text)
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:  # loading the trust store takes tens of milliseconds: only where https is asked
            self._tls = ssl.create_default_context()
        return self._tls

    def _on_lost(self, origin: str, connection: Connection) -> None:
        self._connections.discard(connection)
        pool = self._pools.get(origin)
        if pool is not None:
            pool.forget(connection)
        if self._all_lost is not None and not self._connections:
            self._all_lost.set()


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body
