"""Declarations to a generation: sources, network, the house's two subgraphs and the remote ones, the composed schema.
Nothing of it changes afterwards; a change of declarations makes another."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from graphql import GraphQLSchema

from adapters.auth.tls import TlsContexts
from adapters.build import Loaded, Surroundings, build_source
from adapters.case_gate import CaseGate, Cases, GatedSubgraph
from adapters.case_questions import CaseQuestions
from adapters.connector import ConnectorSubgraph, connector_schema
from adapters.declaration import Declaration
from adapters.fetch import RequestContext, Subgraph
from adapters.kept_cases import CaseMemory
from adapters.local import LocalSubgraph
from adapters.migration.port import Declared as DeclaredMigration
from adapters.migration.port import MigrationPort, NoMigrations
from adapters.migration.route import Route, mapping_of
from adapters.network import Network
from adapters.own.model import read_model
from adapters.own.questions import OwnQuestions
from adapters.problems import DeclarationError, Problem
from adapters.remote.build import RemoteSurroundings
from adapters.remote.subgraph import RemoteSubgraph
from adapters.source import OnFresh, Source
from adapters.submission.desk import Desk
from adapters.submission.questions import SubmissionQuestions
from adapters.submission.sides import Sides
from adapters.submission.writer import Writer, build_writer
from adapters.tracing import CallTracer
from adapters.traffic.observer import TrafficObserver
from adapters.traffic.traffic import Answer
from cache.rates import SharedRates
from cache.single_flight import SingleFlight
from cache.store import Store
from gateway.directory import HouseContext, Systems
from gateway.gaps import GapBook
from gateway.harvest.book import HarvestBook
from gateway.in_service import Generation
from gateway.kept_operations import OperationCache
from gateway.live.feeds import Feeds
from gateway.migration.desk import Desk as MigrationDesk
from gateway.migration.desk import DeskContext
from gateway.planner.deferrals import with_defer
from gateway.security.cacheable import cache_table
from gateway.security.contract import Contract, ContractError
from gateway.security.cost import cost_table
from gateway.security.declared import declared_permissions, policies_of
from gateway.security.visible import Views
from gateway.subgraphs import (
    Declared,
    OwnSchemas,
    build_remotes,
    own_subgraphs,
    remote_states,
    remotes_fingerprint,
)
from gateway.views.records import RecordViews
from schema.compose import Supergraph
from schema.permissions import RECORDED
from schema.registry import Registry
from schema.scalars import check_scalars
from schema.subgraphs import CASES, HOUSE, MIGRATION

__all__ = ["Built", "Parts", "build_generation", "system_namespace"]


@dataclass(slots=True)
class Parts:
    """What generations share: stores, counters, keys. Built once by `app.py`."""

    registry: Registry
    store: Store
    gaps: GapBook
    observer: TrafficObserver | None
    secret: bytes = field(repr=False)
    ref_key: bytes = field(default=b"", repr=False)
    """Keys references to people; empty derives one from `secret`."""
    tracer: CallTracer | None = None
    rates: SharedRates | None = None
    max_deadline_s: float = 10.0
    default_deadline_s: float = 2.0
    largest_page: int = 100
    operation_cache_entries: int = 1000
    operation_cache_bytes: int = 64 * 1024 * 1024
    desk: Desk | None = None
    views: RecordViews | None = None
    migrations: MigrationPort = field(default_factory=NoMigrations)
    migration_desk: MigrationDesk | None = None
    contract: Contract | None = None
    harvests: HarvestBook | None = None
    feeds: Feeds | None = None
    memory: CaseMemory | None = None
    on_fresh: OnFresh | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A generation with what the next one takes over from it."""

    generation: Generation
    declared: Declared
    network: Network
    remotes: Mapping[str, RemoteSubgraph]


def build_generation(
    parts: Parts, declared: Declared, *, number: int, previous: Built | None = None
) -> Built:
    """`declared` has no problems (see `Declared.raise_if_bad`)."""
    loaded, composed = declared.systems, declared.composed
    assert composed is not None and composed.graph is not None  # noqa: S101, PT018 - no problems: it composed
    api_schema = composed.composition.api_schema
    supergraph = composed.composition.supergraph
    assert api_schema is not None and supergraph is not None  # noqa: S101, PT018
    fingerprint = _fingerprint(declared)
    tls = TlsContexts()
    sources = _sources(parts, loaded, fingerprint, previous, tls)
    absent = {one.system.code: one for one in loaded.declarations if one.system.code in loaded.absent}
    network = Network(sources, parts.gaps, absent, parts.registry, _routes(parts, loaded, sources))
    writers = {
        code: build_writer(source, loaded.services.get(code))
        for code, source in sources.items()
        if source.declaration.connectors.sent()
    }
    systems = Systems(loaded.declarations, loaded.services, network, parts.gaps, parts.harvests)
    mine = own_subgraphs(supergraph, loaded.own)
    if mine:
        check_scalars(api_schema)  # of another's graph the same names may mean other things
    around = RemoteSurroundings(
        parts.store, SingleFlight(), parts.observer, parts.secret, parts.tracer, tls=tls, rates=parts.rates
    )
    before = previous.remotes if previous is not None else {}
    remotes = build_remotes(declared.remotes.subgraphs, around, before)

    async def close() -> None:
        await asyncio.gather(network.close(), *(one.close() for one in remotes.values()))

    permissions = declared_permissions(supergraph, house=bool(mine))
    shown, api_schema = _of_contract(parts.contract, supergraph, api_schema)
    questions = _case_questions(parts, network)
    gate = CaseGate(questions) if CASES in mine else None
    generation = Generation(
        number,
        fingerprint,
        replace(composed.composition, api_schema=with_defer(api_schema)),
        composed.graph,
        {
            **_subgraphs(parts, network, questions, systems, writers, composed.own, mine),
            **_own_subgraphs(parts, network, loaded, mine, gate),
            **_gated(remotes, gate),
        },
        lambda: systems.states() | remote_states(remotes.values()),
        close,
        OperationCache(parts.operation_cache_entries, parts.operation_cache_bytes),
        permissions,
        {code: source.files for code, source in sources.items() if source.files is not None},
        writers,
        sources,
        views=Views(shown, api_schema, permissions),
        policies=policies_of(permissions),
        costs=cost_table(supergraph),
        cacheable=cache_table(supergraph, permissions.keys(), RECORDED, house=bool(mine)),
    )
    return Built(generation, declared, network, remotes)


def _of_contract(
    contract: Contract | None, supergraph: Supergraph, api_schema: GraphQLSchema
) -> tuple[Supergraph, GraphQLSchema]:
    """What clients see of the graph, and its schema. Raises DeclarationError where they are no schema."""
    if contract is None:
        return supergraph, api_schema
    try:
        return contract.applied(supergraph)
    except ContractError as error:
        problems = [Problem(Path("contract"), 1, 1, error.code, one) for one in error.problems]
        raise DeclarationError(problems) from None


def _sources(
    parts: Parts, loaded: Loaded, fingerprint: str, previous: Built | None, tls: TlsContexts
) -> Mapping[str, Source]:
    """Every system anew, with the traffic state (breaker, counts) of the one before."""
    # of its own: a call must not join one on the wire of a generation that is about to close
    flights: SingleFlight[Answer] = SingleFlight()
    sources: dict[str, Source] = {}
    for declaration in loaded.declarations:
        code = declaration.system.code
        if code in loaded.absent:
            continue
        around = Surroundings(
            parts.store,
            flights,
            parts.observer,
            parts.secret,
            namespace=system_namespace(declaration),
            tracer=parts.tracer,
            rates=parts.rates,
            tls=tls,
        )
        source = build_source(declaration, loaded.services.get(code), around)
        source.on_fresh = parts.on_fresh
        before = previous.network.sources.get(code) if previous is not None else None
        if before is not None:
            source.traffic.adopt(before.traffic)
            if before.declaration.source.auth == declaration.source.auth:
                source.credentials.adopt(before.credentials)
        sources[code] = source
    del fingerprint
    return sources


def _routes(parts: Parts, loaded: Loaded, sources: Mapping[str, Source]) -> dict[str, Route]:
    """Of every system that another one takes the place of, where that one could be set up."""
    declared = {one.system.code: one for one in loaded.declarations}
    key = hashlib.blake2b(parts.secret, person=b"migration lots", digest_size=32).digest()
    routes: dict[str, Route] = {}
    told: list[DeclaredMigration] = []
    for code, new in declared.items():
        old = declared.get(new.migration.replaces) if new.migration is not None else None
        if new.migration is None or old is None or code not in sources:
            continue
        system, mapping = old.system.code, mapping_of(old, new)
        routes[system] = Route(
            old, sources.get(system), sources[code], new.migration, mapping, parts.migrations, key
        )
        missing = tuple(sorted(_abilities(old) - _abilities(new)))
        mapped = new.migration.numbers == "mapped"
        told.append(DeclaredMigration(system, code, mapping, new.migration.critical, mapped, missing))
    parts.migrations.declare(told)
    return routes


def _sides(network: Network, writers: Mapping[str, Writer]) -> dict[str, Sides]:
    """Of systems whose successor takes something, too."""
    return {
        code: Sides(route, writers.get(code), writers[route.successor.code])
        for code, route in network.routes.items()
        if route.successor.code in writers and route.declared.dual_write is not None
    }


def _abilities(declaration: Declaration) -> set[str]:
    own = declaration.types.fields if declaration.types is not None else {}
    return {*declaration.connectors.declared(), *declaration.connectors.writes(), *own}


def _subgraphs(
    parts: Parts,
    network: Network,
    questions: CaseQuestions,
    systems: Systems,
    writers: Mapping[str, Writer],
    own: OwnSchemas,
    names: frozenset[str],
) -> dict[str, Subgraph]:
    feeds, views = parts.feeds, parts.views

    def context(request: RequestContext) -> HouseContext:
        live = feeds.of(request, systems) if feeds is not None else None
        records = views.of(request) if views is not None else None
        return HouseContext(parts.registry, systems, parts.largest_page, live, records)

    sides = _sides(network, writers)
    replacing = {one.new.code for one in sides.values()}
    taking = {code: one for code, one in writers.items() if code not in replacing}
    submissions = (
        SubmissionQuestions(questions, taking, parts.desk, sides) if parts.desk is not None else None
    )
    connector = ConnectorSubgraph(CASES, own.cases_sdl, own.cases, questions, submissions)
    house = LocalSubgraph(HOUSE, own.house, own.house_sdl, context)
    built: dict[str, Subgraph] = {HOUSE: house, CASES: connector}
    desk = parts.migration_desk
    if desk is not None:
        built[MIGRATION] = LocalSubgraph(
            MIGRATION,
            own.migration,
            own.migration_sdl,
            lambda request: DeskContext(desk, request.caller.name, request.deadline),
        )
    return {name: subgraph for name, subgraph in built.items() if name in names}


def _case_questions(parts: Parts, network: Network) -> CaseQuestions:
    return CaseQuestions(
        network,
        parts.registry,
        parts.secret,
        # another key than the cursors': a leak of the one must not open the other
        parts.ref_key or hashlib.blake2b(parts.secret, person=b"applicant ref", digest_size=32).digest(),
        parts.max_deadline_s,
        parts.default_deadline_s,
        parts.largest_page,
        parts.memory,
    )


def _gated(remotes: Mapping[str, RemoteSubgraph], cases: Cases | None) -> dict[str, Subgraph]:
    """Remote subgraphs are asked only for cases in the caller's reach."""
    return {
        name: one if cases is None else GatedSubgraph(one, connector_schema(one.sdl), cases)
        for name, one in remotes.items()
    }


def _own_subgraphs(
    parts: Parts, network: Network, loaded: Loaded, names: frozenset[str], cases: Cases | None
) -> dict[str, Subgraph]:
    """One for each legacy system that adds types to the graph."""
    built: dict[str, Subgraph] = {}
    for declaration in loaded.declarations:
        if declaration.types is None or declaration.system.code not in names:
            continue
        model = read_model(declaration)
        questions = OwnQuestions(
            network, declaration, model, parts.secret, parts.max_deadline_s, parts.largest_page, cases
        )
        code = declaration.system.code
        built[code] = ConnectorSubgraph(code, model.sdl.completed, model.schema, questions)
    return built


def system_namespace(declaration: Declaration) -> str:
    """Answers are kept by what reads them: a changed declaration never reads the answers of another."""
    return hashlib.blake2b(declaration.model_dump_json().encode(), digest_size=6).hexdigest()


def _fingerprint(declared: Declared) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for declaration in sorted(declared.systems.declarations, key=lambda one: one.system.code):
        digest.update(declaration.model_dump_json().encode())
    digest.update(remotes_fingerprint(declared.remotes.subgraphs).encode())
    if declared.supergraph_sdl:
        digest.update(declared.supergraph_sdl.encode())
    return digest.hexdigest()
