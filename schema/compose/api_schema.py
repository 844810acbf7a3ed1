"""What clients see: the supergraph as a GraphQL schema without federation machinery."""

from __future__ import annotations

from graphql import GraphQLError, GraphQLSchema, build_schema, validate_schema

from schema.compose.errors import CompositionError
from schema.compose.sdl import print_api_sdl
from schema.compose.supergraph import Supergraph

__all__ = ["build_api_schema"]


def build_api_schema(supergraph: Supergraph) -> tuple[GraphQLSchema | None, list[CompositionError]]:
    """The schema, or None with what makes the merged types no valid schema."""
    try:
        schema = build_schema(print_api_sdl(supergraph), assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        message = f"the merged types make no schema: {error}"
        return None, [CompositionError("INVALID_GRAPHQL", message)]
    problems = [
        CompositionError("INVALID_GRAPHQL", f"the merged types make no schema: {problem.message}")
        for problem in validate_schema(schema)
    ]
    return (None if problems else schema), problems
