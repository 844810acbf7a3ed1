"""A reply as it is kept: status, content type and raw bytes in one block, so that a cached reply is read like a
fresh one. And what the two protocols share in reading bytes: charsets, HTML error pages. Pure."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

from adapters.traffic.errors import SourceBadData

__all__ = ["RawReply", "charset_of", "decode_text", "looks_like_html", "python_charset"]

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_UPGRADED = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
}
"""gb18030 holds all of the others; systems that declare the smaller sets send characters outside them."""


@dataclass(frozen=True, slots=True)
class RawReply:
    status: int
    content_type: str
    body: bytes = field(repr=False)

    def pack(self) -> bytes:
        return f"{self.status} {self.content_type}\n".encode() + self.body

    @classmethod
    def unpack(cls, block: bytes) -> RawReply:
        head, _, body = block.partition(b"\n")
        status, _, content_type = head.decode().partition(" ")
        return cls(int(status), content_type, body)


def python_charset(name: str) -> str | None:
    """The codec for a charset's name, the smaller GB sets read as gb18030; None if there is no such codec."""
    wanted = _UPGRADED.get(name.lower(), name)
    try:
        return codecs.lookup(wanted).name
    except LookupError:
        return None


def charset_of(content_type: str, declared: str | None) -> str | None:
    """Charset by precedence: the declaration of the system, then the header. None leaves it to the document."""
    if declared:
        return python_charset(declared)
    found = _CHARSET.search(content_type)
    return python_charset(found.group(1)) if found else None


def decode_text(system: str, reply: RawReply, declared: str | None) -> str:
    """Raises SourceBadData if the bytes are not of the charset."""
    charset = charset_of(reply.content_type, declared) or "utf-8"
    try:
        return reply.body.decode("utf-8-sig" if charset == "utf-8" else charset)
    except UnicodeDecodeError:
        raise SourceBadData(
            system,
            f"The reply is not {charset}; set `charset` in the declaration's source to what it really is.",
        ) from None


def looks_like_html(body: bytes) -> bool:
    start = body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))
