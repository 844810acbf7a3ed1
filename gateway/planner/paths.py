"""The shortest way from the subgraphs that already answer at a place to one that resolves a field, by key hops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from graphql import FieldNode, SelectionSetNode

from gateway.planner.query_graph import Provided, QueryGraph
from schema.compose.supergraph import EntityKey

__all__ = ["Hop", "Standpoint", "shortest_hops"]


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where one can hop from: a subgraph, the type under which it sees the object, what @provides adds."""

    subgraph: str
    type_name: str
    provided: Provided = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One `_entities` fetch: by `key` into `subgraph`, which sees the object as `type_name`."""

    subgraph: str
    type_name: str
    key: EntityKey


def shortest_hops(
    graph: QueryGraph,
    type_name: str,
    *,
    standpoints: Iterable[Standpoint],
    is_goal: Callable[[str, str], bool],
    preference: Callable[[str, str], int],
) -> list[Hop]:
    """Hops that end in a (subgraph, type) that `is_goal`; the least `preference` among the nearest; [] if none.

    Breadth first: every hop costs one dependent fetch. Keys are taken whose fields the places so far answer.
    """
    reached = list(standpoints)
    ways: dict[tuple[str, str], list[Hop]] = {(item.subgraph, item.type_name): [] for item in reached}
    frontier: list[tuple[list[Standpoint], list[Hop]]] = [(reached, [])]
    while frontier:
        found: list[list[Hop]] = []
        following: list[tuple[list[Standpoint], list[Hop]]] = []
        for sources, way in frontier:
            for subgraph, view, key in graph.entity_views(type_name):
                if (subgraph, view) in ways or not can_give(graph, sources, key.selection):
                    continue
                longer = [*way, Hop(subgraph, view, key)]
                ways[(subgraph, view)] = longer
                following.append(([Standpoint(subgraph, view)], longer))
                if is_goal(subgraph, view):
                    found.append(longer)
        if found:
            return min(found, key=lambda hops: preference(hops[-1].subgraph, hops[-1].type_name))
        frontier = following
    return []


def can_give(graph: QueryGraph, sources: Iterable[Standpoint], selection: SelectionSetNode) -> bool:
    """Whether the standpoints together answer every field of a key at once."""
    known = list(sources)
    return all(
        any(
            graph.is_local_selection(
                item.subgraph, item.type_name, SelectionSetNode(selections=(node,)), item.provided
            )
            for item in known
        )
        for node in selection.selections
        if not (isinstance(node, FieldNode) and node.name.value == "__typename")
    )
