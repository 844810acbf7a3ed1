"""An answer as an HTTP response: status, headers, and for public answers by GET an ETag (RFC 9110, RFC 9111)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from gateway.web.messages import encode
from gateway.web.ports import GraphQLAnswer

__all__ = ["respond"]

_VARY = "accept, authorization"


def respond(answer: GraphQLAnswer, media: str, request: Request, told: Mapping[str, str]) -> Response:
    """told: further headers. Only what the engine called cacheable, asked for by GET, may be kept by anyone."""
    status, body = encode(answer, media)
    headers = {**told, **answer.headers}
    if status == 405:
        headers["allow"] = "POST"
    control = headers.get("cache-control")
    if control is not None and (request.method != "GET" or status != 200 or answer.extensions):
        del headers["cache-control"]
    elif control is not None:
        headers = dict(answer.headers)  # what a caller has left is not for others
        headers["vary"] = _VARY
        headers["etag"] = etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        if _matches(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media_type=f"{media}; charset=utf-8")


def _matches(given: str | None, etag: str) -> bool:
    """Weak comparison (RFC 9110 section 8.8.3.2)."""
    if given is None:
        return False
    tags = [part.strip().removeprefix("W/") for part in given.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags
