"""The wire beneath httpx: for code and libraries that speak httpx's API."""

from __future__ import annotations

import httpx

from adapters.wire import errors
from adapters.wire.model import WireRequest, WireResponse
from adapters.wire.wire import Wire

__all__ = ["WireTransport"]

_EXCEPTIONS: tuple[tuple[type[errors.WireError], type[httpx.RequestError]], ...] = (
    (errors.UrlRefused, httpx.UnsupportedProtocol),
    (errors.RequestRefused, httpx.LocalProtocolError),
    (errors.ConnectTimeout, httpx.ConnectTimeout),
    (errors.ConnectFailed, httpx.ConnectError),
    (errors.PoolTimeout, httpx.PoolTimeout),
    (errors.DeadlineExceeded, httpx.ReadTimeout),
    (errors.ConnectionLost, httpx.RemoteProtocolError),
    (errors.ProtocolError, httpx.RemoteProtocolError),
    (errors.DecompressionBomb, httpx.DecodingError),
    (errors.WireError, httpx.ReadError),
)
_SET_BY_WIRE = frozenset(
    {b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"te", b"upgrade"}
)
_SAID_OF_RAW_BODY = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class WireTransport(httpx.AsyncBaseTransport):
    """Answers httpx requests over a Wire, which it does not close unless `close_wire`.

    timeouts: `connect` bounds connecting, `read` bounds the whole call (httpx means each read by it);
    without one, `default_timeout_s` holds: no call is unbounded. Redirects, cookies and auth stay httpx's
    business; a redirect to an unregistered origin is refused like any other address.
    """

    def __init__(self, wire: Wire, *, default_timeout_s: float = 30.0, close_wire: bool = False) -> None:
        self._wire = wire
        self._default_timeout_s = default_timeout_s
        self._close_wire = close_wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", {})
        read_s = timeouts.get("read")
        try:
            answer = await self._wire.send(
                WireRequest(request.method, str(request.url), _headers_of(request), await request.aread()),
                timeout_s=self._default_timeout_s if read_s is None else read_s,
                connect_timeout_s=timeouts.get("connect"),
            )
        except errors.WireError as error:
            raise _translate(error, request) from error
        return _response_of(answer, request)

    async def aclose(self) -> None:
        if self._close_wire:
            await self._wire.close()


def _headers_of(request: httpx.Request) -> tuple[tuple[str | bytes, str | bytes], ...]:
    pairs: list[tuple[str | bytes, str | bytes]] = []
    for name, value in request.headers.raw:
        lower = name.lower()
        if lower == b"accept-encoding" and value != b"identity":
            pairs.append(
                (name, b"gzip, deflate")
            )  # httpx adds br and zstd where installed; the wire has no caps for them
        elif lower not in _SET_BY_WIRE:
            pairs.append((name, value))
    return tuple(pairs)


def _response_of(answer: WireResponse, request: httpx.Request) -> httpx.Response:
    headers = answer.headers.raw
    decoded = "content-encoding" in answer.headers
    if decoded:  # else httpx would decode once more
        headers = [pair for pair in headers if pair[0].lower() not in _SAID_OF_RAW_BODY]
    return httpx.Response(
        answer.status,
        headers=headers,
        stream=httpx.ByteStream(answer.body),
        request=request,
        extensions={"http_version": b"HTTP/" + answer.http_version.encode("ascii")},
    )


def _translate(error: errors.WireError, request: httpx.Request) -> httpx.RequestError:
    kind = next(theirs for ours, theirs in _EXCEPTIONS if isinstance(error, ours))
    return kind(str(error), request=request)
