"""Subgraph schemas into one supergraph. Pure: knows nothing of servers, departments or files."""

from schema.compose.api_schema import build_api_schema
from schema.compose.composition import Composition, compose, read_supergraph
from schema.compose.contracts import contract
from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.output import print_subgraph_types
from schema.compose.subgraph import SubgraphSchema
from schema.compose.supergraph import Supergraph

__all__ = [
    "Composition",
    "CompositionError",
    "CompositionHint",
    "SubgraphSchema",
    "Supergraph",
    "build_api_schema",
    "compose",
    "contract",
    "print_subgraph_types",
    "read_supergraph",
]
