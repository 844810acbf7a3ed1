"""Selection sets of a fetch graph as GraphQL syntax."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionNode,
    SelectionSetNode,
    TypeNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse_type,
    visit,
)

from gateway.planner.fetch_graph import Output, OutputField
from gateway.planner.nodes import EntityLookup
from gateway.planner.selections import NO_CONDITIONS, Conditions

__all__ = ["entities_field", "own_definitions", "renamed_variables", "selection_set_of", "used_variables"]


def selection_set_of(output: Output) -> SelectionSetNode:
    """With aliases and conditions; empty fragments left out."""
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
                    type_condition=condition, directives=(), selection_set=selection_set_of(part)
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
        selection_set=selection_set_of(item.children) if item.children is not None else None,
    )
    for directive in around:
        node = InlineFragmentNode(directives=(directive,), selection_set=SelectionSetNode(selections=(node,)))
    return node


def _directive(variable: str, wanted: bool) -> DirectiveNode:
    argument = ArgumentNode(name=NameNode(value="if"), value=VariableNode(name=NameNode(value=variable)))
    return DirectiveNode(name=NameNode(value="include" if wanted else "skip"), arguments=(argument,))


def used_variables(selections: SelectionSetNode, variables: Collection[str]) -> tuple[str, ...]:
    """Those of the variables that the selections use, in the order in which they are defined."""
    if not variables:
        return ()
    found: set[str] = set()

    class Collector(Visitor):
        def enter_variable(self, node: VariableNode, *_args: object) -> None:
            found.add(node.name.value)

    visit(selections, Collector())
    return tuple(name for name in variables if name in found)


def own_definitions(lookup: EntityLookup) -> list[VariableDefinitionNode]:
    """`$representations: [_Any!]!`, and the variables for contexts."""
    contexts = [_definition(item.variable, parse_type(item.type)) for item in lookup.contexts]
    return [_definition(lookup.variable, parse_type("[_Any!]!")), *contexts]


def _definition(variable: str, type_: TypeNode) -> VariableDefinitionNode:
    return VariableDefinitionNode(
        variable=VariableNode(name=NameNode(value=variable)), type=type_, directives=()
    )


def renamed_variables(node: FieldNode, names: Mapping[str, str]) -> FieldNode:
    """The field with other variables in it."""
    if not names:
        return node

    class Renamer(Visitor):
        def enter_variable(self, variable: VariableNode, *_args: object) -> VariableNode | None:
            name = names.get(variable.name.value)
            return VariableNode(name=NameNode(value=name)) if name is not None else None

    renamed: FieldNode = visit(node, Renamer())
    return renamed


def entities_field(alias: str, variable: str, selection_set: SelectionSetNode) -> FieldNode:
    """`alias: _entities(representations: $variable) { ... }`."""
    value = VariableNode(name=NameNode(value=variable))
    return FieldNode(
        alias=NameNode(value=alias) if alias != "_entities" else None,
        name=NameNode(value="_entities"),
        arguments=(ArgumentNode(name=NameNode(value="representations"), value=value),),
        directives=(),
        selection_set=selection_set,
    )
