"""A supergraph's document -> Supergraph. Problems come back beside it, with lines of the document."""

from __future__ import annotations

from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLSyntaxError,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    UnionTypeDefinitionNode,
    print_ast,
)

from schema.compose.errors import CompositionError
from schema.compose.links import schema_directives
from schema.compose.merge.executable import definition_text
from schema.compose.reader.elements import Applied, described, read_applications, read_argument
from schema.compose.reader.joins import field_joins, type_joins, value_subgraphs
from schema.compose.reader.joins_v01 import complete
from schema.compose.reader.specification import Specification, read_specification
from schema.compose.subgraph.directives import read_directive_definitions
from schema.compose.supergraph import (
    EnumValueDefinition,
    FieldDefinition,
    Kind,
    Supergraph,
    TypeDefinition,
    TypeJoin,
)
from schema.compose.type_text import named_type, type_text

__all__ = ["read_supergraph_document"]

_KINDS: dict[type[Node], Kind] = {
    ObjectTypeDefinitionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    ScalarTypeDefinitionNode: Kind.SCALAR,
}
_UNSUPPORTED = ("connect", "source")


def read_supergraph_document(document: DocumentNode) -> tuple[Supergraph | None, list[CompositionError]]:
    """The model, or None with what is wrong: INVALID_FEDERATION_SUPERGRAPH, UNSUPPORTED_LINKED_FEATURE ..."""
    spec = read_specification(document)
    problems = [*spec.problems, *_other_roots(document), *_connectors(document, spec)]
    if problems:
        return None, problems
    types: dict[str, TypeDefinition] = {}
    for node in document.definitions:
        if type(node) in _KINDS and not spec.is_machinery(node.name.value):  # type: ignore[attr-defined]  # types have names
            try:
                definition = _read_type(node, spec)
            except (GraphQLSyntaxError, KeyError, AttributeError, TypeError) as error:
                problems.append(_unreadable(node, error))
                continue
            types[definition.name] = definition
    if problems:
        return None, problems
    if spec.join_version == "0.1":
        complete(types, _owners(document, spec))
    definitions = read_directive_definitions(
        node
        for node in document.definitions
        if isinstance(node, DirectiveDefinitionNode) and spec.is_own_directive(node.name.value)
    )
    return Supergraph(
        {item.name: item for item in spec.graphs.values()},
        types,
        {name: definition_text(item) for name, item in definitions.items()},
        spec.features,
        Applied(schema_directives(document), spec).directives,
        spec.join_version,
    ), []


def _read_type(node: Any, spec: Specification) -> TypeDefinition:
    joins = type_joins(node, spec)
    applied = Applied(node.directives, spec)
    fields = [_read_field(item, joins, spec) for item in getattr(node, "fields", None) or ()]
    values = [_read_value(item, joins, spec) for item in getattr(node, "values", None) or ()]
    return TypeDefinition(
        _KINDS[type(node)],
        node.name.value,
        joins,
        {item.name: item for item in fields},
        tuple(item.name.value for item in getattr(node, "interfaces", None) or ()),
        tuple(item.name.value for item in getattr(node, "types", None) or ()),
        {item.name: item for item in values},
        described(node),
        applied.specified_by,
        applied.one_of,
        applied.inaccessible,
        applied.directives,
    )


def _read_field(node: Any, joins: dict[str, TypeJoin], spec: Specification) -> FieldDefinition:
    applied = Applied(node.directives, spec)
    text, name = type_text(node.type), named_type(node.type)
    default = getattr(node, "default_value", None)
    return FieldDefinition(
        node.name.value,
        text,
        name,
        field_joins(node, text, name, joins, spec),
        tuple(read_argument(item, spec) for item in getattr(node, "arguments", None) or ()),
        print_ast(default) if default else None,
        described(node),
        applied.deprecated,
        applied.inaccessible,
        applied.directives,
    )


def _read_value(node: Any, joins: dict[str, TypeJoin], spec: Specification) -> EnumValueDefinition:
    applied = Applied(node.directives, spec)
    return EnumValueDefinition(
        node.name.value,
        value_subgraphs(node, joins, spec),
        described(node),
        applied.deprecated,
        applied.inaccessible,
        applied.directives,
    )


def _owners(document: DocumentNode, spec: Specification) -> dict[str, str]:
    """Owning subgraph by entity (v0.1)."""
    owners = {}
    for node in document.definitions:
        for item in read_applications(getattr(node, "directives", None), f"{spec.join}__owner"):
            if item.get("graph") in spec.graphs:
                owners[node.name.value] = spec.graphs[item["graph"]].name  # type: ignore[attr-defined]  # types have names
    return owners


def _other_roots(document: DocumentNode) -> list[CompositionError]:
    problems = []
    for node in document.definitions:
        for operation in node.operation_types if isinstance(node, SchemaDefinitionNode) else ():
            name, wanted = operation.type.name.value, operation.operation.value.capitalize()
            if name != wanted:
                message = (
                    f"the root {operation.operation.value} of a supergraph is called {wanted}, found {name}"
                )
                line = node.loc.start_token.line if node.loc else None
                problems.append(CompositionError("INVALID_FEDERATION_SUPERGRAPH", message, line=line))
    return problems


def _connectors(document: DocumentNode, spec: Specification) -> list[CompositionError]:
    """Apollo connectors: their subgraphs have no server, and nothing here would call them."""
    names = {
        str(item.get("name", "")).split("__")[-1].removeprefix("@")
        for item in read_applications(tuple(schema_directives(document)), f"{spec.join}__directive")
    }
    found = sorted(names & set(_UNSUPPORTED))
    message = f"the supergraph uses @{found[0] if found else ''} of Apollo Connectors, which cannot be executed here"
    return [CompositionError("UNSUPPORTED_FEATURE", message)] if found else []


def _unreadable(node: Any, error: Exception) -> CompositionError:
    name = node.name.value
    message = f"the join directives on {name} cannot be read: {error}"
    line = node.loc.start_token.line if node.loc else None
    return CompositionError("INVALID_FEDERATION_SUPERGRAPH", message, None, name, line=line)
