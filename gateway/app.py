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
from gateway.labels import LabelRules, load_label_hook, sticky_by
from gateway.lifespan import Foundation, file_lookup, running
from gateway.migration.build import build_migrations
from gateway.security.identity import load_tokens
from gateway.security.limits import OperationLimits
from gateway.security.oidc.authenticator import Identity
from gateway.security.oidc.declaration import load_identity_file
from gateway.security.oidc.local_issuer import local_issuer
from gateway.settings import Settings
from gateway.subgraphs import Declared
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import build_tracer
from gateway.version import VERSION
from gateway.web.graphiql import GraphiQLPage, load_assets, load_samples
from gateway.web.health import HealthCheck
from gateway.web.lifecycle import Lifecycle
from gateway.web.routes import WebLimits, build_web

__all__ = ["Gateway", "build_gateway", "create_app", "file_lookup"]

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

    Raises TokensFileError, IdentityFileError, RegistryError, OtelMissingError, LabelHookError, DatabaseUrlInvalid at
    once; DeclarationError, DatabaseOutOfDate and KeyInvalid when the application starts.
    """
    metrics = Metrics(version=VERSION)
    database = open_database(
        settings.database_url.get_secret_value(), settings.data_dir, pool=settings.database_pool
    )
    migrations = build_migrations(settings, database)
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
            migrations.label_holds,
        ),
    )
    checks: dict[str, HealthCheck] = {"database": lambda: _database_health(database)}
    registry = read_registry(settings.registry_dir, needed=settings.supergraph is None)
    identity = build_identity(settings)
    tracer, close_tracer = build_tracer(settings.otel)

    on = Foundation(
        settings,
        environ,
        metrics,
        engine,
        database,
        registry,
        identity,
        tracer,
        close_tracer,
        migrations,
        checks,
    )

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
        engine,
        identity,
        lifecycle=lifecycle,
        limits=WebLimits(settings.max_deadline_ms / 1000, settings.max_body_bytes, settings.max_streams),
        tracer=tracer,
        metrics=metrics,
        registry=metrics.registry if settings.metrics else None,
        page=page,
        cors_origins=settings.cors_origins,
        lifespan=lifespan,
        checks=checks,
    )
    return Gateway(app, lifecycle, engine, metrics)


def build_identity(settings: Settings) -> Identity:
    """Raises TokensFileError, IdentityFileError."""
    tokens = load_tokens(Path(settings.tokens_file) if settings.tokens_file else None)
    declared = load_identity_file(settings.identity_file).issuers if settings.identity_file else ()
    local = (local_issuer(settings.data_dir),) if settings.local_issuer else ()
    return Identity(tokens, (*declared, *local))


async def _database_health(database: Database) -> Mapping[str, object]:
    return (await database.health()).report()
