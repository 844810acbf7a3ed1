"""What is sent, what comes back, and the limits between: values only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.wire.guard import Origin, Target

__all__ = ["HeaderPairs", "WireHead", "WireHeaders", "WireLimits", "WireRequest", "WireResponse"]

HeaderPairs: TypeAlias = tuple[tuple[str | bytes, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Bounds of one wire; `max_connections` is per origin.

    `max_body_bytes` holds for the body as sent and once decompressed. Keep `keepalive_s` below the idle
    close of the server (Tomcat's default is 20 s).
    """

    max_body_bytes: int = 32 * 1024 * 1024
    max_header_bytes: int = 64 * 1024
    max_connections: int = 16
    keepalive_s: float = 15.0
    connect_timeout_s: float = 2.0

    def __post_init__(self) -> None:
        smallest = min(self.max_body_bytes, self.max_header_bytes, self.max_connections)
        if smallest < 1 or self.keepalive_s < 0 or self.connect_timeout_s <= 0:
            raise ValueError(f"wire limits must be positive, found {self}")


@dataclass(frozen=True, slots=True)
class WireHead:
    """Request line and headers, checked and encoded once by `Wire.prepare`, to be sent many times.

    block: ends after the last header, without Content-Length and the empty line.
    """

    method: str
    origin: Origin
    idempotent: bool
    block: bytes = field(repr=False)

    def request(self, body: bytes = b"", headers: HeaderPairs = ()) -> WireRequest:
        """A request with this head; `headers` are those that change with every call (trace, token)."""
        return WireRequest(self.method, self.origin.text, headers, body, self.idempotent, self)


@dataclass(slots=True, unsafe_hash=True)  # one a call: a frozen one takes 3.3 to 4.2 times as long to make
class WireRequest:
    """One request.

    url: absolute address, or a Target that `UrlGuard.check` has split. headers: without Host, Content-Length
    and connection headers, which the wire sets (a Host given here wins). idempotent: whether it may be sent
    again when a kept-alive connection proves stale; by default GET, HEAD and OPTIONS only. message_id: what the
    protocol above calls this request, for its reply to be held to; not sent by the wire. lines: further headers, checked and
    encoded by `encode_lines`; only beside a head.
    """

    method: str
    url: str | Target = field(repr=False)
    headers: HeaderPairs = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    idempotent: bool | None = None
    head: WireHead | None = field(default=None, repr=False)
    message_id: str = field(default="", repr=False)
    lines: bytes = field(default=b"", repr=False)


class WireHeaders:
    """Headers of an answer in the order received; names compare without case.

    raw: as received, where a value may end in blanks; every other access takes them off.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw = raw

    def get(self, name: str, default: str | None = None) -> str | None:
        """First value of `name`, decoded as ISO 8859-1 (RFC 9110 section 5.5)."""
        wanted = name.lower().encode("latin-1")
        for key, value in self.raw:
            if key.lower() == wanted:
                return _text(value)
        return default

    def get_list(self, name: str) -> list[str]:
        """Every value of `name`, one per header line."""
        wanted = name.lower().encode("latin-1")
        return [_text(value) for key, value in self.raw if key.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((key.decode("latin-1"), _text(value)) for key, value in self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireHeaders) and other.raw == self.raw

    __hash__ = None  # type: ignore[assignment]  # holds a list

    def __repr__(self) -> str:
        return f"WireHeaders({len(self.raw)} lines)"  # values may be cookies or personal data


@dataclass(slots=True)  # one a call: a frozen one takes 3.3 to 4.2 times as long to make
class WireResponse:
    """One whole answer, of any status.

    body: decoded, where Content-Encoding was gzip or deflate (the header stays as it came).
    http_version: "1.0" or "1.1".
    """

    status: int
    headers: WireHeaders
    body: bytes = field(repr=False)
    http_version: str


def _text(value: bytes) -> str:
    return value.decode("latin-1").rstrip(" \t")
