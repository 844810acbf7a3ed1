"""Credentials that never change: HTTP Basic, a bearer token, a key, secret headers. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from adapters.auth.grant import Edit, with_headers, with_query
from adapters.auth.model import ApiKey, BasicAuth
from adapters.wire.model import HeaderPairs

__all__ = ["basic_header", "fixed_edits", "header_edit"]


def basic_header(username: str, password: str, *, charset: str = "utf-8") -> str:
    """Raises UnicodeEncodeError, LookupError for a charset that does not hold them."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode(charset)).decode("ascii")


def header_edit(headers: HeaderPairs) -> Edit:
    return lambda request, _scope: with_headers(request, headers)


def fixed_edits(
    *, basic: BasicAuth | None, bearer: str | None, api_key: ApiKey | None, headers: Mapping[str, str]
) -> Iterable[Edit]:
    if basic is not None:
        value = basic_header(basic.username, basic.password, charset=basic.charset)
        yield header_edit((("Authorization", value),))
    if bearer is not None:
        yield header_edit((("Authorization", f"Bearer {bearer}"),))
    if api_key is not None:
        pair = (api_key.name, api_key.value)
        in_query = api_key.place == "query"
        yield (lambda request, _scope: with_query(request, [pair])) if in_query else header_edit((pair,))
    if headers:
        yield header_edit(tuple(headers.items()))
