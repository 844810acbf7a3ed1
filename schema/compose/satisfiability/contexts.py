"""Whether a field that reads a context (@fromContext) always stands below an object that sets it.

Breadth first over object types, and not on through those that set the context. An object does not read what it sets
itself, and an overridden or shared field counts only if nobody resolves it without the context.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator

from schema.compose.supergraph import FieldDefinition, Kind, Supergraph, TypeDefinition

__all__ = ["ContextGap", "context_gaps"]

Way = tuple[tuple[str, str | None], ...]
"""(field, which of its types it leads to, None if it has one), from a root."""

ContextGap = tuple[str, str, str, str, Way]
"""(type, field, context, root type, way to the type)."""


def context_gaps(supergraph: Supergraph, labels: Container[str]) -> Iterator[ContextGap]:
    """Fields that can be asked for where nothing above sets their context, each with a shortest way."""
    readers: dict[str, list[tuple[TypeDefinition, FieldDefinition]]] = {}
    for definition in supergraph.types.values():
        for field in definition.fields.values() if definition.kind is Kind.OBJECT else ():
            for context in sorted(_needed(field, labels)):
                readers.setdefault(context, []).append((definition, field))
    for context, fields in readers.items():
        ways = _ways_without(supergraph, context)
        for definition, field in fields:
            if definition.name in ways:
                root, way = ways[definition.name]
                yield definition.name, field.name, context, root, way


def _needed(field: FieldDefinition, labels: Container[str]) -> set[str]:
    joins = [join for join in field.joins.values() if join.resolves(labels)]
    if not joins or any(not join.context_arguments for join in joins):
        return set()
    return {argument.context for join in joins for argument in join.context_arguments}


def _ways_without(supergraph: Supergraph, context: str) -> dict[str, tuple[str, Way]]:
    """Object types that can be met with nothing above that sets the context."""
    setting = _setting(supergraph, context)
    found: dict[str, tuple[str, Way]] = {}
    waiting: deque[tuple[str, str, Way]] = deque(
        (root, root, ()) for root in ("Query", "Mutation", "Subscription") if root in supergraph.types
    )
    passed: set[str] = set()
    while waiting:
        root, name, way = waiting.popleft()
        if name in passed or name in setting:
            continue
        passed.add(name)
        for field in supergraph.types[name].fields.values():
            for inner in () if field.inaccessible else _objects(supergraph, field.named_type):
                longer = (*way, (field.name, inner if inner != field.named_type else None))
                if inner not in found:
                    found[inner] = root, longer
                waiting.append((root, inner, longer))
    return found


def _setting(supergraph: Supergraph, context: str) -> set[str]:
    return {
        name
        for definition in supergraph.types.values()
        if context in definition.contexts
        for name in (definition.name, *_objects(supergraph, definition.name))
    }


def _objects(supergraph: Supergraph, name: str) -> tuple[str, ...]:
    definition = supergraph.types.get(name)
    if definition is None or definition.inaccessible:
        return ()
    if definition.kind is Kind.OBJECT:
        return (name,)
    if definition.kind is Kind.UNION:
        return definition.members
    if definition.kind is not Kind.INTERFACE:
        return ()
    types = supergraph.types.values()
    return tuple(item.name for item in types if item.kind is Kind.OBJECT and name in item.interfaces)
