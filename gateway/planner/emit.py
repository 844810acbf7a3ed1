"""Fetch graph -> plan nodes: who waits for whom as sequences and parallels, and one operation for each fetch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    print_ast,
)

from gateway.planner.fetch_graph import FetchGraph, FetchGroup
from gateway.planner.later_parts import awaited_by, parts_of
from gateway.planner.names import unused_prefix
from gateway.planner.nodes import (
    BatchFetchNode,
    ConditionNode,
    DeferNode,
    DeferredNode,
    EntityLookup,
    FetchNode,
    FlattenNode,
    OperationKind,
    ParallelNode,
    PlanNode,
    Representation,
    SequenceNode,
)
from gateway.planner.shared_selections import SharedSelections, find_shared
from gateway.planner.write_operation import (
    OperationWriter,
    entities_field,
    own_definitions,
    renamed_variables,
    used_variables,
)

__all__ = ["emit", "in_parallel", "in_sequence"]

REPRESENTATIONS = "representations"
"""Variable of an entity fetch."""


def emit(
    fetches: FetchGraph, kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode | None:
    """The nodes of a fetch graph; None if it is empty. `variables`: definitions of the client's operation."""
    parts = parts_of(fetches)
    primary = parts.pop(None, ())
    waits = {deferral: awaited_by(fetches, groups) for deferral, groups in parts.items()}
    node = _emit(primary, kind, variables)
    if not parts:
        return node
    deferred = (
        DeferredNode(waits[item], item.label, item.path, _emit(groups, kind, variables), item)
        for item, groups in parts.items()
        if item is not None
    )
    return DeferNode(node, tuple(deferred))


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


def _emit(
    groups: Sequence[FetchGroup], kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode | None:
    """Groups that wait for nothing but each other. As many dependent steps as the longest way has, no more."""
    return in_parallel(_in_waves(part, kind, variables) for part in _parts(groups))


def _in_waves(
    groups: Sequence[FetchGroup], kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode | None:
    """A part in which all hangs together: what can run now, then the rest, which may fall into parts again."""
    waiting = {item.id for item in groups}
    ready = [item for item in groups if waiting.isdisjoint(item.parents)]
    rest = [item for item in groups if not waiting.isdisjoint(item.parents)]
    now = in_parallel(_group_node(item, kind, variables) for item in ready)
    return in_sequence([now, _emit(rest, kind, variables)])


def _parts(groups: Sequence[FetchGroup]) -> list[list[FetchGroup]]:
    """Groups that hang together by waiting for each other, in the order in which they were found."""
    part_of: dict[int, list[FetchGroup]] = {item.id: [item] for item in groups}
    for item in groups:
        for parent in sorted(item.parents & part_of.keys()):
            one, other = part_of[parent], part_of[item.id]
            if one is other:
                continue
            larger, smaller = (one, other) if len(one) >= len(other) else (other, one)
            larger += smaller
            part_of.update((moved.id, larger) for moved in smaller)
    order = {item.id: position for position, item in enumerate(groups)}
    parts = {id(part): part for part in (part_of[item.id] for item in groups)}
    return [sorted(part, key=lambda item: order[item.id]) for part in parts.values()]


def _group_node(
    group: FetchGroup, kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode:
    node = _entity_node(group, variables) if group.inputs else _root_node(group, kind, variables)
    for variable, wanted in sorted(group.common_conditions(), reverse=True):
        node = ConditionNode(variable, node, None) if wanted else ConditionNode(variable, None, node)
    return node


def _root_node(
    group: FetchGroup, kind: OperationKind, variables: Mapping[str, VariableDefinitionNode]
) -> PlanNode:
    writer = OperationWriter(find_shared([group.output]))
    selections = writer.selection_set_of(group.output)
    names = used_variables((selections, *writer.fragments), variables)
    kind = "query" if group.path else kind
    document = _document(kind, [variables[name] for name in names], selections, writer.fragments)
    rewrites = tuple(group.rewrites)
    fetch = FetchNode(
        group.subgraph,
        kind,
        print_ast(document),
        document,
        names,
        rewrites=rewrites,
        group=group.id,
        id=group.awaited,
    )
    return FlattenNode(group.path, fetch) if group.path else fetch


def _entity_node(group: FetchGroup, variables: Mapping[str, VariableDefinitionNode]) -> PlanNode:
    """A Flatten for one lookup at one path, else a batch."""
    writer = OperationWriter(_shared(group))
    found = _lookups(group, writer)
    is_plain = len(found) == 1 and not any(name.startswith(REPRESENTATIONS) for name in variables)
    lookups = [item for item, _ in found] if is_plain else _numbered([item for item, _ in found], variables)
    fields = [
        renamed_variables(entities_field(item.alias, item.variable, selections), _renames(known, item))
        for item, (known, selections) in zip(lookups, found, strict=True)
    ]
    selections = SelectionSetNode(selections=tuple(fields))
    names = used_variables((selections, *writer.fragments), variables)
    own = [definition for item in lookups for definition in own_definitions(item)]
    document = _document("query", [*own, *(variables[name] for name in names)], selections, writer.fragments)
    text, sole = print_ast(document), lookups[0]
    if not is_plain or len(sole.paths) > 1:
        return BatchFetchNode(
            group.subgraph, text, document, tuple(lookups), names, group=group.id, id=group.awaited
        )
    fetch = FetchNode(
        group.subgraph,
        "query",
        text,
        document,
        names,
        sole.requires,
        rewrites=sole.rewrites,
        contexts=sole.contexts,
        group=group.id,
        id=group.awaited,
    )
    return FlattenNode(sole.paths[0], fetch)


def _numbered(lookups: Sequence[EntityLookup], variables: Collection[str]) -> list[EntityLookup]:
    """Aliases and variables that meet no variable of the client."""
    prefix = unused_prefix(REPRESENTATIONS, variables)
    return [
        replace(
            item,
            alias=f"_e{number}",
            variable=f"{prefix}_{number}",
            contexts=tuple(replace(value, variable=f"{value.variable}_{number}") for value in item.contexts),
        )
        for number, item in enumerate(lookups)
    ]


def _renames(before: EntityLookup, after: EntityLookup) -> dict[str, str]:
    """Of variables for contexts: each lookup of a batch has its own."""
    pairs = zip(before.contexts, after.contexts, strict=True)
    return {one.variable: other.variable for one, other in pairs if one.variable != other.variable}


def _shared(group: FetchGroup) -> SharedSelections | None:
    """None where objects are asked apart by contexts: each lookup then has variables of its own."""
    if any(item.contexts for item in group.lookups):
        return None
    return find_shared([item.output for item in group.lookups])


def _lookups(group: FetchGroup, writer: OperationWriter) -> list[tuple[EntityLookup, SelectionSetNode]]:
    """Those that ask the same of the same representations become one, with all their paths."""
    found: dict[object, tuple[EntityLookup, SelectionSetNode]] = {}
    common = group.common_conditions()
    for item in group.lookups:
        selection_set = writer.selection_set_of(item.output)
        requires = tuple(
            Representation(name, sent_as, tuple(fields)) for (name, sent_as), fields in item.inputs.items()
        )
        own = tuple(sorted(item.conditions - common))
        contexts = tuple(item.contexts.values())
        text = print_ast(selection_set) if group.batched else ""
        likeness = (text, requires, tuple(item.rewrites), own, contexts)
        if likeness in found:
            known, _ = found[likeness]
            found[likeness] = replace(known, paths=(*known.paths, item.path)), selection_set
        else:
            lookup = EntityLookup(
                "_entities", REPRESENTATIONS, (item.path,), requires, tuple(item.rewrites), own, contexts
            )
            found[likeness] = lookup, selection_set
    return list(found.values())


def _document(
    kind: OperationKind,
    definitions: Sequence[VariableDefinitionNode],
    selections: SelectionSetNode,
    fragments: Sequence[FragmentDefinitionNode],
) -> DocumentNode:
    operation = OperationDefinitionNode(
        operation=OperationType(kind),
        name=None,
        variable_definitions=tuple(definitions),
        directives=(),
        selection_set=selections,
    )
    return DocumentNode(definitions=(operation, *fragments))
