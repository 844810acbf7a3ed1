"""Everything that a generation is composed of: the house's own two subgraphs, the types that legacy systems add, and
the remote subgraphs of the declarations.

Remote SDLs that were in service once are kept in the data folder, so that a gateway starts while a department's
service is down: its fields are in the schema then and answer with SOURCE_UNAVAILABLE.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, parse

from adapters.build import Loaded, load_declarations
from adapters.connector import connector_schema
from adapters.own.loaded import OwnSchema
from adapters.problems import DeclarationError, Problem
from adapters.references import Lookup
from adapters.remote.build import RemoteSurroundings, build_remote
from adapters.remote.load import LoadedSubgraph, Remotes, load_remotes
from adapters.remote.subgraph import RemoteSubgraph
from adapters.soap.wsdl import SoapService
from adapters.traffic.breaker import BreakerState
from adapters.traffic.record import TrafficSnapshot
from adapters.validate import Known
from gateway.planner import QueryGraph
from schema.compose import Composition, CompositionError, SubgraphSchema, Supergraph, compose
from schema.subgraphs import (
    CASES,
    HOUSE,
    MIGRATION,
    cases_sdl,
    executable,
    house_schema,
    house_sdl,
    migration_schema,
    migration_sdl,
)

__all__ = [
    "OWN",
    "Composed",
    "Declared",
    "KeptSdls",
    "OwnSchemas",
    "build_remotes",
    "compose_all",
    "kept_sdls",
    "load_declared",
    "own_schemas",
    "own_subgraphs",
    "remote_states",
    "remotes_fingerprint",
]

OWN = frozenset({HOUSE, CASES, MIGRATION})
"""Subgraphs that this process answers itself."""


@dataclass(frozen=True, slots=True)
class OwnSchemas:
    """Schemas of the subgraphs that this process answers itself: the same for every generation."""

    house: GraphQLSchema
    house_sdl: str
    cases: GraphQLSchema
    cases_sdl: str
    migration: GraphQLSchema
    migration_sdl: str


@dataclass(frozen=True, slots=True)
class Composed:
    """All subgraphs as one supergraph; `problems` are why there is none."""

    own: OwnSchemas
    composition: Composition
    graph: QueryGraph | None
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Declared:
    """What the folder of declarations holds: legacy systems and remote subgraphs, and, where nothing is wrong with
    them one by one, what they compose to."""

    systems: Loaded = field(default_factory=Loaded)
    remotes: Remotes = field(default_factory=Remotes)
    composed: Composed | None = None
    supergraph_sdl: str = ""
    """Of a finished supergraph file; empty where the gateway composes."""

    @property
    def problems(self) -> list[Problem]:
        """Of all. A folder without a legacy system is none where remote subgraphs are declared."""
        if self.composed is not None:
            return sorted(self.composed.problems)
        remotes = self.remotes
        is_declared = bool(remotes.subgraphs or remotes.problems)
        systems = [
            one for one in self.systems.problems if not (is_declared and one.code == "NO_DECLARATIONS")
        ]
        return sorted([*systems, *remotes.problems])

    def raise_if_bad(self) -> None:
        """Raises DeclarationError with every problem."""
        if self.problems:
            raise DeclarationError(self.problems)


@dataclass(frozen=True, slots=True)
class KeptSdls:
    """The last SDL of each remote subgraph that was in service, one file each."""

    folder: Path

    def read(self, name: str) -> str | None:
        """None where there is none, or none that can be read."""
        try:
            return (self.folder / f"{name}.graphql").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def write(self, remotes: Iterable[LoadedSubgraph]) -> None:
        """Keeps what a service told; whole files only. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for one in remotes:
            if one.origin != "service" or self.read(one.name) == one.sdl:
                continue
            draft = self.folder / f".{one.name}.{os.getpid()}.tmp"
            draft.write_text(one.sdl, encoding="utf-8")
            draft.replace(self.folder / f"{one.name}.graphql")


def kept_sdls(data_dir: Path) -> KeptSdls:
    """Those of a gateway that writes to `data_dir`."""
    return KeptSdls(data_dir / "subgraphs")


async def load_declared(
    folder: Path,
    lookup: Lookup,
    known: Known,
    *,
    kept: Callable[[str], str | None],
    previous: Mapping[str, SoapService] | None = None,
    own: OwnSchemas | None = None,
) -> Declared:
    """All of a folder, for a gateway that starts or reloads: what does not answer now is tolerated where it can be.

    previous, own: what the generation before can give.
    """
    systems, remotes = await asyncio.gather(
        load_declarations([folder], lookup, known, tolerate_unreachable=True, previous=previous),
        load_remotes([folder], lookup, known, reserved=OWN, kept=kept),
    )
    declared = Declared(systems, remotes)
    if not declared.problems:
        # tenths of a second of work, in which the requests of the present generation must not stand still
        declared.composed = await asyncio.to_thread(compose_all, remotes.subgraphs, own, systems.own)
    return declared


def own_subgraphs(supergraph: Supergraph, connectors: Sequence[OwnSchema] = ()) -> frozenset[str]:
    """Those that this process answers itself: by name (also of systems that add types), and reached at no URL."""
    names = OWN | {one.code for one in connectors}
    return frozenset(
        name for name in names & supergraph.subgraphs.keys() if not supergraph.subgraphs[name].url
    )


def own_schemas() -> OwnSchemas:
    """Built anew: keep them."""
    sdl = cases_sdl()
    return OwnSchemas(
        executable(house_schema()),
        house_sdl(),
        connector_schema(sdl),
        sdl,
        executable(migration_schema()),
        migration_sdl(),
    )


def compose_all(
    remotes: Sequence[LoadedSubgraph], own: OwnSchemas | None = None, connectors: Sequence[OwnSchema] = ()
) -> Composed:
    """The supergraph of the gateway's own subgraphs and these. connectors: types that legacy systems add."""
    own = own or own_schemas()
    schemas = [SubgraphSchema(HOUSE, None, own.house_sdl), SubgraphSchema(CASES, None, own.cases_sdl)]
    schemas += [SubgraphSchema(MIGRATION, None, own.migration_sdl)]
    schemas += [SubgraphSchema(one.code, None, one.sdl) for one in connectors]
    schemas += [SubgraphSchema(one.name, one.declaration.subgraph.url, one.sdl) for one in remotes]
    composition = compose(schemas)
    problems = _composition_problems(composition.errors, remotes, connectors)
    graph = QueryGraph(composition.supergraph) if composition.supergraph is not None else None
    return Composed(own, composition, graph, tuple(problems))


def _composition_problems(
    errors: Sequence[CompositionError], remotes: Sequence[LoadedSubgraph], connectors: Sequence[OwnSchema]
) -> list[Problem]:
    """Composition errors with a place: the line of an SDL file; for an SDL that a service told, its declaration; for
    the types of a legacy system, where its declaration has them."""
    by_name = {one.name: one for one in remotes}
    return [
        _own_problem(error, connectors) or _composition_problem(error, by_name.get(error.subgraph or ""))
        for error in errors
    ]


def _own_problem(error: CompositionError, connectors: Sequence[OwnSchema]) -> Problem | None:
    """Of the types of a legacy system; where another system's types have the same element, it says where."""
    found = [(one, line) for one in connectors if (line := _line_of(one, error)) is not None]
    named = next((one for one in connectors if one.code == error.subgraph), None)
    if named is None and not found:
        return None
    holder = named or found[0][0]
    line = error.line if named is not None else found[0][1]
    others = [f"{one.path}:{one.line(at)}" for one, at in found if one is not holder]
    also = f" (also in {', '.join(others)})" if others else ""
    return Problem(holder.path, holder.line(line), 1, error.code, f"{error.message}{also}")


def _line_of(schema: OwnSchema, error: CompositionError) -> int | None:
    """Line of the element that an error speaks of, if a system's own types have it."""
    if error.type_name is None:
        return None
    for node in parse(schema.sdl).definitions:
        name = getattr(node, "name", None)
        if name is None or name.value != error.type_name:
            continue
        fields = {one.name.value: one for one in getattr(node, "fields", None) or ()}
        element: Any = fields.get(error.field_name) if error.field_name is not None else node
        if element is not None and element.name.loc is not None:
            return int(element.name.loc.start_token.line)
    return None


def _composition_problem(error: CompositionError, remote: LoadedSubgraph | None) -> Problem:
    if remote is None:
        return Problem(Path(error.subgraph or "supergraph"), error.line or 1, 1, error.code, error.message)
    if remote.sdl_path is not None:
        return Problem(remote.sdl_path, error.line or 1, 1, error.code, error.message)
    line = f", line {error.line}" if error.line else ""
    told = {"service": "as its service tells it", "kept": "as it was kept"}.get(remote.origin, "")
    message = f"{error.message} (SDL of {remote.name} {told}{line})"
    return Problem(remote.path, remote.line, 1, error.code, message)


def build_remotes(
    remotes: Sequence[LoadedSubgraph],
    around: RemoteSurroundings,
    previous: Mapping[str, RemoteSubgraph],
) -> dict[str, RemoteSubgraph]:
    """Every remote subgraph anew, with the traffic state (breaker, counts) of the one before."""
    built: dict[str, RemoteSubgraph] = {}
    for one in remotes:
        subgraph = build_remote(one.declaration, one.sdl, around)
        before = previous.get(one.name)
        if before is not None and before.url == subgraph.url:
            subgraph.traffic.adopt(before.traffic)
        built[one.name] = subgraph
    return built


def remotes_fingerprint(remotes: Sequence[LoadedSubgraph]) -> str:
    """The same for the same declarations and SDLs."""
    digest = hashlib.blake2b(digest_size=8)
    for one in sorted(remotes, key=lambda one: one.name):
        digest.update(one.declaration.model_dump_json().encode() + b"\0" + one.sdl.encode() + b"\0")
    return digest.hexdigest()


def remote_states(subgraphs: Iterable[RemoteSubgraph]) -> dict[str, str]:
    """For /health/ready: up, degraded, down or unknown."""
    return {one.name: _state(one.traffic.snapshot()) for one in subgraphs}


def _state(snapshot: TrafficSnapshot) -> str:
    if snapshot.breaker_state is BreakerState.OPEN:
        return "down"
    if not snapshot.calls:
        return "unknown"
    success, error = snapshot.last_success_at, snapshot.last_error_at
    failing_last = error is not None and (success is None or error > success)
    return "degraded" if failing_last or snapshot.breaker_state is BreakerState.HALF_OPEN else "up"
