"""Arguments that the gateway fills (@fromContext): the nearest objects above that set the context, and their values.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/entities/use-contexts
An object never reads what it sets itself: only objects above it count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from graphql import ArgumentNode, InlineFragmentNode, NameNode, SelectionSetNode, VariableNode

from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.names import ResponseNames
from gateway.planner.nodes import ContextSource, ContextValue, RequiredField
from gateway.planner.places import Place, Placer
from gateway.planner.query_graph import QueryGraph
from gateway.planner.required import required_fields
from gateway.planner.selections import Conditions, Fragment, read_selections
from schema.compose.field_sets import parse_field_set
from schema.compose.supergraph import ContextArgument, Kind

__all__ = ["ContextPlacer", "PlacedContexts"]


@dataclass(slots=True)
class PlacedContexts:
    """Arguments of one field with the values that they take, and the groups that fetch those."""

    values: dict[str, ContextValue] = field(default_factory=dict)
    arguments: tuple[ArgumentNode, ...] = ()
    groups: set[int] = field(default_factory=set)


class ContextPlacer:
    """Has values of contexts fetched at the places above."""

    def __init__(self, fetches: FetchGraph, names: ResponseNames, placer: Placer) -> None:
        self._fetches, self._names, self._placer = fetches, names, placer

    @property
    def _graph(self) -> QueryGraph:
        return self._placer.graph

    def place(
        self, place: Place, arguments: Iterable[ContextArgument], conditions: Conditions
    ) -> PlacedContexts | None:
        """For a field at a place; None where a value cannot be had, or nothing above sets a context."""
        result = PlacedContexts()
        for argument in arguments:
            sources = self._sources(place, argument, conditions, result.groups)
            if not sources:
                return None
            name = self._fetches.context_variable(argument.type, sources)
            result.values[name] = ContextValue(name, argument.type, sources)
            variable = VariableNode(name=NameNode(value=name))
            result.arguments += (ArgumentNode(name=NameNode(value=argument.name), value=variable),)
        return result

    def _sources(
        self, place: Place, argument: ContextArgument, conditions: Conditions, groups: set[int]
    ) -> tuple[ContextSource, ...]:
        """Nearest first. Further ones count where a nearer object may be of a type that does not set the context."""
        found: list[ContextSource] = []
        level, above = 1, place.above
        while above is not None:
            types = self._types_at(above)
            setting = [name for name in types if self._graph.sets_context(name, argument.context)]
            for name in setting:
                source = self._source(above, name, argument, level, conditions, groups)
                if source is not None:
                    found.append(source)
                elif name == above.type_name or above.whole is None:
                    return ()
            if setting and len(setting) == len(types):
                return tuple(found)
            level, above = level + 1, above.above
        return tuple(found)

    def _types_at(self, place: Place) -> list[str]:
        """Object types that may stand at a place: all of an interface, though one of them brought us here, because
        what stands below them is placed once for all."""
        return sorted(self._graph.objects(_whole(place).type_name))

    def _source(
        self,
        above: Place,
        type_name: str,
        argument: ContextArgument,
        level: int,
        conditions: Conditions,
        groups: set[int],
    ) -> ContextSource | None:
        """The value at objects of one type, placed like any other field."""
        whole, types = _whole(above), self._graph.supergraph.types
        selection = self._applying(parse_field_set(argument.selection), type_name)
        if selection is None:
            return None
        is_sole = types[whole.type_name].kind is Kind.OBJECT
        asked = read_selections(selection, {}, internal=True)
        condition = None if is_sole else type_name
        placed = self._placer.place(whole, (Fragment(condition, conditions, asked),))
        if placed.left:
            return None
        groups |= placed.groups
        fields = required_fields(types, self._names, whole.path, type_name, selection, key=False)
        return ContextSource(level, condition, tuple(_way(fields)))

    def _applying(self, selection: SelectionSetNode, type_name: str) -> SelectionSetNode | None:
        """The part of "{ x }" or "... on A { x } ... on B { y }" that holds for a type."""
        fragments = [node for node in selection.selections if isinstance(node, InlineFragmentNode)]
        if not fragments:
            return selection
        supertypes = self._graph.supertypes(type_name)
        for node in fragments:
            if node.type_condition is None or node.type_condition.name.value in supertypes:
                return node.selection_set
        return None


def _whole(place: Place) -> Place:
    return place.whole or place


def _way(fields: Sequence[RequiredField]) -> Iterator[str]:
    """Response names down to the one value."""
    while fields:
        yield fields[0].response
        fields = fields[0].selections
