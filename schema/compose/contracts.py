"""A contract: the part of a supergraph that some clients may see, chosen by @tag.

Excluded is what bears an excluded tag. With included tags, a field is seen only if it or its type bears one of them.
What is not seen is marked inaccessible, and so is what would be left hanging: fields and arguments of unseen types,
types without visible parts, types that nothing leads to. The whole is still executed with the full supergraph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from schema.compose.applied import AppliedDirective, values_of
from schema.compose.supergraph import ArgumentDefinition, FieldDefinition, Kind, Supergraph, TypeDefinition

__all__ = ["contract"]

_ROOTS = ("Query", "Mutation", "Subscription")
_FIELDED = (Kind.OBJECT, Kind.INTERFACE)

Types = dict[str, TypeDefinition]


def contract(
    supergraph: Supergraph, *, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> Supergraph:
    """The same supergraph with more of it inaccessible; `build_api_schema` makes its schema.

    Required arguments and input fields of unseen types stay: the schema is then refused, with their names.
    """
    included, excluded = frozenset(include), frozenset(exclude)
    types = {name: _by_tags(item, included, excluded) for name, item in supergraph.types.items()}
    while True:
        settled = {name: _without_hanging(item, types) for name, item in types.items()}
        if settled == types:
            break
        types = settled
    reachable = _reachable(types)
    hidden = {
        name: item if name in reachable else replace(item, inaccessible=True) for name, item in types.items()
    }
    return replace(supergraph, types=hidden)


def _by_tags(item: TypeDefinition, included: frozenset[str], excluded: frozenset[str]) -> TypeDefinition:
    tags = _tags(item.directives)
    whole = not included or bool(tags & included) or item.kind not in _FIELDED
    fields = {}
    for name, field in item.fields.items():
        own = _tags(field.directives)
        seen = (whole or bool(own & included)) and not own & excluded
        arguments = tuple(
            replace(one, inaccessible=True) if _tags(one.directives) & excluded else one
            for one in field.arguments
        )
        fields[name] = replace(field, inaccessible=field.inaccessible or not seen, arguments=arguments)
    values = {
        name: replace(value, inaccessible=value.inaccessible or bool(_tags(value.directives) & excluded))
        for name, value in item.values.items()
    }
    hidden = item.inaccessible or bool(tags & excluded)
    return replace(item, fields=fields, values=values, inaccessible=hidden)


def _without_hanging(item: TypeDefinition, types: Mapping[str, TypeDefinition]) -> TypeDefinition:
    fields = {name: _field(field, types) for name, field in item.fields.items()}
    parts: list[bool] = [field.inaccessible for field in fields.values()]
    parts += [value.inaccessible for value in item.values.values()]
    parts += [_is_hidden(types, name) for name in item.members]
    empty = bool(parts) and all(parts) and item.name != "Query"
    return replace(item, fields=fields, inaccessible=item.inaccessible or empty)


def _field(field: FieldDefinition, types: Mapping[str, TypeDefinition]) -> FieldDefinition:
    arguments = tuple(_argument(one, types) for one in field.arguments)
    return replace(
        field, inaccessible=field.inaccessible or _is_hidden(types, field.named_type), arguments=arguments
    )


def _argument(one: ArgumentDefinition, types: Mapping[str, TypeDefinition]) -> ArgumentDefinition:
    required = one.type.endswith("!") and one.default is None
    if one.inaccessible or required or not _is_hidden(types, one.type.strip("[]!")):
        return one
    return replace(one, inaccessible=True)


def _is_hidden(types: Mapping[str, TypeDefinition], name: str) -> bool:
    return name in types and types[name].inaccessible


def _reachable(types: Mapping[str, TypeDefinition]) -> set[str]:
    """Types that visible fields lead to from the roots, with implementations of reached interfaces."""
    implementations: dict[str, list[str]] = {}
    for item in types.values():
        for interface in item.interfaces:
            implementations.setdefault(interface, []).append(item.name)
    reached: set[str] = set()
    waiting = [name for name in _ROOTS if name in types]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in types:
            continue
        reached.add(name)
        item = types[name]
        waiting += [*item.members, *item.interfaces, *implementations.get(name, ())]
        for field in item.fields.values():
            if not field.inaccessible:
                waiting.append(field.named_type)
                waiting += [one.type.strip("[]!") for one in field.arguments if not one.inaccessible]
    return reached


def _tags(directives: Iterable[AppliedDirective]) -> frozenset[str]:
    return frozenset(values_of(directives, "tag", "name"))
