"""The supergraph: every type with the subgraphs that hold it, every field with the subgraphs that resolve it.

Frozen values only; `merge.py` builds them from subgraph schemas. Types are kept as GraphQL text ("[Product!]!")
with the bare name beside it, because the planner asks for names and the printer for text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from graphql import DirectiveNode, SelectionSetNode

__all__ = [
    "ArgumentDefinition",
    "EntityKey",
    "EnumValueDefinition",
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
class FieldJoin:
    """One subgraph's part in a field.

    external: the subgraph only mentions it (for a key, @requires or @provides); overridden: another took it over.
    """

    type: str
    named_type: str
    external: bool = False
    overridden: bool = False
    requires: SelectionSetNode | None = None
    provides: SelectionSetNode | None = None

    @property
    def resolvable(self) -> bool:
        """Whether the subgraph has a resolver for it (perhaps after @requires)."""
        return not self.external and not self.overridden


@dataclass(frozen=True, slots=True)
class ArgumentDefinition:
    """An argument. `default` is GraphQL text or None."""

    name: str
    type: str
    default: str | None = None
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False


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


@dataclass(frozen=True, slots=True)
class EnumValueDefinition:
    """An enum value and the subgraphs that know it."""

    name: str
    subgraphs: frozenset[str]
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False


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


@dataclass(frozen=True, slots=True)
class Supergraph:
    """All of it. `directives`: executable or composed directive definitions as text."""

    subgraphs: Mapping[str, SupergraphSubgraph]
    types: Mapping[str, TypeDefinition]
    directives: tuple[DirectiveNode, ...] = ()

    def root_fields(self, root: str) -> Mapping[str, FieldDefinition]:
        """Fields of `Query`, `Mutation` or `Subscription`; empty if there is none."""
        definition = self.types.get(root)
        return definition.fields if definition else {}
