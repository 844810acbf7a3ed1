"""Checks before the merge, of single subgraphs and of all; each returns all its errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schema.compose.errors import CompositionError
from schema.compose.subgraph import SubgraphModel, SubgraphSchema
from schema.compose.validate.access import check_access_directives
from schema.compose.validate.contexts import check_contexts
from schema.compose.validate.cost import check_cost
from schema.compose.validate.externals import check_field_directives
from schema.compose.validate.field_sets import check_field_sets
from schema.compose.validate.interfaces import check_interfaces
from schema.compose.validate.links import check_import_names

__all__ = ["check_all", "check_subgraph", "check_subgraph_names"]


def check_subgraph_names(subgraphs: Sequence[SubgraphSchema]) -> Iterator[CompositionError]:
    """Names are there, are usable in the supergraph, and differ."""
    seen: set[str] = set()
    for subgraph in subgraphs:
        if not subgraph.name or subgraph.name == "_":
            message = f'a subgraph cannot be called "{subgraph.name}"; give it a name'
            yield CompositionError("INVALID_SUBGRAPH_NAME", message, subgraph.name)
        elif subgraph.name in seen:
            message = f"two subgraphs have the name {subgraph.name}; names must differ"
            yield CompositionError("INVALID_SUBGRAPH_NAME", message, subgraph.name)
        seen.add(subgraph.name)


def check_subgraph(model: SubgraphModel) -> Iterator[CompositionError]:
    """What is wrong with one subgraph alone."""
    yield from check_field_sets(model)
    yield from check_field_directives(model)
    yield from check_access_directives(model)
    yield from check_contexts(model)
    yield from check_cost(model)


def check_all(models: Sequence[SubgraphModel]) -> Iterator[CompositionError]:
    """What is wrong between subgraphs and is not a matter of merging one element."""
    yield from check_import_names(models)
    yield from check_interfaces(models)
