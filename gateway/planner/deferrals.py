"""Parts of an answer that may come later (@defer): which fragments they are, and which of them another builds on.

Directive: https://github.com/graphql/graphql-wg/blob/main/rfcs/DeferStream.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDeferDirective,
    GraphQLDirective,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    Node,
    StringValueNode,
    VariableNode,
    Visitor,
    visit,
)

__all__ = [
    "Deferral",
    "defer_variables",
    "deferral_of",
    "deferring_fragments",
    "depth_of",
    "is_later",
    "shared_deferral",
    "with_defer",
]

_DEFER = GraphQLDeferDirective.name
_DIRECTIVE = GraphQLDirective(
    _DEFER,
    locations=GraphQLDeferDirective.locations,
    args={
        "if": GraphQLArgument(
            GraphQLNonNull(GraphQLBoolean), default_value=True, description="Whether it is deferred 是否延后."
        ),
        "label": GraphQLArgument(
            GraphQLString, description="Comes back with the part, to tell it by 延后部分的标识."
        ),
    },
    description="This part of the answer may come after the rest of it, where the client accepts "
    "`multipart/mixed; deferSpec=20220824` 延后返回.",
)


@dataclass(frozen=True, slots=True)
class Deferral:
    """A fragment with @defer, at one place of the operation.

    path: response names from the root to the objects that it stands on; start: of the directive in the text, so that two
    of one place are two; parent: the one around it.
    """

    label: str | None
    path: tuple[str, ...]
    start: int
    parent: Deferral | None = None


def is_later(one: Deferral | None, other: Deferral | None) -> bool:
    """Whether `one` is answered when `other` is, or after it. None is what is answered first."""
    while one != other:
        if one is None:
            return False
        one = one.parent
    return True


def depth_of(deferral: Deferral | None) -> int:
    """How many parts come before it at least; 0 for what is answered first."""
    return 0 if deferral is None else 1 + depth_of(deferral.parent)


def shared_deferral(found: Iterable[Deferral | None]) -> Deferral | None:
    """The latest that none of them comes before: what is asked in several parts is in the first one's."""
    first, *others = found
    while not all(is_later(other, first) for other in others):
        assert first is not None  # noqa: S101 - everything comes after None
        first = first.parent
    return first


def deferral_of(
    directives: Iterable[DirectiveNode],
    path: tuple[str, ...],
    parent: Deferral | None,
    active: frozenset[str],
) -> Deferral | None:
    """That of a fragment at a path. active: variables of `if` that are true."""
    for directive in directives:
        if directive.name.value != _DEFER:
            continue
        arguments = {item.name.value: item.value for item in directive.arguments or ()}
        wanted, label = arguments.get("if"), arguments.get("label")
        if isinstance(wanted, BooleanValueNode) and not wanted.value:
            return None
        if isinstance(wanted, VariableNode) and wanted.name.value not in active:
            return None
        text = label.value if isinstance(label, StringValueNode) else None
        return Deferral(text, path, directive.loc.start if directive.loc else 0, parent)
    return None


def deferring_fragments(fragments: Mapping[str, FragmentDefinitionNode]) -> frozenset[str]:
    """Fragments in which something is deferred, here or in those that they spread."""
    found = {name for name, item in fragments.items() if _defers(item)}
    spreads = {name: _spread_in(item) for name, item in fragments.items()}
    while more := {name for name, inner in spreads.items() if inner & found} - found:
        found |= more
    return frozenset(found)


def defer_variables(document: DocumentNode) -> frozenset[str] | None:
    """Variables that decide what of a document is deferred; None where nothing ever is."""
    found: list[DirectiveNode] = _directives(document)
    conditions = [
        item for directive in found for item in directive.arguments or () if item.name.value == "if"
    ]
    return frozenset(_variables(conditions)) if found else None


def with_defer(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema with @defer, so that introspection tells of it and documents with it are valid."""
    if schema.get_directive(_DEFER) is not None:
        return schema
    kept = schema.to_kwargs()
    kept["directives"] = (*schema.directives, _DIRECTIVE)
    return GraphQLSchema(**kept)


def _variables(arguments: Iterable[ArgumentNode]) -> Iterable[str]:
    return (item.value.name.value for item in arguments if isinstance(item.value, VariableNode))


def _defers(node: Node) -> bool:
    return bool(_directives(node))


def _directives(node: Node) -> list[DirectiveNode]:
    found: list[DirectiveNode] = []

    class Finder(Visitor):
        def enter_directive(self, directive: DirectiveNode, *_args: object) -> None:
            if directive.name.value == _DEFER:
                found.append(directive)

    visit(node, Finder())
    return found


def _spread_in(node: Node) -> set[str]:
    found: set[str] = set()

    class Finder(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_args: object) -> None:
            found.add(spread.name.value)

    visit(node, Finder())
    return found
