"""The shortest way from the subgraphs that already answer at a place to one that resolves a field, by key hops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from graphql import SelectionSetNode

from gateway.planner.query_graph import Provided, QueryGraph
from gateway.planner.selections import read_selections
from schema.compose.supergraph import EntityKey

__all__ = ["Hop", "Standpoint", "Way", "can_give", "shortest_hops"]

View = tuple[str, str, EntityKey]
"""(subgraph, type there, key): one way to ask for an entity."""


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


@dataclass(frozen=True, slots=True)
class Way:
    """Hops, and the subgraphs in which other ways of the same length end."""

    hops: tuple[Hop, ...] = ()
    equal: tuple[str, ...] = ()


def shortest_hops(
    graph: QueryGraph,
    type_name: str,
    *,
    standpoints: Iterable[Standpoint],
    goals: Sequence[View],
    preference: Callable[[str, str], int],
) -> Way:
    """Hops that end in one of the goals; the least `preference` among the nearest; no hops if there is no way.

    Breadth first: every hop costs one dependent fetch. Keys are taken whose fields the places so far answer.
    """
    start = list(standpoints)
    if not goals:
        return Way()
    nearest = [[Hop(*goal)] for goal in goals if can_give(graph, start, goal[2].selection)]
    if not nearest:
        nearest = _search(graph, type_name, start, {goal[:2] for goal in goals})
    if not nearest:
        return Way()
    if len(nearest) == 1:
        return Way(tuple(nearest[0]))
    best = min(nearest, key=lambda hops: preference(hops[-1].subgraph, hops[-1].type_name))
    ends = dict.fromkeys(hops[-1].subgraph for hops in nearest if hops[-1].subgraph != best[-1].subgraph)
    return Way(tuple(best), tuple(ends))


def _search(
    graph: QueryGraph, type_name: str, start: list[Standpoint], goals: set[tuple[str, str]]
) -> list[list[Hop]]:
    """All ways of the least length that end in a goal."""
    reached = {(item.subgraph, item.type_name) for item in start}
    frontier: list[tuple[list[Standpoint], list[Hop]]] = [(start, [])]
    while frontier:
        found: list[list[Hop]] = []
        following: list[tuple[list[Standpoint], list[Hop]]] = []
        for sources, way in frontier:
            for subgraph, view, key in graph.entity_views(type_name):
                if (subgraph, view) in reached or not can_give(graph, sources, key.selection):
                    continue
                reached.add((subgraph, view))
                longer = [*way, Hop(subgraph, view, key)]
                following.append(([Standpoint(subgraph, view)], longer))
                if (subgraph, view) in goals:
                    found.append(longer)
        if found:
            return found
        frontier = following
    return []


def can_give(graph: QueryGraph, sources: Sequence[Standpoint], selection: SelectionSetNode) -> bool:
    """Whether the standpoints together answer every field of a key at once."""
    if any(
        graph.is_local_selection(item.subgraph, item.type_name, selection, item.provided) for item in sources
    ):
        return True
    return len(sources) > 1 and all(
        any(graph.uncovered(item.subgraph, item.type_name, (part,), item.provided) == 0 for item in sources)
        for part in read_selections(selection, {})
    )
