"""A query plan and its subgraphs -> closures that run it. Done once per operation, run many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.fetch import FetchOperation, Subgraph
from gateway.executor.errors import Path
from gateway.executor.representations import Gathered, PossibleTypes, compile_gather, paths_of
from gateway.executor.run import Fetch, RunState, Step, at_once, entity_fetch, in_order, nothing, root_fetch
from gateway.planner.errors import UnsupportedOperation
from gateway.planner.nodes import (
    ConditionNode,
    FetchNode,
    FlattenNode,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
)

__all__ = ["compile_plan"]


def compile_plan(plan: QueryPlan, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    """One awaitable step for the whole plan. Each fetch is prepared by its subgraph here.

    possible_types: object types of an abstract type, for representations. Raises UnsupportedOperation for plan
    nodes that have no execution yet, and KeyError if a subgraph of the plan is not there.
    """
    return _compile(plan.node, subgraphs, possible_types) if plan.node is not None else nothing


def _compile(node: PlanNode, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    if isinstance(node, FetchNode):
        return root_fetch(_prepare(node, subgraphs))
    if isinstance(node, FlattenNode):
        gather = compile_gather(node.path, node.node.requires, possible_types)
        return entity_fetch(_prepare(node.node, subgraphs), gather, _locator(node.path))
    if isinstance(node, SequenceNode):
        return in_order([_compile(child, subgraphs, possible_types) for child in node.nodes])
    if isinstance(node, ParallelNode):
        return at_once([_compile(child, subgraphs, possible_types) for child in node.nodes])
    if isinstance(node, ConditionNode):
        return _condition(node, subgraphs, possible_types)
    raise UnsupportedOperation(
        f"{type(node).__name__.removesuffix('Node').lower()} plans cannot be executed yet"
    )


def _condition(node: ConditionNode, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    if_true = _compile(node.if_clause, subgraphs, possible_types) if node.if_clause else nothing
    if_false = _compile(node.else_clause, subgraphs, possible_types) if node.else_clause else nothing
    variable = node.condition

    async def choose(state: RunState) -> None:
        await (if_true if state.variables[variable] else if_false)(state)

    return choose


def _prepare(node: FetchNode, subgraphs: Mapping[str, Subgraph]) -> Fetch:
    names = (("representations",) if node.requires else ()) + node.variable_usages
    operation = FetchOperation(
        node.subgraph, node.kind, node.operation, node.document, names, node.operation_name
    )
    return Fetch(
        node.subgraph,
        subgraphs[node.subgraph].prepare(operation),
        node.variable_usages,
        node.rewrites,
        {item.alias: item.response for item in node.rewrites},
    )


def _locator(path: tuple[str, ...]) -> Callable[[dict[str, Any], Gathered, int | None], list[Path]]:
    """Real paths of one representation's objects; for a fetch that failed as a whole, the path above the first list."""
    above_lists = path[: path.index("@")] if "@" in path else path

    def locate(data: dict[str, Any], gathered: Gathered, index: int | None) -> list[Path]:
        if index is not None and index < len(gathered.targets):
            return paths_of(data, path, gathered.targets[index])
        if sum(map(len, gathered.targets)) == 1:
            return paths_of(data, path, gathered.targets[0])
        return [above_lists]

    return locate
