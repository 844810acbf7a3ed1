"""Where systems push what has happened: CloudEvents 1.0 to POST /events/{system}, signed with the system's own secret.

202 says that every event of the request is durable: in the ledger, or in quarantine. Anything else says that nothing
is, and that the system is to send it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from adapters.fetch import Caller
from adapters.source import Source
from gateway.database import DatabaseError
from gateway.harvest.cloudevents import BadEnvelope, Envelope, NotCloudEvents, read_events, signed_content
from gateway.harvest.push import Intake, IntakeReport
from gateway.harvest.signature import SignatureRefused, check_signature
from gateway.web.body import whole_body
from gateway.web.entrance import Entrance
from gateway.web.errors import HttpRequestError, error_body
from gateway.web.exchange import exchange_of

__all__ = ["EventsEndpoint"]


class EventsEndpoint:
    """An ASGI application. intake: None until the application has started.

    Each system has the budget of a caller. What does not prove to be a system's counts against the network address
    that it came from, as wrong tokens do.
    """

    def __init__(
        self,
        intake: Callable[[], Intake | None],
        entrance: Entrance,
        *,
        max_body_bytes: int,
        body_timeout_s: float,
    ) -> None:
        self.intake = intake
        self.entrance = entrance
        self.max_body_bytes = max_body_bytes
        self.body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        facts = exchange_of(scope).facts
        try:
            response = await self._answer(request, facts)
        except HttpRequestError as error:
            facts["codes"] = [error.code]
            response = JSONResponse(error_body(error.code, str(error)), error.status, error.headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request, facts: dict[str, Any]) -> Response:
        intake = self.intake()
        if intake is None:
            raise HttpRequestError(503, "STARTING", "The gateway is still starting.", retry_after="1")
        system = request.path_params["system"]
        with intake.lend() as sources:
            source = sources.get(system)
            if source is None or source.push is None:
                await self._stranger(request)
                raise HttpRequestError(404, "PUSH_NOT_DECLARED", "No system of this code pushes events here.")
            facts["system"] = source.code
            if request.method == "OPTIONS":
                await self._stranger(request)
                return _handshake(request, self.entrance.allowances.per_caller)
            if request.method != "POST":
                raise HttpRequestError(405, "METHOD_NOT_ALLOWED", "Use POST", allow="POST, OPTIONS")
            envelopes = await self._signed(request, source)
            told = await self.entrance.admit(Caller(f"system {source.code}"), "")
            try:
                report = await intake.take(source, envelopes)
            except DatabaseError as error:
                raise HttpRequestError(
                    503, error.code, "The events cannot be kept now. Send them again.", retry_after="5"
                ) from error
        facts |= {"events": report.appended, "rejected": len(report.rejected)}
        return JSONResponse(_told(report), 202, dict(told))

    async def _signed(self, request: Request, source: Source) -> list[Envelope]:
        """The events of a request that is the system's own. Raises HttpRequestError."""
        try:
            body = await whole_body(request, self.max_body_bytes, timeout_s=self.body_timeout_s)
            return _opened(source, request.headers.get("content-type", ""), _headers(request), body)
        except HttpRequestError:
            await self._stranger(request)
            raise

    async def _stranger(self, request: Request) -> None:
        """Raises HttpRequestError 429."""
        await self.entrance.admit(Caller(), self.entrance.address(request.scope))


def _opened(source: Source, content_type: str, headers: Mapping[str, str], body: bytes) -> list[Envelope]:
    """Signature first: nothing of a stranger's body is read. Raises HttpRequestError."""
    assert source.push is not None  # noqa: S101 - looked at before
    declared = source.push.declared
    try:
        check_signature(
            declared.secrets.values(),
            headers,
            signed_content(content_type, headers, body),
            now_s=time.time(),
            tolerance_s=declared.tolerance_s,
        )
        envelopes = read_events(content_type, headers, body)
    except SignatureRefused as error:
        raise HttpRequestError(401, error.code, str(error)) from None
    except NotCloudEvents as error:
        raise HttpRequestError(error.status, error.code, str(error)) from None
    strange = next(
        (one for one in envelopes if not isinstance(one, BadEnvelope) and not source.push.takes(one.source)),
        None,
    )
    if strange is not None:
        raise HttpRequestError(
            403, "PUSH_SOURCE", f"Events of this `source` are not the system's: {strange.source[:200]!r}."
        )
    if source.declaration.system.lifecycle in ("DISCOVERED", "RETIRED"):
        raise HttpRequestError(403, "PUSH_CLOSED", "The system is not in service here (`system.lifecycle`).")
    return envelopes


def _headers(request: Request) -> dict[str, str]:
    """By lower-case name; one that stands twice, joined as HTTP has it."""
    return {name: ", ".join(request.headers.getlist(name)) for name in request.headers}


def _handshake(request: Request, per_minute: float) -> Response:
    """The validation of "HTTP 1.1 Web Hooks for Event Delivery" (CloudEvents): whoever may push is told so, and how
    many requests a minute. per_minute: 0 for no bound."""
    origin = request.headers.get("webhook-request-origin")
    headers = {"allow": "POST, OPTIONS"}
    if origin:
        headers |= {
            "webhook-allowed-origin": "*",
            "webhook-allowed-rate": f"{per_minute:.0f}" if per_minute else "*",
        }
    return Response(status_code=200, headers=headers)


def _told(report: IntakeReport) -> dict[str, Any]:
    return {
        "appended": report.appended,
        "repeated": report.repeated,
        "leftOut": report.left_out,
        "quarantined": [
            {"index": place, "id": identifier, "reason": reason}
            for place, identifier, reason in report.rejected
        ],
    }
