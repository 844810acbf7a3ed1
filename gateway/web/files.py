"""Documents of cases, passed on from their systems in pieces: GET /files?case=…&kind=…, with the caller's own token.

Whoever may not see the case gets what GraphQL would say of it. Nothing of a file is kept, and none is ever whole in
memory: how fast the client reads is how fast the system is read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from adapters.fetch import RequestContext
from adapters.files import CaseFile
from adapters.traffic.errors import SourceError, SourceNotFound
from gateway.request import FileRefused
from gateway.web.entrance import Entrance
from gateway.web.errors import HttpRequestError, error_body
from gateway.web.exchange import exchange_of
from gateway.web.ports import Engine

__all__ = ["FileEndpoint"]

_LONGEST: Final = 400
_STATUS: Final = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "CASE_NOT_FOUND": 404,
    "FILE_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "SYSTEM_UNKNOWN": 404,
    "BAD_USER_INPUT": 400,
    "SOURCE_TIMEOUT": 504,
    "SOURCE_OVERLOADED": 503,
    "SOURCE_CIRCUIT_OPEN": 503,
    "SOURCE_MAINTENANCE": 503,
    "STARTING": 503,
    "COST_BUDGET_EXHAUSTED": 429,
}
"""Of an error's code; else 502 of what a system caused, 400 of what was asked."""
_UNSAFE_IN_NAME: Final = re.compile(r"[^\w.()〔〕-]+")


class FileEndpoint:
    """An ASGI application. deadline_s: until the system begins to give the file.

    A file is one request of its caller's budgets, and costs what the question for its case does.
    """

    def __init__(self, engine: Engine, entrance: Entrance, *, deadline_s: float) -> None:
        self.engine = engine
        self.entrance = entrance
        self.deadline_s = deadline_s
        self.log = structlog.get_logger("gateway.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        async with AsyncExitStack() as stack:
            response = await self._answer(request, stack)
            await _send_while_heard(response, scope, receive, send)

    async def _answer(self, request: Request, stack: AsyncExitStack) -> Response:
        exchange = exchange_of(request.scope)
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "METHOD_NOT_ALLOWED", "Use GET", exchange.facts, allow="GET, HEAD")
        try:
            case, kind, file = _asked(request)
            context, told = await self._entered(request)
            found = await stack.enter_async_context(self.engine.fetch_file(kind, case, file, context))
        except FileRefused as error:
            return _refusal(_status_of(error.code), error.code, error.message, exchange.facts, error.headers)
        except HttpRequestError as error:
            return _refusal(error.status, error.code, str(error), exchange.facts, error.headers)
        except SourceNotFound:
            return _refusal(404, "FILE_NOT_FOUND", "The case's system has no such file.", exchange.facts)
        except SourceError as error:
            return _refusal(_status_of(error.code), error.code, str(error), exchange.facts)
        return _passed_on(found, case, kind, request.method == "HEAD", self._pieces(found), told)

    async def _entered(self, request: Request) -> tuple[RequestContext, Mapping[str, str]]:
        """With headers for the answer. Raises HttpRequestError: 401, 429."""
        exchange = exchange_of(request.scope)
        address = self.entrance.address(request.scope)
        caller = await self.entrance.identify(request.headers.get("authorization"), address)
        told = await self.entrance.admit(caller, address)
        if caller.name != "anonymous":
            exchange.facts["caller"] = caller.name
        context = RequestContext(
            deadline=asyncio.get_running_loop().time() + self.deadline_s,
            caller=caller,
            request_id=exchange.request_id,
            trace_headers=exchange.trace_headers,
            client_name=exchange.facts.get("client", ""),
            headers=request.headers,
            address=address,
        )
        return context, told

    async def _pieces(self, found: CaseFile) -> AsyncIterator[bytes]:
        try:
            async for piece in found.chunks:
                yield piece
        except SourceError as error:
            # the status is out: only breaking off tells the client that this is not all
            self.log.warning("file broke off", system=error.system, code=error.code)
            raise _BrokenOff from error


async def _send_while_heard(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Until it is sent or the client hangs up, which is noticed while the system itself says nothing, too."""

    async def hung_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def nothing() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("never set")

    tasks = {asyncio.create_task(response(scope, nothing, send)), asyncio.create_task(hung_up())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _BrokenOff(Exception):
    """The file ended before its end; the connection to the client is cut."""


def _status_of(code: str) -> int:
    return _STATUS.get(code) or (502 if code.startswith("SOURCE_") else 400)


def _asked(request: Request) -> tuple[str, str, str | None]:
    """Case id, kind, and which of several. Raises FileRefused."""
    query = request.query_params
    case, kind, file = query.get("case", ""), query.get("kind", ""), query.get("file")
    if not case or not kind:
        raise FileRefused("BAD_USER_INPUT", "Give `case` (its id) and `kind`, as in the `url` of Case.files.")
    if max(map(len, (case, kind, file or ""))) > _LONGEST:
        raise FileRefused("BAD_USER_INPUT", f"`case`, `kind` and `file` have at most {_LONGEST} characters.")
    return case, kind, file


def _passed_on(
    found: CaseFile,
    case: str,
    kind: str,
    head_only: bool,
    pieces: AsyncIterator[bytes],
    told: Mapping[str, str],
) -> Response:
    name = _UNSAFE_IN_NAME.sub("_", f"{case}-{kind}" + (f".{found.extension}" if found.extension else ""))
    headers = {
        **told,
        "content-type": found.content_type,
        # never shown in the gateway's own origin: a system's page must not run there
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    if found.length is not None:
        headers["content-length"] = str(found.length)
    if found.content_encoding:
        headers["content-encoding"] = found.content_encoding
    if head_only:
        return Response(headers=headers)
    return StreamingResponse(pieces, headers=headers)


def _refusal(
    status: int,
    code: str,
    message: str,
    facts: dict[str, object],
    headers: Mapping[str, str] | None = None,
    **further: str,
) -> Response:
    facts["codes"] = [code]
    named = {name.replace("_", "-"): value for name, value in further.items()}
    return JSONResponse(error_body(code, message), status, {**(headers or {}), **named})
