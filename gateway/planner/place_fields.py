"""Puts every field of an operation into a fetch: where it stands already, or one key hop away, or after @requires.

The walk goes down the client's selections. At each place it knows which fetches answer there (`Host`); a field that
none of them resolves opens another fetch by the shortest way. What cannot be reached at all from a place is handed
back to the place above, which may answer the same field from a second subgraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.planner.deferrals import depth_of
from gateway.planner.fetch_graph import FetchGraph, Output
from gateway.planner.find_host import HostFinder
from gateway.planner.names import ResponseNames
from gateway.planner.paths import can_give
from gateway.planner.place_abstract import place_abstract, place_interface_object
from gateway.planner.places import Host, Place, Placed, is_local
from gateway.planner.query_graph import QueryGraph
from gateway.planner.required import list_depth, unreachable
from gateway.planner.selections import Field, Selection, collect
from gateway.planner.why import Notes

__all__ = ["FieldPlacer"]


@dataclass(frozen=True, slots=True)
class _Known:
    """What came of selections below a field. `selections` are kept so that their ids stay theirs."""

    placed: Placed
    output: Output
    selections: tuple[Selection, ...]


class FieldPlacer:
    """Fills a fetch graph. One for each operation (for each step of a mutation)."""

    def __init__(
        self, graph: QueryGraph, fetches: FetchGraph, names: ResponseNames, notes: Notes | None = None
    ) -> None:
        """notes: takes down which host answers which field, where a plan is to be explained."""
        self.graph = graph
        self.fetches = fetches
        self.names = names
        self._notes = notes
        self._placed: dict[object, _Known] = {}
        self.hosts = HostFinder(graph, fetches, names, placer=self)

    # ── root ──

    def place_root(self, root: str, selections: Sequence[Selection]) -> None:
        """Every root field from the subgraph that gives most of it. Raises UnreachableField."""
        place = Place((), root, [])
        fields, _ = collect(selections, lambda condition: condition in self.graph.supertypes(root))
        for item in fields:
            placed = self.place_field(place, item, ahead=fields)
            for rest in placed.left:
                raise unreachable(self.graph.supergraph.types, place.type_name, rest)

    # ── places ──

    def place(self, place: Place, selections: Sequence[Selection]) -> Placed:
        """Selections at a place. The first host decides how the place is seen."""
        host = place.hosts[0]
        if self.graph.is_abstract(host.subgraph, place.type_name):
            return place_abstract(self, place, host, selections)
        if self.graph.is_interface_object(host.subgraph, place.type_name):
            return place_interface_object(self, place, host, selections)
        return self.place_object(place, selections)

    def place_object(self, place: Place, selections: Sequence[Selection]) -> Placed:
        """Selections at a place whose type is settled: first what its hosts answer, then what opens others."""
        supertypes = self.graph.supertypes(place.type_name)
        fields, _ = collect(selections, lambda condition: condition in supertypes)
        fields.sort(key=lambda item: depth_of(item.deferral))  # what comes later builds on what is there
        here = [item for item in fields if any(is_local(self.graph, host, item) for host in place.standing)]
        local = set(map(id, here))
        elsewhere = [item for item in fields if id(item) not in local]
        result = Placed()
        for item in [*here, *elsewhere]:
            result.add(self.place_field(place, item, ahead=elsewhere))
        return result

    # ── fields ──

    def place_field(self, place: Place, asked: Field, *, ahead: Sequence[Field]) -> Placed:
        """One field, from as many subgraphs as its selections need."""
        if asked.name == "__typename":
            return self._place_typename(place)
        if asked.name in ("__schema", "__type") and place.type_name == "Query":
            return Placed()
        if asked.deferral is not None and asked.deferral != place.deferral:
            place = replace(place, deferral=asked.deferral)
        asked = self._named(place, asked)
        tried: set[str] = set()
        result = Placed()
        remaining: tuple[Selection, ...] = asked.children
        while True:
            rest = replace(asked, children=remaining)
            host = self.hosts.host_for(place, rest, tried, ahead)
            if host is None:
                result.left.append(rest)
                return result
            tried.add(host.subgraph)
            placed = self._ask(place, host, rest)
            result.groups |= placed.groups
            if not placed.left:
                return result
            remaining = tuple(placed.left)

    def _ask(self, place: Place, host: Host, asked: Field) -> Placed:
        mark = self._notes.mark() if self._notes is not None else 0
        join = self.graph.join(host.subgraph, host.type_name, asked.name)
        assert join is not None  # noqa: S101 - hosts are chosen by it
        composite = self.graph.is_composite(join.named_type)
        if host.arguments:
            asked = replace(asked, arguments=(*asked.arguments, *host.arguments))
        item = host.output.add(
            asked, type_text=join.type, children_type=join.named_type if composite else None
        )
        result = Placed(groups={host.group.id})
        if item.children is None:
            self._note(place, host, asked, mark)
            return result
        path = (*place.path, asked.response, *["@"] * list_depth(join.type))
        provided = self.graph.provided_below(host.subgraph, host.type_name, asked.name, host.provided)
        peers = self._peers(place, host, asked.name)
        inner = Host(host.group, item.children, join.named_type, provided, peers)
        below = Place(path, join.named_type, [inner], above=place, deferral=place.deferral)
        placed, item.children = self._place_below(below, asked.children)
        result.add(placed)
        if not item.children.has_any():
            if result.left:
                host.output.drop(item)
                return result
            item.children.add_typename()
        self._note(place, host, asked, mark)
        return result

    def _note(self, place: Place, host: Host, asked: Field, mark: int) -> None:
        if self._notes is not None:
            self._notes.add(place, host, asked, at=mark)

    def _place_below(self, below: Place, selections: tuple[Selection, ...]) -> tuple[Placed, Output]:
        """Selections below a field, once for all types of an interface that have the field at one place.

        Otherwise 70 types in each of three levels would be placed 70 * 70 * 70 times.
        """
        host = below.hosts[0]
        key = (
            self.fetches.attempts,
            host.group.id,
            below.path,
            below.type_name,
            tuple(map(id, host.provided)),
            host.peers,
            below.deferral,
            tuple(map(id, selections)),
            self._around(below),
        )
        known = self._placed.get(key)
        if known is not None and not host.output.has_any():
            return known.placed, known.output
        placed = self.place(below, selections)
        if not placed.left and known is None:
            self._placed[key] = _Known(placed, host.output, selections)
        return placed, host.output

    def _around(self, below: Place) -> Place | None:
        """The place at which contexts are read: what was placed below another one had its values fetched there."""
        if not self.graph.has_contexts or below.above is None:
            return None
        return below.above.whole or below.above

    def _place_typename(self, place: Place) -> Placed:
        if not place.hosts:
            return Placed()  # of a root type: the projection knows it
        host = place.hosts[0]
        host.output.add_typename()
        return Placed(groups={host.group.id})

    def _named(self, place: Place, asked: Field) -> Field:
        if not asked.internal:
            return asked
        response = self.names.take(place.path, asked)
        return replace(asked, response=response)

    # ── small questions ──

    def _peers(self, place: Place, host: Host, field_name: str) -> frozenset[str]:
        """Subgraphs that could give the field here: those that stand here, and those that a key leads to."""
        if not self.graph.has_partial_unions:
            return frozenset()  # nothing depends on them
        standing = host.peers if place.path else frozenset(self.graph.subgraphs)
        able = {name for name in standing if self.graph.is_local(name, place.type_name, field_name)}
        for name, view, key in self.graph.entity_views_with(place.type_name, field_name):
            if view == place.type_name and can_give(self.graph, [host.standpoint], key.selection):
                able.add(name)
        return frozenset({*able, host.subgraph})
