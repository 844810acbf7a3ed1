"""Composition, step by step: read, check, merge, check again, and print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from graphql import GraphQLSchema, GraphQLSyntaxError, parse

from schema.compose.api_schema import build_api_schema
from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.merge import merge
from schema.compose.output import print_supergraph_sdl
from schema.compose.reader import read_supergraph_document
from schema.compose.satisfiability import check_satisfiability
from schema.compose.subgraph import SubgraphModel, SubgraphSchema, read_subgraph, upgrade
from schema.compose.supergraph import Supergraph
from schema.compose.validate import check_all, check_subgraph, check_subgraph_names
from schema.compose.validate.access import check_transitive_access
from schema.compose.validate.inaccessible import check_inaccessible

__all__ = ["Composition", "compose", "read_supergraph"]


@dataclass(frozen=True, slots=True)
class Composition:
    """A supergraph with its API schema and SDL, or None and empty text with the errors that refuse it."""

    supergraph: Supergraph | None
    api_schema: GraphQLSchema | None
    supergraph_sdl: str
    errors: tuple[CompositionError, ...]
    hints: tuple[CompositionHint, ...]


def compose(subgraphs: Sequence[SubgraphSchema]) -> Composition:
    """Federation SDLs -> one supergraph. Never raises for what an SDL says: all errors come back at once."""
    errors = list(check_subgraph_names(subgraphs))
    models: list[SubgraphModel] = []
    for subgraph in subgraphs:
        model, problems = read_subgraph(subgraph)
        errors += problems
        models += [model] if model is not None else []
    errors += upgrade(models)
    errors += [error for model in models for error in check_subgraph(model)]
    if len(models) < len(subgraphs):
        return _refused(errors, subgraphs, models, ())
    errors += check_all(models)
    supergraph, merge_errors, hints = merge(models)
    errors += merge_errors
    if not errors:
        errors += [error for model in models for error in check_transitive_access(model, supergraph.types)]
    errors += _no_queries(supergraph)
    errors += check_inaccessible(supergraph)
    if errors:
        return _refused(errors, subgraphs, models, hints)
    api_schema, errors = build_api_schema(supergraph)
    errors += check_satisfiability(supergraph)
    if api_schema is None or errors:
        return _refused(errors, subgraphs, models, hints)
    return Composition(supergraph, api_schema, print_supergraph_sdl(supergraph), (), tuple(hints))


def read_supergraph(sdl: str) -> Composition:
    """A finished supergraph (join spec v0.1 to v0.5) -> the same as its composition, without hints. Never raises."""
    try:
        document = parse(sdl)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else None
        message = f"the supergraph cannot be parsed: {error.message}"
        return _refused([CompositionError("INVALID_GRAPHQL", message, line=line)])
    supergraph, errors = read_supergraph_document(document)
    if supergraph is None:
        return _refused(errors)
    errors += _no_queries(supergraph)
    api_schema, more = build_api_schema(supergraph)
    if api_schema is None or errors:
        return _refused([*errors, *more])
    return Composition(supergraph, api_schema, sdl, (), ())


def _refused(
    errors: Iterable[CompositionError],
    subgraphs: Sequence[SubgraphSchema] = (),
    models: Sequence[SubgraphModel] = (),
    hints: Iterable[CompositionHint] = (),
) -> Composition:
    files = {subgraph.name: subgraph.file for subgraph in subgraphs}
    placed = (_located(error, models) for error in dict.fromkeys(errors))
    found = tuple(replace(error, file=files.get(error.subgraph or "")) for error in placed)
    return Composition(None, None, "", found, tuple(hints))


def _no_queries(supergraph: Supergraph) -> Iterator[CompositionError]:
    if not supergraph.root_fields("Query"):
        message = "no subgraph has a field on Query: there is nothing to ask. Add one to a subgraph"
        yield CompositionError("NO_QUERIES", message, None, "Query")


def _located(error: CompositionError, models: Sequence[SubgraphModel]) -> CompositionError:
    """An error of the merged whole, at the first subgraph that has its element."""
    if error.subgraph is not None or error.type_name is None:
        return error
    for model in models:
        definition = model.types.get(error.type_name)
        if definition is None:
            continue
        if error.field_name is None:
            return replace(error, subgraph=model.name, line=definition.line)
        item = definition.fields.get(error.field_name)
        if item is not None:
            return replace(error, subgraph=model.name, line=item.line)
    return error
