"""Bytes of a body as text and back, without loss. Pure."""

from __future__ import annotations

import re

from adapters.reply import charset_of, python_charset

__all__ = ["as_text"]

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][\w.:-]*)""")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def as_text(body: bytes, content_type: str, declared: str | None) -> tuple[str, str] | None:
    """(text, charset) such that the text in the charset is these bytes again; None for what is no text.

    Charset as replies are read: of the declaration, the header, the document; then the usual ones.
    """
    found = _DECLARED.match(body[:300].removeprefix(b"\xef\xbb\xbf"))
    of_document = python_charset(found.group(1).decode("ascii")) if found else None
    for charset in (charset_of(content_type, declared), of_document, "utf-8", "gb18030"):
        if charset is None:
            continue
        try:
            text = body.decode(charset)
            if text.encode(charset) == body and not _CONTROL.search(text):
                return text, charset
        except (UnicodeError, LookupError):
            continue
    return None
