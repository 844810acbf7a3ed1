"""Federation's own directives and types, where a subgraph defines them itself: they must be what the spec says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    print_ast,
)

from schema.compose.errors import CompositionError
from schema.compose.federation_spec import DIRECTIVES, LATEST_MINOR
from schema.compose.subgraph.names import DirectiveNames
from schema.compose.subgraph.places import line_of

__all__ = ["definition_problems"]

_BUILT_IN = {"Int", "Float", "Boolean", "ID"}
_SCALARS = ("_Any", "_FieldSet", "FieldSet")
_SPEC_TYPES = ("FieldSet", "Scope", "Policy", "ContextFieldValue")


def definition_problems(
    subgraph: str, document: DocumentNode, names: DirectiveNames
) -> Iterator[CompositionError]:
    """DIRECTIVE_DEFINITION_INVALID and TYPE_DEFINITION_INVALID."""
    known = names.as_mapping()
    for node in document.definitions:
        if isinstance(node, DirectiveDefinitionNode) and node.name.value in known:
            for sentence in _directive_problems(node, known[node.name.value], names):
                message = (
                    f"[{subgraph}] @{node.name.value} {sentence}; leave the definition out or copy the spec's"
                )
                name = f"@{node.name.value}"
                yield CompositionError(
                    "DIRECTIVE_DEFINITION_INVALID", message, subgraph, name, line=line_of(node)
                )
        elif isinstance(node, TypeDefinitionNode) and names.is_machinery(node.name.value):
            wanted = _wanted_kind(node.name.value, names)
            if wanted is not None and not isinstance(node, wanted[0]):
                name = node.name.value
                message = (
                    f"[{subgraph}] {name} is federation's and must be a {wanted[1]}; leave the definition out"
                )
                yield CompositionError("TYPE_DEFINITION_INVALID", message, subgraph, name, line=line_of(node))


def _wanted_kind(name: str, names: DirectiveNames) -> tuple[type[TypeDefinitionNode], str] | None:
    if name == "_Entity":
        return UnionTypeDefinitionNode, "union"
    spec_types = [f"{names.prefix}{item}" for item in _SPEC_TYPES] if names.prefix else []
    return (ScalarTypeDefinitionNode, "scalar") if name in (*_SCALARS, *spec_types) else None


def _directive_problems(node: DirectiveDefinitionNode, standard: str, names: DirectiveNames) -> Iterator[str]:
    spec = DIRECTIVES[standard]
    minor = LATEST_MINOR if names.minor is None else names.minor
    arguments = spec.arguments_in(minor)
    for item in node.arguments or ():
        wanted = arguments.get(item.name.value)
        if wanted is None:
            yield f"has no argument {item.name.value}"
        elif not _same_type(item.type, wanted.format(p="")):
            yield f"has an argument {item.name.value} of the type {print_ast(item.type)}, not {wanted.format(p='')}"
    given = {item.name.value for item in node.arguments or ()}
    for name, wanted in arguments.items():
        if wanted.endswith("!") and name not in given:
            yield f"needs an argument {name}: {wanted.format(p='')}"
    extra = [item.value for item in node.locations if item.value not in spec.locations_in(LATEST_MINOR)]
    if extra:
        yield f"cannot be used on {', '.join(extra)}"
    if node.repeatable and spec.repeatable_since is None:
        yield "is not repeatable"


def _same_type(given: TypeNode, wanted: str) -> bool:
    """Same lists around, and the same built-in scalar or some string-like one. Older libraries differ in "!"."""
    left, right = print_ast(given), wanted.split(" = ")[0]
    if left.count("[") != right.count("["):
        return False
    bare_left, bare_right = re.sub(r"[\[\]!]", "", left), re.sub(r"[\[\]!]", "", right)
    if bare_left in _BUILT_IN or bare_right in _BUILT_IN:
        return bare_left == bare_right
    return True
