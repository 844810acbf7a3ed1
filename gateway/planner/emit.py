"""Fetch graph -> plan nodes: who waits for whom as sequences and parallels, and the text of every operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from gateway.planner.fetch_graph import FetchGraph, FetchGroup, Output, OutputField
from gateway.planner.nodes import (
    ConditionNode,
    FetchNode,
    FlattenNode,
    OperationKind,
    ParallelNode,
    PlanNode,
    Representation,
    SequenceNode,
)
from gateway.planner.selections import NO_CONDITIONS, Conditions

__all__ = ["emit", "in_parallel", "in_sequence"]

REPRESENTATIONS = "representations"


def emit(
    fetches: FetchGraph, kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode | None:
    """The nodes of a fetch graph; None if it is empty. `variables`: definitions of the client's operation."""
    scheduled: set[int] = set()
    node, _ = _run(fetches, scheduled, frozenset(), kind, variables)
    return node


def in_sequence(nodes: Iterable[PlanNode | None]) -> PlanNode | None:
    """One after the other, without needless nesting."""
    flat: list[PlanNode] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, SequenceNode) else [node] if node else []
    return flat[0] if len(flat) == 1 else SequenceNode(tuple(flat)) if flat else None


def in_parallel(nodes: Iterable[PlanNode | None]) -> PlanNode | None:
    """All at once, without needless nesting."""
    flat: list[PlanNode] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, ParallelNode) else [node] if node else []
    return flat[0] if len(flat) == 1 else ParallelNode(tuple(flat)) if flat else None


def _run(
    fetches: FetchGraph,
    scheduled: set[int],
    before: frozenset[int],
    kind: OperationKind,
    variables: Mapping[str, VariableDefinitionNode],
) -> tuple[PlanNode | None, frozenset[int]]:
    """Everything that can run once `before` has; each fetch takes what only waits for it into its own branch."""
    steps: list[PlanNode | None] = []
    done = before
    while True:
        ready = [item for item in fetches.in_order() if item.id not in scheduled and item.parents <= done]
        if not ready:
            return in_sequence(steps), done
        scheduled.update(item.id for item in ready)
        branches, completed = [], done
        for group in ready:
            below, reached = _run(fetches, scheduled, done | {group.id}, kind, variables)
            branches.append(in_sequence([_group_node(group, kind, variables), below]))
            completed |= reached
        steps.append(in_parallel(branches))
        done = completed


def _group_node(
    group: FetchGroup, kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode:
    fetch = _fetch_node(group, "query" if group.inputs else kind, variables)
    node: PlanNode = FlattenNode(group.path, fetch) if group.inputs else fetch
    for variable, wanted in sorted(group.conditions, reverse=True):
        node = ConditionNode(variable, node, None) if wanted else ConditionNode(variable, None, node)
    return node


def _fetch_node(
    group: FetchGroup, kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> FetchNode:
    selection_set = _selection_set(group.output)
    used = _variables_in(selection_set)
    definitions = [item for name, item in variables.items() if name in used]
    if group.inputs:
        definitions = [_representations_definition(), *definitions]
        selection_set = _entities(selection_set)
    operation = OperationDefinitionNode(
        operation=OperationType(kind),
        name=None,
        variable_definitions=tuple(definitions),
        directives=(),
        selection_set=selection_set,
    )
    document = DocumentNode(definitions=(operation,))
    return FetchNode(
        group.subgraph,
        kind,
        print_ast(document),
        document,
        tuple(name for name in variables if name in used),
        tuple(
            Representation(name, sent_as, tuple(fields)) for (name, sent_as), fields in group.inputs.items()
        ),
        rewrites=tuple(group.rewrites),
    )


def _selection_set(output: Output) -> SelectionSetNode:
    nodes: list[SelectionNode] = [
        _field(item, item.conditions | alternative)
        for item in output.fields.values()
        for alternative in item.alternatives or (NO_CONDITIONS,)
    ]
    for name, part in output.fragments.items():
        if part.has_any():
            condition = NamedTypeNode(name=NameNode(value=name))
            nodes.append(
                InlineFragmentNode(
                    type_condition=condition, directives=(), selection_set=_selection_set(part)
                )
            )
    return SelectionSetNode(selections=tuple(nodes))


def _field(item: OutputField, conditions: Conditions) -> SelectionNode:
    """A directive may stand once on a field: further conditions stand on inline fragments around it."""
    response = item.alias or item.response
    own: dict[bool, DirectiveNode] = {}
    around: list[DirectiveNode] = []
    for variable, wanted in sorted(conditions):
        if wanted in own:
            around.append(_directive(variable, wanted))
        else:
            own[wanted] = _directive(variable, wanted)
    node: SelectionNode = FieldNode(
        alias=NameNode(value=response) if response != item.name else None,
        name=NameNode(value=item.name),
        arguments=item.arguments,
        directives=tuple(own.values()),
        selection_set=_selection_set(item.children) if item.children is not None else None,
    )
    for directive in around:
        node = InlineFragmentNode(directives=(directive,), selection_set=SelectionSetNode(selections=(node,)))
    return node


def _directive(variable: str, wanted: bool) -> DirectiveNode:
    argument = ArgumentNode(name=NameNode(value="if"), value=VariableNode(name=NameNode(value=variable)))
    return DirectiveNode(name=NameNode(value="include" if wanted else "skip"), arguments=(argument,))


def _variables_in(selection_set: SelectionSetNode) -> set[str]:
    found: set[str] = set()

    class Collector(Visitor):
        def enter_variable(self, node: VariableNode, *_args: object) -> None:
            found.add(node.name.value)

    visit(selection_set, Collector())
    return found


def _representations_definition() -> VariableDefinitionNode:
    item = NonNullTypeNode(type=NamedTypeNode(name=NameNode(value="_Any")))
    return VariableDefinitionNode(
        variable=VariableNode(name=NameNode(value=REPRESENTATIONS)),
        type=NonNullTypeNode(type=ListTypeNode(type=item)),
        directives=(),
    )


def _entities(selection_set: SelectionSetNode) -> SelectionSetNode:
    variable = VariableNode(name=NameNode(value=REPRESENTATIONS))
    argument = ArgumentNode(name=NameNode(value=REPRESENTATIONS), value=variable)
    field = FieldNode(
        name=NameNode(value="_entities"), arguments=(argument,), directives=(), selection_set=selection_set
    )
    return SelectionSetNode(selections=(field,))
