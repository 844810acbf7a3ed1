"""Directives as they stand on an element: a name and arguments as GraphQL text, so that they compare and print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import ConstDirectiveNode, parse_const_value, print_ast, value_from_ast_untyped

__all__ = ["AppliedDirective", "read_applied", "values_of"]


@dataclass(frozen=True, slots=True)
class AppliedDirective:
    """`@name(argument: value)`; names are the standard ones. `subgraphs`: only for them, empty for all."""

    name: str
    arguments: tuple[tuple[str, str], ...] = ()
    subgraphs: tuple[str, ...] = ()

    def value(self, argument: str) -> Any:
        """The argument's value as Python data (enum values as strings), or None."""
        return next((_parsed(text) for name, text in self.arguments if name == argument), None)

    def arguments_text(self) -> str:
        """ "(name: "x")", or nothing."""
        inner = ", ".join(f"{name}: {text}" for name, text in self.arguments)
        return f"({inner})" if inner else ""

    def __str__(self) -> str:
        return f"@{self.name}{self.arguments_text()}"


def read_applied(node: ConstDirectiveNode, name: str) -> AppliedDirective:
    """From the AST, under its standard name."""
    return AppliedDirective(
        name, tuple((item.name.value, print_ast(item.value)) for item in node.arguments or ())
    )


def values_of(directives: Iterable[AppliedDirective], name: str, argument: str) -> list[Any]:
    """The argument's value in every application of a directive."""
    return [item.value(argument) for item in directives if item.name == name]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    return value_from_ast_untyped(parse_const_value(text, no_location=True))
