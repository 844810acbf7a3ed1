"""What runs while the application does: opened in order when it starts, closed in the opposite order when it ends.

`build_gateway` (gateway.app) makes what can be made without opening anything; here stores, the ledger, the outbox and
the first generation of the schema come to life.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from adapters.migration.placement import Phase
from adapters.references import Lookup
from adapters.submission.desk import Desk
from adapters.submission.dispatcher import Dispatcher
from cache.budgets import Budgets
from cache.counters import Counters, EmbeddedCounters
from cache.embedded import EmbeddedStore
from cache.rates import SharedRates
from cache.redis_budgets import RedisBudgets
from cache.redis_counters import RedisCounters
from cache.redis_rates import RedisRates
from cache.redis_store import RedisStore
from cache.sealed import SealedStore
from cache.store import Store
from gateway.casefile.files import CaseFiles, TrackingRules
from gateway.casefile.learn import Learner
from gateway.casefile.memory import FiledCases
from gateway.database import Database, DatabaseUnavailable, prepare_tables, prepare_tables_when_back
from gateway.documents import Documents, ManifestWatch
from gateway.engine import GraphQLEngine
from gateway.gaps import GapBook
from gateway.generation import Parts
from gateway.harvest.book import HarvestBook
from gateway.harvest.model import harvested_by
from gateway.harvest.push import Intake
from gateway.harvest.store import HarvestStore
from gateway.harvesting import build_case_files, build_harvester, build_intake, build_schedule
from gateway.ledger import Ledger, LedgerKeys
from gateway.ledger.writer import now_us
from gateway.live.feeds import Feeds
from gateway.migration.build import open_migrations
from gateway.migration.desk import Desk as MigrationDesk
from gateway.migration.reserving import OutboxNumbers
from gateway.migration.service import Migrations
from gateway.migration.usage import UsageBook
from gateway.outbox import SqlOutbox, body_seal
from gateway.records import build_bell, build_feeds, build_ledger, build_looks, build_views, read_ledger_keys
from gateway.reload import Reloader
from gateway.security.allowances import Allowances
from gateway.security.contract import Contract
from gateway.security.oidc.authenticator import Identity
from gateway.settings import Settings, secret_key_bytes
from gateway.subgraphs import Declared, kept_sdls
from gateway.telemetry.logs import safe_text
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.traces import Tracer
from gateway.web.health import HealthCheck
from schema.identifiers import applicant_ref
from schema.registry import Registry

__all__ = ["Foundation", "SharedStores", "file_lookup", "running"]

log = structlog.get_logger("gateway.app")

DOCUMENTS_BYTES = 16 * 1024 * 1024
"""Of automatic persisted queries in the process: apart from answers, which they must not push out."""


@dataclass(slots=True)
class Foundation:
    """What is there before the application starts. checks: grows by what can tell how it is, as it comes to life.
    intake: of pushed events, migration_desk: for the page of migrations, each once it lives."""

    settings: Settings
    environ: Mapping[str, str]
    metrics: Metrics
    engine: GraphQLEngine
    database: Database
    registry: Registry
    rules: Callable[[], TrackingRules]
    identity: Identity
    tracer: Tracer
    close_tracer: Callable[[], None]
    migrations: Migrations
    checks: dict[str, HealthCheck] = field(default_factory=dict)
    intake: Intake | None = None
    allowances: Allowances = field(default_factory=Allowances)
    documents: Documents = field(default_factory=Documents)
    migration_desk: MigrationDesk | None = None


@dataclass(frozen=True, slots=True)
class SharedStores:
    """What processes share: Redis, or without it what this process keeps to itself."""

    store: Store
    counters: Counters
    rates: SharedRates | None
    budgets: Budgets | None
    documents: Store


@asynccontextmanager
async def running(
    on: Foundation, *, first: Declared | None = None, on_swapped: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    """Raises DeclarationError, DatabaseOutOfDate, KeyInvalid."""
    async with AsyncExitStack() as stack:
        stack.callback(on.close_tracer)
        stack.push_async_callback(on.identity.close)
        stack.push_async_callback(on.database.close)
        stack.push_async_callback(_ended, await _tables(on.database))
        keys = read_ledger_keys(on.settings)
        ledger = await _open_ledger(stack, on, keys)
        moves = await open_migrations(stack, on.settings, on.migrations, ledger)
        on.engine.count_usage(UsageBook(on.migrations.tally))
        feeds = _open_feeds(stack, on, ledger)
        stores = await _open_stores(stack, on.settings)
        _open_edge(stack, on, stores)
        gaps = GapBook(stores.counters, on.metrics)
        gaps.start()
        stack.push_async_callback(gaps.stop)
        dispatcher = _dispatcher(on)
        files = build_case_files(on.database, ledger, on.registry, on.rules, on.engine.lend_sources)
        learner = _open_learner(stack, ledger, files)
        parts = _parts(on, ledger, stores, gaps, dispatcher, feeds)
        moves.lend = on.engine.lend_sources
        parts.migration_desk = on.migration_desk = moves
        parts.on_fresh = learner.note
        reloader = _reloader(on, parts, on_swapped)
        stack.push_async_callback(on.engine.close)
        await reloader.load_first(first)
        dispatcher.start()
        stack.push_async_callback(dispatcher.stop)
        stack.push_async_callback(reloader.stop)
        settings = on.settings
        reloader.start(
            watch=settings.watch, poll_s=settings.reload_poll_s, subgraph_poll_s=settings.subgraph_poll_s
        )
        _open_harvest(stack, on, ledger, files)
        yield


async def _open_ledger(stack: AsyncExitStack, on: Foundation, keys: LedgerKeys) -> Ledger:
    bell = build_bell(on.settings, _redis_fault)
    stack.push_async_callback(bell.close)
    ledger = build_ledger(on.settings, on.database, keys, on.metrics, bell)
    ledger.start()
    stack.push_async_callback(ledger.stop)
    on.checks["ledger"] = ledger.health
    if on.settings.access_records:
        on.engine.record_looks(build_looks(ledger, on.metrics))
    return ledger


def _open_feeds(stack: AsyncExitStack, on: Foundation, ledger: Ledger) -> Feeds:
    shared = bool(on.settings.redis_url.get_secret_value())
    feeds = build_feeds(ledger, on.registry, on.engine.sees_case, shared=shared)
    stack.push_async_callback(feeds.hub.close)
    on.checks["live"] = feeds.hub.health
    return feeds


def _open_learner(stack: AsyncExitStack, ledger: Ledger, files: CaseFiles) -> Learner:
    """What live answers show goes into case files and ledger, too."""

    def subject_ref(id_type: str, number: str) -> str:
        return applicant_ref(ledger.keys.subject_ref, id_type, number)

    learner = Learner(files, ledger.writer, subject_ref, harvested_by)
    learner.start()
    stack.push_async_callback(learner.stop)
    return learner


def _open_harvest(stack: AsyncExitStack, on: Foundation, ledger: Ledger, files: CaseFiles) -> None:
    """Systems tell what has changed, asked or unasked; new events go to the ledger and to case files."""
    lend = on.engine.lend_sources
    on.intake = build_intake(on.settings, ledger, files, lend, observer=on.metrics)
    if not on.settings.harvest:
        return
    harvester = build_harvester(on.settings, ledger, files, lend, observer=on.metrics)

    def retired(system: str) -> bool:
        return on.migrations.state(system).placement.phase is Phase.RETIRED

    schedule = build_schedule(on.settings, on.engine, harvester, files, on.intake, retired=retired)
    schedule.start()
    stack.push_async_callback(schedule.stop)
    on.checks["harvest"] = schedule.health


async def _open_stores(stack: AsyncExitStack, settings: Settings) -> SharedStores:
    stores = _stores(settings)
    stack.push_async_callback(stores.store.close)
    stack.push_async_callback(stores.counters.close)
    if stores.rates is not None:
        stack.push_async_callback(stores.rates.close)
    return stores


def _open_edge(stack: AsyncExitStack, on: Foundation, stores: SharedStores) -> None:
    """What requests pass before the engine: budgets, and documents that are named."""
    settings = on.settings
    if stores.budgets is not None:
        on.allowances.budgets = stores.budgets
        stack.push_async_callback(stores.budgets.close)
    if settings.persisted_queries:
        on.documents.store = stores.documents
        stack.push_async_callback(stores.documents.close)
    watch = ManifestWatch(
        on.documents, [Path(one) for one in settings.trusted_documents], poll_s=settings.reload_poll_s
    )
    if settings.watch:
        watch.start()
        stack.push_async_callback(watch.stop)


def _parts(
    on: Foundation,
    ledger: Ledger,
    stores: SharedStores,
    gaps: GapBook,
    dispatcher: Dispatcher,
    feeds: Feeds,
) -> Parts:
    settings = on.settings
    return Parts(
        on.registry,
        stores.store,
        gaps,
        on.metrics,
        secret_key_bytes(settings)[:64],
        ref_key=ledger.keys.subject_ref,
        tracer=on.tracer if settings.otel else None,
        rates=stores.rates,
        max_deadline_s=settings.max_deadline_ms / 1000,
        default_deadline_s=settings.default_deadline_ms / 1000,
        largest_page=settings.max_first,
        operation_cache_entries=settings.operation_cache_entries,
        operation_cache_bytes=settings.operation_cache_mb * 1024 * 1024,
        desk=Desk(dispatcher.outbox, dispatcher.seal, dispatcher),
        views=build_views(settings, ledger, on.registry, lambda: on.rules().calendar),
        migrations=on.migrations,
        contract=_contract(settings),
        harvests=HarvestBook(HarvestStore(on.database), settings.harvest_every_s, now_us),
        feeds=feeds,
        memory=FiledCases(on.database),
    )


def _contract(settings: Settings) -> Contract | None:
    include, exclude = frozenset(settings.contract_include), frozenset(settings.contract_exclude)
    return Contract(include, exclude) if include or exclude else None


def _reloader(on: Foundation, parts: Parts, on_swapped: Callable[[], None] | None) -> Reloader:
    return Reloader(
        on.engine,
        parts,
        on.settings.systems_dir,
        file_lookup(on.environ),
        on.metrics,
        kept=kept_sdls(on.settings.data_dir),
        supergraph=on.settings.supergraph,
        on_swapped=on_swapped,
    )


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


def _dispatcher(on: Foundation) -> Dispatcher:
    settings = on.settings
    secret = secret_key_bytes(settings)
    return Dispatcher(
        SqlOutbox(on.database),
        on.engine.lend_writers,
        body_seal(settings.outbox_keys.get_secret_value(), secret),
        holder=f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}",
        lease_s=settings.outbox_lease_s,
        poll_s=settings.outbox_poll_s,
        keep_s=settings.outbox_keep_days * 86400,
        mask=safe_text,
        observer=on.metrics,
        numbers=OutboxNumbers(on.migrations.numbers),
    )


def _stores(settings: Settings) -> SharedStores:
    url = settings.redis_url.get_secret_value()
    if not url:
        return SharedStores(EmbeddedStore(), EmbeddedCounters(), None, None, EmbeddedStore(DOCUMENTS_BYTES))
    return SharedStores(
        SealedStore(RedisStore(url, on_fault=_redis_fault), secret_key_bytes(settings)),
        RedisCounters(url, on_fault=_redis_fault),
        RedisRates(url, on_fault=_redis_fault),
        RedisBudgets(url, on_fault=_redis_fault),
        RedisStore(url, on_fault=_redis_fault),
    )


def _redis_fault(kind: str) -> None:
    log.warning("redis fault, going on without it", kind=kind)
