"""Composition, step by step: read, check, merge, check again, and print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import GraphQLSchema

from schema.compose.api_schema import build_api_schema
from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.merge import merge
from schema.compose.sdl import print_supergraph_sdl
from schema.compose.subgraph import SubgraphSchema, read_subgraph
from schema.compose.supergraph import Supergraph
from schema.compose.validate import check_subgraph, check_subgraph_names, check_supergraph

__all__ = ["Composition", "compose"]


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
    models = []
    for subgraph in subgraphs:
        model, problems = read_subgraph(subgraph)
        errors += problems
        models += [model] if model else []
    if errors:
        return Composition(None, None, "", tuple(errors), ())
    errors += [error for model in models for error in check_subgraph(model)]
    supergraph, merge_errors, hints = merge(models)
    errors += merge_errors
    errors += check_supergraph(supergraph)
    if errors:
        return Composition(None, None, "", tuple(errors), tuple(hints))
    api_schema, errors = build_api_schema(supergraph)
    if api_schema is None:
        return Composition(None, None, "", tuple(errors), tuple(hints))
    return Composition(supergraph, api_schema, print_supergraph_sdl(supergraph), (), tuple(hints))
