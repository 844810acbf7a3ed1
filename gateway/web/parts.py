"""An answer in parts over HTTP: `multipart/mixed; deferSpec=20220824`, as Apollo's clients speak it.

Each part is sent with the boundary that ends it, so that a client can read it at once.
https://www.apollographql.com/docs/graphos/routing/operations/defer
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress

from starlette.types import Receive, Scope, Send

from gateway.web.disconnect import disconnected
from gateway.web.messages import PARTS, encode_part
from gateway.web.ports import AnswerPart

__all__ = ["PartsResponse"]

_TYPE = f'{PARTS}; boundary="graphql"; deferSpec=20220824'.encode()
_OPEN, _CLOSE = b"\r\n--graphql", b"--\r\n"
_HEAD = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"


class PartsResponse:
    """An ASGI response. first: already at hand; rest: never raises; given: told of each part that was sent."""

    def __init__(
        self,
        first: AnswerPart,
        rest: AsyncGenerator[AnswerPart, None],
        given: Callable[[AnswerPart], None],
        told: Mapping[str, str] | None = None,
    ) -> None:
        """told: further headers."""
        self._first, self._rest, self._given = first, rest, given
        self._told = [(name.encode(), value.encode()) for name, value in (told or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        headers = [
            (b"content-type", _TYPE),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # nginx would gather them
            *self._told,
        ]
        async with aclosing(self._rest):
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            giving = asyncio.create_task(self._give(send), name="parts to a client")
            leaving = asyncio.create_task(disconnected(receive), name="client leaves")
            try:
                await asyncio.wait((giving, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (giving, leaving):
                    task.cancel()
                for task in (giving, leaving):
                    with suppress(asyncio.CancelledError):
                        await task
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _give(self, send: Send) -> None:
        await self._send(send, _OPEN, self._first)
        async for part in self._rest:
            await self._send(send, b"", part)

    async def _send(self, send: Send, before: bytes, part: AnswerPart) -> None:
        end = b"" if part.has_next else _CLOSE
        body = b"".join((before, _HEAD, encode_part(part), _OPEN, end))
        await send({"type": "http.response.body", "body": body, "more_body": True})
        self._given(part)
