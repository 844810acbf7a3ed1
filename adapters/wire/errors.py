"""What can go wrong between the gateway and a system.

WireError
  RequestRefused         nothing was sent: the request itself is wrong
    UrlRefused             address not registered, or not a plain http(s) address
    HeaderRefused          a method or header that would break the message
  WireClosed             the wire was closed
  ConnectFailed          no connection
    ConnectTimeout
    TlsFailed              certificate, hostname or handshake
  DeadlineExceeded       the time given is over
    PoolTimeout              while waiting for a free connection: our own limit, not the system's fault
    ReadTimeout              while waiting for the answer
  ConnectionLost         closed before the answer was whole
  ProtocolError          the answer is not HTTP/1.x, or not decodable
  AnswerTooLarge
    BodyTooLarge           more body bytes than allowed
    DecompressionBomb      more bytes than allowed once decompressed

Messages name the method and the origin only: paths, queries and bodies may hold personal data.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AnswerTooLarge",
    "BodyTooLarge",
    "ConnectFailed",
    "ConnectTimeout",
    "ConnectionLost",
    "DeadlineExceeded",
    "DecompressionBomb",
    "HeaderRefused",
    "PoolTimeout",
    "ProtocolError",
    "ReadTimeout",
    "RequestRefused",
    "TlsFailed",
    "UrlRefused",
    "WireClosed",
    "WireError",
]


class WireError(Exception):
    """The call failed on the wire.

    origin: scheme://host[:port], empty where the address could not be read; method: upper case, or empty.
    safe_to_retry: the system has certainly not acted on the request, or the request was declared idempotent
    and met a stale keep-alive connection. Where it is False, only the caller knows whether repeating is safe.
    """

    code: ClassVar[str] = "WIRE_FAILED"
    safe_to_retry: bool = False

    def __init__(self, reason: str = "", *, origin: str = "", method: str = "") -> None:
        self.reason = reason or (type(self).__doc__ or "").partition("\n")[0].rstrip(".")
        self.origin = origin
        self.method = method
        super().__init__(self.reason)

    def __str__(self) -> str:
        asked = " ".join(part for part in (self.method, self.origin) if part)
        return f"{asked}: {self.reason}" if asked else self.reason


class RequestRefused(WireError):
    """The request was refused before anything was sent."""

    code = "WIRE_REQUEST_REFUSED"


class UrlRefused(RequestRefused):
    """The address is not one that the declaration registers."""

    code = "WIRE_URL_REFUSED"


class HeaderRefused(RequestRefused):
    """The method or a header holds characters that would break the message."""

    code = "WIRE_HEADER_REFUSED"


class WireClosed(WireError):
    """The wire to this system is closed."""

    code = "WIRE_CLOSED"


class ConnectFailed(WireError):
    """No connection could be made."""

    code = "WIRE_CONNECT_FAILED"
    safe_to_retry = True


class ConnectTimeout(ConnectFailed):
    """No connection within the connect timeout."""

    code = "WIRE_CONNECT_TIMEOUT"


class TlsFailed(ConnectFailed):
    """The TLS handshake failed."""

    code = "WIRE_TLS_FAILED"
    safe_to_retry = False  # the next try meets the same certificate


class DeadlineExceeded(WireError):
    """The time given for the call is over."""

    code = "WIRE_DEADLINE_EXCEEDED"


class PoolTimeout(DeadlineExceeded):
    """No connection became free in time; all connections to this system are busy."""

    code = "WIRE_POOL_TIMEOUT"
    safe_to_retry = True


class ReadTimeout(DeadlineExceeded):
    """The answer was not complete in time."""

    code = "WIRE_READ_TIMEOUT"


class ConnectionLost(WireError):
    """The connection was closed before the answer was complete.

    stale: it was a kept-alive connection and not one byte of the answer had come.
    """

    code = "WIRE_CONNECTION_LOST"

    def __init__(
        self,
        reason: str = "",
        *,
        origin: str = "",
        method: str = "",
        stale: bool = False,
        safe_to_retry: bool = False,
    ) -> None:
        super().__init__(reason, origin=origin, method=method)
        self.stale = stale
        self.safe_to_retry = safe_to_retry


class ProtocolError(WireError):
    """The answer is not valid HTTP/1.1."""

    code = "WIRE_PROTOCOL_ERROR"


class AnswerTooLarge(WireError):
    """The answer is larger than allowed."""

    code = "WIRE_ANSWER_TOO_LARGE"


class BodyTooLarge(AnswerTooLarge):
    """The body of the answer is larger than allowed."""

    code = "WIRE_BODY_TOO_LARGE"


class DecompressionBomb(AnswerTooLarge):
    """The body of the answer is larger than allowed once decompressed."""

    code = "WIRE_DECOMPRESSION_BOMB"
