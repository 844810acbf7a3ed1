"""Cases in the answers of a subgraph that fills in fields of its own: found, and emptied where the caller may not have them.

The fetch is written once more with the id of every such case under a name of our own. Those fetches are for callers
who may not have every case; all others' stay as the planner wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    print_ast,
)

from adapters.fetch import FetchOperation

__all__ = ["MARK", "Marked", "cases_at", "emptied", "marked"]

MARK: Final = "_case"
_CASE: Final = "Case"
_ITS_OWN: Final = frozenset({"id", "__typename"})


@dataclass(frozen=True, slots=True)
class Marked:
    """operation: with the marks. places: response paths of objects that may bear one, without indices."""

    operation: FetchOperation
    places: tuple[tuple[str, ...], ...]


def marked(operation: FetchOperation, schema: GraphQLSchema) -> Marked | None:
    """None where no field of a case but its id is asked for."""
    case = schema.type_map.get(_CASE)
    if not isinstance(case, GraphQLObjectType) or "id" not in case.fields:
        return None
    fragments = {
        one.name.value: one
        for one in operation.document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    writer = _Writer(schema, fragments)
    definitions: list[DefinitionNode] = []
    for one in operation.document.definitions:
        if isinstance(one, OperationDefinitionNode):
            root = schema.get_root_type(one.operation)
            if root is None:
                return None
            one = _with(one, writer.selections(one.selection_set, root, ()))
            definitions.append(one)
    if not writer.places:
        return None
    document = DocumentNode(definitions=tuple(definitions))
    written = replace(operation, document=document, text=print_ast(document))
    return Marked(written, tuple(dict.fromkeys(writer.places)))


class _Writer:
    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.schema, self.fragments = schema, fragments
        self.places: list[tuple[str, ...]] = []

    def selections(
        self, found: SelectionSetNode, type_: GraphQLNamedType, path: tuple[str, ...]
    ) -> SelectionSetNode:
        """Named fragments become inline ones: each place has marks of its own."""
        written: list[SelectionNode] = []
        tells = False
        for node in found.selections:
            if isinstance(node, FieldNode):
                tells = tells or node.name.value not in _ITS_OWN
                written.append(self._field(node, type_, path))
                continue
            inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode)  # noqa: S101 - the two kinds
            condition = inner.type_condition
            on = self.schema.type_map[condition.name.value] if condition else type_
            below = self.selections(inner.selection_set, on, path)
            fragment = InlineFragmentNode(
                type_condition=condition, directives=node.directives, selection_set=below
            )
            written.append(fragment)
        if tells and self._may_be_case(type_):
            self.places.append(path)
            mark: SelectionNode = FieldNode(alias=NameNode(value=MARK), name=NameNode(value="id"))
            if type_.name != _CASE:
                mark = InlineFragmentNode(
                    type_condition=NamedTypeNode(name=NameNode(value=_CASE)),
                    selection_set=SelectionSetNode(selections=(mark,)),
                )
            written.append(mark)
        return SelectionSetNode(selections=tuple(written))

    def _field(self, node: FieldNode, type_: GraphQLNamedType, path: tuple[str, ...]) -> FieldNode:
        fields = type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}
        field = fields.get(node.name.value)
        if node.selection_set is None or field is None:
            return node
        here = (*path, (node.alias or node.name).value)
        written: FieldNode = _with(
            node, self.selections(node.selection_set, get_named_type(field.type), here)
        )
        return written

    def _may_be_case(self, type_: GraphQLNamedType) -> bool:
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return any(one.name == _CASE for one in self.schema.get_possible_types(type_))
        return type_.name == _CASE


def _with(node: Any, selection_set: SelectionSetNode) -> Any:
    """A node with another selection set."""
    given = {name: getattr(node, name) for name in node.keys if name != "selection_set"}
    return type(node)(**given, selection_set=selection_set)


def cases_at(
    data: Any, place: Sequence[str], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...]]]:
    """Marked objects at a place, with their paths."""
    if isinstance(data, list):
        for index, one in enumerate(data):
            yield from cases_at(one, place, (*path, index))
    elif isinstance(data, dict):
        if place:
            yield from cases_at(data.get(place[0]), place[1:], (*path, place[0]))
        elif MARK in data:
            yield data, path


def emptied(case: Mapping[str, Any]) -> dict[str, Any]:
    """Of a case that the caller may not have: what names it, and null for all else."""
    number = case[MARK]
    return {name: value if value == number or name == "__typename" else None for name, value in case.items()}
