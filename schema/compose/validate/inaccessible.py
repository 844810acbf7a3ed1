"""@inaccessible: what is left for clients must be a schema. Specification: https://specs.apollo.dev/inaccessible/v0.2"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    ConstValueNode,
    EnumValueNode,
    GraphQLSyntaxError,
    ListValueNode,
    ObjectValueNode,
    parse_const_value,
)

from schema.compose.errors import CompositionError
from schema.compose.supergraph import ArgumentDefinition, FieldDefinition, Kind, Supergraph, TypeDefinition

__all__ = ["check_inaccessible"]


def check_inaccessible(supergraph: Supergraph) -> Iterator[CompositionError]:
    """All errors of hidden parts that visible parts need."""
    query = supergraph.types.get("Query")
    if query is not None and query.inaccessible:
        message = "Query is @inaccessible: there would be nothing to ask; hide fields of it instead"
        yield CompositionError("QUERY_ROOT_TYPE_INACCESSIBLE", message, None, "Query")
    for definition in supergraph.types.values():
        if definition.inaccessible:
            continue
        yield from _children(supergraph, definition)
        for item in definition.fields.values():
            if item.inaccessible:
                yield from _hidden_field(supergraph, definition, item)
            else:
                yield from _visible_field(supergraph, definition, item)


def _children(supergraph: Supergraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    if definition.kind is Kind.UNION:
        hidden = [
            name in supergraph.types and supergraph.types[name].inaccessible for name in definition.members
        ]
    elif definition.kind is Kind.ENUM:
        hidden = [value.inaccessible for value in definition.values.values()]
    else:
        hidden = [item.inaccessible for item in definition.fields.values()]
    if hidden and all(hidden):
        message = f"everything in {definition.name} is @inaccessible but {definition.name} itself; hide it too, or show a part"
        yield CompositionError("ONLY_INACCESSIBLE_CHILDREN", message, None, definition.name)


def _hidden_field(
    supergraph: Supergraph, definition: TypeDefinition, item: FieldDefinition
) -> Iterator[CompositionError]:
    place = f"{definition.name}.{item.name}"
    if definition.kind is Kind.INPUT and _required(item.type, item.default):
        message = f"{place} is @inaccessible but required; make it nullable or give it a default"
        yield CompositionError("REQUIRED_INACCESSIBLE", message, None, definition.name, item.name)
    for name in definition.interfaces:
        parent = supergraph.types.get(name)
        demanded = parent.fields.get(item.name) if parent is not None and not parent.inaccessible else None
        if demanded is not None and not demanded.inaccessible:
            message = (
                f"{place} is @inaccessible but {name}.{item.name}, which it implements, is not; hide that too"
            )
            yield CompositionError("IMPLEMENTED_BY_INACCESSIBLE", message, None, definition.name, item.name)


def _visible_field(
    supergraph: Supergraph, definition: TypeDefinition, item: FieldDefinition
) -> Iterator[CompositionError]:
    place = f"{definition.name}.{item.name}"
    yield from _reference(supergraph, definition, item, place, item.named_type)
    yield from _default(supergraph, definition, item, place, (item.named_type, item.default))
    for argument in item.arguments:
        inner = f"{place}({argument.name}:)"
        if not argument.inaccessible:
            yield from _reference(supergraph, definition, item, inner, _bare(argument.type))
            yield from _default(supergraph, definition, item, inner, (_bare(argument.type), argument.default))
            continue
        if _required(argument.type, argument.default):
            message = f"{inner} is @inaccessible but required; make it nullable or give it a default"
            yield CompositionError("REQUIRED_INACCESSIBLE", message, None, definition.name, item.name)
        yield from _implemented_argument(supergraph, definition, item, argument)


def _implemented_argument(
    supergraph: Supergraph, definition: TypeDefinition, item: FieldDefinition, argument: ArgumentDefinition
) -> Iterator[CompositionError]:
    for name in definition.interfaces:
        parent = supergraph.types.get(name)
        demanded = parent.fields.get(item.name) if parent is not None and not parent.inaccessible else None
        for other in demanded.arguments if demanded is not None and not demanded.inaccessible else ():
            if other.name == argument.name and not other.inaccessible:
                inner = f"{definition.name}.{item.name}({argument.name}:)"
                message = (
                    f"{inner} is @inaccessible but that of {name}, which it implements, is not; hide that too"
                )
                yield CompositionError(
                    "IMPLEMENTED_BY_INACCESSIBLE", message, None, definition.name, item.name
                )


def _reference(
    supergraph: Supergraph, definition: TypeDefinition, item: FieldDefinition, place: str, name: str
) -> Iterator[CompositionError]:
    target = supergraph.types.get(name)
    if target is not None and target.inaccessible:
        message = f"{place} is of the type {name}, which is @inaccessible; hide {place} too, or show {name}"
        yield CompositionError("REFERENCED_INACCESSIBLE", message, None, definition.name, item.name)


def _default(
    supergraph: Supergraph,
    definition: TypeDefinition,
    item: FieldDefinition,
    place: str,
    default: tuple[str, str | None],
) -> Iterator[CompositionError]:
    name, text = default
    if text is None:
        return
    try:
        value = parse_const_value(text, no_location=True)
    except GraphQLSyntaxError:
        return
    for hidden in _hidden_in(supergraph, name, value):
        message = f"{place} has the default {text}, in which {hidden} is @inaccessible; use another default"
        yield CompositionError("DEFAULT_VALUE_USES_INACCESSIBLE", message, None, definition.name, item.name)


def _hidden_in(supergraph: Supergraph, name: str, value: ConstValueNode) -> Iterator[str]:
    target = supergraph.types.get(name)
    if target is None:
        return
    if isinstance(value, ListValueNode):
        for one in value.values:
            yield from _hidden_in(supergraph, name, one)
    elif isinstance(value, EnumValueNode):
        found = target.values.get(value.value)
        if found is not None and found.inaccessible:
            yield f"{name}.{value.value}"
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            inner = target.fields.get(field.name.value)
            if inner is None:
                continue
            if inner.inaccessible:
                yield f"{name}.{inner.name}"
            yield from _hidden_in(supergraph, inner.named_type, field.value)


def _required(type_text: str, default: str | None) -> bool:
    return type_text.endswith("!") and default is None


def _bare(type_text: str) -> str:
    return type_text.strip("[]!")
