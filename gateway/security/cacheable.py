"""For how long an answer may be kept by others, found once when an operation is prepared. Pure.

The shortest time of all that is asked, by Apollo's rules for `@cacheControl(maxAge:, scope:, inheritMaxAge:)`
(https://www.apollographql.com/docs/apollo-server/performance/caching): a root field, or one that gives objects, of which
nothing is said may not be kept; a scalar lives as long as its object. What needs a scope, or is recorded, never may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from schema.compose.applied import AppliedDirective
from schema.compose.supergraph import FieldDefinition, Kind, Supergraph, TypeDefinition
from schema.public import LIVE, PUBLIC_FOR_S
from schema.subgraphs import HOUSE

__all__ = ["CacheTable", "cache_table"]

_NEVER: Final = 0


@dataclass(frozen=True, slots=True)
class _Hint:
    """seconds: None where the field lives as long as its object."""

    named_type: str
    seconds: int | None


@dataclass(frozen=True, slots=True)
class CacheTable:
    fields: Mapping[str, Mapping[str, _Hint]]

    def max_age_s(self, document: DocumentNode, operation: OperationDefinitionNode) -> int:
        """0 for what nobody may keep. For valid operations within the limits."""
        if operation.operation is not OperationType.QUERY:
            return _NEVER
        fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        shortest: int | None = None
        waiting: list[tuple[SelectionSetNode, str]] = [(operation.selection_set, "Query")]
        while waiting:
            selection_set, parent = waiting.pop()
            for node in selection_set.selections:
                if not isinstance(node, FieldNode):
                    inner = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                    on = getattr(inner, "type_condition", None)
                    narrowed = on.name.value if on is not None else parent
                    waiting.append((getattr(inner, "selection_set"), narrowed))  # noqa: B009 - of two node kinds
                    continue
                if node.name.value == "__typename":
                    continue
                hint = self.fields.get(parent, {}).get(node.name.value)
                if hint is None:  # introspection
                    return _NEVER
                if hint.seconds is not None:
                    shortest = hint.seconds if shortest is None else min(shortest, hint.seconds)
                if shortest == _NEVER:
                    return _NEVER
                if node.selection_set is not None:
                    waiting.append((node.selection_set, hint.named_type))
        return shortest or _NEVER


def cache_table(
    supergraph: Supergraph,
    guarded: Collection[tuple[str, str]],
    recorded: Collection[str],
    *,
    house: bool = True,
) -> CacheTable:
    """guarded: fields that need something of the caller. house: whether the graph has the house's types."""
    fields: dict[str, Mapping[str, _Hint]] = {}
    for name, definition in supergraph.types.items():
        if definition.kind in (Kind.OBJECT, Kind.INTERFACE):
            fields[name] = {
                item.name: _Hint(
                    item.named_type,
                    _NEVER
                    if (name, item.name) in guarded or item.named_type in recorded or name in recorded
                    else _seconds(item, name, supergraph.types, house=house),
                )
                for item in definition.fields.values()
            }
    return CacheTable(fields)


def _seconds(
    item: FieldDefinition, holder: str, types: Mapping[str, TypeDefinition], *, house: bool
) -> int | None:
    target = types.get(item.named_type)
    is_leaf = target is None or target.kind in (Kind.SCALAR, Kind.ENUM)
    for directives in (item.directives, target.directives if target is not None else ()):
        said = _said(directives)
        if said is not None:
            return None if said < 0 else said
    is_root = holder == "Query"
    is_ours = house and set(item.joins) == {HOUSE}
    if is_ours and (holder, item.name) in PUBLIC_FOR_S:
        return PUBLIC_FOR_S[holder, item.name]
    if not is_root and (is_leaf or (is_ours and item.named_type not in LIVE)):
        return None
    return _NEVER


def _said(directives: Iterable[AppliedDirective]) -> int | None:
    """Seconds of @cacheControl, -1 for inheritMaxAge; None where there is none."""
    for one in directives:
        if one.name != "cacheControl":
            continue
        if one.value("scope") == "PRIVATE":
            return _NEVER
        age = one.value("maxAge")
        if age is not None:
            return max(0, int(age))
        if one.value("inheritMaxAge") is True:
            return -1
    return None
