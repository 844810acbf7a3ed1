"""Prometheus text at /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from gateway.web.health import Endpoint

__all__ = ["metrics_endpoint"]


def metrics_endpoint(registry: CollectorRegistry) -> Endpoint:
    """Prometheus text or OpenMetrics, as the scraper asks."""

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return metrics
