"""A query plan and its subgraphs -> closures that run it. Done once per operation, run many times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import OperationDefinitionNode

from adapters.fetch import FetchOperation, Subgraph
from gateway.executor.contextual import ContextualLookup, Prepared, contextual_fetch
from gateway.executor.errors import Path
from gateway.executor.gathering import write_gather
from gateway.executor.merge import Aliases
from gateway.executor.representations import (
    Gathered,
    PossibleTypes,
    compile_gatherer,
    paths_of,
)
from gateway.executor.run import (
    Fetch,
    Locate,
    Lookup,
    RunState,
    Step,
    announced,
    at_once,
    entity_fetch,
    in_order,
    nothing,
    root_fetch,
    root_fetch_below,
)
from gateway.planner.deferrals import Deferral
from gateway.planner.errors import UnsupportedOperation
from gateway.planner.nodes import (
    BatchFetchNode,
    ConditionNode,
    DeferNode,
    EntityLookup,
    FetchNode,
    FlattenNode,
    OutputRewrite,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
    SubscriptionNode,
)
from gateway.planner.slots import context_fields, slotted

__all__ = [
    "LaterStep",
    "below",
    "compile_node",
    "compile_parts",
    "compile_plan",
    "operation_of",
    "shared_paths",
]


def compile_plan(plan: QueryPlan, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    """One awaitable step for the whole plan. Each fetch is prepared by its subgraph here.

    possible_types: object types of an abstract type, for representations. Raises UnsupportedOperation for plan
    nodes that have no execution yet, and KeyError if a subgraph of the plan is not there.
    """
    return compile_node(plan.node, subgraphs, possible_types) if plan.node is not None else nothing


def compile_parts(
    plan: QueryPlan, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes
) -> tuple[Step, tuple[LaterStep, ...]] | None:
    """The step of the first part and those of the later ones; None for a plan that answers everything at once."""
    node = plan.node
    if not isinstance(node, DeferNode):
        return None
    apart = any(_has_contexts(fetch) for fetch in plan.fetches())
    compiler = _Compiler(subgraphs, possible_types, apart, frozenset())
    later = (
        LaterStep(part.deferral, part.depends, compiler.step(part.node) if part.node else nothing)
        for part in node.deferred
    )
    return compiler.step(node.primary) if node.primary else nothing, tuple(later)


def compile_node(node: PlanNode, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes) -> Step:
    """The step of one node and all below it."""
    apart = any(_has_contexts(fetch) for fetch in QueryPlan(node).fetches())
    return _Compiler(subgraphs, possible_types, apart, shared_paths(QueryPlan(node))).step(node)


def shared_paths(plan: QueryPlan) -> frozenset[tuple[str, ...]]:
    """Flatten paths at which equal objects may become one (`gathering`): all, unless the plan asks one path of objects
    for different things, by their types or by contexts."""
    found: set[tuple[str, ...]] = set()
    for node in below(plan.node):
        if isinstance(node, DeferNode | SubscriptionNode):
            return frozenset()
        if isinstance(node, FlattenNode | BatchFetchNode):
            fetch = node.node if isinstance(node, FlattenNode) else node
            if _has_contexts(fetch):
                return frozenset()
            paths = (
                (node.path,)
                if isinstance(node, FlattenNode)
                else [path for item in node.lookups for path in item.paths]
            )
            found.update(paths)
    return frozenset() if any(step.startswith("|") for path in found for step in path) else frozenset(found)


def below(node: PlanNode | None) -> Iterator[PlanNode]:
    """A node and all below it."""
    if node is None:
        return
    yield node
    if isinstance(node, SequenceNode | ParallelNode):
        for child in node.nodes:
            yield from below(child)
    elif isinstance(node, ConditionNode):
        yield from below(node.if_clause)
        yield from below(node.else_clause)


def _has_contexts(fetch: FetchNode | BatchFetchNode) -> bool:
    if isinstance(fetch, BatchFetchNode):
        return any(item.contexts for item in fetch.lookups)
    return bool(fetch.contexts)


@dataclass(frozen=True, slots=True)
class LaterStep:
    """What completes a later part, once the fetches that it depends on are answered."""

    deferral: Deferral
    depends: tuple[str, ...]
    step: Step


@dataclass(frozen=True, slots=True)
class _Compiler:
    """apart: something of the plan depends on contexts, see `entity_fetch`."""

    subgraphs: Mapping[str, Subgraph]
    possible_types: PossibleTypes
    apart: bool
    shared: frozenset[tuple[str, ...]] = frozenset()

    def step(self, node: PlanNode) -> Step:
        step = self._step(node)
        if isinstance(node, SequenceNode | ParallelNode):
            return step
        awaited = [fetch.id for fetch in QueryPlan(node).fetches() if fetch.id is not None]
        return announced(step, awaited) if awaited else step

    def _step(self, node: PlanNode) -> Step:
        if isinstance(node, FetchNode):
            return root_fetch(self._prepare(node), Aliases(node.rewrites))
        if isinstance(node, FlattenNode):
            return self._flatten(node)
        if isinstance(node, BatchFetchNode):
            return self._entities(node, node.lookups)
        if isinstance(node, SequenceNode):
            return in_order([self.step(child) for child in node.nodes])
        if isinstance(node, ParallelNode):
            return at_once([self.step(child) for child in node.nodes])
        if isinstance(node, ConditionNode):
            return self._condition(node)
        raise UnsupportedOperation(
            f"{type(node).__name__.removesuffix('Node').lower()} plans cannot be executed yet"
        )

    def _flatten(self, node: FlattenNode) -> Step:
        fetch = node.node
        if not fetch.requires:
            aliases = Aliases(fetch.rewrites)
            return root_fetch_below(self._prepare(fetch), aliases, node.path, apart=self.apart)
        lookup = EntityLookup(
            "_entities",
            "representations",
            (node.path,),
            fetch.requires,
            fetch.rewrites,
            contexts=fetch.contexts,
        )
        return self._entities(fetch, (lookup,))

    def _entities(self, node: FetchNode | BatchFetchNode, lookups: tuple[EntityLookup, ...]) -> Step:
        compiled = [_lookup(item, self.possible_types, self.shared) for item in lookups]
        if not any(item.contexts for item in lookups):
            return entity_fetch(self._prepare(node), compiled, apart=self.apart)
        asked = [
            ContextualLookup(
                one,
                item.paths,
                item.contexts,
                context_fields(node, item),
                compile_gatherer(item.requires, self.possible_types),
            )
            for one, item in zip(compiled, lookups, strict=True)
        ]

        def prepare(counts: Sequence[int]) -> Prepared:
            made = slotted(node, lookups, counts)
            names = tuple(
                tuple(
                    (slot.alias, slot.variable, tuple(one.variable for one in slot.contexts))
                    for slot in slots
                )
                for slots in made.lookups
            )
            return Prepared(self._prepare(made.node), names)

        prepare(
            [1 for _ in lookups]
        )  # a fetch that its subgraph refuses is refused here, not at the first request
        return contextual_fetch(prepare, asked)

    def _condition(self, node: ConditionNode) -> Step:
        if_true = self.step(node.if_clause) if node.if_clause else nothing
        if_false = self.step(node.else_clause) if node.else_clause else nothing
        variable = node.condition

        async def choose(state: RunState) -> None:
            await (if_true if state.variables[variable] else if_false)(state)

        return choose

    def _prepare(self, node: FetchNode | BatchFetchNode) -> Fetch:
        call = self.subgraphs[node.subgraph].prepare(operation_of(node))
        return Fetch(node.subgraph, call, node.variable_usages)


def operation_of(node: FetchNode | BatchFetchNode) -> FetchOperation:
    """What its subgraph is to prepare."""
    operation = node.document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner writes one operation
    names = tuple(item.variable.name.value for item in operation.variable_definitions or ())
    name = node.operation_name if isinstance(node, FetchNode) else None
    return FetchOperation(node.subgraph, node.kind, node.operation, node.document, names, name)


def _lookup(item: EntityLookup, possible_types: PossibleTypes, shared: frozenset[tuple[str, ...]]) -> Lookup:
    return Lookup(
        item.alias,
        item.variable,
        write_gather(item.paths, item.requires, possible_types, shared),
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
            places = [place for path in paths for place in paths_of(data, path, targets)]
            if known or len(places) == 1:  # one object may stand at several places
                return places
        return above_lists

    return locate


def _above_list(path: tuple[str, ...]) -> Path:
    above = path[: path.index("@")] if "@" in path else path
    return tuple(step for step in above if not step.startswith("|"))
