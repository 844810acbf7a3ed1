"""`__schema` and `__type`: answered by graphql-core over the API schema, without resolvers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    execute_sync,
    visit,
)

from gateway.executor.errors import ClientError

__all__ = ["compile_introspection"]

Introspect = Callable[[Mapping[str, Any], list[ClientError]], dict[str, Any]]


def compile_introspection(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Introspect | None:
    """A function from raw variables to the introspection part of the answer; None if nothing asks for it."""
    fragments = {
        item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)
    }
    kept = _introspection_only(operation.selection_set, fragments)
    if not kept.selections:
        return None
    reduced = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=kept,
    )
    part = visit(DocumentNode(definitions=(reduced, *fragments.values())), _AtOnce())

    def introspect(variables: Mapping[str, Any], errors: list[ClientError]) -> dict[str, Any]:
        result = execute_sync(schema, part, variable_values=dict(variables))
        assert isinstance(result, ExecutionResult)  # noqa: S101 - execute_sync has no other result
        errors += [{**error.formatted} for error in result.errors or ()]
        return result.data or {}

    return introspect


class _AtOnce(Visitor):
    """Without @defer: the schema is at hand."""

    def enter_directive(self, node: DirectiveNode, *_args: object) -> object:
        return REMOVE if node.name.value == GraphQLDeferDirective.name else None


def _introspection_only(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> SelectionSetNode:
    """Root selections that are `__schema` or `__type`, with fragments written out."""
    kept: list[SelectionNode] = []
    condition: NamedTypeNode | None
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            kept += [node] if node.name.value in ("__schema", "__type") else []
            continue
        if isinstance(node, FragmentSpreadNode):
            inner, condition = (
                fragments[node.name.value].selection_set,
                fragments[node.name.value].type_condition,
            )
        else:
            assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the last kind of selection
            inner, condition = node.selection_set, node.type_condition
        reduced = _introspection_only(inner, fragments)
        if reduced.selections:
            kept.append(
                InlineFragmentNode(
                    type_condition=condition, directives=node.directives, selection_set=reduced
                )
            )
    return SelectionSetNode(selections=tuple(kept))
