"""Where a node stands: the coordinate of the definition around it, and its line."""

from __future__ import annotations

from graphql import DirectiveDefinitionNode, DocumentNode, Node

__all__ = ["coordinate_at", "line_of"]


def line_of(node: Node | None) -> int | None:
    """1-based line in the SDL."""
    return node.loc.start_token.line if node is not None and node.loc else None


def coordinate_at(document: DocumentNode, node: Node | None) -> tuple[str | None, str | None]:
    """(type, field) around a node; (None, None) outside of types; ("@name", None) in a directive definition."""
    if node is None or node.loc is None:
        return None, None
    for definition in document.definitions:
        if not _contains(definition, node):
            continue
        if isinstance(definition, DirectiveDefinitionNode):
            return f"@{definition.name.value}", None
        name = getattr(definition, "name", None)
        children = (
            *(getattr(definition, "fields", None) or ()),
            *(getattr(definition, "values", None) or ()),
        )
        inner = next((child.name.value for child in children if _contains(child, node)), None)
        return (name.value if name else None), inner
    return None, None


def _contains(outer: Node, inner: Node) -> bool:
    assert inner.loc is not None  # noqa: S101 - asked before
    return outer.loc is not None and outer.loc.start <= inner.loc.start and inner.loc.end <= outer.loc.end
