"""Field sets ("id owner { code }"): parsed, and checked against the types of their subgraph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from graphql import FieldNode, GraphQLSyntaxError, InlineFragmentNode, SelectionSetNode, parse

from schema.compose.subgraph import SubgraphType
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type

__all__ = ["field_set_problems", "fields_of", "parse_field_set"]


@lru_cache(maxsize=8192)
def parse_field_set(text: str) -> SelectionSetNode:
    """A selection set from its text, with or without outer braces. Raises GraphQLSyntaxError."""
    stripped = text.strip()
    braced = stripped if stripped.startswith("{") else f"{{{stripped}}}"
    operation = parse(braced, no_location=True).definitions[0]
    return operation.selection_set  # type: ignore[attr-defined,no-any-return]  # a lone operation


def field_set_problems(text: str, type_name: str, types: Mapping[str, SubgraphType]) -> list[str]:
    """What is wrong with a field set on a type, as sentences; empty if it is fine."""
    try:
        selection = parse_field_set(text)
    except GraphQLSyntaxError as error:
        return [f'"{text}" cannot be parsed: {error.message}']
    return list(_walk(selection, type_name, types))


def _walk(selection: SelectionSetNode, type_name: str, types: Mapping[str, SubgraphType]) -> Iterator[str]:
    definition = types[type_name]
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            if inner in types:
                yield from _walk(node.selection_set, inner, types)
            else:
                yield f"the type {inner} is unknown"
        elif isinstance(node, FieldNode) and node.name.value != "__typename":
            found = definition.fields.get(node.name.value)
            if found is None:
                yield f"{type_name} has no field {node.name.value}"
                continue
            target = types.get(named_type(found.type))
            composite = target is not None and target.kind in (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)
            if composite and node.selection_set is None:
                yield f"{type_name}.{node.name.value} needs a selection of fields"
            elif not composite and node.selection_set is not None:
                yield f"{type_name}.{node.name.value} has no fields to select"
            elif target is not None and node.selection_set is not None:
                yield from _walk(node.selection_set, target.name, types)


def fields_of(
    selection: SelectionSetNode, type_name: str, types: Mapping[str, SubgraphType]
) -> Iterator[tuple[str, str]]:
    """Every (type, field) that a valid field set mentions."""
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            yield from fields_of(node.selection_set, inner, types)
        elif isinstance(node, FieldNode):
            found = types[type_name].fields.get(node.name.value)
            if found is None:
                continue
            yield type_name, node.name.value
            if node.selection_set is not None:
                yield from fields_of(node.selection_set, named_type(found.type), types)
