"""Health for orchestrators: is the process alive, can it take requests, and which systems behind it are down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.web.lifecycle import Lifecycle
from gateway.web.ports import Engine

__all__ = ["HealthCheck", "live", "readiness_endpoint"]

Endpoint = Callable[[Request], Awaitable[Response]]
HealthCheck = Callable[[], Awaitable[Mapping[str, Any]]]
"""What a part of the gateway itself says of its health; `status` is "up", "down" or "degraded"."""


async def live(_request: Request) -> Response:
    """200 as long as the event loop turns."""
    return Response(b'{"status":"live"}', media_type="application/json")


def readiness_endpoint(
    engine: Engine, lifecycle: Lifecycle, checks: Mapping[str, HealthCheck] | None = None
) -> Endpoint:
    """200 `ready` or `degraded` (some systems, or a part of the gateway, are down: the rest still answers);
    503 `starting` or `draining`. checks: by the name of the part, e.g. `database`; however many ask, one check is under
    way at a time."""
    asked: list[asyncio.Task[dict[str, dict[str, Any]]]] = []

    async def checked() -> dict[str, dict[str, Any]]:
        return {name: dict(await check()) for name, check in (checks or {}).items()}

    async def of_parts() -> dict[str, dict[str, Any]]:
        if not asked or asked[0].done():
            asked[:] = [asyncio.create_task(checked())]
        return await asyncio.shield(asked[0])

    async def ready(_request: Request) -> Response:
        report = dict(engine.readiness())
        systems = report.get("systems") or {}
        down = sorted(code for code, state in systems.items() if state == "down")
        if lifecycle.draining:
            status = "draining"
        elif not report.pop("ready", False):
            status = "starting"
        else:
            status = "degraded" if down else "ready"
        report.pop("ready", None)
        parts = await of_parts()
        if status == "ready" and any(one.get("status") != "up" for one in parts.values()):
            status = "degraded"
        report |= parts
        body = {"status": status, "down": down, **report}
        code = 503 if status in ("draining", "starting") else 200
        headers = {"retry-after": "1"} if code == 503 else None
        return Response(orjson.dumps(body), code, headers, media_type="application/json")

    return ready
