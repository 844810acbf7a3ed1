"""Declarations to a generation: sources, network, the two subgraphs, the composed schema. Nothing of it changes
afterwards; a change of declarations makes another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.build import Loaded, Surroundings, build_source
from adapters.case_questions import CaseQuestions
from adapters.connector import ConnectorSubgraph, connector_schema
from adapters.declaration import Declaration
from adapters.fetch import Subgraph
from adapters.local import LocalSubgraph
from adapters.network import Network
from adapters.source import Source
from adapters.tracing import CallTracer
from adapters.traffic.observer import TrafficObserver
from adapters.traffic.traffic import Answer
from cache.single_flight import SingleFlight
from cache.store import Store
from gateway.as_subgraph import federation_sdl
from gateway.directory import HouseContext, Systems
from gateway.engine import Generation
from gateway.gaps import GapBook
from gateway.operation import OperationCache
from gateway.planner import QueryGraph
from schema.compose import SubgraphSchema, compose
from schema.errors import SchemaError
from schema.registry import Registry
from schema.scalars import check_scalars
from schema.subgraphs import CASES, HOUSE, cases_sdl, executable, house_schema, house_sdl

__all__ = ["Built", "Parts", "build_generation"]


class CompositionFailed(SchemaError):
    """The subgraphs do not compose; the message has all errors."""

    code = "COMPOSITION_FAILED"


@dataclass(slots=True)
class Parts:
    """What generations share: stores, counters, keys. Built once by `app.py`."""

    registry: Registry
    store: Store
    gaps: GapBook
    observer: TrafficObserver | None
    secret: bytes = field(repr=False)
    tracer: CallTracer | None = None
    max_deadline_s: float = 10.0
    default_deadline_s: float = 2.0
    largest_page: int = 100
    operation_cache_entries: int = 1000


@dataclass(frozen=True, slots=True)
class Built:
    """A generation with what the next one takes over from it."""

    generation: Generation
    loaded: Loaded
    network: Network


def build_generation(parts: Parts, loaded: Loaded, *, number: int, previous: Built | None = None) -> Built:
    """Raises CompositionFailed. `loaded` has no problems (see `Loaded.raise_if_bad`)."""
    fingerprint = _fingerprint(loaded)
    sources = _sources(parts, loaded, fingerprint, previous)
    absent = {one.system.code: one for one in loaded.declarations if one.system.code in loaded.absent}
    network = Network(sources, parts.gaps, absent, parts.registry)
    systems = Systems(loaded.declarations, loaded.services, network, parts.gaps)
    subgraphs = _subgraphs(parts, network, systems)
    composition = compose([SubgraphSchema(name, None, one.sdl) for name, one in subgraphs.items()])
    if composition.supergraph is None or composition.api_schema is None:
        raise CompositionFailed("\n".join(str(error) for error in composition.errors))
    check_scalars(composition.api_schema)
    generation = Generation(
        number,
        fingerprint,
        composition,
        QueryGraph(composition.supergraph),
        subgraphs,
        systems.states,
        network.close,
        OperationCache(parts.operation_cache_entries),
        federation_sdl(composition.api_schema),
    )
    return Built(generation, loaded, network)


def _sources(parts: Parts, loaded: Loaded, fingerprint: str, previous: Built | None) -> Mapping[str, Source]:
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
            namespace=_system_namespace(declaration),
            tracer=parts.tracer,
        )
        source = build_source(declaration, loaded.services.get(code), around)
        before = previous.network.sources.get(code) if previous is not None else None
        if before is not None:
            source.traffic.adopt(before.traffic)
        sources[code] = source
    del fingerprint
    return sources


def _subgraphs(parts: Parts, network: Network, systems: Systems) -> dict[str, Subgraph]:
    context = HouseContext(parts.registry, systems, parts.largest_page)
    sdl = cases_sdl()
    questions = CaseQuestions(
        network,
        parts.registry,
        parts.secret,
        # another key than the cursors': a leak of the one must not open the other
        hashlib.blake2b(parts.secret, person=b"applicant ref", digest_size=32).digest(),
        parts.max_deadline_s,
        parts.default_deadline_s,
        parts.largest_page,
    )
    connector = ConnectorSubgraph(CASES, sdl, connector_schema(sdl), questions)
    house = LocalSubgraph(HOUSE, executable(house_schema()), house_sdl(), lambda _request: context)
    return {HOUSE: house, CASES: connector}


def _system_namespace(declaration: Declaration) -> str:
    """Answers are kept by what reads them: a changed declaration never reads the answers of another."""
    return hashlib.blake2b(declaration.model_dump_json().encode(), digest_size=6).hexdigest()


def _fingerprint(loaded: Loaded) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for declaration in sorted(loaded.declarations, key=lambda one: one.system.code):
        digest.update(declaration.model_dump_json().encode())
    return digest.hexdigest()
