"""What @fromContext reads, resolved on the type that sets the context."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    FieldNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NonNullTypeNode,
    SelectionSetNode,
    TypeNode,
)

from schema.compose.context_value import ContextValue
from schema.compose.field_sets import parse_field_set
from schema.compose.subgraph.field_sets import Types
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type, type_text

__all__ = ["selection_problems"]


def selection_problems(value: ContextValue, type_name: str, wanted: TypeNode, types: Types) -> Iterator[str]:
    """Why the selection gives no value of the argument's type at a type that sets the context, as sentences."""
    try:
        selection = parse_field_set(value.selection)
    except GraphQLSyntaxError as error:
        yield f"the selection cannot be parsed: {error.message}"
        return
    found = 0
    for name in _settings(type_name, types):
        for part in _applying(selection, name, types):
            found += 1
            yield from _path_problems(part, name, wanted, types, nullable=False, lists=0)
    if not found:
        yield f"it selects nothing of {type_name}"


def _settings(type_name: str, types: Types) -> list[str]:
    definition = types[type_name]
    if definition.kind is Kind.UNION:
        return [name for name in definition.members if name in types]
    return [type_name]


def _applying(selection: SelectionSetNode, type_name: str, types: Types) -> Iterator[SelectionSetNode]:
    """The parts of "{ x }" or "... on A { x } ... on B { y }" that hold for a type."""
    fragments = [node for node in selection.selections if isinstance(node, InlineFragmentNode)]
    if not fragments:
        yield selection
    for node in fragments:
        condition = node.type_condition.name.value if node.type_condition else type_name
        definition = types.get(type_name)
        if condition == type_name or (definition is not None and condition in definition.interfaces):
            yield node.selection_set


def _path_problems(
    selection: SelectionSetNode, type_name: str, wanted: TypeNode, types: Types, *, nullable: bool, lists: int
) -> Iterator[str]:
    node = selection.selections[0]
    if len(selection.selections) != 1 or not isinstance(node, FieldNode):
        yield "it must select exactly one field"
        return
    if node.alias or node.directives or node.arguments:
        yield f"{node.name.value} cannot have an alias, arguments or directives in it"
        return
    definition = types.get(type_name)
    found = definition.fields.get(node.name.value) if definition is not None else None
    if found is None:
        yield f"{type_name} has no field {node.name.value} in this subgraph"
        return
    nullable = nullable or not isinstance(found.type, NonNullTypeNode)
    if node.selection_set is not None:
        yield from _path_problems(
            node.selection_set,
            named_type(found.type),
            wanted,
            types,
            nullable=nullable,
            lists=lists + type_text(found.type).count("["),
        )
        return
    given = "[" * lists + type_text(found.type) + "]" * lists
    if (isinstance(wanted, NonNullTypeNode) and nullable) or _bare(given) != _bare(type_text(wanted)):
        yield f"{type_name}.{found.name} gives {given}, and the argument is {type_text(wanted)}"


def _bare(text: str) -> str:
    return text.replace("!", "")
