"""Which fields of the schema an operation names, as `Type.field`: found once, when it is prepared. Pure."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

__all__ = ["MOST", "coordinates_of"]

MOST = 200
"""Coordinates that are counted of one operation, in the order of their names."""


def coordinates_of(
    document: DocumentNode, operation: OperationDefinitionNode, schema: GraphQLSchema
) -> tuple[str, ...]:
    """Without introspection. Valid documents only."""
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    found: set[str] = set()
    entered: set[tuple[str, str]] = set()

    def walk(selection_set: SelectionSetNode, parent: GraphQLNamedType) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                definition = getattr(parent, "fields", {}).get(node.name.value)
                if definition is None:
                    continue
                found.add(f"{parent.name}.{node.name.value}")
                if node.selection_set is not None:
                    walk(node.selection_set, get_named_type(definition.type))
                continue
            if isinstance(node, FragmentSpreadNode):
                key = (node.name.value, parent.name)
                if key in entered:
                    continue
                entered.add(key)
                inner: FragmentDefinitionNode = fragments[node.name.value]
                walk(inner.selection_set, schema.type_map[inner.type_condition.name.value])
                continue
            on = getattr(node, "type_condition", None)
            inline = getattr(node, "selection_set")  # noqa: B009 - the one node kind that is left has it
            walk(inline, schema.type_map[on.name.value] if on is not None else parent)

    root = schema.get_root_type(operation.operation)
    if root is not None:
        walk(operation.selection_set, root)
    return tuple(sorted(found))[:MOST]
