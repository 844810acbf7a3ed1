"""Field sets ("id owner { code }") of @key, @requires, @provides and contexts, as selection sets and as text."""

from __future__ import annotations

from functools import lru_cache

from graphql import SelectionSetNode, parse, print_ast

__all__ = ["field_set_text", "parse_field_set"]


@lru_cache(maxsize=8192)
def parse_field_set(text: str) -> SelectionSetNode:
    """A selection set from its text, with or without outer braces. Raises GraphQLSyntaxError."""
    stripped = text.strip()
    braced = stripped if stripped.startswith("{") else f"{{{stripped}}}"
    operation = parse(braced, no_location=True).definitions[0]
    return operation.selection_set  # type: ignore[attr-defined,no-any-return]  # a lone operation


def field_set_text(selection: SelectionSetNode) -> str:
    """One line without outer braces: "id owner { code }"."""
    return " ".join(print_ast(selection).split()).removeprefix("{").removesuffix("}").strip()
