"""Fields of places where an object's type is settled at run time: interfaces, unions and interface objects."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.planner.ambiguous import is_ambiguous_below
from gateway.planner.paths import shortest_hops
from gateway.planner.places import Host, Place, Placed, Placer, is_local
from gateway.planner.query_graph import QueryGraph
from gateway.planner.selections import Field, Fragment, Selection, collect

__all__ = ["place_abstract", "place_interface_object"]


def place_abstract(placer: Placer, place: Place, host: Host, selections: Sequence[Selection]) -> Placed:
    """Fields of the interface that all its types answer at once stay on it; the rest is placed type by type."""
    graph = placer.graph
    host.output.add_typename()
    supertypes = graph.supertypes(place.type_name)
    fields, fragments = collect(selections, lambda condition: condition in supertypes)
    typed: list[Selection] = list(fragments)
    result = Placed(groups={host.group.id})
    for item in fields:
        if item.name == "__typename" or is_local(graph, host, item):
            placed = placer.place_field(place.seen_by(host), item, ahead=())
            typed += placed.left
            result.groups |= placed.groups
        else:
            typed.append(item)
    if typed:
        placed = _place_by_type(placer, place, host, typed)
        result.groups |= placed.groups
        result.left += _left_of_abstract(graph, place, host, placed.left, fields)
    return result


def _left_of_abstract(
    graph: QueryGraph, place: Place, host: Host, left: Sequence[Selection], asked: Sequence[Field]
) -> list[Selection]:
    """A value that is asked of an interface must come from one subgraph for all types that may stand there."""
    if not graph.possible(host.subgraph, place.type_name):
        return [item for item in asked if item.name != "__typename" and not is_local(graph, host, item)]
    leaves = {_left_leaf(item) for item in left} - {None}
    whole = [item for item in asked if item.response in leaves and not item.children]
    kept = {item.response for item in whole}
    return [*whole, *(item for item in left if _left_leaf(item) not in kept)]


def _place_by_type(placer: Placer, place: Place, host: Host, selections: Sequence[Selection]) -> Placed:
    graph, result = placer.graph, Placed()
    asked: dict[str, list[Field]] = {}
    for name in graph.safe_possible(host.subgraph, place.type_name, host.peers):
        supertypes = graph.supertypes(name)
        asked[name], _ = collect(selections, lambda condition, known=supertypes: condition in known)  # type: ignore[misc]
    apart = is_ambiguous_below(asked.values())
    for name, fields in asked.items():
        if not fields:
            continue
        path = (*place.path, f"|[{name}]") if apart else place.path
        inner = Host(host.group, host.output.fragment(name), name, host.provided, host.peers)
        seen = Place(path, name, [inner], place.above, place.whole or place, place.deferral)
        placed = placer.place(seen, fields)
        result.groups |= placed.groups
        result.left += [Fragment(name, frozenset(), (item,)) for item in placed.left]
    return result


def place_interface_object(
    placer: Placer, place: Place, host: Host, selections: Sequence[Selection]
) -> Placed:
    """An object whose real type this subgraph does not know: type names and typed parts come from one that does."""
    graph = placer.graph
    supertypes = graph.supertypes(place.type_name)
    fields, fragments = collect(selections, lambda condition: condition in supertypes)
    direct = [item for item in fields if item.name != "__typename"]
    rest: list[Selection] = [item for item in fields if item.name == "__typename" and not item.internal]
    rest += fragments
    result = Placed(groups={host.group.id})
    for item in direct:
        placed = placer.place_field(place, item, ahead=direct)
        rest += placed.left
        result.groups |= placed.groups
    if rest:
        result.add(_place_with_real_type(placer, place, rest))
    return result


def _place_with_real_type(placer: Placer, place: Place, selections: Sequence[Selection]) -> Placed:
    graph = placer.graph
    way = shortest_hops(
        graph,
        place.type_name,
        standpoints=[host.standpoint for host in place.standing],
        goals=[goal for goal in graph.entity_views(place.type_name) if graph.is_abstract(*goal[:2])],
        preference=lambda subgraph, view: graph.uncovered(subgraph, view, selections),
    )
    if not way.hops:
        return Placed(left=list(selections))
    target = placer.hosts.follow(place, way)
    return placer.place(place.seen_by(target), selections)


def _left_leaf(item: Selection) -> str | None:
    """The response name of a leaf that was left for one type."""
    inner = item.children[0] if isinstance(item, Fragment) else item
    return inner.response if isinstance(inner, Field) and not inner.children else None
