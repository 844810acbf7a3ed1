"""A query plan as text, in the layout that users of federation know."""

from __future__ import annotations

from graphql import parse, print_ast

from gateway.planner.nodes import (
    BatchFetchNode,
    ConditionNode,
    DeferNode,
    DeferredNode,
    EntityLookup,
    FetchNode,
    FlattenNode,
    ParallelNode,
    PlanNode,
    QueryPlan,
    Representation,
    RequiredField,
    SequenceNode,
    SubscriptionNode,
    shown_path,
)

__all__ = ["pretty"]


def pretty(plan: QueryPlan) -> str:
    """Two spaces a level; operations printed in full."""
    if plan.node is None:
        return "QueryPlan {}"
    return _block("QueryPlan", [_node(plan.node)])


def _node(node: PlanNode) -> str:
    if isinstance(node, FetchNode):
        return _fetch(node)
    if isinstance(node, BatchFetchNode):
        return _batch(node)
    if isinstance(node, FlattenNode):
        return _block(f'Flatten(path: "{".".join(shown_path(node.path))}")', [_fetch(node.node)])
    if isinstance(node, SequenceNode):
        return _block("Sequence", [_node(child) for child in node.nodes])
    if isinstance(node, ParallelNode):
        return _block("Parallel", [_node(child) for child in node.nodes])
    if isinstance(node, ConditionNode):
        return _condition(node)
    if isinstance(node, SubscriptionNode):
        rest = [_block("Rest", [_node(node.rest)])] if node.rest else []
        return _block("Subscription", [_block("Primary", [_fetch(node.primary)]), *rest])
    assert isinstance(node, DeferNode)  # noqa: S101 - the last kind of node
    primary = [_node(node.primary)] if node.primary else []
    return _block("Defer", [_block("Primary", primary), *map(_deferred, node.deferred)])


def _deferred(node: DeferredNode) -> str:
    label = f', label: "{node.label}"' if node.label is not None else ""
    head = f'Deferred(depends: [{", ".join(node.depends)}], path: "{".".join(node.path)}"{label})'
    return _block(head, [_node(node.node)] if node.node else [])


def _condition(node: ConditionNode) -> str:
    if node.else_clause is None and node.if_clause is not None:
        return _block(f"Include(if: ${node.condition})", [_node(node.if_clause)])
    if node.if_clause is None and node.else_clause is not None:
        return _block(f"Skip(if: ${node.condition})", [_node(node.else_clause)])
    clauses = [_node(clause) for clause in (node.if_clause, node.else_clause) if clause]
    return _block(f"Condition(if: ${node.condition})", clauses)


def _fetch(node: FetchNode) -> str:
    body = print_ast(parse(node.operation)) if node.requires else node.operation
    head = f"Fetch({_asked(node)})"
    if not node.requires:
        return _block(head, [body])
    requires = "\n".join(_representation(item) for item in node.requires)
    return _block(head, [_block("", [requires]) + " =>\n" + body])


def _asked(node: FetchNode | BatchFetchNode) -> str:
    return f'service: "{node.subgraph}"' + (f", id: {node.id}" if node.id is not None else "")


def _batch(node: BatchFetchNode) -> str:
    needs = [_lookup(item) for item in node.lookups]
    return _block(f"BatchFetch({_asked(node)})", [*needs, "=>\n" + node.operation])


def _lookup(item: EntityLookup) -> str:
    places = ", ".join(f'"{".".join(shown_path(path))}"' for path in item.paths)
    conditions = "".join(
        f" @{'include' if wanted else 'skip'}(if: ${name})" for name, wanted in item.conditions
    )
    head = f"{item.alias}(paths: [{places}]){conditions}"
    return _block(head, ["\n".join(map(_representation, item.requires))])


def _representation(item: Representation) -> str:
    shown = "__typename" if item.sent_as == item.type_name else f"__typename = {item.sent_as}"
    return _block(f"... on {item.type_name}", ["\n".join([shown, *map(_required, item.fields)])])


def _required(item: RequiredField) -> str:
    name = item.name if item.name == item.response else f"{item.response}: {item.name}"
    text = _block(name, ["\n".join(map(_required, item.selections))]) if item.selections else name
    return _block(f"... on {item.type_condition}", [text]) if item.type_condition else text


def _block(head: str, parts: list[str]) -> str:
    lines = "\n".join(f"  {line}" for part in parts for line in part.split("\n"))
    return f"{head} {{\n{lines}\n}}".lstrip()
