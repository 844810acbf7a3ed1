"""Subgraph schemas into one supergraph. Pure: knows nothing of servers, departments or files."""

from schema.compose.composition import Composition, compose, read_supergraph
from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.subgraph import SubgraphSchema
from schema.compose.supergraph import Supergraph

__all__ = [
    "Composition",
    "CompositionError",
    "CompositionHint",
    "SubgraphSchema",
    "Supergraph",
    "compose",
    "read_supergraph",
]
