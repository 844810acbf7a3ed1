"""SDL of one subgraph -> its model: renames undone, federation's machinery out, places kept.

Federation v2 is recognised by its `@link`; without one the SDL is read as v1 (all fields shareable, see
`federation_1.py`). Raises nothing: problems are returned beside the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
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
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    print_ast,
    value_from_ast_untyped,
)

from schema.compose.applied import AppliedDirective, read_applied
from schema.compose.errors import CompositionError
from schema.compose.links import schema_directives
from schema.compose.subgraph.directives import read_directive_definitions
from schema.compose.subgraph.document import Prepared, prepare
from schema.compose.subgraph.federation_1 import own_external_keys
from schema.compose.subgraph.model import (
    SubgraphArgument,
    SubgraphEnumValue,
    SubgraphField,
    SubgraphKey,
    SubgraphModel,
    SubgraphSchema,
    SubgraphType,
)
from schema.compose.subgraph.places import line_of
from schema.compose.supergraph import Kind
from schema.compose.type_text import rename_named

__all__ = ["read_subgraph"]

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
_MERGED = ("tag", "authenticated", "requiresScopes", "policy", "cost", "listSize", "cacheTag")
"""Federation's directives that stand in the supergraph as they are (others change its structure)."""
_BUILT_IN = ("deprecated", "specifiedBy", "oneOf", "link", "core")

Applications = Mapping[str, Mapping[str, Any]]
"""Arguments by standard name of the directive."""


def read_subgraph(schema: SubgraphSchema) -> tuple[SubgraphModel | None, list[CompositionError]]:
    """The model, and what is wrong with the SDL itself: INVALID_GRAPHQL, links, root types, field set types."""
    prepared = prepare(schema)
    if isinstance(prepared, CompositionError):
        return None, [prepared]
    if prepared.problems:
        return None, prepared.problems
    renames = _root_renames(prepared.document)
    reader = _Reader(schema.name, prepared, renames)
    reader.problems += _hidden_roots(schema.name, prepared.document, renames)
    for definition in prepared.document.definitions:
        if type(definition) in _KINDS:
            reader.read_type(definition)
    model = SubgraphModel(schema.name, schema.url, prepared.names.minor, reader.types, schema.file)
    model.links, model.names = prepared.links, prepared.names.as_mapping()
    model.directives = read_directive_definitions(
        item for item in prepared.document.definitions if isinstance(item, DirectiveDefinitionNode)
    )
    _read_schema_directives(model, prepared, reader)
    own_external_keys(model)
    return model, reader.problems


def _read_schema_directives(model: SubgraphModel, prepared: Prepared, reader: _Reader) -> None:
    for directive in schema_directives(prepared.document):
        name = model.names.get(directive.name.value, directive.name.value)
        if name == "composeDirective":
            value = _arguments(directive).get("name")
            model.composes.append((str(value), line_of(directive)))
    model.applied = reader.merged(tuple(schema_directives(prepared.document)))


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


def _hidden_roots(
    subgraph: str, document: DocumentNode, renames: Mapping[str, str]
) -> Iterable[CompositionError]:
    """A type that bears a root's default name beside a root of another name."""
    for definition in document.definitions:
        name = definition.name.value if type(definition) in _KINDS else ""  # type: ignore[attr-defined]  # types have names
        if name in renames.values():
            root = next(here for here, standard in renames.items() if standard == name)
            message = (
                f"[{subgraph}] {root} is the {name.lower()} root, so no other type may be called {name}; "
                f"rename this type or make it the root"
            )
            yield CompositionError(
                f"ROOT_{name.upper()}_USED", message, subgraph, name, line=line_of(definition)
            )


class _Reader:
    """Collects the types of one document; definitions and extensions of one name become one type."""

    def __init__(self, subgraph: str, prepared: Prepared, renames: dict[str, str]) -> None:
        self.subgraph = subgraph
        self.names = prepared.names.as_mapping()
        self.federation_2 = prepared.names.minor is not None
        self.extended = prepared.extended
        self.renames = renames
        self.types: dict[str, SubgraphType] = {}
        self.problems: list[CompositionError] = []

    def read_type(self, node: Any) -> None:  # graphql-core has no common base for definition and extension
        written = node.name.value
        name = self.renames.get(written, written)
        known = self.types.get(name)
        if known is None:
            known = SubgraphType(_KINDS[type(node)], name, line_of(node), extension=written in self.extended)
            self.types[name] = known
        description = getattr(node, "description", None)
        known.description = description.value if description else known.description
        self._read_type_directives(known, node)
        self._read_members(known, node)

    def merged(self, directives: Iterable[ConstDirectiveNode] | None) -> list[AppliedDirective]:
        """Applications that may stand in the supergraph: federation's merged ones and the subgraph's own."""
        found = []
        for item in directives or ():
            standard = self.names.get(item.name.value)
            if standard in _MERGED or (standard is None and item.name.value not in _BUILT_IN):
                found.append(read_applied(item, standard or item.name.value))
        return found

    def _read_members(self, known: SubgraphType, node: Any) -> None:
        known.interfaces += [item.name.value for item in getattr(node, "interfaces", None) or ()]
        known.members += [self._rename(item.name.value) for item in getattr(node, "types", None) or ()]
        for value in getattr(node, "values", None) or ():
            found = self._applications(value.directives)
            known.values[value.name.value] = SubgraphEnumValue(
                value.name.value,
                line_of(value),
                _text(value.description),
                _deprecation(found),
                "inaccessible" in found,
                self.merged(value.directives),
            )
        found = self._applications(node.directives)
        shareable = not self.federation_2 or "shareable" in found
        for item in getattr(node, "fields", None) or ():
            known.fields[item.name.value] = self._read_field(
                known, item, shareable=shareable, external="external" in found
            )

    def _read_type_directives(self, known: SubgraphType, node: Any) -> None:
        names = [self.names.get(item.name.value) for item in node.directives or ()]
        if names.count("shareable") > 1:
            message = f"[{self.subgraph}] {known.name} is @shareable twice in one definition; once is enough"
            self.problems.append(
                CompositionError(
                    "INVALID_SHAREABLE_USAGE", message, self.subgraph, known.name, line=line_of(node)
                )
            )
        for directive in node.directives or ():
            name = self.names.get(directive.name.value, directive.name.value)
            arguments = _arguments(directive)
            if name == "key":
                fields = self._field_set("key", arguments.get("fields"), directive, (known.name, None))
                resolvable = arguments.get("resolvable") is not False
                known.keys += (
                    [SubgraphKey(fields, resolvable, line_of(directive))] if fields is not None else []
                )
            known.says_extends = known.says_extends or name == "extends"
            known.extension = known.extension or name == "extends"
            known.interface_object = known.interface_object or name == "interfaceObject"
            known.inaccessible = known.inaccessible or name == "inaccessible"
            known.one_of = known.one_of or name == "oneOf"
            known.contexts += [str(arguments.get("name"))] if name == "context" else []
            if name == "specifiedBy":
                known.specified_by = arguments.get("url")
        known.directives += self.merged(node.directives)

    def _read_field(
        self,
        owner: SubgraphType,
        node: FieldDefinitionNode | InputValueDefinitionNode,
        *,
        shareable: bool,
        external: bool,
    ) -> SubgraphField:
        found = self._applications(node.directives)
        place = (owner.name, node.name.value)
        override = found.get("override", {})
        default = getattr(node, "default_value", None)
        return SubgraphField(
            node.name.value,
            rename_named(node.type, self.renames),
            {item.name.value: self._read_argument(item) for item in getattr(node, "arguments", None) or ()},
            line_of(node),
            description=_text(node.description),
            deprecated=_deprecation(found),
            default=print_ast(default) if default else None,
            external=external or "external" in found,
            shareable=shareable or "shareable" in found,
            says_shareable="shareable" in found,
            inaccessible="inaccessible" in found,
            requires=self._field_set_of("requires", found, node, place),
            provides=self._field_set_of("provides", found, node, place),
            override_from=override.get("from"),
            override_label=override.get("label"),
            directives=self.merged(node.directives),
        )

    def _read_argument(self, node: InputValueDefinitionNode) -> SubgraphArgument:
        found = self._applications(node.directives)
        return SubgraphArgument(
            node.name.value,
            rename_named(node.type, self.renames),
            print_ast(node.default_value) if node.default_value else None,
            line_of(node),
            _text(node.description),
            _deprecation(found),
            "inaccessible" in found,
            str(found["fromContext"].get("field") or "") if "fromContext" in found else None,
            self.merged(node.directives),
        )

    def _rename(self, name: str) -> str:
        return self.renames.get(name, name)

    def _applications(self, directives: Iterable[ConstDirectiveNode] | None) -> Applications:
        return {
            self.names.get(item.name.value, item.name.value): _arguments(item) for item in directives or ()
        }

    def _field_set_of(
        self, name: str, found: Applications, node: Node, place: tuple[str, str | None]
    ) -> str | None:
        return self._field_set(name, found[name].get("fields"), node, place) if name in found else None

    def _field_set(self, name: str, value: Any, node: Node, place: tuple[str, str | None]) -> str | None:
        """The text of a field set. v1 services may print lists of strings."""
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return " ".join(value)
        if isinstance(value, str):
            return value
        code = f"{name.upper()}_INVALID_FIELDS_TYPE"
        coordinate = ".".join(part for part in place if part)
        message = f'[{self.subgraph}] @{name}(fields:) on {coordinate} must be a string such as "id", found {value!r}'
        self.problems.append(CompositionError(code, message, self.subgraph, *place, line=line_of(node)))
        return None


def _arguments(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {item.name.value: value_from_ast_untyped(item.value) for item in directive.arguments or ()}


def _deprecation(found: Applications) -> str | None:
    return found["deprecated"].get("reason", "No longer supported") if "deprecated" in found else None


def _text(node: Any) -> str | None:
    return node.value if node else None
