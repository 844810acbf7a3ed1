"""What each subgraph can do, arranged for the planner's questions. Built once per supergraph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.planner.selections import Field, Fragment, Selection, read_selections
from schema.compose.supergraph import EntityKey, FieldJoin, Kind, Supergraph, TypeDefinition

__all__ = ["Provided", "QueryGraph"]

Provided = tuple[SelectionSetNode, ...]
"""Field sets of @provides that hold at a place."""

MAX_VARIANTS = 64


class QueryGraph:
    """Answers by (subgraph, type, field); a type here may be an interface that a subgraph sees as an object.

    labels: the labels of progressive overrides that hold.
    """

    def __init__(self, supergraph: Supergraph, labels: frozenset[str] = frozenset()) -> None:
        self.supergraph = supergraph
        self.labels = labels
        self._all_labels = supergraph.override_labels()
        self._variants: dict[frozenset[str], QueryGraph] = {}
        self.subgraphs = tuple(supergraph.subgraphs)
        self._order = {name: number for number, name in enumerate(self.subgraphs)}
        self._possible: dict[tuple[str, str], tuple[str, ...]] = {}
        self._objects: dict[str, frozenset[str]] = {}
        self._supertypes = {name: self._read_supertypes(name) for name in supergraph.types}
        self._views_with: dict[tuple[str, str], tuple[tuple[str, str, EntityKey], ...]] = {}
        self._holders: dict[tuple[str, str], frozenset[str]] = {}
        self._views_by_subgraph: dict[str, dict[str, list[tuple[str, str, EntityKey]]]] = {}
        self._local_keys: dict[tuple[str, str, int], bool] = {}
        self.has_partial_unions = any(_is_partial(item) for item in supergraph.types.values())
        self.has_contexts = any(item.contexts for item in supergraph.types.values())
        self._entity_views: dict[str, tuple[tuple[str, str, EntityKey], ...]] = {}

    @property
    def has_labels(self) -> bool:
        """Whether any override of the supergraph depends on a label."""
        return bool(self._all_labels)

    def active_labels(self, holds: Callable[[str], bool]) -> frozenset[str]:
        """Those of the supergraph's override labels that hold: what a plan depends on beside the operation."""
        return frozenset(filter(holds, self._all_labels))

    def under(self, labels: frozenset[str]) -> QueryGraph:
        """The graph while these labels hold. Variants are kept: percentages of n steps have n + 1 at most."""
        if labels == self.labels:
            return self
        if labels not in self._variants:
            if len(self._variants) >= MAX_VARIANTS:
                self._variants.clear()
            self._variants[labels] = QueryGraph(self.supergraph, labels)
        return self._variants[labels]

    def resolves(self, join: FieldJoin) -> bool:
        """Whether the subgraph has a resolver for the field, perhaps after @requires."""
        return join.resolves(self.labels)

    def is_composite(self, type_name: str) -> bool:
        """Whether a type has fields to select."""
        definition = self.supergraph.types.get(type_name)
        return definition is not None and definition.kind in (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)

    def is_abstract(self, subgraph: str, type_name: str) -> bool:
        """Whether objects of the type have other types at run time, as the subgraph sees it."""
        definition = self.supergraph.types[type_name]
        return definition.kind is not Kind.OBJECT and not self.is_interface_object(subgraph, type_name)

    def is_interface(self, subgraph: str, type_name: str) -> bool:
        """Whether the subgraph has the type as an interface."""
        definition = self.supergraph.types.get(type_name)
        return (
            definition is not None
            and definition.kind is Kind.INTERFACE
            and subgraph in definition.joins
            and not self.is_interface_object(subgraph, type_name)
        )

    def is_interface_object(self, subgraph: str, type_name: str) -> bool:
        """Whether the subgraph declares the interface as an object (@interfaceObject)."""
        join = self.supergraph.types[type_name].joins.get(subgraph)
        return join is not None and join.interface_object

    def supertypes(self, type_name: str) -> frozenset[str]:
        """The type itself and every interface and union that it belongs to."""
        return self._supertypes[type_name]

    def objects(self, type_name: str) -> frozenset[str]:
        """Object types that a value of the type may have anywhere."""
        if type_name not in self._objects:
            types = self.supergraph.types
            self._objects[type_name] = frozenset(
                name
                for name, item in types.items()
                if item.kind is Kind.OBJECT and type_name in self._supertypes[name]
            )
        return self._objects[type_name]

    def possible(self, subgraph: str, type_name: str) -> tuple[str, ...]:
        """Object types that the subgraph may return for an abstract type."""
        key = (subgraph, type_name)
        if key not in self._possible:
            definition = self.supergraph.types[type_name]
            if definition.kind is Kind.UNION:
                found = definition.joins[subgraph].members if subgraph in definition.joins else ()
            else:
                found = tuple(
                    name
                    for name, item in self.supergraph.types.items()
                    if item.kind is Kind.OBJECT
                    and subgraph in item.joins
                    and type_name in item.joins[subgraph].interfaces
                )
            self._possible[key] = found
        return self._possible[key]

    def safe_possible(self, subgraph: str, type_name: str, peers: Collection[str]) -> tuple[str, ...]:
        """`possible` where every one of the peers would answer the same: of a union the members that all know.

        Otherwise the answer would depend on whom the planner asks.
        """
        found = self.possible(subgraph, type_name)
        if self.supergraph.types[type_name].kind is not Kind.UNION:
            return found
        others = [self.possible(peer, type_name) for peer in peers if peer != subgraph]
        return tuple(name for name in found if all(name in other for other in others if other))

    def join(self, subgraph: str, type_name: str, field_name: str) -> FieldJoin | None:
        """The subgraph's part in a field, if it has one."""
        found = self.supergraph.types[type_name].fields.get(field_name)
        return found.joins.get(subgraph) if found else None

    def is_local(self, subgraph: str, type_name: str, field_name: str, provided: Provided = ()) -> bool:
        """Whether the subgraph answers the field at once, with no other field asked before."""
        join = self.join(subgraph, type_name, field_name)
        if join is None:
            return False
        if provided and any(self._provides(item, type_name, field_name) for item in provided):
            return True
        if join.requires is not None or join.context_arguments or not self.resolves(join):
            return False
        return not self.is_abstract(subgraph, type_name) or all(
            self.is_local(subgraph, name, field_name) for name in self.possible(subgraph, type_name)
        )

    def provided_below(self, subgraph: str, type_name: str, field_name: str, provided: Provided) -> Provided:
        """What @provides gives below a field: its own, and what a field above says of it."""
        join = self.join(subgraph, type_name, field_name)
        found = [join.provides] if join is not None and join.provides is not None else []
        for item in provided:
            found += self._provided_children(item, type_name, field_name)
        return tuple(found)

    def sets_context(self, type_name: str, context: str) -> bool:
        """Whether objects of the type set a context: by themselves, or by an interface or union that they belong to."""
        if type_name in ("Mutation", "Subscription"):
            return False  # what is read of them would run again
        return any(context in self.supergraph.types[name].contexts for name in self._supertypes[type_name])

    def entity_views(self, type_name: str) -> tuple[tuple[str, str, EntityKey], ...]:
        """(subgraph, type there, resolvable key) by which an object of the type can be asked for."""
        if type_name not in self._entity_views:
            found = []
            for subgraph in self.subgraphs:
                for view in (type_name, *sorted(self._supertypes[type_name] - {type_name})):
                    join = self.supergraph.types[view].joins.get(subgraph)
                    if join is None or not (view == type_name or join.interface_object):
                        continue
                    found += [(subgraph, view, key) for key in join.keys if key.resolvable]
            self._entity_views[type_name] = tuple(found)
        return self._entity_views[type_name]

    def entity_views_with(self, type_name: str, field_name: str) -> tuple[tuple[str, str, EntityKey], ...]:
        """Those entity views from which a field is answered at once."""
        key = (type_name, field_name)
        if key not in self._views_with:
            holders = self.holders(type_name, field_name)
            self._views_with[key] = tuple(
                item
                for name in self.in_order(holders)
                for item in self._views_of(type_name).get(name, ())
                if self.is_local(name, item[1], field_name)
            )
        return self._views_with[key]

    def holders(self, type_name: str, field_name: str) -> frozenset[str]:
        """Subgraphs that have any part in a field of the type or of one that it belongs to."""
        key = (type_name, field_name)
        if key not in self._holders:
            types = self.supergraph.types
            fields = (types[name].fields.get(field_name) for name in self._supertypes[type_name])
            self._holders[key] = frozenset(name for item in fields if item is not None for name in item.joins)
        return self._holders[key]

    def in_order(self, subgraphs: Iterable[str]) -> list[str]:
        """As the supergraph lists them."""
        return sorted(subgraphs, key=self._order.__getitem__)

    def _views_of(self, type_name: str) -> dict[str, list[tuple[str, str, EntityKey]]]:
        if type_name not in self._views_by_subgraph:
            found: dict[str, list[tuple[str, str, EntityKey]]] = {}
            for item in self.entity_views(type_name):
                found.setdefault(item[0], []).append(item)
            self._views_by_subgraph[type_name] = found
        return self._views_by_subgraph[type_name]

    def is_local_selection(
        self, subgraph: str, type_name: str, selection: SelectionSetNode, provided: Provided
    ) -> bool:
        """Whether the subgraph answers a whole field set (a key of the supergraph) at once."""
        if provided:
            return self.uncovered(subgraph, type_name, read_selections(selection, {}), provided) == 0
        key = (subgraph, type_name, id(selection))  # keys live as long as the supergraph
        if key not in self._local_keys:
            self._local_keys[key] = self.uncovered(subgraph, type_name, read_selections(selection, {})) == 0
        return self._local_keys[key]

    def uncovered(
        self, subgraph: str, type_name: str, selections: Iterable[Selection], provided: Provided = ()
    ) -> int:
        """How many of the fields below are not answered by the subgraph at once: a measure of what remains."""
        missing = 0
        for item in selections:
            if isinstance(item, Fragment):
                inner = item.type_condition or type_name
                known = inner in self.supergraph.types and subgraph in self.supergraph.types[inner].joins
                missing += self.uncovered(subgraph, inner, item.children, provided) if known else 0
            elif item.name != "__typename":
                missing += self._uncovered_field(subgraph, type_name, item, provided)
        return missing

    def _uncovered_field(self, subgraph: str, type_name: str, item: Field, provided: Provided) -> int:
        join = self.join(subgraph, type_name, item.name)
        if join is None or not self.is_local(subgraph, type_name, item.name, provided):
            return 1 + len(item.children)
        if not item.children:
            return 0
        below = self.provided_below(subgraph, type_name, item.name, provided)
        return self.uncovered(subgraph, join.named_type, item.children, below)

    def _provides(self, provided: SelectionSetNode, type_name: str, field_name: str) -> bool:
        return any(
            node.name.value == field_name
            if isinstance(node, FieldNode)
            else isinstance(node, InlineFragmentNode)
            and self._applies(node, type_name)
            and self._provides(node.selection_set, type_name, field_name)
            for node in provided.selections
        )

    def _provided_children(
        self, provided: SelectionSetNode, type_name: str, field_name: str
    ) -> list[SelectionSetNode]:
        found = []
        for node in provided.selections:
            if isinstance(node, FieldNode) and node.name.value == field_name and node.selection_set:
                found.append(node.selection_set)
            elif isinstance(node, InlineFragmentNode) and self._applies(node, type_name):
                found += self._provided_children(node.selection_set, type_name, field_name)
        return found

    def _applies(self, node: InlineFragmentNode, type_name: str) -> bool:
        return node.type_condition is None or node.type_condition.name.value in self._supertypes[type_name]

    def _read_supertypes(self, name: str) -> frozenset[str]:
        types = self.supergraph.types
        unions = {item.name for item in types.values() if item.kind is Kind.UNION and name in item.members}
        interfaces = set(types[name].interfaces)
        for item in list(interfaces):
            interfaces |= set(types[item].interfaces) if item in types else set()
        return frozenset({name} | interfaces | unions)


def _is_partial(definition: TypeDefinition) -> bool:
    """Whether it is a union of which some subgraphs know fewer members than others."""
    known = {frozenset(join.members) for join in definition.joins.values() if join.members}
    return definition.kind is Kind.UNION and len(known) > 1
