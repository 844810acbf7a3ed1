"""Requests of the gateway's own (tokens, logins) over a system's wire: failures of the wire become SourceErrors."""

from __future__ import annotations

from adapters.auth.oauth2 import Send
from adapters.failures import wire_failure
from adapters.wire import errors as wire_errors
from adapters.wire.model import WireRequest, WireResponse
from adapters.wire.wire import Wire

__all__ = ["wire_sender"]


def wire_sender(system: str, wire: Wire, *, timeout_s: float) -> Send:
    """timeout_s: of each request; not what is left of the call that happens to need it, as others wait for it too."""

    async def send(request: WireRequest) -> WireResponse:
        try:
            return await wire.send(request, timeout_s=timeout_s)
        except wire_errors.WireError as error:
            raise wire_failure(system, error) from error

    return send
