"""Field sets of keys and @requires as the fields of a representation; and the name of a field that no way leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import SelectionSetNode

from gateway.planner.errors import UnreachableField
from gateway.planner.names import ResponseNames
from gateway.planner.nodes import RequiredField
from gateway.planner.selections import Fragment, Selection, read_selections
from schema.compose.supergraph import TypeDefinition

__all__ = ["list_depth", "required_fields", "unreachable"]

Path = tuple[str, ...]
Types = Mapping[str, TypeDefinition]


def required_fields(
    types: Types, names: ResponseNames, path: Path, type_name: str, selection: SelectionSetNode, *, key: bool
) -> list[RequiredField]:
    """The fields of a representation at a path, under the names by which they are fetched there."""

    def read(
        path: Path, type_name: str, selections: Iterable[Selection], condition: str | None
    ) -> list[RequiredField]:
        found = []
        for item in selections:
            if isinstance(item, Fragment):
                found += read(path, item.type_condition or type_name, item.children, item.type_condition)
            elif item.name == "__typename":
                found.append(RequiredField("__typename", "__typename", key, condition))
            else:
                definition = types[type_name].fields[item.name]
                response = names.take(path, item)
                below = (*path, response, *["@"] * list_depth(definition.type))
                children = read(below, definition.named_type, item.children, None)
                found.append(RequiredField(item.name, response, key, condition, tuple(children)))
        return found

    return read(path, type_name, read_selections(selection, {}, internal=True), None)


def unreachable(types: Types, type_name: str, rest: Selection) -> UnreachableField:
    """Names the innermost field of what could not be placed at the root."""
    path: Path = ()
    node = rest
    while True:
        if isinstance(node, Fragment):
            type_name = node.type_condition or type_name
        elif not node.children:
            return UnreachableField(type_name=type_name, field_name=node.name, path=path)
        else:
            path = (*path, node.response)
            type_name = types[type_name].fields[node.name].named_type
        node = node.children[0]


def list_depth(type_text: str) -> int:
    """How many lists are around the bare type of "[[Product]!]"."""
    return type_text.count("[")
