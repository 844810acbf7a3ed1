"""What an operation was compiled to, as text to read: `quanyu plan --stage compiled`."""

from __future__ import annotations

from graphql import GraphQLObjectType, GraphQLSchema

from gateway.executor.compile import below, shared_paths
from gateway.executor.gathering import gather_source
from gateway.executor.representations import PossibleTypes
from gateway.executor.written_projection import WrittenProjection
from gateway.planner.nodes import BatchFetchNode, FetchNode, FlattenNode, QueryPlan, Representation
from gateway.planner.selections import Selection

__all__ = ["compiled_text"]


def compiled_text(
    plan: QueryPlan,
    schema: GraphQLSchema,
    root: GraphQLObjectType,
    selections: tuple[Selection, ...],
    possible_types: PossibleTypes,
) -> str:
    """For each fetch its operation and how its representations are gathered, then the projection."""
    shared = shared_paths(plan)
    parts = []
    for node in below(plan.node):
        if isinstance(node, FetchNode):
            parts.append(_heading(node))
        elif isinstance(node, FlattenNode):
            gathered = _gather((node.path,), node.node.requires, possible_types, shared)
            parts.append(_heading(node.node) + (gathered if node.node.requires else ""))
        elif isinstance(node, BatchFetchNode):
            lookups = [
                f"# {item.alias}\n{_gather(item.paths, item.requires, possible_types, shared)}"
                for item in node.lookups
            ]
            parts.append(_heading(node) + "\n".join(lookups))
    projection = WrittenProjection(schema, root, selections, shared).text
    return "\n".join([*parts, f"# --- answer\n{projection}"])


def _heading(fetch: FetchNode | BatchFetchNode) -> str:
    return f"# --- {fetch.subgraph}: {fetch.operation}\n"


def _gather(
    paths: tuple[tuple[str, ...], ...],
    requires: tuple[Representation, ...],
    possible_types: PossibleTypes,
    shared: frozenset[tuple[str, ...]],
) -> str:
    source = gather_source(paths, requires, possible_types, shared)
    return source.text if source else "# gathered by closures: several types, or keys with objects in them\n"
