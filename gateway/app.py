"""The composition root: settings in, an ASGI application out. Nothing is opened before the application starts; what
then opens, and is closed at the end of its life, is in `gateway.lifespan`."""

from __future__ import annotations

import hashlib
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
from gateway.documents import Documents, read_manifest
from gateway.engine import GraphQLEngine
from gateway.harvesting import TrackingFiles
from gateway.labels import LabelRules, load_label_hook, sticky_by
from gateway.lifespan import Foundation, file_lookup, running
from gateway.migration.build import build_migrations
from gateway.production import of_identity
from gateway.security.allowances import Allowances, read_networks
from gateway.security.certificates import ClientCertificates, TrustedProxies, load_certificates
from gateway.security.identity import load_tokens
from gateway.security.limits import OperationLimits, VariableLimits
from gateway.security.oidc.authenticator import Identity
from gateway.security.oidc.declaration import load_identity_file
from gateway.security.oidc.local_issuer import local_issuer
from gateway.security.policies import load_policies
from gateway.settings import Settings, SettingsError, secret_key_bytes
from gateway.subgraphs import Declared
from gateway.telemetry.logs import mask_personal_data
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import build_tracer
from gateway.version import VERSION
from gateway.web.admission import Admission
from gateway.web.entrance import Entrance
from gateway.web.graphiql import GraphiQLPage, load_assets, load_samples
from gateway.web.health import HealthCheck
from gateway.web.lifecycle import Lifecycle
from gateway.web.migration_page import MigrationPage, Sessions
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
    admission: Admission | None
    """Asked by the application itself where the server has not asked it."""


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

    Raises TokensFileError, IdentityFileError, ManifestInvalid, PolicyError, RegistryError, TrackingFileError, OtelMissingError,
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
    lag_s = settings.max_loop_lag_ms / 1000
    admission = Admission(lag_s, metrics=on.metrics) if lag_s else None
    app = build_web(
        on.engine,
        on.identity,
        lifecycle=lifecycle,
        limits=WebLimits(
            settings.max_deadline_ms / 1000,
            settings.max_body_bytes,
            settings.max_streams,
            settings.body_timeout_s,
            settings.max_batch,
            settings.csrf_header,
            settings.compress_from_bytes if settings.compression else None,
        ),
        tracer=on.tracer,
        metrics=on.metrics,
        registry=on.metrics.registry if settings.metrics else None,
        page=page,
        cors_origins=settings.cors_origins,
        lifespan=lifespan,
        checks=on.checks,
        intake=lambda: on.intake,
        migrations=_migration_page(on),
        entrance=Entrance(
            on.identity,
            allowances=on.allowances,
            documents=on.documents,
            trusted_proxies=read_networks(settings.trusted_proxies),
        ),
        admission=admission,
    )
    return Gateway(_with_certificates(app, settings), lifecycle, on.engine, on.metrics, admission)


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
    allowances = build_allowances(settings)
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
            characters=settings.max_query_characters,
            aliases=settings.max_query_aliases,
            directives=settings.max_query_directives,
            list_items=settings.max_list_items,
            cost=settings.max_query_cost or None,
            suggestions=settings.suggestions,
        ),
        LabelRules(
            frozenset(settings.override_labels),
            settings.override_label_header.lower(),
            load_label_hook(settings.override_label_hook),
            sticky_by(settings.override_sticky),
            migrations.label_holds,
        ),
        load_policies(settings.policy_file, settings.policy_hook),
        share=settings.share_queries,
        on_shared=metrics.operation_shared,
        variables=VariableLimits(
            settings.max_variable_depth, settings.max_variable_values, settings.max_list_items
        ),
        allowances=allowances,
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
        TrackingFiles(settings),
        identity,
        tracer,
        close_tracer,
        migrations,
        checks,
        allowances=allowances,
        documents=build_documents(settings),
    )


def _migration_page(on: Foundation) -> MigrationPage:
    secret = secret_key_bytes(on.settings)[:64]
    key = hashlib.blake2b(secret, person=b"migration page", digest_size=32).digest()
    return MigrationPage(lambda: on.migration_desk, Sessions(key, secure=on.settings.mode == "production"))


def _with_certificates(app: ASGIApp, settings: Settings) -> ASGIApp:
    if not settings.client_certificate_header:
        return app
    return ClientCertificates(
        app,
        header=settings.client_certificate_header,
        proxies=TrustedProxies.of(settings.trusted_proxies),
        callers=load_certificates(settings.certificates_file),
    )


def build_identity(settings: Settings) -> Identity:
    """Raises TokensFileError, IdentityFileError, SettingsError (in production)."""
    tokens = load_tokens(Path(settings.tokens_file) if settings.tokens_file else None)
    declared = load_identity_file(settings.identity_file).issuers if settings.identity_file else ()
    if settings.mode == "production":
        asked = [uri for one in declared for uri in (one.jwks_uri or one.issuer,) if one.jwks_file is None]
        problems = of_identity(
            has_plain_tokens=tokens.has_plain, issuers=asked, allowed=settings.allow_insecure
        )
        if problems:
            raise SettingsError(problems)
    local = (local_issuer(settings.data_dir),) if settings.local_issuer else ()
    return Identity(tokens, (*declared, *local))


def build_allowances(settings: Settings) -> Allowances:
    """Counted in this process until Redis is there (`gateway.lifespan`)."""
    return Allowances(
        settings.rate_per_caller,
        settings.rate_per_address,
        settings.cost_per_caller,
        settings.cost_per_address,
        secret_key_bytes(settings),
    )


def build_documents(settings: Settings) -> Documents:
    """Raises ManifestInvalid."""
    paths = [Path(one) for one in settings.trusted_documents]
    return Documents(
        manifest=read_manifest(paths) if paths else None,
        mode=settings.trusted_documents_mode,
        is_personal=lambda text: mask_personal_data(text) != text,
    )


async def _database_health(database: Database) -> Mapping[str, object]:
    return (await database.health()).report()
