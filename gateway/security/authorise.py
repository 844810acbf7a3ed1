"""Which fields of an operation a caller may have. Those that they may not are taken out before it is planned: no
system is asked for them, and the answer has null and a coded error in their place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    GraphQLNamedType,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from gateway.security.conditions import selecting_variables

__all__ = ["AUTHENTICATED", "Denied", "Permissions", "denied_fields", "withhold"]

AUTHENTICATED = "@authenticated"
"""Stands among the scopes of every caller who is somebody."""

Permissions = Mapping[tuple[str, str], Collection[frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Denied:
    """A field that the caller lacks the scopes for. `path`: response keys, lists not counted; `conditions`: variables
    that must be true or false for it to be asked for at all; `deferred_at`: where in the text each @defer around it
    stands, the outermost first."""

    type_name: str
    field_name: str
    path: tuple[str, ...]
    scopes: tuple[tuple[str, ...], ...]
    conditions: tuple[tuple[str, bool], ...] = ()
    deferred_at: tuple[int, ...] = ()

    def applies(self, variables: Mapping[str, Any]) -> bool:
        """Whether the field is asked for with these variables: all its @include and @skip let it."""
        return all(bool(variables.get(name)) is wanted for name, wanted in self.conditions)

    def formatted(self, *, anonymous: bool) -> dict[str, Any]:
        """The GraphQL error: UNAUTHENTICATED for nobody, FORBIDDEN for somebody."""
        named = [" and ".join(part for part in one if part != AUTHENTICATED) for one in self.scopes]
        needed = " or ".join(one for one in named if one)
        who = "a token with" if anonymous else "the caller to have"
        message = f"needs {who} scope {needed}" if needed else "needs a token"
        return {
            "message": f"{self.type_name}.{self.field_name} {message}.",
            "path": list(self.path),
            "extensions": {"code": "UNAUTHENTICATED" if anonymous else "FORBIDDEN"},
        }


def denied_fields(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    schema: GraphQLSchema,
    permissions: Permissions,
    scopes: frozenset[str],
) -> list[Denied]:
    """Fields that the operation selects, wherever, which need scopes that the caller has not. Valid documents only."""
    root = schema.get_root_type(operation.operation)
    walk = _Walk(schema, document, permissions, scopes)
    if root is not None:
        walk.selections(operation.selection_set, root, (), (), ())
    return walk.denied


def withhold(document: DocumentNode, schema: GraphQLSchema, denied: Collection[Denied]) -> DocumentNode:
    """The document without these fields; `__typename` keeps a selection that would be empty."""
    names = {(one.type_name, one.field_name) for one in denied}
    replacer = _Replace(schema, names)
    result: DocumentNode = visit(document, TypeInfoVisitor(replacer.types, replacer))
    return result


class _Typed(Visitor):
    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self.types = TypeInfo(schema)

    def coordinate(self, node: FieldNode) -> tuple[str, str]:
        parent = self.types.get_parent_type()
        return (parent.name if parent is not None else "", node.name.value)


class _Walk:
    """Selections with fragments written out, each with its path; the limit on fields bounds it."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, permissions: Permissions, scopes: frozenset[str]
    ) -> None:
        self.schema, self.permissions, self.scopes = schema, permissions, scopes
        self.fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self.denied: list[Denied] = []

    def selections(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType,
        path: tuple[str, ...],
        conditions: tuple[tuple[str, bool], ...],
        deferred: tuple[int, ...],
    ) -> None:
        for node in selection_set.selections:
            here = selecting_variables(node)
            if here is None:
                continue
            together = (*conditions, *here)
            if isinstance(node, FieldNode):
                self._field(node, parent, path, together, deferred)
                continue
            inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            on = getattr(inner, "type_condition", None)
            narrowed = self.schema.type_map[on.name.value] if on is not None else parent
            later = (*deferred, *_defers(node))
            self.selections(getattr(inner, "selection_set"), narrowed, path, together, later)  # noqa: B009 - of two node kinds

    def _field(
        self,
        node: FieldNode,
        parent: GraphQLNamedType,
        path: tuple[str, ...],
        conditions: tuple[tuple[str, bool], ...],
        deferred: tuple[int, ...],
    ) -> None:
        name = node.name.value
        inner = (*path, node.alias.value if node.alias else name)
        ways = self.permissions.get((parent.name, name))
        if ways is not None and not any(way <= self.scopes for way in ways):
            needed = tuple(tuple(sorted(way)) for way in ways)
            self.denied.append(Denied(parent.name, name, inner, needed, conditions, deferred))
            return
        definition = getattr(parent, "fields", {}).get(name)
        if definition is not None and node.selection_set is not None:
            self.selections(node.selection_set, get_named_type(definition.type), inner, conditions, deferred)


def _defers(node: SelectionNode) -> tuple[int, ...]:
    return tuple(
        item.loc.start if item.loc else 0
        for item in node.directives or ()
        if item.name.value == GraphQLDeferDirective.name
    )


class _Replace(_Typed):
    def __init__(self, schema: GraphQLSchema, names: Collection[tuple[str, str]]) -> None:
        super().__init__(schema)
        self.names = names

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        if self.coordinate(node) not in self.names:
            return None
        # an alias of its own, so that it never meets a selected field
        return FieldNode(
            name=NameNode(value="__typename"), alias=NameNode(value=f"_withheld_{node.name.value}")
        )
