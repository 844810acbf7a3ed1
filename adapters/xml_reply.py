"""Bytes of a reply to an XML element, whoever declared the charset: shared by SOAP and REST. Safe parsing only."""

from __future__ import annotations

import re

from lxml import etree

from adapters.mapping.tree import DoctypeRefused, parse_xml
from adapters.reply import RawReply, charset_of, decode_text, python_charset
from adapters.traffic.errors import SourceBadData

__all__ = ["read_xml_reply"]

_XSI = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_FIRST_TAG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*+<[A-Za-z_][^\s/>]*", re.DOTALL)

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][\w.:-]*)""")


def read_xml_reply(system: str, reply: RawReply, charset: str | None) -> etree._Element:
    """Charset by precedence: of the declaration of the system (`charset`), the header, the document; the smaller GB
    sets are read as gb18030. Raises SourceBadData."""
    try:
        if charset or charset_of(reply.content_type, None):
            # decoded by us: libxml2 follows the document's own declaration, which is wrong often enough
            return _parsed(_undeclared(decode_text(system, reply, charset)), "utf-8")
        return _parse_declared(system, reply)
    except (etree.XMLSyntaxError, DoctypeRefused, LookupError):
        raise SourceBadData(
            system, f"The reply is not well-formed XML in its charset (HTTP status {reply.status})."
        ) from None


def _parse_declared(system: str, reply: RawReply) -> etree._Element:
    declared = _DECLARED.match(reply.body[:300].removeprefix(b"\xef\xbb\xbf"))
    if declared and python_charset(declared.group(1).decode("ascii")) == "gb18030":
        return _parsed(_undeclared(decode_text(system, reply, "gb18030")), "utf-8")
    return _parsed(reply.body, None)


def _parsed(body: bytes, encoding: str | None) -> etree._Element:
    """npm's `soap` writes xsi:nil without saying what xsi is: then it is said for it. Nothing else is mended."""
    try:
        return parse_xml(body, encoding)
    except etree.XMLSyntaxError as error:
        if "prefix xsi " not in str(error) or b"xmlns:xsi" in body:
            raise
        first = _FIRST_TAG.match(body)
        if first is None:
            raise
        return parse_xml(body[: first.end()] + _XSI + body[first.end() :], encoding)


def _undeclared(text: str) -> bytes:
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    return text.encode("utf-8", "surrogatepass")
