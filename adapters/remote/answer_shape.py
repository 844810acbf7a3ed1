"""Whether an answer has the shape that was asked for: objects where objects are, lists where lists are. Pure.

The executor walks into what subgraphs send; a subgraph that sends text in place of a list must be its own fault, in
its own place, and nobody else's. Leaves are left to the projection. Compiled once per operation, and only composite
values are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """The check for the operation of a document. What the types do not tell is not checked.

    Written out as source that says yes or no; the walk then finds the place.
    """
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    root = _object(operation.selection_set, operation.operation.value.capitalize(), types, fragments)
    is_right = _Writer().function(root)

    def check(data: dict[str, Any]) -> str | None:
        return None if is_right(data) else root.wrong_at(data)

    return check


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    item: _Shape

    def wrong_at(self, value: Any) -> str | None:
        if type(value) is not list:
            return ""
        for index, one in enumerate(value):
            if one is not None:
                wrong = self.item.wrong_at(one)
                if wrong is not None:
                    return f"{index}.{wrong}" if wrong else str(index)
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Object:
    """entries: by response name, (type that the object must say it is of, shape); fragments may share a name."""

    entries: tuple[tuple[str, tuple[tuple[str | None, _Shape], ...]], ...]

    def wrong_at(self, value: Any) -> str | None:
        if type(value) is not dict:
            return ""
        own = value.get("__typename")
        for name, found in self.entries:
            inner = value.get(name)
            if inner is None:
                continue
            for condition, one in found:
                if condition is not None and own is not None and condition != own:
                    continue
                wrong = one.wrong_at(inner)
                if wrong is not None:
                    return f"{name}.{wrong}" if wrong else name
        return None


_Shape = _List | _Object


class _Writer:
    """Functions from a value to whether it is right, one for each object that holds others."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._count = 0

    def function(self, root: _Shape) -> Callable[[Any], bool]:
        name = self._write(root)
        names: dict[str, Any] = {}
        exec("\n".join(self._lines), names)  # noqa: S102 - written here, of names only  # nosec B102
        made: Callable[[Any], bool] = names[name]
        return made

    def _write(self, shape: _Shape) -> str:
        self._count += 1
        name = f"right_{self._count}"
        body = self._tests(shape, "value", 1)
        self._lines += [f"def {name}(value):", *body, "    return True"]
        return name

    def _tests(self, shape: _Shape, name: str, depth: int) -> list[str]:
        """Lines that return False where the value is wrong."""
        pad = "    " * depth
        if isinstance(shape, _List):
            item = f"item{depth}"
            inner = shape.item
            lines = [f"{pad}if type({name}) is not list:", f"{pad}    return False"]
            lines.append(f"{pad}for {item} in {name}:")
            if isinstance(inner, _Object) and not inner.entries:
                test = f"{item} is not None and type({item}) is not dict"
            else:
                test = f"{item} is not None and not {self._write(inner)}({item})"
            return [*lines, f"{pad}    if {test}:", f"{pad}        return False"]
        lines = [f"{pad}if type({name}) is not dict:", f"{pad}    return False"]
        if any(condition is not None for _, found in shape.entries for condition, _ in found):
            lines.append(f"{pad}own = {name}.get('__typename')")
        for response, found in shape.entries:
            lines += [f"{pad}inner = {name}.get({response!r})", f"{pad}if inner is not None:"]
            for condition, one in found:
                if condition is None:
                    lines += (
                        self._tests(one, "inner", depth + 1) if _is_flat(one) else self._call(one, depth + 1)
                    )
                else:
                    lines.append(f"{pad}    if own is None or own == {condition!r}:")
                    lines += self._call(one, depth + 2)
        return lines

    def _call(self, shape: _Shape, depth: int) -> list[str]:
        pad = "    " * depth
        return [f"{pad}if not {self._write(shape)}(inner):", f"{pad}    return False"]


def _is_flat(shape: _Shape) -> bool:
    """Whether its test needs no variable that is in use around it."""
    return isinstance(shape, _List) or not shape.entries


def _object(
    selections: SelectionSetNode,
    type_name: str | None,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> _Object:
    """One entry per response name that holds composite values; fragments on several types may share a name."""
    found: dict[str, list[tuple[str | None, _Shape]]] = {}
    _collect(selections, type_name, None, types, fragments, found)
    return _Object(tuple((name, tuple(items)) for name, items in found.items()))


def _collect(
    selections: SelectionSetNode,
    type_name: str | None,
    condition: str | None,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
    found: dict[str, list[tuple[str | None, _Shape]]],
) -> None:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            if node.selection_set is None:
                continue
            name = node.alias.value if node.alias else node.name.value
            shape = _field(node, type_name, types, fragments)
            if shape is not None:
                found.setdefault(name, []).append((condition, shape))
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
        _collect(inner, on, on if on in types and on != type_name else condition, types, fragments, found)


def _field(
    node: FieldNode,
    type_name: str | None,
    types: FieldTypes,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> _Shape | None:
    assert node.selection_set is not None  # noqa: S101 - leaves are not looked at
    if node.name.value == "_entities":
        return _List(_object(node.selection_set, None, types, fragments))
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
) -> _Shape:
    if isinstance(type_, NonNullTypeNode):
        return _of_type(type_.type, selections, types, fragments)
    if isinstance(type_, ListTypeNode):
        return _List(_of_type(type_.type, selections, types, fragments))
    return _object(selections, type_.name.value, types, fragments)  # type: ignore[attr-defined]  # a NamedTypeNode
