"""What of a record a selection needs, as dotted paths, and maps cut to that. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)

from adapters.declaration import OwnField
from adapters.own.entities import ENTITIES, derived_names
from adapters.own.model import TYPE_NAME, OwnModel
from adapters.own.requests import needs_of
from adapters.shape import Selection
from schema.canonical import Record

__all__ = ["Needs", "pruned_map"]


class Needs:
    """Paths of records, found once for each selection."""

    def __init__(self, model: OwnModel, declared: Mapping[str, OwnField]) -> None:
        self.model = model
        self.needs = {name: needs_of(declared[name]) for name in model.answers}

    def below(self, selection: Selection, type_name: str, *path: str) -> frozenset[str]:
        """Of objects of a type that stand below the selected field, at a path of further fields."""
        sets = [node.selection_set for node in selection.nodes if node.selection_set]
        for step in path:
            sets = [
                node.selection_set
                for one in sets
                for node, _ in self._fields(one, "", selection.fragments)
                if node.name.value == step and node.selection_set
            ]
        found: set[str] = set()
        for one in sets:
            self._collect(one, type_name, "", selection.fragments, found)
        return frozenset(found)

    def of_entity(self, selection: Selection, type_name: str) -> frozenset[str]:
        """Of one type below `_entities`."""
        found: set[str] = set()
        type_ = self.model.schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101 - entities are objects
        names = {type_name, *(one.name for one in type_.interfaces)}
        for node in selection.nodes:
            if node.selection_set is not None:
                fields = self._fields(node.selection_set, "_Entity", selection.fragments)
                mine = [(one, type_name) for one, on in fields if on in names]
                self._add(mine, "", selection.fragments, found)
        return frozenset(found)

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_name: str,
        prefix: str,
        fragments: Mapping[str, FragmentDefinitionNode],
        found: set[str],
    ) -> None:
        if self.model.context.enums(f"{TYPE_NAME} {type_name}") != {type_name}:
            found.add(f"{prefix}{TYPE_NAME}")
        self._add(self._fields(selection_set, type_name, fragments), prefix, fragments, found)

    def _add(
        self,
        fields: Iterable[tuple[FieldNode, str]],
        prefix: str,
        fragments: Mapping[str, FragmentDefinitionNode],
        found: set[str],
    ) -> None:
        for node, on in fields:
            name = node.name.value
            if name == TYPE_NAME:
                continue
            types = self.model.context.enums(f"{TYPE_NAME} {on}")
            asked = [coordinate for one in types if (coordinate := f"{one}.{name}") in self.needs]
            for coordinate in asked:
                found.update(prefix + need for need in self._read(coordinate))
            if len(asked) == len(types):
                continue
            holder = self.model.schema.type_map[on]
            assert isinstance(holder, GraphQLObjectType | GraphQLInterfaceType)  # noqa: S101 - it has a field
            named = get_named_type(holder.fields[name].type)
            if node.selection_set is not None and is_composite_type(named):
                found.add(f"{prefix}{name}")
                self._collect(node.selection_set, named.name, f"{prefix}{name}.", fragments, found)
            else:
                found.add(f"{prefix}{name}")

    def _read(self, coordinate: str) -> frozenset[str]:
        """Names that its parent must hold; what is derived of a key is had by the key."""
        parent = coordinate.partition(".")[0]
        of_key = derived_names(parent)
        needs = self.needs[coordinate]
        return needs - of_key | (frozenset({ENTITIES[parent][0]}) if needs & of_key else frozenset())

    def _fields(
        self, selection_set: SelectionSetNode, type_name: str, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> Iterator[tuple[FieldNode, str]]:
        """Fields with the type that they are selected on."""
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                yield node, type_name
                continue
            inner = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode)  # noqa: S101 - the two kinds
            condition = inner.type_condition
            yield from self._fields(
                inner.selection_set, condition.name.value if condition else type_name, fragments
            )


def pruned_map(
    map_: Mapping[str, Any], record: Record, paths: Collection[str], records: Mapping[str, Record]
) -> dict[str, Any]:
    """Only what the paths need. A part without `at` stays whole: whether it is there hangs on all of it."""
    cut: dict[str, Any] = {}
    for field in record.fields:
        value = map_.get(field.name)
        if value is None or not any(one == field.name or one.startswith(f"{field.name}.") for one in paths):
            continue
        kind, _, target = field.type.partition(":")
        holder = {"list": "each", "record": "at"}.get(kind)
        if holder is not None and isinstance(value, Mapping) and holder in value:
            below = {one[len(field.name) + 1 :] for one in paths if one.startswith(f"{field.name}.")}
            cut[field.name] = {
                holder: value[holder],
                **pruned_map(value, records[target], below, records),
            }
        else:
            cut[field.name] = value
    return cut
