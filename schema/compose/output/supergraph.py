"""The supergraph in the join spec, in the version that its federation version asks for."""

from __future__ import annotations

from schema.compose.output.header import print_header
from schema.compose.output.join import JoinDirectives
from schema.compose.output.types import print_type
from schema.compose.supergraph import Supergraph

__all__ = ["print_supergraph_sdl"]


def print_supergraph_sdl(supergraph: Supergraph) -> str:
    """SDL that Apollo's and Hive's routers read."""
    join = JoinDirectives(supergraph)
    types = [print_type(item, supergraph, set(), join) for item in supergraph.types.values()]
    return "\n\n".join([print_header(supergraph, join), *types]) + "\n"
