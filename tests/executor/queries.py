"""Generates valid operations over a schema: nesting, aliases, arguments, fragments, @skip and @include."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from hypothesis import strategies as st

__all__ = ["operations"]

ARGUMENTS: Mapping[str, Sequence[str]] = {
    "product": ('(upc: "u1")', '(upc: "u4")', '(upc: "none")'),
    "person": ('(email: "p2@example.org")', '(email: "p0@example.org")'),
    "case": ('(id: "c1")', '(id: "c2")', '(id: "none")'),
    "found": ("", "(order: DESC)", "(filter: {least: 2})", "(filter: {least: null}, order: ASC)"),
    "mark": ('(id: "c1")', '(id: "c2")', '(id: "none")'),
    "note": ('(code: "50010")', '(code: "50011", times: 2)'),
    "fee": ("", '(currency: "EUR")', '(currency: "CNY")'),
    "price": ("", '(currency: "EUR")', '(currency: "CNY")'),
}
VARIABLES = "($yes: Boolean!, $no: Boolean!)"


@dataclass
class _Names:
    """Response names taken at one path, over all fragments: the same name must mean the same field."""

    taken: dict[str, tuple[str, _Names]] = field(default_factory=dict)

    def take(self, wanted: str, meaning: str) -> tuple[str, _Names]:
        name, number = wanted, 0
        while name in self.taken and self.taken[name][0] != meaning:
            number += 1
            name = f"{wanted}{number}"
        return name, self.taken.setdefault(name, (meaning, _Names()))[1]


def operations(
    schema: GraphQLSchema, *, max_depth: int = 4, mutations: bool = False
) -> st.SearchStrategy[str]:
    """Text of a valid query (now and then a mutation, if they are wanted) with the variables `$yes` and `$no`."""

    @st.composite
    def draw_operation(draw: st.DrawFn) -> str:
        is_mutation = mutations and draw(st.integers(0, 4)) == 0
        root = schema.mutation_type if is_mutation else schema.query_type
        assert root is not None
        selections = _selection_set(draw, schema, root, max_depth, _Names())
        return f"{'mutation' if is_mutation else 'query'} {VARIABLES} {{ __typename @include(if: $yes) @skip(if: $no) ... {selections} }}"

    return draw_operation()


def _selection_set(draw: st.DrawFn, schema: GraphQLSchema, type_: object, depth: int, names: _Names) -> str:
    parts = [_selection(draw, schema, type_, depth, names) for _ in range(draw(st.integers(1, 4)))]
    return "{ " + " ".join(parts) + " }"


def _selection(draw: st.DrawFn, schema: GraphQLSchema, type_: object, depth: int, names: _Names) -> str:
    fields: Mapping[str, GraphQLField] = getattr(type_, "fields", {})
    usable = [name for name, item in fields.items() if depth > 0 or is_leaf_type(get_named_type(item.type))]
    kind = draw(st.integers(0, 11))
    if kind == 0 or (not usable and not is_abstract_type(type_)):
        return "__typename"
    if is_abstract_type(type_) and (kind <= 4 or not usable):
        target = schema.type_map[draw(st.sampled_from(_conditions_on(schema, type_)))]
        if draw(st.integers(0, 3)) == 0:
            names = (
                _Names()
            )  # one name may mean other things in other types; not every such operation is valid
        return f"... on {target} {_condition(draw)}{_selection_set(draw, schema, target, depth, names)}"
    if kind == 4 and isinstance(type_, GraphQLObjectType):
        wider = [item.name for item in type_.interfaces]
        if wider and draw(st.integers(0, 1)) == 0:
            target = schema.type_map[draw(st.sampled_from(wider))]
            return f"... on {target} {_condition(draw)}{_selection_set(draw, schema, target, depth, names)}"
        return f"... {_condition(draw)}{_selection_set(draw, schema, type_, depth, names)}"
    name = draw(st.sampled_from(usable))
    return _field(draw, schema, name, fields[name], depth, names)


def _conditions_on(schema: GraphQLSchema, type_: GraphQLAbstractType) -> list[str]:
    """Types that some of its objects are of: its own, twice, and every interface and union that has one of them."""
    possible = {item.name for item in schema.get_possible_types(type_)}
    abstract = (item for item in schema.type_map.values() if is_abstract_type(item))
    overlapping = (
        item.name for item in abstract if possible & {one.name for one in schema.get_possible_types(item)}
    )
    return [*sorted(possible), *sorted(possible), *sorted(overlapping)]


def _field(
    draw: st.DrawFn, schema: GraphQLSchema, name: str, item: GraphQLField, depth: int, names: _Names
) -> str:
    alias = draw(st.sampled_from([name, name, name, "a", "b", "id", "name", "upc", "code", "serial"]))
    arguments = draw(st.sampled_from(ARGUMENTS.get(name, [""])))
    response, inside = names.take(alias, f"{name}{arguments}: {item.type}")
    inner = get_named_type(item.type)
    below = "" if is_leaf_type(inner) else _selection_set(draw, schema, inner, depth - 1, inside)
    return f"{response}: {name}{arguments} {_condition(draw)}{below}"


def _condition(draw: st.DrawFn) -> str:
    conditions = ["", "", "", "", "", "", "", "@include(if: $yes) ", "@include(if: $no) ", "@skip(if: $yes) "]
    return draw(st.sampled_from(conditions))
