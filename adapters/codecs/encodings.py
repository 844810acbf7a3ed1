"""Steps between text and bytes, and between one text and another: charset, base64, hex, URL and XML escapes, affixes."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, quote_plus, unquote_to_bytes

from adapters.codecs.errors import CodecInput, CodecValue
from adapters.codecs.step import MAX_BYTES, Context, as_bytes, as_text

__all__ = ["Base64", "Charset", "Hex", "TrimPrefix", "UnescapeXml", "UrlDecode"]


@dataclass(frozen=True, slots=True)
class Charset:
    """Bytes <-> text. codec: a Python codec, the smaller GB sets already read as gb18030."""

    codec: str

    def decode(self, value: Any, context: Context) -> str:
        if isinstance(value, str):
            return value  # the protocol has decoded it: what it once was cannot be told any more
        raw = as_bytes(value, "charset")
        context.budget.spend("charset", len(raw), MAX_BYTES)
        try:
            return raw.decode(self.codec).removeprefix("\ufeff")
        except UnicodeDecodeError:
            raise CodecInput("charset", f"expected bytes in {self.codec}") from None

    def encode(self, value: Any, context: Context) -> bytes:
        del context
        try:
            return as_text(value, "charset", error=CodecValue).encode(self.codec)
        except UnicodeEncodeError:
            raise CodecValue("charset", f"expected characters that {self.codec} has") from None


@dataclass(frozen=True, slots=True)
class Base64:
    """RFC 4648. Reads either alphabet, with line breaks, with or without padding; writes the declared one."""

    url: bool = False
    padding: bool = True

    def decode(self, value: Any, context: Context) -> bytes:
        text = "".join(as_text(value, "base64").split()).rstrip("=").translate(_STANDARD)
        context.budget.spend("base64", len(text), MAX_BYTES * 2)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise CodecInput("base64", "expected base64") from None

    def encode(self, value: Any, context: Context) -> str:
        del context
        raw = as_bytes(value, "base64", error=CodecValue)
        text = (base64.urlsafe_b64encode if self.url else base64.b64encode)(raw).decode("ascii")
        return text if self.padding else text.rstrip("=")


_STANDARD = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Hex:
    """Reads either case; writes small letters, or capitals."""

    upper: bool = False

    def decode(self, value: Any, context: Context) -> bytes:
        text = as_text(value, "hex").strip()
        context.budget.spend("hex", len(text), MAX_BYTES * 2)
        try:
            return binascii.unhexlify(text)
        except (binascii.Error, ValueError):
            raise CodecInput("hex", "expected an even number of hexadecimal digits") from None

    def encode(self, value: Any, context: Context) -> str:
        del context
        text = as_bytes(value, "hex", error=CodecValue).hex()
        return text.upper() if self.upper else text


@dataclass(frozen=True, slots=True)
class UrlDecode:
    """Percent-encoding. plus: `+` is a space (as forms have it). codec: of the bytes behind the percent signs."""

    codec: str = "utf-8"
    plus: bool = True

    def decode(self, value: Any, context: Context) -> str:
        text = as_text(value, "urldecode")
        context.budget.spend("urldecode", len(text), MAX_BYTES)
        try:
            return unquote_to_bytes(text.replace("+", " ") if self.plus else text).decode(self.codec)
        except UnicodeDecodeError:
            raise CodecInput("urldecode", f"expected percent-encoded {self.codec}") from None

    def encode(self, value: Any, context: Context) -> str:
        del context
        write = quote_plus if self.plus else quote
        try:
            return write(as_text(value, "urldecode", error=CodecValue), safe="", encoding=self.codec)
        except UnicodeEncodeError:
            raise CodecValue("urldecode", f"expected characters that {self.codec} has") from None


_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot|apos));")
_SPECIAL = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;"}


@dataclass(frozen=True, slots=True)
class UnescapeXml:
    """One level of XML escapes (XML 1.0 section 4.6 and character references); other entities stay as they are."""

    def decode(self, value: Any, context: Context) -> str:
        text = as_text(value, "unescapeXml")
        context.budget.spend("unescapeXml", len(text), MAX_BYTES)
        return _ENTITY.sub(_character, text)

    def encode(self, value: Any, context: Context) -> str:
        del context
        text = as_text(value, "unescapeXml", error=CodecValue)
        return re.sub("[<>&\"']", lambda found: _SPECIAL[found[0]], text)


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    number = int(found[1], 16) if found[1] else int(found[2])
    if number == 0 or 0xD800 <= number < 0xE000 or number > 0x10FFFF:
        raise CodecInput("unescapeXml", "expected character references of characters that exist")
    return chr(number)


@dataclass(frozen=True, slots=True)
class TrimPrefix:
    """Fixed texts around the value: `callback(` and `)`, `data:`. absent: what to do where they are not there."""

    prefix: str = ""
    suffix: str = ""
    absent: Literal["refuse", "keep"] = "refuse"

    def decode(self, value: Any, context: Context) -> str:
        del context
        text = as_text(value, "trimPrefix").strip()
        fits = len(text) >= len(self.prefix) + len(self.suffix)
        if fits and text.startswith(self.prefix) and text.endswith(self.suffix):
            return text[len(self.prefix) : len(text) - len(self.suffix)]
        if self.absent == "keep":
            return text
        raise CodecInput("trimPrefix", f"expected {self.prefix!r} before and {self.suffix!r} after the value")

    def encode(self, value: Any, context: Context) -> str:
        del context
        return self.prefix + as_text(value, "trimPrefix", error=CodecValue) + self.suffix
