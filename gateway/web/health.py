"""Health for orchestrators: is the process alive, can it take requests, and which systems behind it are down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.web.lifecycle import Lifecycle
from gateway.web.ports import Engine

__all__ = ["live", "readiness_endpoint"]

Endpoint = Callable[[Request], Awaitable[Response]]


async def live(_request: Request) -> Response:
    """200 as long as the event loop turns."""
    return Response(b'{"status":"live"}', media_type="application/json")


def readiness_endpoint(engine: Engine, lifecycle: Lifecycle) -> Endpoint:
    """200 `ready` or `degraded` (some systems are down: the rest still answers); 503 `starting` or `draining`."""

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
        body = {"status": status, "down": down, **report}
        code = 503 if status in ("draining", "starting") else 200
        headers = {"retry-after": "1"} if code == 503 else None
        return Response(orjson.dumps(body), code, headers, media_type="application/json")

    return ready
