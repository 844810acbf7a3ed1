"""`hmac` of a source: signs what is about to be sent, whatever protocol wrote it. The signing itself is of `codecs`.

A request is taken apart again: parameters of its address, fields of a form or of a JSON body. SOAP bodies stay bytes
($body, $bodyDigest). Parts that a signature does not add to are sent exactly as they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from adapters.auth.grant import Edit
from adapters.codecs.request import Draft, RequestSigner
from adapters.codecs.signature import Pair
from adapters.mapping.errors import ValueProblem
from adapters.mapping.scope import Scope
from adapters.reply import python_charset
from adapters.wire.model import WireRequest

__all__ = ["sign_edit"]

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)


def sign_edit(signer: RequestSigner, *, charset: str = "utf-8") -> Edit:
    """charset: Python's name of the one in which addresses are written. The edit raises ValueProblem, never with a value
    in it."""

    def edit(request: WireRequest, scope: Scope) -> WireRequest:
        url = request.url if isinstance(request.url, str) else request.url.origin.text + request.url.path
        url, _, query_text = url.partition("#")[0].partition("?")
        query = tuple(parse_qsl(query_text, keep_blank_values=True, encoding=charset))
        headers: tuple[Pair, ...] = tuple((_text(name), _text(value)) for name, value in request.headers)
        tree, write_tree = _body(request.body, headers)

        def write(body: Any) -> bytes:
            return request.body if body is tree else write_tree(body)

        signed = signer.sign(Draft(request.method, url, query, headers, tree), scope, write)
        query_text = _with_added(query_text, query, signed.query, charset)
        body = request.body if signed.body is tree else write_tree(signed.body)
        return replace(
            request,
            url=f"{url}?{query_text}" if query_text else url,
            headers=signed.headers,
            body=body,
            head=None,
        )

    return edit


def _with_added(text: str, before: tuple[Pair, ...], after: tuple[Pair, ...], charset: str) -> str:
    """What was there stays as it was written."""
    kept = after[: len(before)] == before
    added = urlencode(after[len(before) :] if kept else after, encoding=charset)
    return "&".join(part for part in (text if kept else "", added) if part)


def _body(body: bytes, headers: tuple[Pair, ...]) -> tuple[Any, Callable[[Any], bytes]]:
    """Tree of a form or JSON body with its writer; other bodies are their own tree, so that $body can be signed."""
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "").lower()
    if body and "json" in content_type:
        try:
            return orjson.loads(body), orjson.dumps
        except orjson.JSONDecodeError:
            return body, _no_fields
    if body and "x-www-form-urlencoded" in content_type:
        found = _CHARSET.search(content_type)
        charset = (python_charset(found.group(1)) if found else None) or "utf-8"
        pairs = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, encoding=charset)
        form: dict[str, Any] = {}
        for name, value in pairs:
            form[name] = value if name not in form else [*_listed(form[name]), value]
        return form, lambda tree: urlencode(tree, doseq=True, encoding=charset).encode("ascii")
    return body or None, _no_fields


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _no_fields(_tree: Any) -> bytes:
    raise ValueProblem("the body has no fields to put a signature in")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
