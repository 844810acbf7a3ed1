"""The composition root: settings in, an ASGI application out. Nothing is opened before the application starts; what
then opens, and is closed at the end of its life, is in `gateway.lifespan`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.database import (
    Database,
    open_database,
)
from gateway.directory import read_registry
from gateway.engine import GraphQLEngine
from gateway.harvesting import read_tracking_rules
from gateway.labels import LabelRules, load_label_hook, sticky_by
from gateway.lifespan import Foundation, file_lookup, running
from gateway.security.identity import load_tokens
from gateway.security.limits import OperationLimits
from gateway.security.oidc.authenticator import Identity
from gateway.security.oidc.declaration import load_identity_file
from gateway.security.oidc.local_issuer import local_issuer
from gateway.security.policies import load_policies
from gateway.settings import Settings
from gateway.subgraphs import Declared
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import build_tracer
from gateway.version import VERSION
from gateway.web.graphiql import GraphiQLPage, load_assets, load_samples
from gateway.web.health import HealthCheck
from gateway.web.lifecycle import Lifecycle
from gateway.web.routes import WebLimits, build_web

__all__ = ["Gateway", "build_gateway", "create_app", "file_lookup", "working"]

log = structlog.get_logger("gateway.app")


@dataclass(slots=True)
class Gateway:
    """The application and what runs it."""

    app: ASGIApp
    lifecycle: Lifecycle
    engine: GraphQLEngine
    metrics: Metrics


def create_app(settings: Settings) -> ASGIApp:
    return build_gateway(settings).app


def build_gateway(
    settings: Settings,
    *,
    environ: Mapping[str, str] = os.environ,
    first: Declared | None = None,
    on_swapped: Callable[[], None] | None = None,
) -> Gateway:
    """environ: what `${env:NAME}` of declarations sees. first: declarations that were loaded already. on_swapped:
    called for each generation that comes into service.

    Raises TokensFileError, IdentityFileError, PolicyError, RegistryError, TrackingFileError, OtelMissingError,
    LabelHookError, DatabaseUrlInvalid at once; DeclarationError, DatabaseOutOfDate and KeyInvalid when the
    application starts.
    """
    on = _foundation(settings, environ)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with running(on, first=first, on_swapped=on_swapped):
            yield

    lifecycle = Lifecycle()
    page = None
    if settings.graphiql:
        token = settings.graphiql_token.get_secret_value()
        samples = load_samples()
        if settings.graphiql_samples is not None:
            samples += load_samples(settings.graphiql_samples)
        page = GraphiQLPage(load_assets(), samples, cdn=settings.graphiql_cdn, token=token)
    app = build_web(
        on.engine,
        on.identity,
        lifecycle=lifecycle,
        limits=WebLimits(
            settings.max_deadline_ms / 1000,
            settings.max_body_bytes,
            settings.max_streams,
            settings.max_loop_lag_ms / 1000,
        ),
        tracer=on.tracer,
        metrics=on.metrics,
        registry=on.metrics.registry if settings.metrics else None,
        page=page,
        cors_origins=settings.cors_origins,
        lifespan=lifespan,
        checks=on.checks,
        intake=lambda: on.intake,
    )
    return Gateway(app, lifecycle, on.engine, on.metrics)


@asynccontextmanager
async def working(
    settings: Settings, *, environ: Mapping[str, str] = os.environ, first: Declared | None = None
) -> AsyncIterator[None]:
    """All that runs behind the web, without it: harvest, clocks, outbox, seals. Raises what `build_gateway` and its
    application raise."""
    async with running(_foundation(settings, environ), first=first):
        yield


def _foundation(settings: Settings, environ: Mapping[str, str]) -> Foundation:
    metrics = Metrics(version=VERSION)
    engine = GraphQLEngine(
        OperationLimits(
            tokens=settings.max_query_tokens,
            depth=settings.max_query_depth,
            fields=settings.max_query_fields,
            introspection=settings.introspection,
        ),
        LabelRules(
            frozenset(settings.override_labels),
            settings.override_label_header.lower(),
            load_label_hook(settings.override_label_hook),
            sticky_by(settings.override_sticky),
        ),
        load_policies(settings.policy_file, settings.policy_hook),
        share=settings.share_queries,
        on_shared=metrics.operation_shared,
    )
    database = open_database(
        settings.database_url.get_secret_value(), settings.data_dir, pool=settings.database_pool
    )
    checks: dict[str, HealthCheck] = {"database": lambda: _database_health(database)}
    registry = read_registry(settings.registry_dir, needed=settings.supergraph is None)
    identity = build_identity(settings)
    tracer, close_tracer = build_tracer(settings.otel)

    return Foundation(
        settings,
        environ,
        metrics,
        engine,
        database,
        registry,
        read_tracking_rules(settings),
        identity,
        tracer,
        close_tracer,
        checks,
    )


def build_identity(settings: Settings) -> Identity:
    """Raises TokensFileError, IdentityFileError."""
    tokens = load_tokens(Path(settings.tokens_file) if settings.tokens_file else None)
    declared = load_identity_file(settings.identity_file).issuers if settings.identity_file else ()
    local = (local_issuer(settings.data_dir),) if settings.local_issuer else ()
    return Identity(tokens, (*declared, *local))


async def _database_health(database: Database) -> Mapping[str, object]:
    return (await database.health()).report()
