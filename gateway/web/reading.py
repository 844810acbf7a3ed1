"""Reads the operation out of an HTTP request, within a size and a time, and refuses what is not GraphQL over HTTP."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request

from gateway.web.body import whole_body
from gateway.web.csrf import may_ask
from gateway.web.errors import HttpRequestError
from gateway.web.messages import check_content_type, check_encoding, read_body, read_query
from gateway.web.ports import GraphQLRequest

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """body_timeout_s: for the whole body. max_batch: operations in a list, 0 for none. origins: that CORS allows;
    csrf_header: see `gateway.web.csrf`."""

    max_body_bytes: int
    body_timeout_s: float = 10.0
    max_batch: int = 0
    origins: Collection[str] = ()
    csrf_header: bool = False

    async def read(self, request: Request) -> GraphQLRequest | list[GraphQLRequest]:
        """Raises HttpRequestError."""
        if request.method == "GET":
            if not may_ask(request.headers, self.origins, needs_header=self.csrf_header):
                text = (
                    "This GET could be a web page's that did not ask. Send Accept: application/json, "
                    "or a header graphql-require-preflight: 1"
                )
                if self.csrf_header:
                    text = "A GET needs the header graphql-require-preflight: 1 (or an apollo one)"
                raise HttpRequestError(403, "CSRF_REFUSED", text)
            return read_query(request.query_params)
        if request.method == "POST":
            check_content_type(request.headers.get("content-type"))
            check_encoding(request.headers.get("content-encoding"))
            return read_body(
                await whole_body(request, self.max_body_bytes, timeout_s=self.body_timeout_s),
                max_batch=self.max_batch,
            )
        raise HttpRequestError(
            405,
            "METHOD_NOT_ALLOWED",
            f"Use POST, or GET for queries; found {request.method[:16]}",
            allow="GET, POST",
        )
