"""Bodies of requests, up to a size and within a time."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from gateway.web.errors import HttpRequestError

__all__ = ["whole_body"]


async def whole_body(request: Request, max_bytes: int, *, timeout_s: float = 10.0) -> bytes:
    """The body, never more of it in memory than the limit and one chunk. Raises HttpRequestError (408, 413)."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _whole_body(request, max_bytes)
    except TimeoutError:
        text = f"The body did not come within {timeout_s:g} s"
        raise HttpRequestError(408, "REQUEST_TIMEOUT", text, connection="close") from None


async def _whole_body(request: Request, max_bytes: int) -> bytes:
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
