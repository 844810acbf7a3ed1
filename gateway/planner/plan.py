"""A client's operation -> a query plan, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
)

from gateway.planner.emit import emit, in_sequence
from gateway.planner.errors import PlanError, UnsupportedOperation
from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.mutation_steps import plan_mutation
from gateway.planner.names import ResponseNames
from gateway.planner.nodes import FetchNode, PlanNode, QueryPlan, SequenceNode, SubscriptionNode
from gateway.planner.optimise import optimise
from gateway.planner.place_fields import FieldPlacer
from gateway.planner.query_graph import QueryGraph
from gateway.planner.selections import Selection, read_selections
from gateway.planner.why import FetchWhy, Notes, explain
from schema.compose.supergraph import Supergraph

__all__ = ["find_operation", "plan", "plan_operation"]

Variables = dict[str, VariableDefinitionNode]


def plan(supergraph: Supergraph, document: DocumentNode, operation_name: str | None = None) -> QueryPlan:
    """The plan of one operation of a valid document. Raises PlanError."""
    return plan_operation(QueryGraph(supergraph), document, operation_name)


def plan_operation(
    graph: QueryGraph,
    document: DocumentNode,
    operation_name: str | None = None,
    *,
    why: list[FetchWhy] | None = None,
    deferring: frozenset[str] | None = None,
) -> QueryPlan:
    """The same over a query graph that is built once per supergraph. Deterministic. Raises PlanError.

    why: takes the reasons of every fetch, in the order of the plan. deferring: variables by which fragments of a query
    are deferred; None for one answer to the whole of it.
    """
    operation = find_operation(document, operation_name)
    fragments = {
        item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)
    }
    if operation.operation.value != "query":
        deferring = None  # a mutation and an event are answered whole
    selections = read_selections(operation.selection_set, fragments, deferring=deferring)
    variables = {item.variable.name.value: item for item in operation.variable_definitions or ()}
    if operation.operation.value == "mutation":
        return QueryPlan(
            plan_mutation(graph, selections, lambda step: _plan_step(graph, "Mutation", step, variables, why))
        )
    if operation.operation.value == "subscription":
        return QueryPlan(_subscription(_plan_step(graph, "Subscription", selections, variables, why)))
    return QueryPlan(_plan_step(graph, "Query", selections, variables, why))


def find_operation(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    """The operation of that name, or the only one. Raises PlanError if there is none."""
    for item in document.definitions:
        if isinstance(item, OperationDefinitionNode) and (
            operation_name is None or (item.name is not None and item.name.value == operation_name)
        ):
            return item
    raise PlanError(f"the document has no operation {operation_name or ''}".rstrip())


def _plan_step(
    graph: QueryGraph,
    root: str,
    selections: Sequence[Selection],
    variables: Variables,
    why: list[FetchWhy] | None,
) -> PlanNode | None:
    fetches, notes = FetchGraph(variables), Notes() if why is not None else None
    FieldPlacer(graph, fetches, ResponseNames(selections), notes).place_root(root, selections)
    optimise(fetches, graph)
    node = emit(fetches, root.lower(), variables)  # type: ignore[arg-type]  # the three roots are the three kinds
    if why is not None and notes is not None:
        why += explain(graph, fetches, notes, node, before=len(why))
    return node


def _subscription(node: PlanNode | None) -> PlanNode:
    if isinstance(node, FetchNode):
        return SubscriptionNode(node)
    if isinstance(node, SequenceNode) and isinstance(node.nodes[0], FetchNode):
        return SubscriptionNode(node.nodes[0], in_sequence(node.nodes[1:]))
    raise UnsupportedOperation("a subscription must have exactly one field, of one subgraph")
