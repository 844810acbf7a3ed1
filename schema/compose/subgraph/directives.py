"""Directive definitions of a subgraph that are not federation's: its own, for operations or for its schema."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import DirectiveDefinitionNode, print_ast

from schema.compose.subgraph.model import SubgraphDirective
from schema.compose.subgraph.places import line_of

__all__ = ["read_directive_definitions"]

_BUILT_IN = ("skip", "include", "deprecated", "specifiedBy", "oneOf", "defer", "stream", "link", "core")


def read_directive_definitions(nodes: Iterable[DirectiveDefinitionNode]) -> dict[str, SubgraphDirective]:
    """By name, without GraphQL's own."""
    return {node.name.value: _read(node) for node in nodes if node.name.value not in _BUILT_IN}


def _read(node: DirectiveDefinitionNode) -> SubgraphDirective:
    arguments = []
    for item in node.arguments or ():
        default = f" = {print_ast(item.default_value)}" if item.default_value else ""
        arguments.append((item.name.value, f"{print_ast(item.type)}{default}"))
    hidden = any(
        directive.name.value.endswith("inaccessible")
        for item in node.arguments or ()
        for directive in item.directives or ()
    )
    locations = tuple(item.value for item in node.locations)
    return SubgraphDirective(
        node.name.value, tuple(arguments), locations, node.repeatable, line_of(node), hidden
    )
