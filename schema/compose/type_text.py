"""Types as AST nodes: their text, their bare name, and how two subgraphs' versions of one type merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphql import ListTypeNode, NamedTypeNode, NameNode, NonNullTypeNode, TypeNode

__all__ = ["merge_input", "merge_output", "named_type", "rename_named", "type_text"]


def type_text(node: TypeNode) -> str:
    """ "[Product!]!" """
    if isinstance(node, NonNullTypeNode):
        return f"{type_text(node.type)}!"
    if isinstance(node, ListTypeNode):
        return f"[{type_text(node.type)}]"
    assert isinstance(node, NamedTypeNode)  # noqa: S101 - TypeNode has no other members
    return node.name.value


def named_type(node: TypeNode) -> str:
    """ "Product" of "[Product!]!"."""
    while not isinstance(node, NamedTypeNode):
        assert isinstance(node, ListTypeNode | NonNullTypeNode)  # noqa: S101 - TypeNode has no other members
        node = node.type
    return node.name.value


def rename_named(node: TypeNode, renames: Mapping[str, str]) -> TypeNode:
    """The same type with its bare name replaced, if it is renamed."""
    if not renames:
        return node
    if isinstance(node, NonNullTypeNode):
        return NonNullTypeNode(type=rename_named(node.type, renames))  # type: ignore[arg-type]  # inner is nullable
    if isinstance(node, ListTypeNode):
        return ListTypeNode(type=rename_named(node.type, renames))
    assert isinstance(node, NamedTypeNode)  # noqa: S101
    return NamedTypeNode(name=NameNode(value=renames.get(node.name.value, node.name.value)))


def merge_output(left: TypeNode, right: TypeNode, is_subtype: Callable[[str, str], bool]) -> TypeNode | None:
    """The type that holds what either subgraph answers: nullable and the wider name win. None if they differ."""
    if isinstance(left, NonNullTypeNode) and isinstance(right, NonNullTypeNode):
        merged = merge_output(left.type, right.type, is_subtype)
        return NonNullTypeNode(type=merged) if merged is not None else None  # type: ignore[arg-type]
    if isinstance(left, NonNullTypeNode):
        return merge_output(left.type, right, is_subtype)
    if isinstance(right, NonNullTypeNode):
        return merge_output(left, right.type, is_subtype)
    if isinstance(left, ListTypeNode) and isinstance(right, ListTypeNode):
        merged = merge_output(left.type, right.type, is_subtype)
        return ListTypeNode(type=merged) if merged is not None else None
    if isinstance(left, NamedTypeNode) and isinstance(right, NamedTypeNode):
        if left.name.value == right.name.value or is_subtype(right.name.value, left.name.value):
            return left
        if is_subtype(left.name.value, right.name.value):
            return right
    return None


def merge_input(left: TypeNode, right: TypeNode) -> TypeNode | None:
    """The type that both subgraphs accept: non-null wins. None if they differ otherwise."""
    if isinstance(left, NonNullTypeNode) or isinstance(right, NonNullTypeNode):
        bare_left = left.type if isinstance(left, NonNullTypeNode) else left
        bare_right = right.type if isinstance(right, NonNullTypeNode) else right
        merged = merge_input(bare_left, bare_right)
        return NonNullTypeNode(type=merged) if merged is not None else None  # type: ignore[arg-type]
    if isinstance(left, ListTypeNode) and isinstance(right, ListTypeNode):
        merged = merge_input(left.type, right.type)
        return ListTypeNode(type=merged) if merged is not None else None
    if isinstance(left, NamedTypeNode) and isinstance(right, NamedTypeNode):
        return left if left.name.value == right.name.value else None
    return None
