"""Wires for tools: one that keeps what went over it, one that sends everything to a local server instead."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace

from adapters.wire.guard import UrlGuard
from adapters.wire.model import WireLimits, WireRequest, WireResponse
from adapters.wire.wire import Wire

__all__ = ["ListeningWire", "RedirectedWire", "Taken"]


@dataclass(slots=True)
class Taken:
    """One request with its answer, None while or where there is none. purpose: what it was sent for."""

    request: WireRequest
    response: WireResponse | None
    purpose: str


class ListeningWire(Wire):
    """Keeps what it sent and received in `taken`. purpose: noted with each, set by whoever asks."""

    def __init__(self, limits: WireLimits, guard: UrlGuard, tls: ssl.SSLContext | None) -> None:
        super().__init__(limits=limits, tls=tls, guard=guard)
        self.taken: list[Taken] = []
        self.purpose = "call"

    async def send(
        self, request: WireRequest, *, timeout_s: float, connect_timeout_s: float | None = None
    ) -> WireResponse:
        taken = Taken(request, None, self.purpose)
        self.taken.append(taken)
        taken.response = await super().send(request, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s)
        return taken.response


class RedirectedWire(ListeningWire):
    """Lets through only what the declaration's own guard does, and sends it to `origin`, whatever its host."""

    def __init__(self, limits: WireLimits, guard: UrlGuard, origin: str) -> None:
        super().__init__(limits, UrlGuard([origin]), None)
        self.declared, self.origin = guard, origin

    async def send(
        self, request: WireRequest, *, timeout_s: float, connect_timeout_s: float | None = None
    ) -> WireResponse:
        target = self.declared.check(request.url)
        sent = replace(request, url=self.origin + target.path, head=None)
        return await super().send(sent, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s)
