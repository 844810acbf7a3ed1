"""Field sets against the types of their subgraph: what is wrong with them, and what they mention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NonNullTypeNode,
    SelectionSetNode,
)

from schema.compose.context_value import read_context_value
from schema.compose.field_sets import parse_field_set
from schema.compose.subgraph.model import SubgraphField, SubgraphModel, SubgraphType
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type

__all__ = [
    "Types",
    "field_set_problems",
    "fields_of",
    "interface_fields",
    "used_fields",
]

Types = Mapping[str, SubgraphType]
Problem = tuple[str, str]
"""Suffix or whole of a code, sentence."""

_COMPOSITE = (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)


def field_set_problems(directive: str, text: str, type_name: str, types: Types) -> list[Problem]:
    """What is wrong with the field set of a @key, @requires or @provides on a type; empty if it is fine."""
    try:
        selection = parse_field_set(text)
    except GraphQLSyntaxError as error:
        return [("INVALID_FIELDS", f"it cannot be parsed: {error.message}")]
    if not selection.selections:
        return [("INVALID_FIELDS", "it is empty; name at least one field")]
    return list(_Walk(directive, types).problems(selection, type_name))


@dataclass(frozen=True, slots=True)
class _Walk:
    directive: str
    types: Types

    def problems(self, selection: SelectionSetNode, type_name: str) -> Iterator[Problem]:
        for node in selection.selections:
            if node.directives:
                sentence = (
                    f"directives such as @{node.directives[0].name.value} cannot stand in it; take them out"
                )
                yield "DIRECTIVE_IN_FIELDS_ARG", sentence
            elif isinstance(node, InlineFragmentNode):
                inner = node.type_condition.name.value if node.type_condition else type_name
                if inner in self.types:
                    yield from self.problems(node.selection_set, inner)
                else:
                    yield "INVALID_FIELDS", f"the type {inner} is unknown here"
            elif isinstance(node, FragmentSpreadNode):
                yield "INVALID_FIELDS", f"named fragments such as ...{node.name.value} cannot stand in it"
            elif isinstance(node, FieldNode) and node.name.value != "__typename":
                yield from self._field(node, type_name)

    def _field(self, node: FieldNode, type_name: str) -> Iterator[Problem]:
        name = node.name.value
        found = self.types[type_name].fields.get(name)
        if node.alias is not None:
            yield "INVALID_FIELDS", f"{node.alias.value}: {name} is an alias; name the field itself"
        if found is None:
            yield (
                "INVALID_FIELDS",
                f"{type_name} has no field {name} here; add it or take it out of the fields",
            )
            return
        yield from self._arguments(node, type_name, found)
        target = self.types.get(named_type(found.type))
        composite = target is not None and target.kind in _COMPOSITE
        if self.directive == "key" and target is not None and target.kind in (Kind.INTERFACE, Kind.UNION):
            sentence = f"{type_name}.{name} is of the {target.kind.value} {target.name}; keys take scalars and objects"
            yield "FIELDS_SELECT_INVALID_TYPE", sentence
        elif composite and node.selection_set is None:
            yield "INVALID_FIELDS", f"{type_name}.{name} needs a selection of fields"
        elif not composite and node.selection_set is not None:
            yield "INVALID_FIELDS", f"{type_name}.{name} has no fields to select"
        elif target is not None and node.selection_set is not None:
            yield from self.problems(node.selection_set, target.name)

    def _arguments(self, node: FieldNode, type_name: str, found: SubgraphField) -> Iterator[Problem]:
        name = node.name.value
        if self.directive != "requires":
            if found.arguments or node.arguments:
                yield (
                    "FIELDS_HAS_ARGS",
                    f"{type_name}.{name} has arguments; only fields without can stand in it",
                )
            return
        given = {item.name.value for item in node.arguments or ()}
        for argument in sorted(given - set(found.arguments)):
            yield "INVALID_FIELDS", f"{type_name}.{name} has no argument {argument}"
        for argument, item in found.arguments.items():
            required = isinstance(item.type, NonNullTypeNode) and item.default is None
            if required and argument not in given:
                yield "INVALID_FIELDS", f"{type_name}.{name} needs its argument {argument}"


def fields_of(selection: SelectionSetNode, type_name: str, types: Types) -> Iterator[tuple[str, str]]:
    """Every (type, field) that a field set mentions; what is unknown is passed over."""
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            yield from fields_of(node.selection_set, inner, types) if inner in types else ()
        elif isinstance(node, FieldNode):
            found = types[type_name].fields.get(node.name.value) if type_name in types else None
            if found is None:
                continue
            yield type_name, node.name.value
            if node.selection_set is not None:
                yield from fields_of(node.selection_set, named_type(found.type), types)


def used_fields(model: SubgraphModel) -> set[tuple[str, str]]:
    """(type, field) in any @key, @requires, @provides or @fromContext; a field of an interface counts for its implementations."""
    used: set[tuple[str, str]] = set()
    for definition in model.types.values():
        for text, type_name in (*_sets(definition), *_context_sets(definition, model.types)):
            try:
                used.update(fields_of(parse_field_set(text), type_name, model.types))
            except GraphQLSyntaxError:
                continue  # reported by the checks of field sets, with the reason
    for definition in model.types.values():
        used |= {
            (definition.name, name)
            for interface in definition.interfaces
            for name in definition.fields
            if (interface, name) in used
        }
    return used


def interface_fields(model: SubgraphModel) -> set[tuple[str, str]]:
    """(type, field) that an interface of the type demands."""
    return {
        (definition.name, name)
        for definition in model.types.values()
        for interface in definition.interfaces
        if interface in model.types
        for name in model.types[interface].fields
    }


def _context_sets(definition: SubgraphType, types: Types) -> Iterator[tuple[str, str]]:
    """What contextual arguments read, at each type that sets their context; of unions at their members."""
    texts = [
        argument.from_context
        for item in definition.fields.values()
        for argument in item.arguments.values()
        if argument.from_context is not None
    ]
    for value in filter(None, map(read_context_value, texts)):
        for setting in types.values():
            if value.context in setting.contexts:
                for name in setting.members or (setting.name,):
                    yield value.selection, name


def _sets(definition: SubgraphType) -> Iterator[tuple[str, str]]:
    yield from ((key.fields, definition.name) for key in definition.keys)
    for item in definition.fields.values():
        if item.requires:
            yield item.requires, definition.name
        if item.provides:
            yield item.provides, named_type(item.type)
