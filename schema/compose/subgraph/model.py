"""One subgraph as composition sees it: types, fields and what federation's directives say of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphql import TypeNode

from schema.compose.applied import AppliedDirective
from schema.compose.links import Link
from schema.compose.supergraph import Kind

__all__ = [
    "SubgraphArgument",
    "SubgraphDirective",
    "SubgraphEnumValue",
    "SubgraphField",
    "SubgraphKey",
    "SubgraphModel",
    "SubgraphSchema",
    "SubgraphType",
]


@dataclass(frozen=True, slots=True)
class SubgraphSchema:
    """What composition is given: a name, where it is reached (None in process), its SDL and the file it is from."""

    name: str
    url: str | None
    sdl: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class SubgraphKey:
    """`@key(fields:, resolvable:)` as written."""

    fields: str
    resolvable: bool
    line: int | None


@dataclass(slots=True)
class SubgraphArgument:
    """An argument. `from_context`: the text of @fromContext(field:), for an argument that the gateway fills."""

    name: str
    type: TypeNode
    default: str | None
    line: int | None
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False
    from_context: str | None = None
    directives: list[AppliedDirective] = field(default_factory=list)


@dataclass(slots=True)
class SubgraphField:
    """A field (or input field) of one subgraph.

    `shareable` is already true where the version implies it. `external_key`: written @external, but on a key of an
    extension, which the subgraph answers all the same (the v1 way of writing keys).
    """

    name: str
    type: TypeNode
    arguments: dict[str, SubgraphArgument]
    line: int | None
    description: str | None = None
    deprecated: str | None = None
    default: str | None = None
    external: bool = False
    external_key: bool = False
    shareable: bool = False
    says_shareable: bool = False
    inaccessible: bool = False
    requires: str | None = None
    provides: str | None = None
    override_from: str | None = None
    override_label: str | None = None
    directives: list[AppliedDirective] = field(default_factory=list)


@dataclass(slots=True)
class SubgraphEnumValue:
    """An enum value."""

    name: str
    line: int | None
    description: str | None = None
    deprecated: str | None = None
    inaccessible: bool = False
    directives: list[AppliedDirective] = field(default_factory=list)


@dataclass(slots=True)
class SubgraphType:
    """A type, with its definition and extensions in one. `extension`: only extended here (or @extends)."""

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
    says_extends: bool = False
    interface_object: bool = False
    inaccessible: bool = False
    one_of: bool = False
    specified_by: str | None = None
    contexts: list[str] = field(default_factory=list)
    directives: list[AppliedDirective] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SubgraphDirective:
    """A directive definition that is not federation's own. `arguments`: name -> GraphQL text of type and default."""

    name: str
    arguments: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    repeatable: bool
    line: int | None
    inaccessible_argument: bool = False


@dataclass(slots=True)
class SubgraphModel:
    """All of it. `minor`: of federation v2, None for v1. `composes`: names in @composeDirective with their lines."""

    name: str
    url: str | None
    minor: int | None
    types: dict[str, SubgraphType]
    file: str | None = None
    links: list[Link] = field(default_factory=list)
    directives: dict[str, SubgraphDirective] = field(default_factory=dict)
    composes: list[tuple[str, int | None]] = field(default_factory=list)
    applied: list[AppliedDirective] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def federation_2(self) -> bool:
        """Whether it links federation v2."""
        return self.minor is not None
