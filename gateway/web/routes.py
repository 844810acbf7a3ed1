"""The web as one ASGI application: routes, and what stands around all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.harvest.push import Intake
from gateway.telemetry.traces import NoTracer, Tracer
from gateway.web.admission import Admission, AdmissionMetrics
from gateway.web.boundary import Boundary, RequestMetrics
from gateway.web.compression import Compression
from gateway.web.csrf import PREFLIGHT_HEADERS
from gateway.web.entrance import Entrance
from gateway.web.errors import error_body
from gateway.web.events import EventsEndpoint
from gateway.web.files import FileEndpoint
from gateway.web.graphiql import GraphiQLPage
from gateway.web.graphql import GraphQLEndpoint, OperationMetrics
from gateway.web.health import HealthCheck, live, readiness_endpoint
from gateway.web.lifecycle import Lifecycle
from gateway.web.metrics import metrics_endpoint
from gateway.web.migration_page import MigrationPage
from gateway.web.ports import Authenticator, Engine
from gateway.web.reading import Reading
from gateway.web.single_connection import SingleConnectionEndpoint
from gateway.web.streams import StreamMetrics, Streams
from gateway.web.websocket import WebSocketEndpoint

__all__ = ["WebLimits", "WebMetrics", "build_web"]

PATHS = (
    "/graphql",
    "/graphql/stream",
    "/files",
    "/events",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/migration",
)

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class WebMetrics(RequestMetrics, OperationMetrics, StreamMetrics, AdmissionMetrics, Protocol):
    """What the web counts; `gateway.telemetry.metrics.Metrics` is one."""


@dataclass(frozen=True, slots=True)
class WebLimits:
    deadline_s: float = 10.0
    max_body_bytes: int = 1_048_576
    max_streams: int = 5000
    body_timeout_s: float = 10.0
    max_batch: int = 0
    csrf_header: bool = False
    compress_from_bytes: int | None = 1024
    """None compresses nothing."""


def build_web(
    engine: Engine,
    authenticator: Authenticator,
    *,
    lifecycle: Lifecycle,
    limits: WebLimits | None = None,
    tracer: Tracer | None = None,
    metrics: WebMetrics | None = None,
    registry: CollectorRegistry | None = None,
    page: GraphiQLPage | None = None,
    cors_origins: tuple[str, ...] = (),
    lifespan: Lifespan | None = None,
    checks: Mapping[str, HealthCheck] | None = None,
    intake: Callable[[], Intake | None] = lambda: None,
    entrance: Entrance | None = None,
    migrations: MigrationPage | None = None,
    admission: Admission | None = None,
) -> ASGIApp:
    """The application. registry: served at /metrics where given; intake: takes pushed events once it is there; page:
    shown to browsers at /graphql where given; entrance: where given, with documents, budgets and proxies of its own;
    migrations: the page at /migration where given; admission: where given, refuses while there is too much to do."""
    limits = limits or WebLimits()
    entrance = entrance or Entrance(authenticator)
    streams = Streams(engine, deadline_s=limits.deadline_s, max_open=limits.max_streams, metrics=metrics)
    endpoint = GraphQLEndpoint(
        engine,
        entrance,
        streams=streams,
        lifecycle=lifecycle,
        deadline_s=limits.deadline_s,
        reading=Reading(
            limits.max_body_bytes, limits.body_timeout_s, limits.max_batch, cors_origins, limits.csrf_header
        ),
        page=page,
        metrics=metrics,
    )
    files = FileEndpoint(engine, entrance, deadline_s=limits.deadline_s)
    routes: list[BaseRoute] = [
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", WebSocketEndpoint(streams, entrance, origins=cors_origins)),
        Route(
            "/graphql/stream",
            SingleConnectionEndpoint(
                streams, entrance, lifecycle=lifecycle, reading=endpoint.reading, deadline_s=limits.deadline_s
            ),
        ),
        Route("/files", files),
        Route(
            "/events/{system}",
            EventsEndpoint(
                intake,
                entrance,
                max_body_bytes=limits.max_body_bytes,
                body_timeout_s=limits.body_timeout_s,
            ),
        ),
        Route("/health/live", live),
        Route("/health/ready", readiness_endpoint(engine, lifecycle, checks)),
    ]
    if registry is not None:
        routes.append(Route("/metrics", metrics_endpoint(registry)))
    if migrations is not None:
        routes += migrations.routes(entrance)
    if page is not None:
        routes.append(Route("/graphiql/{file}", page.asset))
    app: ASGIApp = _Direct(
        endpoint, Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _not_found})
    )
    if cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "graphql-client-name",
                "graphql-client-version",
                "quanyu-cost",
                "quanyu-purpose",
                "traceparent",
                "tracestate",
                "x-graphql-event-stream-token",
                "x-request-id",
                *PREFLIGHT_HEADERS,
            ],
            expose_headers=["etag", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"],
        )
    if limits.compress_from_bytes is not None:
        app = Compression(app, from_bytes=limits.compress_from_bytes)
    return Boundary(
        app,
        routes=PATHS,
        lifecycle=lifecycle,
        tracer=tracer or NoTracer(),
        metrics=metrics,
        admission=admission,
    )


class _Direct:
    """The endpoint that nearly all requests are for, asked before Starlette's stack of middleware and routes; what it
    raises is the boundary's to answer."""

    def __init__(self, endpoint: ASGIApp, others: ASGIApp) -> None:
        self._endpoint = endpoint
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql" and not scope.get("root_path"):
            await self._endpoint(scope, receive, send)
        else:
            await self._others(scope, receive, send)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JSONResponse(error_body("NOT_FOUND", "There is nothing here; GraphQL is at /graphql"), 404)
