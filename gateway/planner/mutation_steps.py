"""The root fields of a mutation in the order in which they must run.

One field asked at two places under different conditions runs at the first place whose conditions hold. So where that
depends on variables, the operation falls into two: one for each value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gateway.planner.emit import in_sequence
from gateway.planner.nodes import ConditionNode, PlanNode
from gateway.planner.query_graph import QueryGraph
from gateway.planner.selections import NO_CONDITIONS, Conditions, Field, Fragment, Selection, collect

__all__ = ["plan_mutation"]

PlanStep = Callable[[Sequence[Field]], PlanNode | None]


def plan_mutation(graph: QueryGraph, selections: Sequence[Selection], plan_step: PlanStep) -> PlanNode | None:
    """plan_step: for fields that may be asked in one operation."""
    variable = _undecided(selections)
    if variable is None:
        return in_sequence([plan_step(step) for step in _serial_steps(graph, selections)])
    clauses = [
        plan_mutation(graph, tuple(_decided(selections, variable, value=value)), plan_step)
        for value in (True, False)
    ]
    return ConditionNode(variable, *clauses) if any(clauses) else None


def _serial_steps(graph: QueryGraph, selections: Sequence[Selection]) -> list[list[Field]]:
    """Fields in order; neighbours of one subgraph stay together, for it runs them in order itself."""
    fields, _ = collect(selections, lambda condition: condition in graph.supertypes("Mutation"))
    steps: list[list[Field]] = []
    last: tuple[str, ...] | None = None
    for item in fields:
        able = tuple(name for name in graph.subgraphs if graph.is_local(name, "Mutation", item.name))
        if steps and able == last:
            steps[-1].append(item)
        else:
            steps.append([item])
        last = able
    return steps


def _undecided(selections: Sequence[Selection]) -> str | None:
    """A variable on which the order of two fields depends."""
    first: dict[str, Conditions] = {}
    for response, conditions in _occurrences(selections, NO_CONDITIONS):
        known = first.setdefault(response, conditions)
        if known and known != conditions:
            return min(known)[0]
    return None


def _occurrences(selections: Sequence[Selection], around: Conditions) -> Iterator[tuple[str, Conditions]]:
    for item in selections:
        conditions = around | item.conditions
        if isinstance(item, Field):
            yield item.response, conditions
        else:
            yield from _occurrences(item.children, conditions)


def _decided(selections: Sequence[Selection], variable: str, *, value: bool) -> Iterator[Selection]:
    """The root fields as they are with this value of the variable."""
    for item in selections:
        if (variable, not value) in item.conditions:
            continue
        rest = item.conditions - {(variable, value)}
        if isinstance(item, Fragment):
            yield Fragment(item.type_condition, rest, tuple(_decided(item.children, variable, value=value)))
        else:
            yield replace(item, conditions=rest)
