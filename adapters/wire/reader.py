"""Reads the answers of one connection from bytes, one at a time, within limits: no I/O.

The syntax is llhttp's (strict mode); this adds what the parser leaves to its user: answers to HEAD, interim
answers, bodies that end with the connection, content codings, size caps, and bytes nobody asked for.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.wire.errors import BodyTooLarge, DecompressionBomb, ProtocolError, WireError
from adapters.wire.inflate import InflatedTooLarge, InflateError, Inflater
from adapters.wire.model import WireHeaders, WireLimits, WireResponse

__all__ = ["ResponseReader"]

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"content-encoding"})
_CODINGS: Final = {b"gzip": "gzip", b"x-gzip": "gzip", b"deflate": "deflate"}
_HEAD_TOO_LARGE: Final = "the headers of the answer are too large"
_CHUNK_COST: Final = 16  # framing bytes allowed per body byte: a chunk of one byte costs five


class ResponseReader:
    """After `expect`, feed it until `response` or `failure` is set; then `reusable` tells about the connection.

    It is the parser's callback object, hence the `on_` methods; they never raise.
    """

    __slots__ = (
        "_body_size", "_chunks", "_head_done", "_head_only", "_headers", "_inflater",
        "_interim", "_keep_alive", "_limits", "_method", "_origin", "_parser", "_status", "_until_close",
        "awaiting", "excess", "failure", "received", "response",
    )  # fmt: skip

    def __init__(self, limits: WireLimits, *, origin: str) -> None:
        self._limits = limits
        self._origin = origin
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self.awaiting = False
        self.excess = False
        self._keep_alive = True
        self.failure: WireError | None = None
        self.expect("")
        self.awaiting = False

    def expect(self, method: str) -> None:
        """Begin the next answer; `method` is that of its request."""
        self.awaiting = True
        self.received = 0
        self.response: WireResponse | None = None
        self._method = method
        self._head_only = method == "HEAD"
        self._head_done = self._interim = self._until_close = False
        self._body_size = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._inflater: Inflater | None = None
        self._status = 0

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        return not self.awaiting and self._keep_alive and not self.excess and self.failure is None

    def feed(self, data: bytes) -> None:
        """Take what the connection brought. Bytes that belong to no request make it unfit for reuse."""
        if not self.awaiting or self._parser is None:
            self.excess = True
            return
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._fail(ProtocolError("the system switched protocols unasked", **self._asked))
        except HttpParserError as error:
            self._fail(ProtocolError(f"the answer is not valid HTTP/1.1 ({error})", **self._asked))
        else:
            self._check_overhead()
        if self._head_only and not self.awaiting:
            self._parser = HttpResponseParser(self)  # the old one still waits for a body

    def eof(self) -> None:
        """The connection ended in order: completes a body that lasts until then (RFC 9112 section 6.3, rule 8)."""
        if self.awaiting and self._until_close:
            self._finish()

    def drop(self) -> None:
        """Let go of the parser, which refers back to this object; nothing can be read after it."""
        self._parser = None

    # callbacks of the parser, in the order they come

    def on_message_begin(self) -> None:
        if not self.awaiting:
            self.excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.awaiting and not self._head_done:  # else a trailer: read past
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.awaiting or self._parser is None:
            return
        self._status = status = self._parser.get_status_code()
        if status < 200:
            self._begin_interim(status)
            return
        self._interim = False
        self._head_done = True
        if (
            self.received > self._limits.max_header_bytes
            and self._head_size() > self._limits.max_header_bytes
        ):
            self._fail(ProtocolError(_HEAD_TOO_LARGE, **self._asked))
        elif self._head_only:
            self._finish()
        elif status not in (204, 304):
            self._begin_body()

    def on_body(self, data: bytes) -> None:
        if not self.awaiting:
            self.excess = True
            return
        self._body_size += len(data)
        if self._body_size > self._limits.max_body_bytes:
            self._fail_too_large()
            return
        if self._inflater is not None:
            try:
                data = self._inflater.feed(data)
            except InflateError as error:
                self._fail(ProtocolError(f"the body cannot be decompressed ({error})", **self._asked))
                return
            except InflatedTooLarge:
                limit = self._limits.max_body_bytes
                self._fail(
                    DecompressionBomb(f"the body is over {limit} bytes once decompressed", **self._asked)
                )
                return
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        if self.awaiting and not self._interim:
            self._finish()

    # steps

    @property
    def _asked(self) -> dict[str, str]:
        return {"origin": self._origin, "method": self._method}

    def _begin_interim(self, status: int) -> None:
        """Skip 1xx (RFC 9110 section 15.2); 101 answers an Upgrade that is never sent."""
        if status == 101:
            self._fail(ProtocolError("the system switched protocols unasked", **self._asked))
        self._interim = True
        self._headers = []

    def _head_size(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self._headers)

    def _begin_body(self) -> None:
        framing = {}
        for name, value in self._headers:
            lower = name.lower()
            if lower in _FRAMING:
                framing[lower] = value.strip().lower()
        if not framing:
            self._until_close = True
            return
        length = framing.get(b"content-length")
        transfer = framing.get(b"transfer-encoding", b"identity")
        if transfer not in (b"chunked", b"identity"):
            self._fail(ProtocolError("the transfer coding of the answer is unknown", **self._asked))
        elif length is None and transfer == b"identity":
            self._until_close = True
        elif length is not None and int(length) > self._limits.max_body_bytes:
            self._fail_too_large()
        coding = framing.get(b"content-encoding", b"identity")
        if coding in _CODINGS:
            self._inflater = Inflater(_CODINGS[coding], max_bytes=self._limits.max_body_bytes)
        elif coding not in (b"identity", b""):
            self._fail(
                ProtocolError("the content coding of the answer is not gzip or deflate", **self._asked)
            )

    def _check_overhead(self) -> None:
        """Bound what never reaches the body: an unfinished header line, interim answers, chunk extensions."""
        if not self.awaiting:
            return
        allowed = self._limits.max_header_bytes + self._body_size * _CHUNK_COST
        if self.received - self._body_size > allowed:
            self._fail(ProtocolError(_HEAD_TOO_LARGE, **self._asked))

    def _finish(self) -> None:
        if self._inflater is not None and self._body_size and not self._inflater.finish():
            self._fail(ProtocolError("the compressed body is incomplete", **self._asked))
            return
        parser = self._parser
        if parser is None:
            return
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._fail(ProtocolError("the answer is not HTTP/1.0 or 1.1", **self._asked))
            return
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self.awaiting = False
        self._keep_alive = not self._until_close and parser.should_keep_alive()
        self.response = WireResponse(self._status, WireHeaders(self._headers), body, version)
        self._chunks = []

    def _fail(self, error: WireError) -> None:
        """The first failure counts; after the answer is complete it only makes the connection unfit."""
        if not self.awaiting:
            self.excess = True
            return
        self.awaiting = False
        self.failure = error
        self._chunks = []

    def _fail_too_large(self) -> None:
        limit = self._limits.max_body_bytes
        self._fail(BodyTooLarge(f"the body of the answer is over {limit} bytes", **self._asked))
