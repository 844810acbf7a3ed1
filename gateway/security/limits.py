"""Bounds on an operation, checked once when it is prepared: nothing is planned for a query that is too large."""

from __future__ import annotations

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

__all__ = ["OperationLimits", "OperationSize", "introspects", "size_of"]


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """tokens: of the text; depth: fields below fields; root_fields: aliases of root fields count each; fields: with
    fragments written out;
    introspection: whether `__schema` and `__type` are answered."""

    tokens: int = 2000
    depth: int = 15
    root_fields: int = 20
    fields: int = 1000
    introspection: bool = True


@dataclass(frozen=True, slots=True)
class OperationSize:
    """fields: with every fragment written out at each of its spreads. What is below
    introspection's own fields does not count."""

    depth: int = 0
    fields: int = 0
    root_fields: int = 0


def size_of(document: DocumentNode, operation: OperationDefinitionNode) -> OperationSize:
    """Measured without writing anything out: each fragment is looked at once, so a document in which each fragment
    spreads the next one twice costs no more than its length. Cycles (which validation refuses) count once."""
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    known: dict[str, OperationSize] = {}

    def size(selection_set: SelectionSetNode | None) -> OperationSize:
        depth = fields = roots = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                if node.name.value.startswith("__"):  # introspection is deep by nature, and bounded
                    fields, roots = fields + 1, roots + 1
                    continue
                below = size(node.selection_set)
                depth, fields, roots = max(depth, 1 + below.depth), fields + 1 + below.fields, roots + 1
            else:
                below = (
                    spread(node)
                    if isinstance(node, FragmentSpreadNode)
                    else size(getattr(node, "selection_set", None))
                )
                depth, fields, roots = (
                    max(depth, below.depth),
                    fields + below.fields,
                    roots + below.root_fields,
                )
        return OperationSize(depth, fields, roots)

    def spread(node: FragmentSpreadNode) -> OperationSize:
        name = node.name.value
        if name not in known:
            known[name] = OperationSize()
            fragment = fragments.get(name)
            known[name] = size(fragment.selection_set) if fragment else OperationSize()
        return known[name]

    return size(operation.selection_set)


def introspects(document: DocumentNode) -> bool:
    """Whether `__schema` or `__type` is asked anywhere."""
    find = _FindIntrospection()
    visit(document, find)
    return find.found


class _FindIntrospection(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value in ("__schema", "__type")
