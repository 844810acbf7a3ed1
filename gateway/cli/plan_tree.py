"""A query plan as a tree with its reasons, for `quanyu plan --why`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from graphql.utilities import strip_ignored_characters
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from gateway.planner import QueryPlan
from gateway.planner.nodes import (
    BatchFetchNode,
    ConditionNode,
    DeferNode,
    FetchNode,
    FlattenNode,
    ParallelNode,
    PlanNode,
    SequenceNode,
    SubscriptionNode,
    shown_path,
)
from gateway.planner.why import FetchWhy, FieldWhy

__all__ = ["Reasons", "reasons", "show_tree"]

WIDTH = 100
"""Columns where the output is no terminal, and at most where it is one."""

LONGEST_OPERATION = 300

Reasons = Mapping[int, FetchWhy]
"""By the identity of the fetch node."""


def reasons(plan: QueryPlan, why: Iterable[FetchWhy]) -> Reasons:
    """why: of that very plan."""
    return {id(node): item for node, item in zip(plan.fetches(), why, strict=True)}


def show_tree(plan: QueryPlan, why: Reasons) -> None:
    """Prints the plan, or what is left of it where conditions were decided."""
    console = Console(file=sys.stdout, highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    tree = Tree(Text("QueryPlan", style="bold"), guide_style="dim")
    if plan.node is not None:
        _grow(tree, plan.node, why)
    console.print(tree)


def _grow(tree: Tree, node: PlanNode, why: Reasons) -> None:
    if isinstance(node, FetchNode | BatchFetchNode):
        _fetch(tree, node, why[id(node)])
    elif isinstance(node, FlattenNode):
        _fetch(tree, node.node, why[id(node.node)])
    else:
        for name, children in _branches(node):
            branch = tree.add(Text(name, style="bold"))
            for child in children:
                _grow(branch, child, why)


def _branches(node: PlanNode) -> Iterator[tuple[str, tuple[PlanNode, ...]]]:
    """What stands below a node that is no fetch."""
    if isinstance(node, SequenceNode):
        yield "Sequence: one after the other", node.nodes
    elif isinstance(node, ParallelNode):
        yield "Parallel: at once", node.nodes
    elif isinstance(node, ConditionNode):
        if node.if_clause is not None:
            yield f"Include, if ${node.condition}", (node.if_clause,)
        if node.else_clause is not None:
            yield f"Skip, if ${node.condition}", (node.else_clause,)
    elif isinstance(node, SubscriptionNode):
        yield "Subscription: each event of", (node.primary,)
        if node.rest is not None:
            yield "Rest: completes each event", (node.rest,)
    elif isinstance(node, DeferNode):
        if node.primary is not None:
            yield "Primary: answered first", (node.primary,)
        for part in node.deferred:
            label = f" ({part.label})" if part.label is not None else ""
            where = ".".join(part.path) or "the root"
            yield f"Deferred{label}: added to {where}", (part.node,) if part.node is not None else ()


def _fetch(tree: Tree, node: FetchNode | BatchFetchNode, why: FetchWhy) -> None:
    waits = f", after {', '.join(map(str, why.waits_for))}" if why.waits_for else ""
    head = Text.assemble(
        (f"{why.number} ", "bold"), ("Fetch ", "bold"), (why.subgraph, "bold cyan"), (waits, "dim")
    )
    branch = tree.add(head)
    for text in why.texts:
        branch.add(Text(text))
    operation = strip_ignored_characters(node.operation)
    shown = operation if len(operation) <= LONGEST_OPERATION else f"{operation[:LONGEST_OPERATION]} …"
    branch.add(Text(shown, style="dim", overflow="fold"))
    for text, paths in _by_reason(why.fields).items():
        branch.add(Text.assemble((", ".join(_together(paths)), "green"), f": {text}"))


def _by_reason(fields: Iterable[FieldWhy]) -> dict[str, list[list[str]]]:
    """Reason -> the paths that it holds for, each once."""
    found: dict[str, list[list[str]]] = {}
    for item in fields:
        paths = found.setdefault(item.text, [])
        if (path := shown_path(item.path)) not in paths:
            paths.append(path)
    return found


def _together(paths: Iterable[list[str]]) -> Iterator[str]:
    """a.b, a.c, d -> a.{b c}, d."""
    below: dict[str, list[str]] = {}
    for path in paths:
        below.setdefault(".".join(path[:-1]), []).append(path[-1])
    for parent, names in below.items():
        if parent:
            yield f"{parent}.{names[0]}" if len(names) == 1 else f"{parent}.{{{' '.join(names)}}}"
        else:
            yield from names
