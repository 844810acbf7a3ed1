"""From where an object was found, which subgraphs can be asked about it, and what they answer.

A standpoint is a subgraph with the type as which it sees the object. From a set of standpoints, keys that can be
fetched open further ones, until nothing is added (the closure). Nothing here enumerates paths: all questions are
about (object type, set of standpoints), and their answers are kept.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from schema.compose.field_sets import field_set_text, parse_field_set
from schema.compose.supergraph import EntityKey, FieldJoin, Kind, Supergraph

__all__ = ["Closure", "Reach", "Standpoint", "Standpoints"]


@dataclass(frozen=True, slots=True)
class Standpoint:
    """`provided`: field sets of @provides that hold here."""

    subgraph: str
    view: str
    provided: tuple[str, ...] = ()


Standpoints = frozenset[Standpoint]


@dataclass(slots=True)
class Closure:
    """All views of an object that can be asked, and the standpoints that it began with."""

    type_name: str
    arrivals: Standpoints
    reached: set[tuple[str, str]]

    def key(self) -> tuple[str, frozenset[tuple[str, str]], Standpoints]:
        """Equal for closures that answer all questions alike."""
        provided = frozenset(item for item in self.arrivals if item.provided)
        return self.type_name, frozenset(self.reached), provided


class Reach:
    """Answers for one supergraph, while the override labels in `labels` hold."""

    def __init__(self, supergraph: Supergraph, labels: Container[str] = ()) -> None:
        self.types = supergraph.types
        self.labels = labels
        self._views: dict[str, tuple[str, ...]] = {}
        self._keys: dict[str, dict[str, tuple[SelectionSetNode, list[tuple[str, str]]]]] = {}
        self._closures: dict[tuple[str, Standpoints], Closure] = {}
        self._implementations: dict[tuple[str, str | None], tuple[str, ...]] = self._read_implementations()
        self._asking: set[tuple[str, str, str]] = set()

    # ── objects ──

    def objects(self, standpoints: Iterable[Standpoint]) -> Iterator[tuple[str, Standpoints]]:
        """Object types that may be met at a place, each with the standpoints that may return it."""
        found: dict[str, set[Standpoint]] = {}
        for item in standpoints:
            definition = self.types[item.view]
            join = definition.joins.get(item.subgraph)
            if definition.kind is Kind.OBJECT:
                found.setdefault(item.view, set()).add(item)
            elif join is not None and join.interface_object:
                for name in self._implementations.get((item.view, None), ()):
                    found.setdefault(name, set()).add(item)
            else:
                for name in self._possible(item.subgraph, item.view):
                    found.setdefault(name, set()).add(Standpoint(item.subgraph, name, item.provided))
        for name, items in found.items():
            yield name, frozenset(items)

    def views(self, type_name: str) -> tuple[str, ...]:
        """The type and those of its interfaces that some subgraph sees as an object."""
        if type_name not in self._views:
            interfaces = [
                name
                for name in self.types[type_name].interfaces
                if name in self.types
                and any(join.interface_object for join in self.types[name].joins.values())
            ]
            self._views[type_name] = (type_name, *interfaces)
        return self._views[type_name]

    # ── closures ──

    def closure(self, type_name: str, arrivals: Standpoints) -> Closure:
        """Everything that can be asked about an object of a type."""
        known = self._closures.get((type_name, arrivals))
        if known is not None:
            return known
        reached = {(item.subgraph, item.view) for item in arrivals}
        if type_name == "Query":
            reached |= {(subgraph, type_name) for subgraph in self.types[type_name].joins}
        closure = Closure(type_name, arrivals, reached)
        waiting = dict(self.keys(type_name))
        grown = True
        while grown and waiting:
            grown = False
            for text, (selection, holders) in list(waiting.items()):
                if self.selects(closure, selection):
                    del waiting[text]
                    before = len(reached)
                    reached.update(holders)
                    grown = grown or len(reached) > before
        if not self._asking:  # inside a question the answer may lack what is being asked
            self._closures[type_name, arrivals] = closure
        return closure

    def keys(self, type_name: str) -> Mapping[str, tuple[SelectionSetNode, list[tuple[str, str]]]]:
        """Resolvable keys of a type by their text, with the (subgraph, view) that have them."""
        if type_name not in self._keys:
            found: dict[str, tuple[SelectionSetNode, list[tuple[str, str]]]] = {}
            for view in self.views(type_name):
                for subgraph, join in self.types[view].joins.items():
                    if view != type_name and not join.interface_object:
                        continue
                    for key in join.keys:
                        if key.resolvable:
                            text = field_set_text(key.selection)
                            found.setdefault(text, (key.selection, []))[1].append((subgraph, view))
            self._keys[type_name] = found
        return self._keys[type_name]

    def keys_of(self, subgraph: str, view: str) -> list[EntityKey]:
        """Resolvable keys of a view in a subgraph."""
        join = self.types[view].joins.get(subgraph)
        return [key for key in join.keys if key.resolvable] if join is not None else []

    # ── questions ──

    def step(self, closure: Closure, field_name: str) -> Standpoints:
        """Where a field of the object leads: the standpoints of its value, none if nobody answers it."""
        found = set()
        for view in self.views(closure.type_name):
            field = self.types[view].fields.get(field_name)
            for subgraph, join in field.joins.items() if field is not None else ():
                if (subgraph, view) in closure.reached and self.answers(
                    closure, subgraph, view, field_name, join
                ):
                    below = tuple(sorted(self._provided_below(closure, subgraph, view, field_name, join)))
                    found.add(Standpoint(subgraph, join.named_type, below))
        return frozenset(found)

    def answers(self, closure: Closure, subgraph: str, view: str, field_name: str, join: FieldJoin) -> bool:
        """Whether a reached subgraph answers a field, perhaps by @provides, after @requires or with a context."""
        if any(
            field_name in _top_level(text)
            for item in closure.arrivals
            if (item.subgraph, item.view) == (subgraph, view)
            for text in item.provided
        ):
            return True
        if not join.resolves(self.labels):
            return False
        if join.requires is None and not join.context_arguments:
            return True
        return self._after_needs(closure, subgraph, view, field_name, join)

    def selects(self, closure: Closure, selection: SelectionSetNode) -> bool:
        """Whether a field set on the object can be fetched."""
        return next(self.missing(closure, selection), None) is None

    def missing(self, closure: Closure, selection: SelectionSetNode) -> Iterator[str]:
        """Fields of a field set that cannot be fetched, as "Type.field"."""
        for node in selection.selections:
            if isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else closure.type_name
                if condition == closure.type_name or condition in self._supertypes(closure.type_name):
                    yield from self.missing(closure, node.selection_set)
            elif isinstance(node, FieldNode) and node.name.value != "__typename":
                yield from self._missing_field(closure, node)

    def _missing_field(self, closure: Closure, node: FieldNode) -> Iterator[str]:
        following = self.step(closure, node.name.value)
        if not following:
            yield f"{closure.type_name}.{node.name.value}"
        elif node.selection_set is not None:
            for name, arrivals in self.objects(following):
                yield from self.missing(self.closure(name, arrivals), node.selection_set)

    def _after_needs(
        self, closure: Closure, subgraph: str, view: str, field_name: str, join: FieldJoin
    ) -> bool:
        """@requires needs its fields, a context its value, and both need a key to come back with them."""
        question = (subgraph, view, field_name)
        if question in self._asking:
            return False
        self._asking.add(question)
        try:
            comes_back = any(self.selects(closure, key.selection) for key in self.keys_of(subgraph, view))
            return comes_back and (join.requires is None or self.selects(closure, join.requires))
        finally:
            self._asking.discard(question)

    # ── provides ──

    def _provided_below(
        self, closure: Closure, subgraph: str, view: str, field_name: str, join: FieldJoin
    ) -> Iterator[str]:
        if join.provides is not None:
            yield field_set_text(join.provides)
        for item in closure.arrivals:
            if (item.subgraph, item.view) == (subgraph, view):
                for text in item.provided:
                    yield from _below(text, field_name)

    # ── types ──

    def _possible(self, subgraph: str, type_name: str) -> tuple[str, ...]:
        definition = self.types[type_name]
        if definition.kind is Kind.UNION:
            return definition.joins[subgraph].members if subgraph in definition.joins else ()
        return self._implementations.get((type_name, subgraph), ())

    def _supertypes(self, type_name: str) -> Container[str]:
        return self.types[type_name].interfaces

    def _read_implementations(self) -> dict[tuple[str, str | None], tuple[str, ...]]:
        """Object types by interface: in a subgraph, and (None) in any."""
        found: dict[tuple[str, str | None], list[str]] = {}
        for definition in self.types.values():
            if definition.kind is not Kind.OBJECT:
                continue
            for interface in definition.interfaces:
                found.setdefault((interface, None), []).append(definition.name)
            for subgraph, join in definition.joins.items():
                for interface in join.interfaces:
                    found.setdefault((interface, subgraph), []).append(definition.name)
        return {key: tuple(names) for key, names in found.items()}


def _top_level(text: str) -> frozenset[str]:
    """Names at the top of a field set, through fragments."""
    return frozenset(node.name.value for node in _fields(parse_field_set(text)))


def _below(text: str, field_name: str) -> Iterator[str]:
    for node in _fields(parse_field_set(text)):
        if node.name.value == field_name and node.selection_set is not None:
            yield field_set_text(node.selection_set)


def _fields(selection: SelectionSetNode) -> Iterator[FieldNode]:
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set)
