"""One connection to a system: writes a request, resolves one future with its answer or failure."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from adapters.wire.errors import (
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    ReadTimeout,
    TlsFailed,
    UrlRefused,
    WireClosed,
    WireError,
)
from adapters.wire.guard import Origin, check_address
from adapters.wire.model import WireLimits, WireResponse
from adapters.wire.reader import ResponseReader

__all__ = ["Connection", "connect"]


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. `on_lost` is called once, when the socket is gone."""

    __slots__ = (
        "_deadline", "_future", "_idempotent", "_method", "_on_lost", "_origin", "_reader", "_timer", "_timer_due",
        "_transport", "lost", "served",
    )  # fmt: skip

    def __init__(self, origin: Origin, limits: WireLimits, on_lost: Callable[[Connection], None]) -> None:
        self._origin = origin.text
        self._reader = ResponseReader(limits, origin=origin.text)
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._future: asyncio.Future[WireResponse] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self.lost = False
        self._method = ""
        self._idempotent = False
        self.served = 0
        """Exchanges begun on this connection."""

    @property
    def usable(self) -> bool:
        """Open, not in use, and left by its last answer in a state that allows another request."""
        transport = self._transport
        return (
            not self.lost
            and self._future is None
            and transport is not None
            and not transport.is_closing()
            and self._reader.reusable
        )

    def ask(
        self, data: bytes, *, method: str, idempotent: bool, deadline: float, loop: asyncio.AbstractEventLoop
    ) -> asyncio.Future[WireResponse]:
        """Write a whole request; the future fails with a WireError at the latest at `deadline` (loop time).

        One exchange at a time. Cancelling the future leaves the connection unusable: `close` it. Raises
        ConnectionLost if a new connection was closed before anything could be sent.
        """
        if self.lost or self._transport is None:
            raise ConnectionLost(
                "closed before the request was sent", origin=self._origin, method=method, safe_to_retry=True
            )
        future: asyncio.Future[WireResponse] = loop.create_future()
        self._future = future
        self._method = method
        self._idempotent = idempotent
        self._deadline = deadline
        if self._timer is None or self._timer_due > deadline:
            self._arm(loop)
        self._reader.expect(method)
        self.served += 1
        self._transport.write(data)
        return future

    def close(self, error: WireError | None = None) -> None:
        """Close at once; an exchange under way fails with `error` (by default WireClosed)."""
        if self._future is not None:
            self._settle(error or WireClosed(origin=self._origin, method=self._method))
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        reader.feed(data)
        if self._future is None:  # bytes that nobody asked for
            self.close()
        elif reader.response is not None:
            self._settle(reader.response)
        elif reader.failure is not None:
            self.close(reader.failure)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._timer is not None:
            self._timer.cancel()
        if self._future is not None:
            if exc is None:
                self._reader.eof()
            reader = self._reader
            self._settle(reader.response or reader.failure or self._explain(exc))
        self._reader.drop()
        self._on_lost(self)

    # steps

    def _settle(self, outcome: WireResponse | WireError) -> None:
        future, self._future = self._future, None
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._reader.excess = True  # answered before it had read the request: the rest would follow
        if future is None or future.done():
            return
        if isinstance(outcome, WireError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the timer to the deadline. It is left running from one exchange to the next and moved on when it
        fires: a timer a call would cost as much as all the rest of the call (uvloop)."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = self._deadline
        self._timer = loop.call_at(self._deadline, self._on_timer, loop)

    def _on_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._future is None:
            return
        if loop.time() < self._deadline:
            self._arm(loop)
            return
        received = self._reader.received
        stage = (
            "no byte of the answer came in time" if received == 0 else "the answer was not complete in time"
        )
        self.close(ReadTimeout(stage, origin=self._origin, method=self._method))

    def _explain(self, exc: Exception | None) -> WireError:
        origin, method = self._origin, self._method
        if isinstance(exc, ssl.SSLError) and self.served == 1:
            # TLS 1.3: a server refuses our certificate only after our side of the handshake is done
            return TlsFailed(f"the system ended the TLS session ({exc.reason})", origin=origin, method=method)
        stale = self.served > 1 and self._reader.received == 0
        return ConnectionLost(
            "closed before the first byte of the answer" if self._reader.received == 0 else "",
            origin=origin,
            method=method,
            stale=stale,
            safe_to_retry=stale and self._idempotent,
        )


async def connect(
    origin: Origin,
    *,
    limits: WireLimits,
    tls: ssl.SSLContext | None,
    timeout_s: float,
    on_lost: Callable[[Connection], None],
) -> Connection:
    """Open a connection. tls: for https only. Raises ConnectFailed, ConnectTimeout, TlsFailed, UrlRefused (no method set)."""
    loop = asyncio.get_running_loop()
    text = origin.text
    secure = tls is not None
    try:
        async with asyncio.timeout(timeout_s):
            transport, connection = await loop.create_connection(
                lambda: Connection(origin, limits, on_lost),
                origin.host,
                origin.port,
                ssl=tls,
                server_hostname=origin.host if secure else None,
                ssl_handshake_timeout=timeout_s + 1.0
                if secure
                else None,  # the timeout around is the one that counts
                ssl_shutdown_timeout=1.0 if secure else None,
            )
    except TimeoutError as error:
        # an OSError of the kernel (ETIMEDOUT) lands here as well, and means the same
        raise ConnectTimeout(f"no connection within {timeout_s:g} s", origin=text) from error
    except ssl.SSLCertVerificationError as error:
        raise TlsFailed(f"the certificate was not accepted: {error.verify_message}", origin=text) from error
    except ssl.SSLError as error:
        raise TlsFailed(f"the TLS handshake failed ({error.reason})", origin=text) from error
    except OSError as error:
        raise ConnectFailed(
            f"no connection ({error.strerror or type(error).__name__})", origin=text
        ) from error
    try:
        # of the connection that is used: a name that is looked up twice may lead to two places
        check_address(origin, str(transport.get_extra_info("peername")[0]))
    except UrlRefused:
        transport.abort()
        raise
    return connection
