"""Writes fields once on an interface where every type of it is asked the same: 70 fragments become none.

Placing goes type by type where types need different fetches; what is left in one operation is often the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.planner.fetch_graph import FetchGraph, Output, OutputField
from gateway.planner.query_graph import QueryGraph

__all__ = ["fold_types"]


def fold_types(fetches: FetchGraph, graph: QueryGraph) -> None:
    """In every selection set, deepest first; each once, though several types may share it."""
    seen: set[int] = set()
    for group in fetches.in_order():
        for lookup in group.lookups:
            _walk(lookup.output, graph, group.subgraph, seen)


def _walk(output: Output, graph: QueryGraph, subgraph: str, seen: set[int]) -> None:
    if id(output) in seen:
        return
    seen.add(id(output))
    for item in output.fields.values():
        if item.children is not None:
            _walk(item.children, graph, subgraph, seen)
    for part in output.fragments.values():
        _walk(part, graph, subgraph, seen)
    if len(output.fragments) > 1:
        _fold(output, graph, subgraph)


def _fold(output: Output, graph: QueryGraph, subgraph: str) -> None:
    parts = list(output.fragments.values())
    first = parts[0]
    if first.fragments or not all(_is_same(first, part) for part in parts[1:]):
        return
    for interface in _interfaces(output, graph, subgraph):
        if all(graph.join(subgraph, interface, item.name) is not None for item in _asked(first)):
            output.fragments = {}
            output.fragment(interface).absorb(first)
            return


def _interfaces(output: Output, graph: QueryGraph, subgraph: str) -> Iterator[str]:
    """Interfaces that stand for exactly the types of the fragments; among entities, for at least these."""
    if output.type_name == "_Entity":
        first, *others = output.fragments
        for name in sorted(graph.supertypes(first)):
            if graph.is_interface(subgraph, name) and graph.possible(subgraph, name):
                possible = graph.possible(subgraph, name)
                if first in possible and all(other in possible for other in others):
                    yield name
        return
    is_interface = graph.is_interface(subgraph, output.type_name)
    if is_interface and set(graph.possible(subgraph, output.type_name)) == output.fragments.keys():
        yield output.type_name


def _asked(output: Output) -> Iterator[OutputField]:
    return (item for item in output.fields.values() if item.name != "__typename")


def _is_same(one: Output, other: Output) -> bool:
    if one is other:
        return True
    if one.fields.keys() != other.fields.keys() or one.fragments.keys() != other.fragments.keys():
        return False
    return all(_is_same_field(item, other.fields[key]) for key, item in one.fields.items()) and all(
        _is_same(part, other.fragments[name]) for name, part in one.fragments.items()
    )


def _is_same_field(one: OutputField, other: OutputField) -> bool:
    if (one.name, one.type, one.arguments) != (other.name, other.type, other.arguments):
        return False
    if one.children is None or other.children is None:
        return one.children is other.children
    return _is_same(one.children, other.children)
