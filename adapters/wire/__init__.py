"""The one way out to a system over HTTP/1.1: a small keep-alive client with hard limits.

It sends one request and returns one whole answer. It does not retry (but for a connection that turns out to
be stale), follow redirects, keep cookies, cache or use a proxy: that is for the rooms above.
"""

from __future__ import annotations

from adapters.wire.errors import (
    AnswerTooLarge,
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    DeadlineExceeded,
    DecompressionBomb,
    HeaderRefused,
    PoolTimeout,
    ProtocolError,
    ReadTimeout,
    RequestRefused,
    TlsFailed,
    UrlRefused,
    WireClosed,
    WireError,
)
from adapters.wire.guard import Origin, Target, UrlGuard
from adapters.wire.httpx_transport import WireTransport
from adapters.wire.model import WireHead, WireHeaders, WireLimits, WireRequest, WireResponse
from adapters.wire.pool import PoolCounts
from adapters.wire.wire import Wire

__all__ = [
    "AnswerTooLarge",
    "BodyTooLarge",
    "ConnectFailed",
    "ConnectTimeout",
    "ConnectionLost",
    "DeadlineExceeded",
    "DecompressionBomb",
    "HeaderRefused",
    "Origin",
    "PoolCounts",
    "PoolTimeout",
    "ProtocolError",
    "ReadTimeout",
    "RequestRefused",
    "Target",
    "TlsFailed",
    "UrlGuard",
    "UrlRefused",
    "Wire",
    "WireClosed",
    "WireError",
    "WireHead",
    "WireHeaders",
    "WireLimits",
    "WireRequest",
    "WireResponse",
    "WireTransport",
]
