"""The client's operation without fragments spreads and directives: fields with conditions, as plain values.

Shared and immutable: a fragment that is spread twice is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    print_ast,
)

__all__ = [
    "Condition",
    "Conditions",
    "Field",
    "Fragment",
    "Selection",
    "collect",
    "read_selections",
    "signature",
]

Condition = tuple[str, bool]
"""(variable, wanted value)."""
Conditions = frozenset[Condition]
NO_CONDITIONS: Conditions = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field as asked.

    conditions: all must hold; alternatives: and of these sets of conditions one, if there are any.
    internal: asked by the planner for a key or @requires, not by the client.
    """

    response: str
    name: str
    arguments: tuple[ArgumentNode, ...] = ()
    conditions: Conditions = NO_CONDITIONS
    children: tuple[Selection, ...] = ()
    internal: bool = False
    alternatives: tuple[Conditions, ...] = ()

    def occurrences(self) -> tuple[Conditions, ...]:
        """The conditions of each place where it is asked."""
        return tuple(self.conditions | item for item in self.alternatives) or (self.conditions,)


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """Selections under a type condition (None: always) and Boolean conditions."""

    type_condition: str | None
    conditions: Conditions
    children: tuple[Selection, ...]


Selection = Field | Fragment


def signature(item: Field) -> str:
    """Name and arguments: two fields with one signature have one value."""
    if not item.arguments:
        return item.name
    arguments = sorted(item.arguments, key=lambda argument: argument.name.value)
    return f"{item.name}({', '.join(print_ast(argument) for argument in arguments)})"


def read_selections(
    selection_set: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    *,
    internal: bool = False,
) -> tuple[Selection, ...]:
    """A selection set of a valid document. Selections that can never apply are left out."""
    known: dict[str, tuple[Selection, ...]] = {}
    spread: dict[
        tuple[str, Conditions], Fragment
    ] = {}  # the same selections are the same object: placed once

    def read(node: SelectionSetNode) -> tuple[Selection, ...]:
        return tuple(item for child in node.selections if (item := read_one(child)) is not None)

    def read_one(node: object) -> Selection | None:
        conditions = _conditions(node.directives or ())  # type: ignore[attr-defined]  # every selection has them
        if conditions is None:
            return None
        if isinstance(node, FieldNode):
            name = node.name.value
            response = node.alias.value if node.alias else name
            children = read(node.selection_set) if node.selection_set else ()
            return Field(response, name, tuple(node.arguments or ()), conditions, children, internal)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition.name.value if node.type_condition else None
            return Fragment(condition, conditions, read(node.selection_set))
        assert isinstance(node, FragmentSpreadNode)  # noqa: S101 - the last kind of selection
        definition = fragments[node.name.value]
        if node.name.value not in known:
            known[node.name.value] = read(definition.selection_set)
        made = Fragment(definition.type_condition.name.value, conditions, known[node.name.value])
        return spread.setdefault((node.name.value, conditions), made)

    return read(selection_set)


def collect(
    selections: Iterable[Selection], applies: Callable[[str], bool]
) -> tuple[list[Field], list[Fragment]]:
    """Fields that stand at a place, one per response name, and the fragments that do not apply there as a whole.

    A field asked under different conditions keeps them as alternatives; each occurrence's own conditions stand on
    its children too.
    """
    found: dict[str, list[Field]] = {}
    others: list[Fragment] = []

    def walk(items: Iterable[Selection], conditions: Conditions) -> None:
        for item in items:
            both = conditions | item.conditions
            if isinstance(item, Field):
                found.setdefault(item.response, []).append(
                    item if both == item.conditions else replace(item, conditions=both)
                )
            elif item.type_condition is None or applies(item.type_condition):
                walk(item.children, both)
            else:
                others.append(Fragment(item.type_condition, both, item.children))

    walk(selections, NO_CONDITIONS)
    return [_merge(items) for items in found.values()], others


def _merge(items: list[Field]) -> Field:
    first = items[0]
    if len(items) == 1:
        return first
    occurrences = [conditions for item in items for conditions in item.occurrences()]
    common = frozenset.intersection(*occurrences)
    children: list[Selection] = []
    for item in items:
        own = [conditions - common for conditions in item.occurrences()]
        if not item.children or not all(own):
            children += item.children
        else:
            children += [Fragment(None, conditions, item.children) for conditions in own]
    rest = {conditions - common for conditions in occurrences}
    return replace(
        first,
        conditions=common,
        alternatives=() if NO_CONDITIONS in rest else tuple(sorted(rest, key=sorted)),
        children=tuple(children),
        internal=all(item.internal for item in items),
    )


def _conditions(directives: Iterable[DirectiveNode]) -> Conditions | None:
    """Conditions on variables; None if a literal says that the selection never applies."""
    found: set[Condition] = set()
    for directive in directives:
        wanted = {"include": True, "skip": False}.get(directive.name.value)
        if wanted is None or not directive.arguments:
            continue
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            found.add((value.name.value, wanted))
        elif isinstance(value, BooleanValueNode) and value.value is not wanted:
            return None
    if any((variable, not wanted) in found for variable, wanted in found):
        return None
    return frozenset(found)
