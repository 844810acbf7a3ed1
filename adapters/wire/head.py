"""A request as bytes (RFC 9112 section 3): pure."""

from __future__ import annotations

from adapters.wire.guard import Target, check_header, check_method
from adapters.wire.model import HeaderPairs, WireHead, WireRequest

__all__ = ["encode_head", "encode_lines", "encode_request", "encode_user_agent"]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


def encode_head(request: WireRequest, target: Target, *, user_agent: bytes) -> WireHead:
    """Check and encode everything but the body. user_agent: its line, from `encode_user_agent`. Raises HeaderRefused."""
    origin, method = target.origin, request.method
    check_method(method, origin.text)
    lines, names = _encode_headers(request.headers, origin=origin.text, method=method)
    if b"user-agent" not in names:
        lines = user_agent + lines
    host = b"" if b"host" in names else f"Host: {origin.authority}\r\n".encode("ascii")
    block = f"{method} {target.path} HTTP/1.1\r\n".encode("ascii") + host + lines
    idempotent = method in _SAFE_METHODS if request.idempotent is None else request.idempotent
    return WireHead(method, origin, idempotent, block)


def encode_user_agent(text: str) -> bytes:
    """A header line, for every request that brings none of its own. Raises HeaderRefused."""
    return _encode_headers((("User-Agent", text),), origin="", method="")[0]


def encode_request(head: WireHead, request: WireRequest) -> bytes:
    """The whole message, for one write. Raises HeaderRefused for a bad header added to a prepared head."""
    body = request.body
    block = head.block + request.lines
    if request.headers and request.head is not None:  # else they are in the block already
        block += _encode_headers(request.headers, origin=head.origin.text, method=head.method)[0]
    if body or head.method in _BODY_METHODS:
        return b"%bContent-Length: %d\r\n\r\n%b" % (block, len(body), body)
    return block + b"\r\n"


def encode_lines(headers: HeaderPairs, *, origin: str = "", method: str = "") -> bytes:
    """Headers that several requests of one moment share, checked and encoded once. Raises HeaderRefused."""
    return _encode_headers(headers, origin=origin, method=method)[0]


def _encode_headers(headers: HeaderPairs, *, origin: str, method: str) -> tuple[bytes, set[bytes]]:
    block = bytearray()
    names = set()
    for name, value in headers:
        raw_name, raw_value = check_header(name, value, origin=origin, method=method)
        names.add(raw_name.lower())
        block += b"%b: %b\r\n" % (raw_name, raw_value)
    return bytes(block), names
