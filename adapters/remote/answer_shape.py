"""Whether an answer has the shape that was asked for: objects where objects are, lists where lists are. Pure.

The executor walks into what subgraphs send; a subgraph that sends text in place of a list must be its own fault, in
its own place, and nobody else's. Leaves are left to the projection. Compiled once per operation, and only composite
values are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    SelectionSetNode,
    TypeNode,
    parse,
)

__all__ = ["FieldTypes", "ShapeCheck", "compile_shape_check", "field_types"]

FieldTypes = Mapping[str, Mapping[str, TypeNode]]
"""Type -> field -> its type, as the SDL has it."""

ShapeCheck = Callable[[dict[str, Any]], "str | None"]
"""Data of an answer -> dotted path of the first value that has another shape, or None."""

_Check = Callable[[Any], "str | None"]


def field_types(sdl: str) -> FieldTypes:
    """Of every object and interface type, extensions too. Empty for text that is no SDL."""
    try:
        document = parse(sdl, no_location=True)
    except GraphQLSyntaxError:
        return {}
    found: dict[str, dict[str, TypeNode]] = {"Query": {}}
    roots: dict[str, str] = {}
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            for item in node.operation_types or ():
                roots[item.operation.value.capitalize()] = item.type.name.value
        for field in getattr(node, "fields", None) or ():
            found.setdefault(node.name.value, {})[field.name.value] = field.type  # type: ignore[attr-defined]  # what has fields has a name
    for standard, name in roots.items():
        found[standard] = found.get(name, {})
    return found


def compile_shape_check(document: DocumentNode, types: FieldTypes) -> ShapeCheck:
    """The check for the operation of a document. What the types do not tell is not checked."""
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    root = operation.operation.value.capitalize()
    return _object(operation.selection_set, root, types, fragments)


def _object(
    selections: SelectionSetNode,
    type_name: str | None,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> _Check:
    """One check per response name that holds composite values; fragments on several types may share a name."""
    checks: dict[str, list[tuple[str | None, _Check]]] = {}
    _collect(selections, type_name, None, types, fragments, checks)
    entries = [(name, tuple(found)) for name, found in checks.items()]

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return ""
        own = value.get("__typename")
        for name, found in entries:
            inner = value.get(name)
            if inner is None:
                continue
            for condition, one in found:
                if condition is not None and own is not None and condition != own:
                    continue
                wrong = one(inner)
                if wrong is not None:
                    return f"{name}.{wrong}" if wrong else name
        return None

    return check


def _collect(
    selections: SelectionSetNode,
    type_name: str | None,
    condition: str | None,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
    checks: dict[str, list[tuple[str | None, _Check]]],
) -> None:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            if node.selection_set is None:
                continue
            name = node.alias.value if node.alias else node.name.value
            check = _field(node, type_name, types, fragments)
            if check is not None:
                checks.setdefault(name, []).append((condition, check))
            continue
        inner: SelectionSetNode
        if isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            on, inner = fragment.type_condition.name.value, fragment.selection_set
        else:
            assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the third kind of selection
            named = node.type_condition
            on, inner = (named.name.value if named else type_name or ""), node.selection_set
        # a fragment on an abstract type says nothing that __typename could be compared with
        _collect(inner, on, on if on in types and on != type_name else condition, types, fragments, checks)


def _field(
    node: FieldNode,
    type_name: str | None,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> _Check | None:
    assert node.selection_set is not None  # noqa: S101 - leaves are not looked at
    if node.name.value == "_entities":
        return _list(_object(node.selection_set, None, types, fragments))
    if node.name.value == "_service":
        return _object(node.selection_set, "_Service", types, fragments)
    known = types.get(type_name or "", {}).get(node.name.value)
    if known is None:
        return None
    return _of_type(known, node.selection_set, types, fragments)


def _of_type(
    type_: TypeNode,
    selections: SelectionSetNode,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> _Check:
    if isinstance(type_, NonNullTypeNode):
        return _of_type(type_.type, selections, types, fragments)
    if isinstance(type_, ListTypeNode):
        return _list(_of_type(type_.type, selections, types, fragments))
    return _object(selections, type_.name.value, types, fragments)  # type: ignore[attr-defined]  # a NamedTypeNode


def _list(item: _Check) -> _Check:
    def check(value: Any) -> str | None:
        if type(value) is not list:
            return ""
        for index, one in enumerate(value):
            if one is not None:
                wrong = item(one)
                if wrong is not None:
                    return f"{index}.{wrong}" if wrong else str(index)
        return None

    return check
