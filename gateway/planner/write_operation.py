"""Selection sets of a fetch graph as GraphQL syntax: what would be written more than once becomes a fragment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    Node,
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
from gateway.planner.shared_selections import SharedSelections

__all__ = [
    "OperationWriter",
    "entities_field",
    "own_definitions",
    "renamed_variables",
    "used_variables",
]


class OperationWriter:
    """Of one operation. `fragments`: what the selection sets written so far spread."""

    def __init__(self, shared: SharedSelections | None = None) -> None:
        self._shared = shared or SharedSelections()
        self._written: dict[str, FragmentDefinitionNode] = {}

    @property
    def fragments(self) -> tuple[FragmentDefinitionNode, ...]:
        return tuple(self._written.values())

    def selection_set_of(self, output: Output) -> SelectionSetNode:
        """With aliases and conditions; empty fragments left out."""
        nodes: list[SelectionNode] = [
            self._field(item, item.conditions | alternative)
            for item in output.fields.values()
            for alternative in item.alternatives or (NO_CONDITIONS,)
        ]
        for name, part in output.fragments.items():
            if not part.has_any():
                continue
            node: SelectionNode | None = self._spread(part)
            if node is None:
                node = InlineFragmentNode(
                    type_condition=_named(name), directives=(), selection_set=self.selection_set_of(part)
                )
            nodes.append(node)
        return SelectionSetNode(selections=tuple(nodes))

    def _spread(self, output: Output) -> FragmentSpreadNode | None:
        """Where the selection set is worth a fragment; its text is written when it is first met."""
        name = self._shared.name_of(output)
        if name is None:
            return None
        if name not in self._written:
            self._written[name] = FragmentDefinitionNode(
                name=NameNode(value=name),
                type_condition=_named(output.type_name),
                directives=(),
                selection_set=self.selection_set_of(output),
            )
        return FragmentSpreadNode(name=NameNode(value=name), directives=())

    def _children(self, output: Output | None) -> SelectionSetNode | None:
        if output is None:
            return None
        spread = self._spread(output)
        return SelectionSetNode(selections=(spread,)) if spread else self.selection_set_of(output)

    def _field(self, item: OutputField, conditions: Conditions) -> SelectionNode:
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
            selection_set=self._children(item.children),
        )
        for directive in around:
            node = InlineFragmentNode(
                directives=(directive,), selection_set=SelectionSetNode(selections=(node,))
            )
        return node


def _named(type_name: str) -> NamedTypeNode:
    return NamedTypeNode(name=NameNode(value=type_name))


def _directive(variable: str, wanted: bool) -> DirectiveNode:
    argument = ArgumentNode(name=NameNode(value="if"), value=VariableNode(name=NameNode(value=variable)))
    return DirectiveNode(name=NameNode(value="include" if wanted else "skip"), arguments=(argument,))


def used_variables(nodes: Iterable[Node], variables: Collection[str]) -> tuple[str, ...]:
    """Those of the variables that the nodes use, in the order in which they are defined."""
    if not variables:
        return ()
    found: set[str] = set()

    class Collector(Visitor):
        def enter_variable(self, node: VariableNode, *_args: object) -> None:
            found.add(node.name.value)

    for node in nodes:
        visit(node, Collector())
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
