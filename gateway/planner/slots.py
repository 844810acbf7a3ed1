"""An entity fetch for several values of a context at once: each lookup that has one, as many times as there are values.

An argument of a field is the same for all representations of an `_entities` field. So what differs from object to
object (@fromContext) needs one `_entities` field for each value; all of them travel in one operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from graphql import (
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    print_ast,
)

from gateway.planner.nodes import BatchFetchNode, EntityLookup, FetchNode
from gateway.planner.write_operation import own_definitions, renamed_variables, used_variables

__all__ = ["Slotted", "context_fields", "slotted"]


@dataclass(frozen=True, slots=True)
class Slotted:
    """lookups: for each of the fetch's lookups its slots, under their own aliases and variables; those without a
    context have one."""

    node: BatchFetchNode
    lookups: tuple[tuple[EntityLookup, ...], ...]


def slotted(
    node: FetchNode | BatchFetchNode, lookups: Sequence[EntityLookup], counts: Sequence[int]
) -> Slotted:
    """The same fetch with so many slots of each lookup. A count of a lookup without a context makes no difference."""
    operation = node.document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner writes one operation
    own = {item.variable for item in lookups} | {one.variable for item in lookups for one in item.contexts}
    definitions = [
        item for item in operation.variable_definitions or () if item.variable.name.value not in own
    ]
    fields = {
        _alias(item): item for item in operation.selection_set.selections if isinstance(item, FieldNode)
    }
    copies = tuple(tuple(_copies(item, count)) for item, count in zip(lookups, counts, strict=True))
    written = [
        _renamed(fields[before.alias], before, after)
        for before, slot in zip(lookups, copies, strict=True)
        for after in slot
    ]
    added = [definition for slot in copies for item in slot for definition in own_definitions(item)]
    # a lookup without slots takes its variables with it: a subgraph refuses one that nothing uses
    names = used_variables(written, node.variable_usages)
    kept = [item for item in definitions if item.variable.name.value in names]
    document = _document(operation, [*added, *kept], written)
    flat = tuple(item for slot in copies for item in slot)
    made = BatchFetchNode(node.subgraph, print_ast(document), document, flat, names)
    return Slotted(made, copies)


def context_fields(node: FetchNode | BatchFetchNode, lookup: EntityLookup) -> tuple[str, ...]:
    """Response names of the lookup's fields that a context fills an argument of."""
    variables = {item.variable for item in lookup.contexts}
    names: list[str] = []

    def walk(selections: SelectionSetNode | None) -> None:
        for item in selections.selections if selections is not None else ():
            if isinstance(item, InlineFragmentNode):
                walk(item.selection_set)
            elif isinstance(item, FieldNode) and any(
                isinstance(argument.value, VariableNode) and argument.value.name.value in variables
                for argument in item.arguments or ()
            ):
                names.append(_alias(item))

    operation = node.document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner writes one operation
    for item in operation.selection_set.selections:
        if isinstance(item, FieldNode) and _alias(item) == lookup.alias:
            walk(item.selection_set)
    return tuple(names)


def _copies(lookup: EntityLookup, slots: int) -> Iterator[EntityLookup]:
    if not lookup.contexts:
        yield lookup
        return
    for number in range(slots):
        yield replace(
            lookup,
            alias=f"{lookup.alias}_{number}",
            variable=f"{lookup.variable}_{number}",
            contexts=tuple(replace(one, variable=f"{one.variable}_{number}") for one in lookup.contexts),
        )


def _renamed(field: FieldNode, before: EntityLookup, after: EntityLookup) -> FieldNode:
    names = {before.variable: after.variable}
    names |= {
        one.variable: other.variable for one, other in zip(before.contexts, after.contexts, strict=True)
    }
    written = renamed_variables(field, {one: other for one, other in names.items() if one != other})
    return FieldNode(
        alias=NameNode(value=after.alias) if after.alias != "_entities" else None,
        name=written.name,
        arguments=written.arguments,
        directives=written.directives,
        selection_set=written.selection_set,
    )


def _document(
    operation: OperationDefinitionNode,
    definitions: Sequence[VariableDefinitionNode],
    fields: Sequence[FieldNode],
) -> DocumentNode:
    made = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=tuple(definitions),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(fields)),
    )
    return DocumentNode(definitions=(made,))


def _alias(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
