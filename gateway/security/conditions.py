"""@include and @skip of a selection, as the variables that decide it."""

from __future__ import annotations

from graphql import BooleanValueNode, SelectionNode, VariableNode

__all__ = ["selecting_variables"]


def selecting_variables(node: SelectionNode) -> tuple[tuple[str, bool], ...] | None:
    """Variables of @include and @skip with the value that selects the node; None if it is never selected."""
    found: list[tuple[str, bool]] = []
    for directive in node.directives or ():
        if directive.name.value not in ("include", "skip"):
            continue
        wanted = directive.name.value == "include"
        value = directive.arguments[0].value if directive.arguments else None
        if isinstance(value, VariableNode):
            found.append((value.name.value, wanted))
        elif isinstance(value, BooleanValueNode) and value.value is not wanted:
            return None
    return tuple(found)
