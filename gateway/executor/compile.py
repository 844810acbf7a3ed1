"""A query plan and its subgraphs -> closures that run it. Done once per operation, run many times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import OperationDefinitionNode

from adapters.fetch import FetchOperation, Subgraph
from gateway.executor.errors import Path
from gateway.executor.merge import Aliases
from gateway.executor.representations import Gathered, PossibleTypes, compile_gather, paths_of
from gateway.executor.run import (
    Fetch,
    Locate,
    Lookup,
    RunState,
    Step,
    at_once,
    entity_fetch,
    in_order,
    nothing,
    root_fetch,
    root_fetch_below,
)
from gateway.planner.errors import UnsupportedOperation
from gateway.planner.nodes import (
    BatchFetchNode,
    ConditionNode,
    EntityLookup,
    FetchNode,
    FlattenNode,
    OutputRewrite,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
)

__all__ = ["compile_node", "compile_plan", "operation_of"]


def compile_plan(plan: QueryPlan, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    """One awaitable step for the whole plan. Each fetch is prepared by its subgraph here.

    possible_types: object types of an abstract type, for representations. Raises UnsupportedOperation for plan
    nodes that have no execution yet, and KeyError if a subgraph of the plan is not there.
    """
    return compile_node(plan.node, subgraphs, possible_types) if plan.node is not None else nothing


def compile_node(node: PlanNode, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    """The step of one node and all below it."""
    if isinstance(node, FetchNode):
        return root_fetch(_prepare(node, subgraphs), Aliases(node.rewrites))
    if isinstance(node, FlattenNode):
        fetch = node.node
        if not fetch.requires:
            return root_fetch_below(_prepare(fetch, subgraphs), Aliases(fetch.rewrites), node.path)
        lookup = EntityLookup("_entities", "representations", (node.path,), fetch.requires, fetch.rewrites)
        return entity_fetch(_prepare(fetch, subgraphs), [_lookup(lookup, possible_types)])
    if isinstance(node, BatchFetchNode):
        lookups = [_lookup(item, possible_types) for item in node.lookups]
        return entity_fetch(_prepare(node, subgraphs), lookups)
    if isinstance(node, SequenceNode):
        return in_order([compile_node(child, subgraphs, possible_types) for child in node.nodes])
    if isinstance(node, ParallelNode):
        return at_once([compile_node(child, subgraphs, possible_types) for child in node.nodes])
    if isinstance(node, ConditionNode):
        return _condition(node, subgraphs, possible_types)
    raise UnsupportedOperation(
        f"{type(node).__name__.removesuffix('Node').lower()} plans cannot be executed yet"
    )


def _condition(node: ConditionNode, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    if_true = compile_node(node.if_clause, subgraphs, possible_types) if node.if_clause else nothing
    if_false = compile_node(node.else_clause, subgraphs, possible_types) if node.else_clause else nothing
    variable = node.condition

    async def choose(state: RunState) -> None:
        await (if_true if state.variables[variable] else if_false)(state)

    return choose


def operation_of(node: FetchNode | BatchFetchNode) -> FetchOperation:
    """What its subgraph is to prepare."""
    operation = node.document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner writes one operation
    names = tuple(item.variable.name.value for item in operation.variable_definitions or ())
    name = node.operation_name if isinstance(node, FetchNode) else None
    return FetchOperation(node.subgraph, node.kind, node.operation, node.document, names, name)


def _prepare(node: FetchNode | BatchFetchNode, subgraphs: Mapping[str, Subgraph]) -> Fetch:
    call = subgraphs[node.subgraph].prepare(operation_of(node))
    return Fetch(node.subgraph, call, node.variable_usages)


def _lookup(item: EntityLookup, possible_types: PossibleTypes) -> Lookup:
    return Lookup(
        item.alias,
        item.variable,
        compile_gather(item.paths, item.requires, possible_types),
        _locator(item.paths),
        Aliases(tuple(OutputRewrite(("@", *one.path), one.alias, one.response) for one in item.rewrites)),
        item.conditions,
    )


def _locator(paths: Sequence[tuple[str, ...]]) -> Locate:
    """Real paths of one representation's objects; for a lookup that failed as a whole, those above the first lists."""
    above_lists: list[Path] = [_above_list(path) for path in paths]
    above_lists = list(dict.fromkeys(above_lists))

    def locate(data: dict[str, Any], gathered: Gathered, index: int | None) -> list[Path]:
        known = index is not None and index < len(gathered.targets)
        if known or (len(gathered.targets) == 1 and len(gathered.objects(0)) == 1):
            targets = gathered.objects(index if known and index is not None else 0)
            return [place for path in paths for place in paths_of(data, path, targets)]
        return above_lists

    return locate


def _above_list(path: tuple[str, ...]) -> Path:
    above = path[: path.index("@")] if "@" in path else path
    return tuple(step for step in above if not step.startswith("|"))
