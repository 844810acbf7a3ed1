"""Bounds on an operation, checked once when it is prepared: nothing is planned for a query that is too large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

__all__ = [
    "LimitBroken",
    "OperationLimits",
    "OperationSize",
    "VariableLimits",
    "over_limits",
    "oversized_variables",
    "size_of",
]


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """characters and tokens: of the text; depth: fields below fields; root_fields: aliases of root fields count each;
    fields: with fragments written out; aliases, directives and list_items: of the document as it is written;
    directives_at_once: at one place; repeats: sum over all places of the answer of (how often it is selected) squared,
    which is what comparing them costs; cost: see `gateway.security.cost`, None has no bound.
    introspection: whether `__schema` and `__type` are answered. suggestions: whether a refusal says "Did you mean".
    """

    tokens: int = 2000
    depth: int = 15
    root_fields: int = 20
    fields: int = 1000
    introspection: bool = True
    characters: int = 65_536
    aliases: int = 50
    directives: int = 50
    directives_at_once: int = 5
    list_items: int = 1000
    repeats: int = 10_000
    cost: float | None = None
    suggestions: bool = True


@dataclass(frozen=True, slots=True)
class VariableLimits:
    """depth: lists and objects within each other; values: of all kinds, in all; list_items: of one list."""

    depth: int = 16
    values: int = 10_000
    list_items: int = 1000


@dataclass(frozen=True, slots=True)
class LimitBroken:
    """Codes: LIMIT_EXCEEDED, INTROSPECTION_DISABLED."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class OperationSize:
    """fields: with every fragment written out at each of its spreads. What is below
    introspection's own fields does not count."""

    depth: int = 0
    fields: int = 0
    root_fields: int = 0


def size_of(document: DocumentNode, operation: OperationDefinitionNode) -> OperationSize:
    """Measured without writing anything out: each fragment is looked at once, so a document in which each fragment
    spreads the next one twice costs no more than its length. Cycles (which validation refuses) count once."""
    fragments = _fragments(document)
    known: dict[str, OperationSize] = {}

    def size(selection_set: SelectionSetNode | None) -> OperationSize:
        depth = fields = roots = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                if node.name.value.startswith("__"):  # introspection is deep by nature, and bounded
                    fields, roots = fields + 1, roots + 1
                    continue
                below = size(node.selection_set)
                depth, fields, roots = max(depth, 1 + below.depth), fields + 1 + below.fields, roots + 1
            else:
                below = (
                    spread(node)
                    if isinstance(node, FragmentSpreadNode)
                    else size(getattr(node, "selection_set", None))
                )
                depth, fields, roots = (
                    max(depth, below.depth),
                    fields + below.fields,
                    roots + below.root_fields,
                )
        return OperationSize(depth, fields, roots)

    def spread(node: FragmentSpreadNode) -> OperationSize:
        name = node.name.value
        if name not in known:
            known[name] = OperationSize()
            fragment = fragments.get(name)
            known[name] = size(fragment.selection_set) if fragment else OperationSize()
        return known[name]

    return size(operation.selection_set)


def over_limits(
    document: DocumentNode, operation: OperationDefinitionNode, limits: OperationLimits
) -> LimitBroken | None:
    """The first limit that the operation breaks, None where it keeps all."""
    written = _Written()
    visit(document, written)
    if written.introspects and not limits.introspection:
        return LimitBroken(
            "INTROSPECTION_DISABLED", "introspection is switched off here; ask for the schema file"
        )
    size = size_of(document, operation)
    bounds: list[tuple[str, int, int]] = [
        ("fields deep", size.depth, limits.depth),
        ("root fields wide", size.root_fields, limits.root_fields),
        ("fields in all", size.fields, limits.fields),
        ("aliases long", written.aliases, limits.aliases),
        ("directives long", written.directives, limits.directives),
        ("directives at one place", written.directives_at_once, limits.directives_at_once),
        ("values in one list", written.list_items, limits.list_items),
    ]
    for what, found, allowed in bounds:
        if found > allowed:
            return LimitBroken("LIMIT_EXCEEDED", f"the query is {found} {what}; {allowed} are allowed")
    # Only now: what is written out is no longer than `limits.fields`.
    if _repeats(document, operation) > limits.repeats:
        text = "the query selects the same fields of one object too often; select each once"
        return LimitBroken("LIMIT_EXCEEDED", text)
    return None


def oversized_variables(variables: Mapping[str, Any], limits: VariableLimits) -> str | None:
    """Why variables are too large, None where they are not. They are JSON, as long as the body at most."""
    values = 0
    level: list[Any] = [variables]
    for depth in range(limits.depth + 2):
        below: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                below += value.values()
            elif isinstance(value, list | tuple):
                if len(value) > limits.list_items:
                    return (
                        f"a list in the variables has {len(value)} entries; {limits.list_items} are allowed"
                    )
                below += value
        values += len(below)
        if values > limits.values:
            return f"the variables hold more than {limits.values} values"
        if not below:
            return None
        if depth > limits.depth:
            break
        level = below
    return f"the variables are more than {limits.depth} levels deep"


_MOST_STEPS: Final = 20_000


class _Written(Visitor):
    """What can be counted in one look at the document."""

    def __init__(self) -> None:
        super().__init__()
        self.introspects = False
        self.aliases = self.directives = self.directives_at_once = self.list_items = 0

    def enter(self, node: Node, *_: object) -> None:
        placed: Sequence[Node] = getattr(node, "directives", None) or ()
        if placed:
            self.directives += len(placed)
            self.directives_at_once = max(self.directives_at_once, len(placed))
        if isinstance(node, FieldNode):
            self.introspects = self.introspects or node.name.value in ("__schema", "__type")
            self.aliases += node.alias is not None
        elif isinstance(node, ListValueNode):
            self.list_items = max(self.list_items, len(node.values))


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def _repeats(document: DocumentNode, operation: OperationDefinitionNode) -> int:
    """Validation compares fields of the same response name two by two."""
    fragments = _fragments(document)
    times: dict[tuple[str, ...], int] = {}
    waiting: list[tuple[SelectionSetNode, tuple[str, ...], frozenset[str]]] = [
        (operation.selection_set, (), frozenset())
    ]
    steps = 0
    while waiting:
        selection_set, path, spread = waiting.pop()
        steps += len(selection_set.selections)
        if steps > _MOST_STEPS:  # fragments that end in nothing are no fields, and may double all the same
            return steps * steps
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                here = (*path, node.alias.value if node.alias else node.name.value)
                times[here] = times.get(here, 0) + 1
                if node.selection_set is not None:
                    waiting.append((node.selection_set, here, spread))
            elif isinstance(node, FragmentSpreadNode):
                fragment = fragments.get(node.name.value)
                if fragment is not None and node.name.value not in spread:
                    waiting.append((fragment.selection_set, path, spread | {node.name.value}))
            else:
                waiting.append((getattr(node, "selection_set"), path, spread))  # noqa: B009 - of an inline fragment
    return sum(count * count for count in times.values())
