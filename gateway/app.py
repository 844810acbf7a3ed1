"""The composition root: settings in, an ASGI application out. Builds stores, the first generation, routes; at the end
of its life it closes them in the opposite order. Nothing is opened before the application starts."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from adapters.references import Lookup
from adapters.submission.desk import Desk
from adapters.submission.dispatcher import Dispatcher
from cache.counters import Counters, EmbeddedCounters
from cache.embedded import EmbeddedStore
from cache.rates import SharedRates
from cache.redis_counters import RedisCounters
from cache.redis_rates import RedisRates
from cache.redis_store import RedisStore
from cache.store import Store
from gateway.database import (
    Database,
    DatabaseUnavailable,
    open_database,
    prepare_tables,
    prepare_tables_when_back,
)
from gateway.directory import read_registry
from gateway.engine import GraphQLEngine
from gateway.gaps import GapBook
from gateway.generation import Parts
from gateway.labels import LabelRules, load_label_hook, sticky_by
from gateway.outbox import SqlOutbox, body_seal
from gateway.records import build_ledger, build_looks, build_views, read_ledger_keys
from gateway.reload import Reloader
from gateway.security.identity import load_tokens
from gateway.security.limits import OperationLimits
from gateway.security.oidc.authenticator import Identity
from gateway.security.oidc.declaration import load_identity_file
from gateway.security.oidc.local_issuer import local_issuer
from gateway.settings import Settings, secret_key_bytes
from gateway.subgraphs import Declared, kept_sdls
from gateway.telemetry.logs import safe_text
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
    )
    database = open_database(
        settings.database_url.get_secret_value(), settings.data_dir, pool=settings.database_pool
    )
    checks: dict[str, HealthCheck] = {"database": lambda: _database_health(database)}
    registry = read_registry(settings.registry_dir, needed=settings.supergraph is None)
    identity = build_identity(settings)
    tracer, close_tracer = build_tracer(settings.otel)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(close_tracer)
            stack.push_async_callback(identity.close)
            stack.push_async_callback(database.close)
            stack.push_async_callback(_ended, await _tables(database))
            keys = read_ledger_keys(settings)
            ledger = build_ledger(settings, database, keys, metrics)
            ledger.start()
            stack.push_async_callback(ledger.stop)
            checks["ledger"] = ledger.health
            if settings.access_records:
                engine.record_looks(build_looks(ledger, metrics))
            store, counters, rates = _stores(settings)
            stack.push_async_callback(store.close)
            stack.push_async_callback(counters.close)
            if rates is not None:
                stack.push_async_callback(rates.close)
            gaps = GapBook(counters, metrics)
            gaps.start()
            stack.push_async_callback(gaps.stop)
            dispatcher = _dispatcher(settings, database, engine, metrics)
            parts = Parts(
                registry,
                store,
                gaps,
                metrics,
                secret_key_bytes(settings)[:64],
                ref_key=keys.subject_ref,
                tracer=tracer if settings.otel else None,
                rates=rates,
                max_deadline_s=settings.max_deadline_ms / 1000,
                default_deadline_s=settings.default_deadline_ms / 1000,
                largest_page=settings.max_first,
                operation_cache_entries=settings.operation_cache_entries,
                desk=Desk(dispatcher.outbox, dispatcher.seal, dispatcher),
                views=build_views(settings, ledger, registry),
            )
            reloader = Reloader(
                engine,
                parts,
                settings.systems_dir,
                file_lookup(environ),
                metrics,
                kept=kept_sdls(settings.data_dir),
                supergraph=settings.supergraph,
                on_swapped=on_swapped,
            )
            stack.push_async_callback(engine.close)
            await reloader.load_first(first)
            dispatcher.start()
            stack.push_async_callback(dispatcher.stop)
            stack.push_async_callback(reloader.stop)
            reloader.start(
                watch=settings.watch, poll_s=settings.reload_poll_s, subgraph_poll_s=settings.subgraph_poll_s
            )
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


def file_lookup(environ: Mapping[str, str]) -> Lookup:
    return Lookup(environ, lambda path: Path(path).read_text(encoding="utf-8"))


async def _tables(database: Database) -> asyncio.Task[None] | None:
    """A file of our own is brought up to date; a server's tables must be. One that is away now may come later: until
    then what needs it fails and says so, and a task tries again."""
    try:
        await prepare_tables(database)
    except DatabaseUnavailable as error:
        log.error("database is away, going on without it", database=database.address.shown, fault=str(error))
        return asyncio.create_task(prepare_tables_when_back(database))
    return None


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _database_health(database: Database) -> Mapping[str, object]:
    return (await database.health()).report()


def _dispatcher(
    settings: Settings, database: Database, engine: GraphQLEngine, metrics: Metrics
) -> Dispatcher:
    secret = secret_key_bytes(settings)
    return Dispatcher(
        SqlOutbox(database),
        engine.lend_writers,
        body_seal(settings.outbox_keys.get_secret_value(), secret),
        holder=f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}",
        lease_s=settings.outbox_lease_s,
        poll_s=settings.outbox_poll_s,
        keep_s=settings.outbox_keep_days * 86400,
        mask=safe_text,
        observer=metrics,
    )


def _stores(settings: Settings) -> tuple[Store, Counters, SharedRates | None]:
    url = settings.redis_url.get_secret_value()
    if not url:
        return EmbeddedStore(), EmbeddedCounters(), None

    def fault(kind: str) -> None:
        log.warning("redis fault, going on without it", kind=kind)

    return (
        RedisStore(url, on_fault=fault),
        RedisCounters(url, on_fault=fault),
        RedisRates(url, on_fault=fault),
    )
