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
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    print_ast,
)

from gateway.planner.deferrals import Deferral, deferral_of, deferring_fragments, shared_deferral

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
    deferral: the fragment that it comes later with, as far as selections around it do not say so already.
    """

    response: str
    name: str
    arguments: tuple[ArgumentNode, ...] = ()
    conditions: Conditions = NO_CONDITIONS
    children: tuple[Selection, ...] = ()
    internal: bool = False
    alternatives: tuple[Conditions, ...] = ()
    deferral: Deferral | None = None

    def occurrences(self) -> tuple[Conditions, ...]:
        """The conditions of each place where it is asked."""
        return tuple(self.conditions | item for item in self.alternatives) or (self.conditions,)


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """Selections under a type condition (None: always) and Boolean conditions; later ones, if `deferral` says so."""

    type_condition: str | None
    conditions: Conditions
    children: tuple[Selection, ...]
    deferral: Deferral | None = None


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
    deferring: frozenset[str] | None = None,
) -> tuple[Selection, ...]:
    """A selection set of a valid document. Selections that can never apply are left out.

    deferring: variables by which fragments are deferred; None where nothing is, whatever the document says.
    """
    return _Reader(fragments, internal, deferring).read(selection_set, (), None)


class _Reader:
    """The same selections are the same object: they are placed once. Deferred ones differ from place to place."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        internal: bool,
        deferring: frozenset[str] | None,
    ) -> None:
        self._fragments, self._internal, self._deferring = fragments, internal, deferring
        self._defer = deferring_fragments(fragments) if deferring is not None else frozenset[str]()
        self._known: dict[object, tuple[Selection, ...]] = {}
        self._spread: dict[object, Fragment] = {}

    def read(
        self, node: SelectionSetNode, path: tuple[str, ...], around: Deferral | None
    ) -> tuple[Selection, ...]:
        """path: response names; around: the fragment that all of it is deferred with."""
        found = (self._read_one(child, path, around) for child in node.selections)
        return tuple(item for item in found if item is not None)

    def _read_one(
        self, node: SelectionNode, path: tuple[str, ...], around: Deferral | None
    ) -> Selection | None:
        conditions = _conditions(node.directives or ())
        if conditions is None:
            return None
        if isinstance(node, FieldNode):
            name = node.name.value
            response = node.alias.value if node.alias else name
            children = self.read(node.selection_set, (*path, response), around) if node.selection_set else ()
            return Field(
                response, name, tuple(node.arguments or ()), conditions, children, internal=self._internal
            )
        later = None
        if self._deferring is not None:
            later = deferral_of(node.directives or (), path, around, self._deferring)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition.name.value if node.type_condition else None
            return Fragment(
                condition, conditions, self.read(node.selection_set, path, later or around), later
            )
        assert isinstance(node, FragmentSpreadNode)  # noqa: S101 - the last kind of selection
        return self._read_spread(node.name.value, conditions, path, around, later)

    def _read_spread(
        self,
        name: str,
        conditions: Conditions,
        path: tuple[str, ...],
        around: Deferral | None,
        later: Deferral | None,
    ) -> Fragment:
        definition = self._fragments[name]
        key = (name, path, later or around) if name in self._defer else name
        if key not in self._known:
            self._known[key] = self.read(definition.selection_set, path, later or around)
        made = Fragment(definition.type_condition.name.value, conditions, self._known[key], later)
        return self._spread.setdefault((key, conditions, later), made)


def collect(
    selections: Iterable[Selection], applies: Callable[[str], bool]
) -> tuple[list[Field], list[Fragment]]:
    """Fields that stand at a place, one per response name, and the fragments that do not apply there as a whole.

    A field asked under different conditions keeps them as alternatives; each occurrence's own conditions stand on
    its children too. So it is with what is deferred: a field that is asked in several parts is in the first of them.
    """
    found: dict[str, list[Field]] = {}
    others: list[Fragment] = []

    def walk(items: Iterable[Selection], conditions: Conditions, around: Deferral | None) -> None:
        for item in items:
            both, later = conditions | item.conditions, item.deferral or around
            if isinstance(item, Field):
                is_same = both == item.conditions and later == item.deferral
                found.setdefault(item.response, []).append(
                    item if is_same else replace(item, conditions=both, deferral=later)
                )
            elif item.type_condition is None or applies(item.type_condition):
                walk(item.children, both, later)
            else:
                others.append(Fragment(item.type_condition, both, item.children, later))

    walk(selections, NO_CONDITIONS, None)
    return [_merge(items) for items in found.values()], others


def _merge(items: list[Field]) -> Field:
    first = items[0]
    if len(items) == 1:
        return first
    occurrences = [conditions for item in items for conditions in item.occurrences()]
    common = frozenset.intersection(*occurrences)
    deferral = shared_deferral(item.deferral for item in items)
    children: list[Selection] = []
    for item in items:
        later = item.deferral if item.deferral != deferral else None
        own = [conditions - common for conditions in item.occurrences()]
        own = own if all(own) else [NO_CONDITIONS]
        if not item.children or (own == [NO_CONDITIONS] and later is None):
            children += item.children
        else:
            children += [Fragment(None, conditions, item.children, later) for conditions in own]
    rest = {conditions - common for conditions in occurrences}
    return replace(
        first,
        conditions=common,
        alternatives=() if NO_CONDITIONS in rest else tuple(sorted(rest, key=sorted)),
        children=tuple(children),
        internal=all(item.internal for item in items),
        deferral=deferral,
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
