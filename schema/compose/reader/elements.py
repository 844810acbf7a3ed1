"""Arguments, descriptions and merged directives of a supergraph's elements, of any join version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import (
    ConstDirectiveNode,
    InputValueDefinitionNode,
    ObjectValueNode,
    print_ast,
    value_from_ast_untyped,
)

from schema.compose.applied import AppliedDirective, read_applied
from schema.compose.reader.specification import Specification
from schema.compose.supergraph import ArgumentDefinition

__all__ = ["Applied", "described", "read_applications", "read_argument", "values"]

_GRAPHQL = ("deprecated", "specifiedBy", "oneOf")


class Applied:
    """What the directives on one element say, apart from the join spec's."""

    def __init__(self, directives: Iterable[ConstDirectiveNode] | None, spec: Specification) -> None:
        self.inaccessible = False
        self.deprecated: str | None = None
        self.specified_by: str | None = None
        self.one_of = False
        self.directives: tuple[AppliedDirective, ...] = tuple(self._read(directives or (), spec))

    def _read(
        self, directives: Iterable[ConstDirectiveNode], spec: Specification
    ) -> Iterator[AppliedDirective]:
        for node in directives:
            name = node.name.value
            standard = spec.names.get(name)
            if standard == "inaccessible":
                self.inaccessible = True
            elif standard is not None:
                yield read_applied(node, standard)
            elif name == f"{spec.join}__directive":
                yield from _of_subgraphs(node, spec)
            elif name in _GRAPHQL:
                self._graphql(name, values(node))
            elif spec.is_own_directive(name):
                yield read_applied(node, name)

    def _graphql(self, name: str, arguments: dict[str, Any]) -> None:
        if name == "deprecated":
            self.deprecated = arguments.get("reason", "No longer supported")
        elif name == "specifiedBy":
            self.specified_by = arguments.get("url")
        else:
            self.one_of = True


def _of_subgraphs(node: ConstDirectiveNode, spec: Specification) -> Iterator[AppliedDirective]:
    """@join__directive(graphs:, name:, args:): a directive that holds for some subgraphs only."""
    arguments = values(node)
    name = str(arguments.get("name", "")).removeprefix("federation__")
    graphs = tuple(spec.graphs[item].name for item in arguments.get("graphs") or () if item in spec.graphs)
    inner = next((item.value for item in node.arguments or () if item.name.value == "args"), None)
    fields = inner.fields if isinstance(inner, ObjectValueNode) else ()
    yield AppliedDirective(name, tuple((one.name.value, print_ast(one.value)) for one in fields), graphs)


def read_applications(directives: Iterable[ConstDirectiveNode] | None, name: str) -> list[dict[str, Any]]:
    """Arguments of every application of a directive."""
    return [values(node) for node in directives or () if node.name.value == name]


def read_argument(node: InputValueDefinitionNode, spec: Specification) -> ArgumentDefinition:
    """An argument with all that is said of it."""
    applied = Applied(node.directives, spec)
    return ArgumentDefinition(
        node.name.value,
        print_ast(node.type),
        print_ast(node.default_value) if node.default_value else None,
        described(node),
        applied.deprecated,
        applied.inaccessible,
        applied.directives,
    )


def described(node: Any) -> str | None:
    """The description of a definition."""
    return node.description.value if node.description else None


def values(node: ConstDirectiveNode) -> dict[str, Any]:
    """Arguments as Python data; enum values as strings."""
    return {item.name.value: value_from_ast_untyped(item.value) for item in node.arguments or ()}
