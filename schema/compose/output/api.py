"""What clients see: no federation machinery, nothing that is @inaccessible."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import DirectiveDefinitionNode, parse

from schema.compose.output.types import print_type
from schema.compose.supergraph import Kind, Supergraph, TypeDefinition

__all__ = ["print_api_sdl"]

_BUILT_IN_SCALARS = {"Int", "Float", "String", "Boolean", "ID"}
_EXECUTABLE = {
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
}


def print_api_sdl(supergraph: Supergraph) -> str:
    """SDL of the API schema."""
    visible = [item for item in supergraph.types.values() if not item.inaccessible]
    hidden = {item.name for item in supergraph.types.values() if item.inaccessible}
    types = [print_type(item, supergraph, hidden, None) for item in visible if _has_content(item, hidden)]
    return "\n\n".join([*_directives(supergraph), *types])


def _directives(supergraph: Supergraph) -> Iterator[str]:
    for text in supergraph.directives.values():
        definition = parse(text, no_location=True).definitions[0]
        assert isinstance(definition, DirectiveDefinitionNode)  # noqa: S101 - so they are built
        if any(location.value in _EXECUTABLE for location in definition.locations):
            yield text


def _has_content(item: TypeDefinition, hidden: set[str]) -> bool:
    if item.kind is Kind.SCALAR:
        return item.name not in _BUILT_IN_SCALARS
    if item.kind is Kind.UNION:
        return any(member not in hidden for member in item.members)
    if item.kind is Kind.ENUM:
        return any(not value.inaccessible for value in item.values.values())
    return any(not field.inaccessible and field.named_type not in hidden for field in item.fields.values())
