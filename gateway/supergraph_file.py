"""A finished supergraph file as the gateway's graph, of whatever composer: nothing is composed, nobody is introspected.

Its subgraphs are remote ones, with the URLs of its `join__Graph` entries. A subgraph file of the same name
(`systems/subgraphs/`) says otherwise: URL, headers, credentials, traffic. `house` and `cases` without a URL are the
gateway's own, as `quanyu compose` writes them; without them there is no registry and no legacy system.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphql import DocumentNode, EnumTypeDefinitionNode, GraphQLSchema, parse, value_from_ast_untyped

from adapters.build import Loaded, load_declarations
from adapters.connector import connector_schema
from adapters.loader import load
from adapters.own.loaded import OwnSchema
from adapters.problems import Problem
from adapters.references import Lookup
from adapters.remote.declaration import SubgraphDeclaration, SubgraphInfo
from adapters.remote.load import LoadedSubgraph, Remotes, read_text, subgraph_files
from adapters.remote.validate import CheckedSubgraph, check_names, check_subgraph
from adapters.soap.wsdl import SoapService
from adapters.validate import Known
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import parse_url
from gateway.planner import QueryGraph
from gateway.subgraphs import Composed, Declared, OwnSchemas, own_schemas, own_subgraphs
from schema.compose import Composition, Supergraph, print_subgraph_types, read_supergraph
from schema.compose.supergraph import SupergraphSubgraph
from schema.subgraphs import CASES, HOUSE, MIGRATION

__all__ = ["load_supergraph_file", "read_supergraph_file"]


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    text: str
    composition: Composition

    @property
    def supergraph(self) -> Supergraph:
        assert self.composition.supergraph is not None  # noqa: S101 - files without one are problems
        return self.composition.supergraph

    def problem(self, subgraph: str, code: str, message: str, *, allowed: str = "") -> Problem:
        """At the subgraph's entry in the enum `join__Graph`."""
        return Problem(self.path, _graph_lines(parse(self.text)).get(subgraph, 1), 1, code, message, allowed)


def read_supergraph_file(path: Path) -> Composition | list[Problem]:
    """The graph of a file, or everything that is wrong with it. Blocking."""
    found = _read(path)
    return found if isinstance(found, list) else found.composition


async def load_supergraph_file(
    path: Path,
    folder: Path,
    lookup: Lookup,
    known: Known,
    *,
    previous: Mapping[str, SoapService] | None = None,
    own: OwnSchemas | None = None,
) -> Declared:
    """The graph of a file with all that is needed to run it. Never raises for what is in the files.

    folder: of declarations; it need not exist where the file has no subgraph of the gateway's own. previous, own: as
    for `load_declared`.
    """
    found = await asyncio.to_thread(_read, path)
    if isinstance(found, list):
        return Declared(remotes=Remotes(problems=found))
    systems = Loaded()
    if CASES in own_subgraphs(found.supergraph):
        systems = await load_declarations(
            [folder], lookup, known, tolerate_unreachable=True, previous=previous
        )
    mine = own_subgraphs(found.supergraph, systems.own)
    remotes = await asyncio.to_thread(_remotes, found, folder, lookup, known, mine)
    schemas = own if own is not None else await asyncio.to_thread(own_schemas)
    remotes.problems.extend(_outdated(found, mine, schemas, systems.own))
    declared = Declared(systems, remotes, supergraph_sdl=found.text)
    if not declared.problems:
        graph = await asyncio.to_thread(QueryGraph, found.supergraph)
        declared.composed = Composed(schemas, found.composition, graph, ())
    return declared


def _read(path: Path) -> _File | list[Problem]:
    text = read_text(path)
    if isinstance(text, Problem):
        return [text]
    composition = read_supergraph(text)
    if composition.supergraph is not None:
        return _File(path, text, composition)
    return [Problem(path, one.line or 1, 1, one.code, one.message) for one in composition.errors]


def _remotes(found: _File, folder: Path, lookup: Lookup, known: Known, mine: frozenset[str]) -> Remotes:
    """Every subgraph that is not the gateway's own, by its file or by what the supergraph says."""
    checked = _checked_files(folder, lookup, known)
    by_name = {_plain(one.declaration.name): one for one in checked if one.declaration is not None}
    remotes = Remotes()
    for name, subgraph in found.supergraph.subgraphs.items():
        if name in mine:
            continue
        rules = by_name.pop(_plain(name), None)
        made = _of_file(found, name, rules) if rules is not None else _of_entry(found, subgraph)
        if isinstance(made, Problem):
            remotes.problems.append(made)
        else:
            remotes.subgraphs.append(made)
    for rules in by_name.values():
        message = f"the supergraph {found.path} has no such subgraph; this file does nothing"
        remotes.warnings.append(rules.document.problem(("subgraph", "name"), "SUBGRAPH_UNUSED", message))
    for one in checked:
        remotes.problems.extend(one.document.problems)
        remotes.warnings.extend(one.warnings)
    return remotes


def _checked_files(folder: Path, lookup: Lookup, known: Known) -> list[CheckedSubgraph]:
    checked = []
    for path in subgraph_files(folder):
        text = read_text(path)
        document = load(path, "" if isinstance(text, Problem) else text)
        if isinstance(text, Problem):
            document.problems.append(text)
        checked.append(check_subgraph(document, lookup, known))
    check_names(checked, frozenset())
    return checked


def _of_file(found: _File, name: str, rules: CheckedSubgraph) -> LoadedSubgraph:
    declaration = rules.declaration
    assert declaration is not None  # noqa: S101 - only those are looked up by name
    line = rules.document.where(("subgraph",), key=True)[0]
    named = declaration.model_copy(
        update={"subgraph": declaration.subgraph.model_copy(update={"name": name})}
    )
    return LoadedSubgraph(
        named, rules.document.path, line, print_subgraph_types(found.supergraph, name), "file"
    )


def _of_entry(found: _File, subgraph: SupergraphSubgraph) -> LoadedSubgraph | Problem:
    name = subgraph.name
    if not subgraph.url:
        message = f"the subgraph {name} has no url"
        allowed = f"give it one, or a file systems/subgraphs/{_plain(name)}.yaml"
        return found.problem(name, "SUBGRAPH_URL_MISSING", message, allowed=allowed)
    try:
        parse_url(subgraph.url)
    except UrlRefused as error:
        return found.problem(name, "BAD_ADDRESS", f"{name}: {error.reason}, found {subgraph.url[:100]!r}")
    info = SubgraphInfo(name="subgraph", url=subgraph.url).model_copy(update={"name": name})
    types = print_subgraph_types(found.supergraph, name)
    return LoadedSubgraph(SubgraphDeclaration(subgraph=info), found.path, 1, types, "file", found.path)


def _plain(name: str) -> str:
    """Names of composers are free, those of files are not: "JT_Permit" and "jt-permit" are one."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _outdated(
    found: _File, mine: frozenset[str], own: OwnSchemas, connectors: Sequence[OwnSchema]
) -> Iterator[Problem]:
    """Fields that the file has of the gateway's own subgraphs and that this version does not."""
    schemas: dict[str, GraphQLSchema] = {
        HOUSE: own.house,
        CASES: own.cases,
        MIGRATION: own.migration,
    }
    schemas |= {one.code: connector_schema(one.sdl) for one in connectors if one.code in mine}
    for subgraph in sorted(mine):
        types = schemas[subgraph].type_map
        gone = [
            f"{item.name}.{field.name}"
            for item in found.supergraph.types.values()
            for field in item.fields.values()
            if subgraph in field.joins and field.name not in getattr(types.get(item.name), "fields", {})
        ]
        if gone:
            message = (
                f"it has {', '.join(gone[:3])}{' ...' if len(gone) > 3 else ''} of {subgraph}, unknown here"
            )
            yield found.problem(
                subgraph,
                "SUPERGRAPH_OF_ANOTHER_VERSION",
                message,
                allowed="compose it again with this version",
            )


def _graph_lines(document: DocumentNode) -> dict[str, int]:
    """Line of each subgraph's entry, by name."""
    lines: dict[str, int] = {}
    for definition in document.definitions:
        if not isinstance(definition, EnumTypeDefinitionNode) or not definition.name.value.endswith(
            "__Graph"
        ):
            continue
        for value in definition.values or ():
            for argument in (one for item in value.directives or () for one in item.arguments or ()):
                if argument.name.value == "name" and value.loc is not None:
                    lines[str(value_from_ast_untyped(argument.value))] = value.loc.start_token.line
    return lines
