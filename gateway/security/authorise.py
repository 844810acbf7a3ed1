"""Which fields of an operation a caller may have. Those that they may not are taken out before it is planned: no
system is asked for them, and the answer has null and a coded error in their place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    NameNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)

__all__ = ["Denied", "denied_fields", "withhold"]

Permissions = Mapping[tuple[str, str], Collection[frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Denied:
    """A field that the caller lacks the scopes for. `path`: response keys, lists not counted."""

    type_name: str
    field_name: str
    path: tuple[str, ...]
    scopes: tuple[tuple[str, ...], ...]

    def formatted(self, *, anonymous: bool) -> dict[str, Any]:
        """The GraphQL error: UNAUTHENTICATED for nobody, FORBIDDEN for somebody."""
        needed = " or ".join(" and ".join(one) for one in self.scopes)
        who = "a token with" if anonymous else "the caller to have"
        return {
            "message": f"{self.type_name}.{self.field_name} needs {who} scope {needed}.",
            "path": list(self.path),
            "extensions": {"code": "UNAUTHENTICATED" if anonymous else "FORBIDDEN"},
        }


def denied_fields(
    document: DocumentNode, schema: GraphQLSchema, permissions: Permissions, scopes: frozenset[str]
) -> list[Denied]:
    """Fields selected anywhere in a valid document that need scopes which the caller has not."""
    visitor = _Find(schema, permissions, scopes)
    visit(document, TypeInfoVisitor(visitor.types, visitor))
    return visitor.denied


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


class _Find(_Typed):
    def __init__(self, schema: GraphQLSchema, permissions: Permissions, scopes: frozenset[str]) -> None:
        super().__init__(schema)
        self.permissions, self.scopes = permissions, scopes
        self.path: list[str] = []
        self.denied: list[Denied] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.path.append(node.alias.value if node.alias else node.name.value)
        coordinate = self.coordinate(node)
        ways = self.permissions.get(coordinate)
        if ways is not None and not any(way <= self.scopes for way in ways):
            needed = tuple(tuple(sorted(way)) for way in ways)
            self.denied.append(Denied(*coordinate, tuple(self.path), needed))

    def leave_field(self, _node: FieldNode, *_: Any) -> None:
        self.path.pop()


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
