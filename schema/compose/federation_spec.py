"""The directives of Federation v2.0 to v2.14: arguments, locations, and the version that brought them.

Specification: https://specs.apollo.dev/federation/v2.14
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schema.compose.links import APOLLO

__all__ = [
    "DIRECTIVES",
    "FEATURES",
    "FEDERATION",
    "FEDERATION_1",
    "LATEST_MINOR",
    "DirectiveSpec",
    "FeatureSpec",
    "definitions",
    "join_version",
]

FEDERATION = f"{APOLLO}federation"
LATEST_MINOR = 14

_FIELD = "FIELD_DEFINITION"
_TAGGED = (
    f"{_FIELD} | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT"
    " | INPUT_FIELD_DEFINITION"
)
_GUARDED = f"{_FIELD} | OBJECT | INTERFACE | SCALAR | ENUM"


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """`since`: minor version. Types in `arguments` are GraphQL text with defaults; {p} is the prefix of spec types."""

    since: int
    locations: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    repeatable_since: int | None = None
    late_arguments: Mapping[str, int] = field(default_factory=dict)
    late_locations: Mapping[str, int] = field(default_factory=dict)

    def arguments_in(self, minor: int) -> dict[str, str]:
        """Arguments of a version."""
        return {
            name: text for name, text in self.arguments.items() if self.late_arguments.get(name, 0) <= minor
        }

    def locations_in(self, minor: int) -> list[str]:
        """Locations of a version."""
        return [item for item in self.locations.split(" | ") if self.late_locations.get(item, 0) <= minor]

    def repeatable_in(self, minor: int) -> bool:
        """Whether an element may have it more than once in a version."""
        return self.repeatable_since is not None and self.repeatable_since <= minor


DIRECTIVES: Mapping[str, DirectiveSpec] = {
    "key": DirectiveSpec(
        0, "OBJECT | INTERFACE", {"fields": "{p}FieldSet!", "resolvable": "Boolean = true"}, 0
    ),
    "requires": DirectiveSpec(0, _FIELD, {"fields": "{p}FieldSet!"}),
    "provides": DirectiveSpec(0, _FIELD, {"fields": "{p}FieldSet!"}),
    "external": DirectiveSpec(0, f"OBJECT | {_FIELD}", {"reason": "String"}),
    "shareable": DirectiveSpec(0, f"OBJECT | {_FIELD}", {}, 2),
    "override": DirectiveSpec(0, _FIELD, {"from": "String!", "label": "String"}, None, {"label": 7}),
    "extends": DirectiveSpec(0, "OBJECT | INTERFACE"),
    "tag": DirectiveSpec(0, f"{_TAGGED} | SCHEMA", {"name": "String!"}, 0, {}, {"SCHEMA": 3}),
    "inaccessible": DirectiveSpec(0, _TAGGED),
    "composeDirective": DirectiveSpec(1, "SCHEMA", {"name": "String!"}, 0),
    "interfaceObject": DirectiveSpec(3, "OBJECT"),
    "authenticated": DirectiveSpec(5, _GUARDED),
    "requiresScopes": DirectiveSpec(5, _GUARDED, {"scopes": "[[{p}Scope!]!]!"}),
    "policy": DirectiveSpec(6, _GUARDED, {"policies": "[[{p}Policy!]!]!"}),
    "context": DirectiveSpec(8, "INTERFACE | OBJECT | UNION", {"name": "String!"}, 0),
    "fromContext": DirectiveSpec(8, "ARGUMENT_DEFINITION", {"field": "{p}ContextFieldValue"}),
    "cost": DirectiveSpec(
        9,
        f"ARGUMENT_DEFINITION | ENUM | {_FIELD} | INPUT_FIELD_DEFINITION | OBJECT | SCALAR",
        {"weight": "Int!"},
    ),
    "listSize": DirectiveSpec(
        9,
        _FIELD,
        {
            "assumedSize": "Int",
            "slicingArguments": "[String!]",
            "sizedFields": "[String!]",
            "requireOneSlicingArgument": "Boolean = true",
        },
    ),
    "cacheTag": DirectiveSpec(12, f"OBJECT | {_FIELD}", {"format": "String!"}, 0),
}

FEDERATION_1 = ("key", "requires", "provides", "external", "extends", "tag")
"""What a subgraph without a federation @link may use."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A specification of its own that a subgraph may link beside federation, and that supergraphs link."""

    version: str
    directives: tuple[str, ...]
    purpose: str | None = None
    since: int = 0


FEATURES: Mapping[str, FeatureSpec] = {
    "tag": FeatureSpec("0.3", ("tag",)),
    "inaccessible": FeatureSpec("0.2", ("inaccessible",), "SECURITY"),
    "authenticated": FeatureSpec("0.1", ("authenticated",), "SECURITY", 5),
    "requiresScopes": FeatureSpec("0.1", ("requiresScopes",), "SECURITY", 5),
    "policy": FeatureSpec("0.1", ("policy",), "SECURITY", 6),
    "context": FeatureSpec("0.1", ("context",), "SECURITY", 8),
    "cost": FeatureSpec("0.1", ("cost", "listSize"), None, 9),
    "cacheTag": FeatureSpec("0.1", ("cacheTag",), "EXECUTION", 12),
}
"""By name, in the order in which supergraphs list them."""


def join_version(minor: int) -> str:
    """The join spec in which a federation version's supergraphs are written."""
    if minor >= 8:
        return "0.5"
    return "0.4" if minor == 7 else "0.3"


def definitions(names: Iterable[tuple[str, str]], minor: int, prefix: str) -> str:
    """SDL of directives given as (standard name, name here). `prefix`: "federation__", or nothing."""
    lines = []
    for standard, here in names:
        spec = DIRECTIVES[standard]
        arguments = ", ".join(
            f"{name}: {text.format(p=prefix)}" for name, text in spec.arguments_in(minor).items()
        )
        repeatable = " repeatable" if spec.repeatable_in(minor) else ""
        locations = " | ".join(spec.locations_in(minor))
        lines.append(f"directive @{here}{f'({arguments})' if arguments else ''}{repeatable} on {locations}")
    return "\n".join(lines)
