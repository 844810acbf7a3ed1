"""What clients see: the supergraph as a GraphQL schema without federation machinery."""

from __future__ import annotations

from graphql import GraphQLError, GraphQLSchema, build_ast_schema, parse, validate_schema

from schema.compose.errors import CompositionError
from schema.compose.output import print_api_sdl
from schema.compose.subgraph.places import coordinate_at
from schema.compose.supergraph import Supergraph

__all__ = ["build_api_schema"]


def build_api_schema(supergraph: Supergraph) -> tuple[GraphQLSchema | None, list[CompositionError]]:
    """The schema, or None with what makes the merged types no valid schema."""
    document = parse(print_api_sdl(supergraph) or "scalar Empty")
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
        errors = validate_schema(schema)
    except (GraphQLError, TypeError) as error:
        message = f"the merged types make no schema: {error}"
        return None, [CompositionError("INVALID_GRAPHQL", message)]
    problems = []
    for problem in errors:
        type_name, field_name = coordinate_at(document, problem.nodes[0] if problem.nodes else None)
        message = f"the merged types make no schema: {problem.message}"
        problems.append(CompositionError("INVALID_GRAPHQL", message, None, type_name, field_name))
    return (None if problems else schema), problems
