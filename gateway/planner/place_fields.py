"""Puts every field of an operation into a fetch: where it stands already, or one key hop away, or after @requires.

The walk goes down the client's selections. At each place it knows which fetches answer there (`Host`); a field that
none of them resolves opens another fetch by the shortest way. What cannot be reached at all from a place is handed
back to the place above, which may answer the same field from a second subgraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphql import SelectionSetNode

from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.names import ResponseNames
from gateway.planner.nodes import RequiredField
from gateway.planner.paths import Hop, can_give, shortest_hops
from gateway.planner.places import Host, Place, Placed
from gateway.planner.query_graph import Provided, QueryGraph
from gateway.planner.required import list_depth, required_fields, unreachable
from gateway.planner.selections import Conditions, Field, Fragment, Selection, collect, read_selections

__all__ = ["FieldPlacer"]

Path = tuple[str, ...]


class FieldPlacer:
    """Fills a fetch graph. One for each operation (for each step of a mutation)."""

    def __init__(self, graph: QueryGraph, fetches: FetchGraph, names: ResponseNames) -> None:
        self.graph = graph
        self.fetches = fetches
        self.names = names
        self.asking: set[tuple[str, str, str]] = set()  # keys and requires being looked for: no circles

    # ── root ──

    def place_root(self, root: str, selections: Sequence[Selection]) -> None:
        """Every root field from the subgraph that gives most of it. Raises UnreachableField."""
        place = Place((), root, [])
        fields, _ = collect(selections, lambda condition: condition in self.graph.supertypes(root))
        for item in fields:
            placed = self._place_field(place, item, ahead=fields)
            for rest in placed.left:
                raise unreachable(self.graph.supergraph.types, place.type_name, rest)

    # ── places ──

    def place(self, place: Place, selections: Sequence[Selection]) -> Placed:
        """Selections at a place. The first host decides how the place is seen."""
        host = place.hosts[0]
        if self.graph.is_abstract(host.subgraph, place.type_name):
            return self._place_abstract(place, host, selections)
        if self.graph.is_interface_object(host.subgraph, place.type_name):
            return self._place_interface_object(place, host, selections)
        return self._place_object(place, selections)

    def _place_object(self, place: Place, selections: Sequence[Selection]) -> Placed:
        supertypes = self.graph.supertypes(place.type_name)
        fields, _ = collect(selections, lambda condition: condition in supertypes)
        here = [item for item in fields if any(self._is_local(host, item) for host in place.hosts)]
        elsewhere = [item for item in fields if item not in here]
        result = Placed()
        for item in [*here, *elsewhere]:
            result.add(self._place_field(place, item, ahead=elsewhere))
        return result

    def _place_abstract(self, place: Place, host: Host, selections: Sequence[Selection]) -> Placed:
        """Fields of the interface that all its types answer at once stay on it; the rest is placed type by type."""
        host.output.add_typename()
        supertypes = self.graph.supertypes(place.type_name)
        fields, fragments = collect(selections, lambda condition: condition in supertypes)
        typed: list[Selection] = list(fragments)
        result = Placed(groups={host.group.id})
        for item in fields:
            if item.name == "__typename" or self._is_local(host, item):
                placed = self._place_field(Place(place.path, place.type_name, [host]), item, ahead=())
                typed += placed.left
                result.groups |= placed.groups
            else:
                typed.append(item)
        if typed:
            placed = self._place_by_type(place, host, typed)
            result.groups |= placed.groups
            result.left += self._left_of_abstract(place, host, placed.left, fields)
        return result

    def _left_of_abstract(
        self, place: Place, host: Host, left: Sequence[Selection], asked: Sequence[Field]
    ) -> list[Selection]:
        """A value that is asked of an interface must come from one subgraph for all types that may stand there."""
        if not self.graph.possible(host.subgraph, place.type_name):
            return [item for item in asked if item.name != "__typename" and not self._is_local(host, item)]
        leaves = {_left_leaf(item) for item in left} - {None}
        whole = [item for item in asked if item.response in leaves and not item.children]
        kept = {item.response for item in whole}
        return [*whole, *(item for item in left if _left_leaf(item) not in kept)]

    def _place_by_type(self, place: Place, host: Host, selections: Sequence[Selection]) -> Placed:
        result = Placed()
        for name in self.graph.safe_possible(host.subgraph, place.type_name, host.peers):
            supertypes = self.graph.supertypes(name)
            fields, _ = collect(selections, lambda condition, known=supertypes: condition in known)  # type: ignore[misc]
            if not fields:
                continue
            inner = Host(host.group, host.output.fragment(name), name, host.provided, host.peers)
            placed = self.place(Place(place.path, name, [inner]), fields)
            result.groups |= placed.groups
            result.left += [Fragment(name, frozenset(), (item,)) for item in placed.left]
        return result

    def _place_interface_object(self, place: Place, host: Host, selections: Sequence[Selection]) -> Placed:
        """An object whose real type this subgraph does not know: type names and typed parts come from one that does."""
        supertypes = self.graph.supertypes(place.type_name)
        fields, fragments = collect(selections, lambda condition: condition in supertypes)
        direct = [item for item in fields if item.name != "__typename"]
        rest: list[Selection] = [item for item in fields if item.name == "__typename" and not item.internal]
        rest += fragments
        result = Placed(groups={host.group.id})
        for item in direct:
            placed = self._place_field(place, item, ahead=direct)
            rest += placed.left
            result.groups |= placed.groups
        if rest:
            result.add(self._place_with_real_type(place, rest))
        return result

    def _place_with_real_type(self, place: Place, selections: Sequence[Selection]) -> Placed:
        hops = shortest_hops(
            self.graph,
            place.type_name,
            standpoints=[host.standpoint for host in place.hosts],
            goals=[
                goal for goal in self.graph.entity_views(place.type_name) if self.graph.is_abstract(*goal[:2])
            ],
            preference=lambda subgraph, view: self.graph.uncovered(subgraph, view, selections),
        )
        if not hops:
            return Placed(left=list(selections))
        target = self._follow(place, hops)
        return self.place(Place(place.path, place.type_name, [target]), selections)

    # ── fields ──

    def _place_field(self, place: Place, asked: Field, *, ahead: Sequence[Field]) -> Placed:
        """One field, from as many subgraphs as its selections need."""
        if asked.name == "__typename":
            return self._place_typename(place)
        if asked.name in ("__schema", "__type") and place.type_name == "Query":
            return Placed()
        asked = self._named(place, asked)
        tried: set[str] = set()
        result = Placed()
        remaining: tuple[Selection, ...] = asked.children
        while True:
            rest = replace(asked, children=remaining)
            host = self._host_for(place, rest, tried, ahead)
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
        join = self.graph.join(host.subgraph, host.type_name, asked.name)
        assert join is not None  # noqa: S101 - hosts are chosen by it
        composite = self.graph.is_composite(join.named_type)
        item = host.output.add(
            asked, type_text=join.type, children_type=join.named_type if composite else None
        )
        result = Placed(groups={host.group.id})
        if item.children is None:
            return result
        path = (*place.path, asked.response, *["@"] * list_depth(join.type))
        provided = self.graph.provided_below(host.subgraph, host.type_name, asked.name, host.provided)
        peers = self._peers(place, host, asked.name)
        inner = Host(host.group, item.children, join.named_type, provided, peers)
        below = Place(path, join.named_type, [inner])
        result.add(self.place(below, asked.children))
        if not item.children.has_any():
            if result.left:
                host.output.drop(item)
            else:
                item.children.add_typename()
        return result

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

    # ── hosts ──

    def _host_for(self, place: Place, asked: Field, tried: set[str], ahead: Sequence[Field]) -> Host | None:
        able = self.graph.holders(place.type_name, asked.name) - tried
        local = [host for host in place.hosts if host.subgraph in able and self._is_local(host, asked)]
        if local:
            return min(
                local, key=lambda host: self._uncovered(host.subgraph, host.type_name, asked, host.provided)
            )
        if not place.path:
            return self._open_root(place, asked, tried)
        return (
            self._hop_for(place, asked, tried, ahead)
            or self._hop_by_fetched_key(place, asked, tried)
            or self._after_requires(place, asked, tried)
        )

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
        group = self.fetches.root(subgraph, root)
        place.hosts.append(Host(group, group.output, root))
        return place.hosts[-1]

    def _hop_for(self, place: Place, asked: Field, tried: set[str], ahead: Sequence[Field]) -> Host | None:
        goals = self.graph.entity_views_with(place.type_name, asked.name)

        def preference(subgraph: str, view: str) -> int:
            return sum(self._uncovered(subgraph, view, item, ()) for item in ahead or (asked,))

        hops = shortest_hops(
            self.graph,
            place.type_name,
            standpoints=[host.standpoint for host in place.hosts],
            goals=[goal for goal in goals if goal[0] not in tried],
            preference=preference,
        )
        return self._follow(place, hops) if hops else None

    def _follow(self, place: Place, hops: Sequence[Hop]) -> Host:
        """Opens the entity fetches of a way, each with the key of the next; the last is the host that was sought."""
        sources = list(place.hosts)
        for hop in hops:
            asked = read_selections(hop.key.selection, {}, internal=True)
            parents: set[int] = set()
            for item in asked:
                parents |= self._place_key_field(place, item, sources)
            host = self._open_entity(place, hop, parents)
            sources = [host]
        return host

    def _place_key_field(self, place: Place, item: Selection, sources: Sequence[Host]) -> set[int]:
        for host in sources:
            if self.graph.uncovered(host.subgraph, host.type_name, (item,), host.provided) == 0:
                self._mark_type(place, host)
                view = Place(place.path, host.type_name, [host])
                return self._place_object(view, (item,)).groups | {host.group.id}
        return set()

    def _mark_type(self, place: Place, host: Host) -> None:
        """Representations need the type: from a host that knows the real one."""
        if host.type_name == place.type_name:
            host.output.add_typename()
        else:
            place.hosts[0].output.add_typename()

    def _open_entity(self, place: Place, hop: Hop, parents: set[int]) -> Host:
        group = self.fetches.entity(hop.subgraph, place.path, parents | {place.hosts[0].group.id})
        fields = self._required(place, hop.key.selection, key=True)
        group.add_input(place.type_name, hop.type_name, fields)
        host = Host(group, group.output.fragment(hop.type_name), hop.type_name)
        place.hosts.append(host)
        return host

    def _hop_by_fetched_key(self, place: Place, asked: Field, tried: set[str]) -> Host | None:
        """A hop by a key of which parts must be fetched elsewhere first."""
        for subgraph, view, key in self.graph.entity_views_with(place.type_name, asked.name):
            goal = (subgraph, view, key.fields)
            if subgraph in tried or goal in self.asking:
                continue
            self.asking.add(goal)
            mark = self.fetches.mark()
            hosts = list(place.hosts)
            self._mark_type(place, place.hosts[0])
            placed = self._place_object(place, read_selections(key.selection, {}, internal=True))
            self.asking.discard(goal)
            if not placed.left:
                return self._open_entity(place, Hop(subgraph, view, key), placed.groups)
            self.fetches.forget_since(mark)
            place.hosts[:] = hosts
        return None

    def _after_requires(self, place: Place, asked: Field, tried: set[str]) -> Host | None:
        """A fetch whose representations carry what the field's @requires asks of others."""
        for subgraph in self.graph.in_order(self.graph.holders(place.type_name, asked.name)):
            for view in sorted(self.graph.supertypes(place.type_name)):
                join = self.graph.join(subgraph, view, asked.name)
                goal = (subgraph, view, f"@requires {asked.name}")
                if join is None or join.requires is None or not self.graph.resolves(join):
                    continue
                if (
                    subgraph in tried
                    or goal in self.asking
                    or not self._sees(subgraph, view, place.type_name)
                ):
                    continue
                self.asking.add(goal)
                host = self._open_after_requires(place, asked, subgraph, view, join.requires)
                self.asking.discard(goal)
                if host is not None:
                    return host
        return None

    def _sees(self, subgraph: str, view: str, type_name: str) -> bool:
        return any(item[0] == subgraph and item[1] == view for item in self.graph.entity_views(type_name))

    def _open_after_requires(
        self, place: Place, asked: Field, subgraph: str, view: str, requires: SelectionSetNode
    ) -> Host | None:
        mark, hosts = self.fetches.mark(), list(place.hosts)
        needed = _under(read_selections(requires, {}, internal=True), asked.conditions)
        self._mark_type(place, place.hosts[0])
        placed = self.place(Place(place.path, place.type_name, place.hosts), needed)
        key, key_groups = self._reachable_key(place, subgraph, view) if not placed.left else (None, set())
        if key is None:
            self.fetches.forget_since(mark)
            place.hosts[:] = hosts
            return None
        group = self.fetches.entity(
            subgraph, place.path, placed.groups | key_groups | {place.hosts[0].group.id}
        )
        fields = self._required(place, key, key=True)
        fields += self._required(place, requires, key=False)
        group.add_input(place.type_name, view, fields)
        return Host(group, group.output.fragment(view), view)

    def _reachable_key(
        self, place: Place, subgraph: str, view: str
    ) -> tuple[SelectionSetNode | None, set[int]]:
        """A key of the subgraph that the hosts of the place answer, or that can be fetched."""
        keys = [item[2] for item in self.graph.entity_views(place.type_name) if item[:2] == (subgraph, view)]
        standpoints = [host.standpoint for host in place.hosts]
        for key in sorted(keys, key=lambda item: not can_give(self.graph, standpoints, item.selection)):
            goal = (subgraph, view, key.fields)
            if goal in self.asking:
                continue
            self.asking.add(goal)
            placed = self._place_object(place, read_selections(key.selection, {}, internal=True))
            self.asking.discard(goal)
            if not placed.left:
                return key.selection, placed.groups
        return None, set()

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

    def _required(self, place: Place, selection: SelectionSetNode, *, key: bool) -> list[RequiredField]:
        types = self.graph.supergraph.types
        return required_fields(types, self.names, place.path, place.type_name, selection, key=key)

    def _is_local(self, host: Host, asked: Field) -> bool:
        return self.graph.is_local(host.subgraph, host.type_name, asked.name, host.provided)

    def _uncovered(self, subgraph: str, view: str, asked: Field, provided: Provided) -> int:
        return self.graph.uncovered(subgraph, view, (asked,), provided)


def _under(selections: Sequence[Selection], conditions: Conditions) -> tuple[Selection, ...]:
    return (Fragment(None, conditions, tuple(selections)),) if conditions else tuple(selections)


def _left_leaf(item: Selection) -> str | None:
    """The response name of a leaf that was left for one type."""
    inner = item.children[0] if isinstance(item, Fragment) else item
    return inner.response if isinstance(inner, Field) and not inner.children else None
