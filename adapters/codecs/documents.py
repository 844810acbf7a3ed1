"""Steps between text and trees: XML, JSON and forms, as they stand inside a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from lxml import etree

from adapters.codecs.errors import CodecInput, CodecValue
from adapters.codecs.step import MAX_BYTES, Context, as_bytes, as_text, kind_of
from adapters.mapping.tree import DoctypeRefused, parse_xml, xml_tree
from adapters.reply import python_charset

__all__ = ["Form", "Json", "Xml"]

MAX_FIELDS = 10_000
_DECLARATION = re.compile(
    rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']"""
)


@dataclass(frozen=True, slots=True)
class Xml:
    """A document inside a field. Paths start inside its outer element, as they do in a reply.

    Text is read whatever charset its declaration names: who handed it over has decoded it. Bytes are read in
    `codec`, else by their own declaration with the smaller GB sets as gb18030. label: what a written document
    declares (None writes no declaration); cdata: elements whose text is written as CDATA sections.
    """

    codec: str | None = None
    label: str | None = "UTF-8"
    cdata: frozenset[str] = frozenset()
    max_bytes: int = MAX_BYTES

    def decode(self, value: Any, context: Context) -> Any:
        body, charset = self._body(value)
        context.budget.spend("xml", len(body), self.max_bytes)
        try:
            root = parse_xml(body, charset)
        except DoctypeRefused:
            raise CodecInput("xml", "expected a document without a DOCTYPE") from None
        except (etree.XMLSyntaxError, ValueError, LookupError):
            raise CodecInput("xml", "expected a well-formed XML document") from None
        return xml_tree(root, context.wanted)

    def _body(self, value: Any) -> tuple[bytes, str | None]:
        """Bytes for the parser and their charset, None where the document itself says it."""
        if not isinstance(value, bytes):
            return _undeclared(as_text(value, "xml")), "utf-8"
        codec = self.codec
        if codec is None:
            declared = _DECLARATION.match(value)
            named = python_charset(declared[1].decode("ascii")) if declared else None
            codec = named if named == "gb18030" else None
        if codec is None:
            return value, None
        try:
            return _undeclared(value.decode(codec)), "utf-8"
        except UnicodeDecodeError:
            raise CodecInput("xml", f"expected a document in {codec}") from None

    def encode(self, value: Any, context: Context) -> str:
        """{"Data": {"No": "1", "Row": [..]}} as text; `@name` is an attribute, lists repeat their element."""
        del context
        if not isinstance(value, Mapping) or len(value) != 1:
            raise CodecValue("xml", "expected an object with exactly one key, the outer element")
        (name, content), *_ = value.items()
        try:
            root = etree.Element(name)
            self._fill(root, content)
        except (ValueError, TypeError):
            raise CodecValue("xml", "expected names and characters that XML allows") from None
        text = etree.tostring(root, encoding="unicode")
        return f'<?xml version="1.0" encoding="{self.label}"?>{text}' if self.label else text

    def _fill(self, element: etree._Element, content: Any) -> None:
        if not isinstance(content, Mapping):
            text = "" if content is None else as_text(content, "xml", error=CodecValue)
            # a section cannot hold its own end (two levels of CDATA): escaped text means the same
            is_section = element.tag in self.cdata and "]]>" not in text
            element.text = etree.CDATA(text) if is_section else text
            return
        for name, value in content.items():
            if name.startswith("@"):
                element.set(name[1:], as_text(value, "xml", error=CodecValue))
                continue
            for one in value if isinstance(value, list) else [value]:
                self._fill(etree.SubElement(element, name), one)


def _undeclared(text: str) -> bytes:
    """Without BOM, blanks before and XML declaration, as UTF-8. libxml2 obeys a declaration even where it is wrong."""
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<?xml") and text[5:6].isspace():
        text = text.partition("?>")[2]
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CodecInput("xml", "expected text that UTF-8 can hold") from None


@dataclass(frozen=True, slots=True)
class Json:
    """RFC 8259, in text or in UTF-8 bytes."""

    max_bytes: int = MAX_BYTES

    def decode(self, value: Any, context: Context) -> Any:
        body = as_bytes(value, "json").removeprefix(b"\xef\xbb\xbf")
        context.budget.spend("json", len(body), self.max_bytes)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise CodecInput("json", "expected a JSON document") from None

    def encode(self, value: Any, context: Context) -> str:
        del context
        try:
            return orjson.dumps(value).decode()
        except TypeError:
            raise CodecValue("json", "expected objects, lists, text and numbers") from None


@dataclass(frozen=True, slots=True)
class Form:
    """application/x-www-form-urlencoded. A name that comes twice becomes a list."""

    codec: str = "utf-8"
    max_bytes: int = MAX_BYTES

    def decode(self, value: Any, context: Context) -> dict[str, Any]:
        text = as_text(value, "form").strip()
        context.budget.spend("form", len(text), self.max_bytes)
        try:
            pairs = parse_qsl(
                text,
                keep_blank_values=True,
                strict_parsing=bool(text),
                encoding=self.codec,
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
        except ValueError:
            raise CodecInput(
                "form", f"expected name=value pairs in {self.codec}, {MAX_FIELDS} at most"
            ) from None
        out: dict[str, Any] = {}
        for name, one in pairs:
            there = out.get(name)
            out[name] = one if there is None else [*(there if isinstance(there, list) else [there]), one]
        return out

    def encode(self, value: Any, context: Context) -> str:
        del context
        if not isinstance(value, Mapping):
            raise CodecValue("form", f"expected an object, found {kind_of(value)}")
        pairs = [
            (name, as_text(one, "form", error=CodecValue))
            for name, content in value.items()
            if content is not None
            for one in (content if isinstance(content, list) else [content])
        ]
        try:
            return urlencode(pairs, encoding=self.codec)
        except UnicodeEncodeError:
            raise CodecValue("form", f"expected characters that {self.codec} has") from None
