"""Bounds on an operation, checked once when it is prepared: nothing is planned for a query that is too large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

__all__ = ["OperationLimits", "depth_of", "introspects", "root_fields_of"]


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """tokens: of the text; depth: fields below fields; root_fields: aliases of root fields count each;
    introspection: whether `__schema` and `__type` are answered."""

    tokens: int = 2000
    depth: int = 15
    root_fields: int = 20
    introspection: bool = True


def depth_of(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """Deepest nesting of fields. The document must be valid: fragments there and without cycles."""
    fragments = _fragments(document)
    known: dict[str, int] = {}

    def depth(selection_set: SelectionSetNode | None) -> int:
        deepest = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):  # introspection is deep by nature, and bounded
                    deepest = max(deepest, 1 + depth(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in known:
                    known[name] = depth(fragments[name].selection_set)
                deepest = max(deepest, known[name])
            else:
                deepest = max(deepest, depth(getattr(node, "selection_set", None)))
        return deepest

    return depth(operation.selection_set)


def root_fields_of(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """Fields asked of the root, each alias on its own."""
    fragments = _fragments(document)

    def count(selection_set: SelectionSetNode | None) -> int:
        total = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                total += 1
            elif isinstance(node, FragmentSpreadNode):
                total += count(fragments[node.name.value].selection_set)
            else:
                total += count(getattr(node, "selection_set", None))
        return total

    return count(operation.selection_set)


def introspects(document: DocumentNode) -> bool:
    """Whether `__schema` or `__type` is asked anywhere."""
    find = _FindIntrospection()
    visit(document, find)
    return find.found


class _FindIntrospection(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value in ("__schema", "__type")


def _fragments(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
