"""Finds, or opens, a fetch that answers a field at a place: one that stands there, a key hop, or one after @requires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphql import SelectionSetNode

from gateway.planner.contexts import ContextPlacer
from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.names import ResponseNames
from gateway.planner.nodes import RequiredField
from gateway.planner.paths import Hop, Way, can_give, shortest_hops
from gateway.planner.places import Host, How, Place, Placer, is_local
from gateway.planner.query_graph import Provided, QueryGraph
from gateway.planner.required import required_fields
from gateway.planner.selections import Conditions, Field, Fragment, Selection, read_selections
from schema.compose.supergraph import FieldJoin

__all__ = ["HostFinder"]


class HostFinder:
    """Of one operation. What keys and @requires need is placed by the `placer` that asks."""

    def __init__(
        self, graph: QueryGraph, fetches: FetchGraph, names: ResponseNames, *, placer: Placer
    ) -> None:
        self.graph = graph
        self.fetches = fetches
        self.names = names
        self._placer = placer
        self._contexts = ContextPlacer(fetches, names, placer)
        self._asking: set[tuple[str, str, str]] = set()  # keys and requires being looked for: no circles

    def host_for(self, place: Place, asked: Field, tried: set[str], ahead: Sequence[Field]) -> Host | None:
        able = self.graph.holders(place.type_name, asked.name) - tried
        local = [
            host
            for host in place.standing
            if host.subgraph in able and is_local(self.graph, host, asked) and self._is_free(host, place)
        ]
        if local:
            return min(
                local, key=lambda host: self._uncovered(host.subgraph, host.type_name, asked, host.provided)
            )
        if not place.path or place.type_name == "Query":
            return self._open_root(place, asked, tried)
        return (
            self._hop_for(place, asked, tried, ahead)
            or self._hop_by_fetched_key(place, asked, tried)
            or self._after_needs(place, asked, tried)
        )

    def _is_free(self, host: Host, place: Place) -> bool:
        """Root fields need nothing of each other: those that may come later have fetches of their own."""
        return bool(place.path) or host.group.deferral == place.deferral

    def _open_root(self, place: Place, asked: Field, tried: set[str]) -> Host | None:
        root = place.type_name
        if root != "Query" and tried:
            return None  # a mutation must not run twice
        able = [
            name
            for name in self.graph.subgraphs
            if name not in tried and self.graph.is_local(name, root, asked.name)
        ]
        if not able:
            return None
        subgraph = min(able, key=lambda name: self._uncovered(name, root, asked, ()))
        if place.path:
            group = self.fetches.root_below(subgraph, place.path, place.hosts[0].group.id, place.deferral)
        else:
            group = self.fetches.root(subgraph, root, place.deferral)
        how = How("root", equal=tuple(name for name in able if name != subgraph))
        place.hosts.append(Host(group, group.output, root, how=how))
        return place.hosts[-1]

    def _hop_for(self, place: Place, asked: Field, tried: set[str], ahead: Sequence[Field]) -> Host | None:
        goals = self.graph.entity_views_with(place.type_name, asked.name)

        def preference(subgraph: str, view: str) -> int:
            return sum(self._uncovered(subgraph, view, item, ()) for item in ahead or (asked,))

        way = shortest_hops(
            self.graph,
            place.type_name,
            standpoints=[host.standpoint for host in place.standing],
            goals=[goal for goal in goals if goal[0] not in tried],
            preference=preference,
        )
        return self.follow(place, way) if way.hops else None

    def follow(self, place: Place, way: Way) -> Host:
        """Opens the entity fetches of a way, each with the key of the next; the last is the host that was sought."""
        sources = place.standing
        for hop in way.hops:
            asked = read_selections(hop.key.selection, {}, internal=True)
            parents: set[int] = set()
            for item in asked:
                parents |= self._place_key_field(place, item, sources)
            host = self._open_entity(place, hop, parents, equal=way.equal if hop is way.hops[-1] else ())
            sources = [host]
        return host

    def _place_key_field(self, place: Place, item: Selection, sources: Sequence[Host]) -> set[int]:
        for host in sources:
            if self.graph.uncovered(host.subgraph, host.type_name, (item,), host.provided) == 0:
                self._mark_type(place, host)
                view = replace(place.seen_by(host), type_name=host.type_name)
                return self._placer.place_object(view, (item,)).groups | {host.group.id}
        return set()

    def _mark_type(self, place: Place, host: Host) -> None:
        """Representations need the type: from a host that knows the real one."""
        if host.type_name == place.type_name:
            host.output.add_typename()
        else:
            place.hosts[0].output.add_typename()

    def _open_entity(self, place: Place, hop: Hop, parents: set[int], *, equal: tuple[str, ...] = ()) -> Host:
        parents = parents | {place.hosts[0].group.id}
        group = self.fetches.entity_by_key(hop.subgraph, place.path, parents, place.deferral)
        fields = self._required(place, hop.key.selection, key=True)
        group.add_input(place.type_name, hop.type_name, fields)
        how = How("key", hop.key.fields, equal)
        host = Host(group, group.output.fragment(hop.type_name), hop.type_name, how=how)
        place.hosts.append(host)
        return host

    def _hop_by_fetched_key(self, place: Place, asked: Field, tried: set[str]) -> Host | None:
        """A hop by a key of which parts must be fetched elsewhere first."""
        for subgraph, view, key in self.graph.entity_views_with(place.type_name, asked.name):
            goal = (subgraph, view, key.fields)
            if subgraph in tried or goal in self._asking:
                continue
            self._asking.add(goal)
            mark = self.fetches.mark()
            hosts = list(place.hosts)
            self._mark_type(place, place.hosts[0])
            placed = self._placer.place_object(place, read_selections(key.selection, {}, internal=True))
            self._asking.discard(goal)
            if not placed.left:
                return self._open_entity(place, Hop(subgraph, view, key), placed.groups)
            self.fetches.forget_since(mark)
            place.hosts[:] = hosts
        return None

    def _after_needs(self, place: Place, asked: Field, tried: set[str]) -> Host | None:
        """A fetch that carries what the field's @requires asks of others, and what @fromContext reads above."""
        for subgraph in self.graph.in_order(self.graph.holders(place.type_name, asked.name)):
            for view in sorted(self.graph.supertypes(place.type_name)):
                join = self.graph.join(subgraph, view, asked.name)
                goal = (subgraph, view, f"@requires {asked.name}")
                if join is None or not self.graph.resolves(join):
                    continue
                if join.requires is None and not join.context_arguments:
                    continue
                if (
                    subgraph in tried
                    or goal in self._asking
                    or not self._sees(subgraph, view, place.type_name)
                ):
                    continue
                self._asking.add(goal)
                host = self._open_after_needs(place, asked, subgraph, view, join)
                self._asking.discard(goal)
                if host is not None:
                    return host
        return None

    def _sees(self, subgraph: str, view: str, type_name: str) -> bool:
        return any(item[0] == subgraph and item[1] == view for item in self.graph.entity_views(type_name))

    def _open_after_needs(
        self, place: Place, asked: Field, subgraph: str, view: str, join: FieldJoin
    ) -> Host | None:
        mark, hosts = self.fetches.mark(), list(place.hosts)
        needed = read_selections(join.requires, {}, internal=True) if join.requires is not None else ()
        self._mark_type(place, place.hosts[0])
        placed = self._placer.place(replace(place), _under(needed, asked.conditions))
        contexts = self._contexts.place(place, join.context_arguments, asked.conditions)
        key, key_groups = (None, set[int]())
        if contexts is not None and not placed.left:
            key, key_groups = self._reachable_key(place, subgraph, view)
        if contexts is None or key is None:
            self.fetches.forget_since(mark)
            place.hosts[:] = hosts
            return None
        parents = placed.groups | contexts.groups | key_groups | {place.hosts[0].group.id}
        group = self.fetches.entity(subgraph, place.path, parents, place.deferral)
        fields = self._required(place, key, key=True)
        fields += self._required(place, join.requires, key=False) if join.requires is not None else []
        group.add_input(place.type_name, view, fields)
        group.contexts |= contexts.values
        return Host(group, group.output.fragment(view), view, arguments=contexts.arguments, how=How("needs"))

    def _reachable_key(
        self, place: Place, subgraph: str, view: str
    ) -> tuple[SelectionSetNode | None, set[int]]:
        """A key of the subgraph that the hosts of the place answer, or that can be fetched."""
        keys = [item[2] for item in self.graph.entity_views(place.type_name) if item[:2] == (subgraph, view)]
        standpoints = [host.standpoint for host in place.standing]
        for key in sorted(keys, key=lambda item: not can_give(self.graph, standpoints, item.selection)):
            goal = (subgraph, view, key.fields)
            if goal in self._asking:
                continue
            self._asking.add(goal)
            placed = self._placer.place_object(place, read_selections(key.selection, {}, internal=True))
            self._asking.discard(goal)
            if not placed.left:
                return key.selection, placed.groups
        return None, set()

    def _required(self, place: Place, selection: SelectionSetNode, *, key: bool) -> list[RequiredField]:
        types = self.graph.supergraph.types
        return required_fields(types, self.names, place.path, place.type_name, selection, key=key)

    def _uncovered(self, subgraph: str, view: str, asked: Field, provided: Provided) -> int:
        return self.graph.uncovered(subgraph, view, (asked,), provided)


def _under(selections: Sequence[Selection], conditions: Conditions) -> tuple[Selection, ...]:
    return (Fragment(None, conditions, tuple(selections)),) if conditions else tuple(selections)
