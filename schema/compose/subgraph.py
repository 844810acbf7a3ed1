"""SDL of one subgraph -> a plain model of it: renames undone, federation machinery out, places kept.

Federation v2 is recognised by its `@link`; without one the SDL is read as v1 (all fields shareable).
Raises nothing: problems are returned beside the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
    GraphQLSyntaxError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
    print_ast,
    value_from_ast_untyped,
)

from schema.compose.errors import CompositionError
from schema.compose.links import DirectiveNames, read_links
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type, rename_named

__all__ = ["SubgraphField", "SubgraphKey", "SubgraphModel", "SubgraphSchema", "SubgraphType", "read_subgraph"]

_KINDS: dict[type[Node], Kind] = {
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    InputObjectTypeExtensionNode: Kind.INPUT,
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
}
_ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
_MACHINERY = {"_Any", "_Entity", "_Service", "_FieldSet", "FieldSet"}
_MACHINERY_FIELDS = {"_service", "_entities"}


@dataclass(frozen=True, slots=True)
class SubgraphSchema:
    """What composition is given: a name, where it is reached (None in process), and its SDL."""

    name: str
    url: str | None
    sdl: str


@dataclass(frozen=True, slots=True)
class SubgraphKey:
    """`@key(fields:, resolvable:)` as written."""

    fields: str
    resolvable: bool
    line: int | None


@dataclass(slots=True)
class SubgraphArgument:
    name: str
    type: TypeNode
    default: str | None
    description: str | None
    deprecated: str | None
    inaccessible: bool


@dataclass(slots=True)
class SubgraphField:
    """A field (or input field) of one subgraph. `shareable` is already true where the version implies it."""

    name: str
    type: TypeNode
    arguments: dict[str, SubgraphArgument]
    line: int | None
    description: str | None = None
    deprecated: str | None = None
    default: str | None = None
    external: bool = False
    shareable: bool = False
    inaccessible: bool = False
    requires: str | None = None
    provides: str | None = None
    override_from: str | None = None
    override_label: str | None = None


@dataclass(slots=True)
class SubgraphEnumValue:
    name: str
    description: str | None
    deprecated: str | None
    inaccessible: bool


@dataclass(slots=True)
class SubgraphType:
    kind: Kind
    name: str
    line: int | None
    description: str | None = None
    fields: dict[str, SubgraphField] = field(default_factory=dict)
    interfaces: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    values: dict[str, SubgraphEnumValue] = field(default_factory=dict)
    keys: list[SubgraphKey] = field(default_factory=list)
    extension: bool = False
    interface_object: bool = False
    inaccessible: bool = False
    one_of: bool = False
    specified_by: str | None = None


@dataclass(slots=True)
class SubgraphModel:
    name: str
    url: str | None
    federation_2: bool
    types: dict[str, SubgraphType]


def read_subgraph(schema: SubgraphSchema) -> tuple[SubgraphModel | None, list[CompositionError]]:
    """The model, and what is wrong with the SDL itself (INVALID_GRAPHQL, UNKNOWN_FEDERATION_LINK_VERSION ...)."""
    try:
        document = parse(schema.sdl)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else None
        message = f"[{schema.name}] the SDL cannot be parsed: {error.message}"
        return None, [CompositionError("INVALID_GRAPHQL", message, schema.name, line=line)]
    names, problems = read_links(schema.name, document)
    reader = _Reader(schema.name, names, _root_renames(document))
    for definition in document.definitions:
        if type(definition) in _KINDS:
            reader.read_type(definition)
    model = SubgraphModel(schema.name, schema.url, names.federation_2, reader.types)
    _settle_externals(model)
    problems += reader.problems
    problems += _unknown_types(model)
    return model, problems


def _root_renames(document: DocumentNode) -> dict[str, str]:
    """Root types under other names ("RootQuery") -> Query, Mutation, Subscription."""
    renames: dict[str, str] = {}
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            for operation in definition.operation_types or ():
                standard = _ROOTS[operation.operation.value]
                if operation.type.name.value != standard:
                    renames[operation.type.name.value] = standard
    return renames


class _Reader:
    """Collects the types of one document; definitions and extensions of one name become one type."""

    def __init__(self, subgraph: str, names: DirectiveNames, renames: dict[str, str]) -> None:
        self.subgraph = subgraph
        self.names = names
        self.renames = renames
        self.types: dict[str, SubgraphType] = {}
        self.problems: list[CompositionError] = []

    def read_type(self, node: Any) -> None:  # graphql-core has no common base for definition and extension
        name = self.renames.get(node.name.value, node.name.value)
        if name in _MACHINERY or name.startswith(("federation__", "link__", "join__")):
            return
        kind, is_extension = _KINDS[type(node)], "Extension" in type(node).__name__
        known = self.types.get(name)
        if known and known.kind is not kind:
            message = f"[{self.subgraph}] {name} is both {known.kind.value} and {kind.value}"
            self.problems.append(
                CompositionError("INVALID_GRAPHQL", message, self.subgraph, name, line=_line(node))
            )
            return
        if known is None:
            known = self.types[name] = SubgraphType(kind, name, _line(node), extension=is_extension)
        known.extension = known.extension and is_extension
        description = getattr(node, "description", None)
        known.description = description.value if description else known.description
        self._read_type_directives(known, node)
        self._read_members(known, node)

    def _read_members(self, known: SubgraphType, node: Any) -> None:
        known.interfaces += [item.name.value for item in getattr(node, "interfaces", None) or ()]
        known.members += [item.name.value for item in getattr(node, "types", None) or ()]
        for value in getattr(node, "values", None) or ():
            found = self._arguments_by_directive(value.directives)
            known.values[value.name.value] = SubgraphEnumValue(
                value.name.value, _text(value.description), _deprecation(found), "inaccessible" in found
            )
        shareable = not self.names.federation_2 or "shareable" in self._arguments_by_directive(
            node.directives
        )
        external = "external" in self._arguments_by_directive(node.directives)
        for item in getattr(node, "fields", None) or ():
            if item.name.value in _MACHINERY_FIELDS:
                continue
            if item.name.value in known.fields:
                message = f"[{self.subgraph}] {known.name}.{item.name.value} is defined twice"
                self.problems.append(
                    CompositionError(
                        "INVALID_GRAPHQL", message, self.subgraph, known.name, item.name.value, _line(item)
                    )
                )
            known.fields[item.name.value] = self._read_field(item, shareable=shareable, external=external)

    def _read_type_directives(self, known: SubgraphType, node: Any) -> None:
        for directive in node.directives or ():
            name, arguments = self.names.standard(directive.name.value), _arguments(directive)
            if name == "key":
                fields = _field_set_text(arguments.get("fields"))
                known.keys.append(
                    SubgraphKey(fields, arguments.get("resolvable") is not False, _line(directive))
                )
            known.extension = known.extension or name == "extends"
            known.interface_object = known.interface_object or name == "interfaceObject"
            known.inaccessible = known.inaccessible or name == "inaccessible"
            known.one_of = known.one_of or name == "oneOf"
            if name == "specifiedBy":
                known.specified_by = arguments.get("url")

    def _read_field(
        self, node: FieldDefinitionNode | InputValueDefinitionNode, *, shareable: bool, external: bool
    ) -> SubgraphField:
        found = self._arguments_by_directive(node.directives)
        override = found.get("override", {})
        arguments = {
            item.name.value: self._read_argument(item) for item in getattr(node, "arguments", None) or ()
        }
        default = getattr(node, "default_value", None)
        return SubgraphField(
            node.name.value,
            rename_named(node.type, self.renames),
            arguments,
            _line(node),
            description=_text(node.description),
            deprecated=_deprecation(found),
            default=print_ast(default) if default else None,
            external=external or "external" in found,
            shareable=shareable or "shareable" in found,
            inaccessible="inaccessible" in found,
            requires=_field_set_text(found["requires"].get("fields")) if "requires" in found else None,
            provides=_field_set_text(found["provides"].get("fields")) if "provides" in found else None,
            override_from=override.get("from"),
            override_label=override.get("label"),
        )

    def _read_argument(self, node: InputValueDefinitionNode) -> SubgraphArgument:
        found = self._arguments_by_directive(node.directives)
        default = print_ast(node.default_value) if node.default_value else None
        return SubgraphArgument(
            node.name.value,
            rename_named(node.type, self.renames),
            default,
            _text(node.description),
            _deprecation(found),
            "inaccessible" in found,
        )

    def _arguments_by_directive(
        self, directives: Iterable[ConstDirectiveNode] | None
    ) -> dict[str, dict[str, Any]]:
        return {self.names.standard(item.name.value): _arguments(item) for item in directives or ()}


def _settle_externals(model: SubgraphModel) -> None:
    """Key fields that an extension marks @external are resolved by it all the same (the v1 way of writing keys)."""
    for definition in model.types.values():
        if not definition.extension:
            continue
        for key in definition.keys:
            for word in _top_level_names(key.fields):
                if word in definition.fields:
                    definition.fields[word].external = False
                    definition.fields[word].shareable = True


def _top_level_names(fields: str) -> list[str]:
    names, depth = [], 0
    for word in re.findall(r"[{}]|\w+", fields):
        if word in "{}":
            depth += 1 if word == "{" else -1
        elif depth == 0:
            names.append(word)
    return names


def _unknown_types(model: SubgraphModel) -> list[CompositionError]:
    builtin = {"Int", "Float", "String", "Boolean", "ID"}
    problems = []
    for definition in model.types.values():
        for item in definition.fields.values():
            for node in (item.type, *(argument.type for argument in item.arguments.values())):
                name = named_type(node)
                if name not in model.types and name not in builtin:
                    message = f"[{model.name}] {definition.name}.{item.name} has the unknown type {name}"
                    problems.append(
                        CompositionError(
                            "INVALID_GRAPHQL", message, model.name, definition.name, item.name, item.line
                        )
                    )
    return problems


def _arguments(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {item.name.value: value_from_ast_untyped(item.value) for item in directive.arguments or ()}


def _field_set_text(value: Any) -> str:
    """Field sets are strings; v1 services may print lists of strings."""
    return " ".join(value) if isinstance(value, list) else str(value or "")


def _deprecation(found: dict[str, dict[str, Any]]) -> str | None:
    return found["deprecated"].get("reason", "No longer supported") if "deprecated" in found else None


def _text(node: Any) -> str | None:
    return node.value if node else None


def _line(node: Node) -> int | None:
    return node.loc.start_token.line if node.loc else None
