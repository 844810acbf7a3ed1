"""Generates valid operations over a schema: nesting, aliases, arguments, fragments, @skip and @include."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_abstract_type, is_leaf_type
from hypothesis import strategies as st

__all__ = ["operations"]

ARGUMENTS: Mapping[str, Sequence[str]] = {
    "product": ('(upc: "u1")', '(upc: "u4")', '(upc: "none")'),
    "person": ('(email: "p2@example.org")', '(email: "p0@example.org")'),
    "price": ("", '(currency: "EUR")', '(currency: "CNY")'),
}
VARIABLES = "($yes: Boolean!, $no: Boolean!)"


def operations(schema: GraphQLSchema, *, max_depth: int = 4) -> st.SearchStrategy[str]:
    """Text of a query with the variables `$yes` and `$no`. Mostly valid; a caller filters the rest."""

    @st.composite
    def draw_operation(draw: st.DrawFn) -> str:
        query = schema.query_type
        assert query is not None
        return f"query {VARIABLES} {_selection_set(draw, schema, query, max_depth)}"

    return draw_operation()


def _selection_set(draw: st.DrawFn, schema: GraphQLSchema, type_: object, depth: int) -> str:
    parts = [_selection(draw, schema, type_, depth) for _ in range(draw(st.integers(1, 4)))]
    return "{ " + " ".join(parts) + " }"


def _selection(draw: st.DrawFn, schema: GraphQLSchema, type_: object, depth: int) -> str:
    fields: Mapping[str, GraphQLField] = getattr(type_, "fields", {})
    usable = [name for name, item in fields.items() if depth > 0 or is_leaf_type(get_named_type(item.type))]
    kind = draw(st.integers(0, 11))
    if kind == 0 or not usable:
        return "__typename"
    if kind <= 3 and is_abstract_type(type_):
        possible = sorted(item.name for item in schema.get_possible_types(type_))
        target = schema.type_map[draw(st.sampled_from(possible))]
        return f"... on {target} {_condition(draw)}{_selection_set(draw, schema, target, depth)}"
    if kind == 4 and isinstance(type_, GraphQLObjectType):
        return f"... {_condition(draw)}{_selection_set(draw, schema, type_, depth - 1)}"
    name = draw(st.sampled_from(usable))
    return _field(draw, schema, name, fields[name], depth)


def _field(draw: st.DrawFn, schema: GraphQLSchema, name: str, item: GraphQLField, depth: int) -> str:
    alias = draw(st.sampled_from(["", "", "", "a: ", "b: ", "id: ", "name: ", "upc: "]))
    arguments = draw(st.sampled_from(ARGUMENTS.get(name, [""])))
    inner = get_named_type(item.type)
    below = "" if is_leaf_type(inner) else _selection_set(draw, schema, inner, depth - 1)
    return f"{alias}{name}{arguments} {_condition(draw)}{below}"


def _condition(draw: st.DrawFn) -> str:
    conditions = ["", "", "", "", "", "", "", "@include(if: $yes) ", "@include(if: $no) ", "@skip(if: $yes) "]
    return draw(st.sampled_from(conditions))
