"""Whether a GET may be an operation: a web page elsewhere must not make a visitor's browser ask.

By POST only JSON is taken, which a page cannot send elsewhere without asking first (a preflight). A GET without special
headers it can, by <img>, <script>, a form or fetch; it cannot read the answer, but it can time it. Apollo's rule
(https://www.apollographql.com/docs/apollo-server/security/cors) refuses all of them; browsers also say themselves
where a request comes from (W3C Fetch Metadata), and tags cannot name JSON as what they accept.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from gateway.web.messages import names_json

__all__ = ["PREFLIGHT_HEADERS", "may_ask"]

PREFLIGHT_HEADERS: Final = (
    "graphql-require-preflight",
    "apollo-require-preflight",
    "x-apollo-operation-name",
)
"""A page elsewhere cannot send these unasked."""
_SIMPLE_TYPES: Final = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""}
)


def may_ask(headers: Headers, origins: Collection[str], *, needs_header: bool = False) -> bool:
    """origins: that CORS allows. needs_header: Apollo's rule to the letter."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _SIMPLE_TYPES or any(headers.get(name) for name in PREFLIGHT_HEADERS):
        return True
    if needs_header or headers.get("sec-fetch-mode") == "no-cors":
        return False
    origin = headers.get("origin")
    if origin is not None:
        return origin in origins or "*" in origins or urlsplit(origin).netloc == headers.get("host")
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    return headers.get("sec-fetch-mode") == "cors" or names_json(headers.get("accept"))
