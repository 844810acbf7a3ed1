"""The supergraph: every type with the subgraphs that hold it, every field with the subgraphs that resolve it.

Frozen values only; `merge.py` builds them from subgraph schemas. Types are kept as GraphQL text ("[Product!]!")
with the bare name beside it, because the planner asks for names and the printer for text.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import Enum

from graphql import SelectionSetNode

from schema.compose.applied import AppliedDirective, values_of

__all__ = [
    "ArgumentDefinition",
    "ContextArgument",
    "EntityKey",
    "EnumValueDefinition",
    "Feature",
    "FieldDefinition",
    "FieldJoin",
    "Kind",
    "Supergraph",
    "SupergraphSubgraph",
    "TypeDefinition",
    "TypeJoin",
]


class Kind(Enum):
    """Kinds of named types."""

    OBJECT = "type"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input"
    SCALAR = "scalar"


@dataclass(frozen=True, slots=True)
class SupergraphSubgraph:
    """A member of the supergraph. `url` is None for subgraphs that are not reached over HTTP."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class EntityKey:
    """One `@key` of a type in a subgraph. `resolvable`: the subgraph answers `_entities` for it."""

    fields: str
    selection: SelectionSetNode
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument that the gateway fills from the field's context (@fromContext).

    `context` is the full name ("subgraph__name"); `selection` the field set to read at the type that sets it.
    """

    name: str
    type: str
    context: str
    selection: str


@dataclass(frozen=True, slots=True)
class FieldJoin:
    """One subgraph's part in a field.

    external: the subgraph only mentions it (for a key, @requires or @provides); overridden: another took it over.
    override: the subgraph from which this one takes the field. With an `override_label` (which then stands on both
    sides) it does so only while the label holds, see `resolves`.
    """

    type: str
    named_type: str
    external: bool = False
    overridden: bool = False
    requires: SelectionSetNode | None = None
    provides: SelectionSetNode | None = None
    override: str | None = None
    override_label: str | None = None
    context_arguments: tuple[ContextArgument, ...] = ()

    @property
    def resolvable(self) -> bool:
        """Whether the subgraph has a resolver for it (perhaps after @requires), as long as no label holds."""
        return self.resolves(())

    def resolves(self, labels: Container[str]) -> bool:
        """The same while the override labels in `labels` hold."""
        if self.external or self.overridden:
            return False
        if self.override_label is None:
            return True
        return (self.override_label in labels) is (self.override is not None)


@dataclass(frozen=True, slots=True)
class ArgumentDefinition:
    """An argument. `default` is GraphQL text or None."""

    name: str
    type: str
    default: str | None = None
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False
    directives: tuple[AppliedDirective, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field of an object, interface or input type, merged, with each subgraph's part."""

    name: str
    type: str
    named_type: str
    joins: Mapping[str, FieldJoin]
    arguments: tuple[ArgumentDefinition, ...] = ()
    default: str | None = None
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False
    directives: tuple[AppliedDirective, ...] = ()


@dataclass(frozen=True, slots=True)
class EnumValueDefinition:
    """An enum value and the subgraphs that know it."""

    name: str
    subgraphs: frozenset[str]
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False
    directives: tuple[AppliedDirective, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeJoin:
    """One subgraph's part in a type. `interface_object`: it sees an interface as an object (@interfaceObject)."""

    keys: tuple[EntityKey, ...] = ()
    interfaces: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    extension: bool = False
    interface_object: bool = False


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A named type. Fields by name for objects, interfaces and inputs; values for enums; members for unions."""

    kind: Kind
    name: str
    joins: Mapping[str, TypeJoin]
    fields: Mapping[str, FieldDefinition] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    values: Mapping[str, EnumValueDefinition] = field(default_factory=dict)
    description: str | None = None
    specified_by: str | None = None
    one_of: bool = False
    inaccessible: bool = False
    directives: tuple[AppliedDirective, ...] = ()

    @property
    def contexts(self) -> tuple[str, ...]:
        """Full names of the contexts that objects of the type set (@context)."""
        return tuple(values_of(self.directives, "context", "name"))


@dataclass(frozen=True, slots=True)
class Feature:
    """A `@link` of the supergraph. `imports`: (name in the specification, name here), both with their "@"."""

    url: str
    purpose: str | None = None
    alias: str | None = None
    imports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Supergraph:
    """All of it.

    directives: definitions as GraphQL text by name, of directives that clients may use in operations or that
    subgraphs compose (@composeDirective). features: what the supergraph links beside the link and join specs.
    join_version: "0.1" to "0.5".
    """

    subgraphs: Mapping[str, SupergraphSubgraph]
    types: Mapping[str, TypeDefinition]
    directives: Mapping[str, str] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    applied: tuple[AppliedDirective, ...] = ()
    join_version: str = "0.5"

    def root_fields(self, root: str) -> Mapping[str, FieldDefinition]:
        """Fields of `Query`, `Mutation` or `Subscription`; empty if there is none."""
        definition = self.types.get(root)
        return definition.fields if definition else {}

    def override_labels(self) -> frozenset[str]:
        """Labels of all progressive overrides: "percent(n)" and the own ones."""
        return frozenset(
            join.override_label
            for definition in self.types.values()
            for item in definition.fields.values()
            for join in item.joins.values()
            if join.override_label is not None
        )
