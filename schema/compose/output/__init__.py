"""Supergraph -> text: what clients see, or the join spec for other routers."""

from schema.compose.output.api import print_api_sdl
from schema.compose.output.subgraph_types import print_subgraph_types
from schema.compose.output.supergraph import print_supergraph_sdl

__all__ = ["print_api_sdl", "print_subgraph_types", "print_supergraph_sdl"]
