"""Bodies of requests, up to a size."""

from __future__ import annotations

from starlette.requests import Request

from gateway.web.errors import HttpRequestError

__all__ = ["whole_body"]


async def whole_body(request: Request, max_bytes: int) -> bytes:
    """The body, never more of it in memory than the limit and one chunk. Raises HttpRequestError (413)."""
    too_large = HttpRequestError(
        413, "BODY_TOO_LARGE", f"The body is larger than {max_bytes} bytes", connection="close"
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)
