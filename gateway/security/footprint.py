"""What an operation asks of cases and people, found once when it is prepared: for the record of each look. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)

__all__ = ["Footprint", "footprint_of"]

MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Footprint:
    """fields: paths of field names, lists not counted, of what tells of cases or people; the first MOST_FIELDS.
    withheld: nothing of it is left that the caller may have. name: of the operation, or of its root fields."""

    name: str
    text_hash: str
    fields: tuple[str, ...]
    withheld: bool = False


def footprint_of(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    schema: GraphQLSchema,
    recorded: Collection[str],
    *,
    text: str,
    denied: Collection[tuple[str, ...]] = (),
) -> Footprint | None:
    """None where the operation tells of neither; a mutation always has one. recorded: names of types. denied: response
    paths of fields that are withheld. Valid documents only."""
    walk = _Walk(document, schema, recorded, frozenset(denied))
    root = schema.get_root_type(operation.operation)
    if root is not None:
        walk.selections(operation.selection_set, root, (), (), told=False)
    is_mutation = operation.operation is OperationType.MUTATION
    if not walk.found and not walk.refused and not is_mutation:
        return None
    name = operation.name.value if operation.name else ",".join(sorted(walk.roots))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    withheld = walk.refused and not walk.found and not is_mutation
    return Footprint(name[:200], digest, tuple(sorted(walk.found))[:MOST_FIELDS], withheld)


class _Walk:
    def __init__(
        self,
        document: DocumentNode,
        schema: GraphQLSchema,
        recorded: Collection[str],
        denied: frozenset[tuple[str, ...]],
    ) -> None:
        self.schema, self.recorded, self.denied = schema, recorded, denied
        self.fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self.found: set[str] = set()
        self.roots: set[str] = set()
        self.refused = False

    def selections(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType,
        names: tuple[str, ...],
        keys: tuple[str, ...],
        *,
        told: bool,
    ) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                self._field(node, parent, names, keys, told=told)
                continue
            inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            on = getattr(inner, "type_condition", None)
            narrowed = self.schema.type_map[on.name.value] if on is not None else parent
            self.selections(getattr(inner, "selection_set"), narrowed, names, keys, told=told)  # noqa: B009 - of two node kinds

    def _field(
        self,
        node: FieldNode,
        parent: GraphQLNamedType,
        names: tuple[str, ...],
        keys: tuple[str, ...],
        *,
        told: bool,
    ) -> None:
        name = node.name.value
        if name.startswith("__"):
            return
        if not names:
            self.roots.add(name)
        here = (*names, name)
        key = (*keys, node.alias.value if node.alias else name)
        definition = getattr(parent, "fields", {}).get(name)
        inner = get_named_type(definition.type) if definition is not None else None
        told = told or parent.name in self.recorded
        if key in self.denied:
            self.refused = self.refused or told or self._reaches(node.selection_set, inner)
        elif node.selection_set is None or inner is None:
            if told:
                self.found.add(".".join(here))
        else:
            self.selections(node.selection_set, inner, here, key, told=told)

    def _reaches(self, selection_set: SelectionSetNode | None, inner: GraphQLNamedType | None) -> bool:
        """Whether a field that is withheld would have told of cases or people."""
        if selection_set is None or inner is None:
            return False
        walk = _Walk.__new__(_Walk)
        walk.schema, walk.recorded, walk.denied = self.schema, self.recorded, frozenset()
        walk.fragments, walk.found, walk.roots, walk.refused = self.fragments, set(), set(), False
        walk.selections(selection_set, inner, ("",), ("",), told=False)
        return bool(walk.found)
