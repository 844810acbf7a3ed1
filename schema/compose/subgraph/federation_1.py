"""A Federation v1 subgraph brought to v2's meaning: what v1 tolerated and v2 does not is taken out.

https://www.apollographql.com/docs/graphos/reference/migration/backward-compatibility
Fields are shareable already (the reader does that). Taken out: @key, @external, @requires and @provides on
interfaces, @provides where there is nothing to provide, and @external fields that nothing uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from schema.compose.errors import CompositionError
from schema.compose.subgraph.field_sets import interface_fields, used_fields
from schema.compose.subgraph.model import SubgraphModel, SubgraphType
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type

__all__ = ["own_external_keys", "upgrade"]

_COMPOSITE = (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)


def own_external_keys(model: SubgraphModel) -> None:
    """Key fields that an extension marks @external are answered by it all the same: the v1 way of writing keys."""
    for definition in model.types.values():
        if definition.extension:
            for key in definition.keys:
                _own(definition, _top_level_names(key.fields))


def upgrade(models: Sequence[SubgraphModel]) -> list[CompositionError]:
    """Changes v1 models in place, in the light of all. The only problem can be TYPE_WITH_ONLY_UNUSED_EXTERNAL."""
    problems: list[CompositionError] = []
    keys = _keys_anywhere(models)
    for model in models:
        if model.federation_2:
            continue
        for definition in model.types.values():
            _without_interface_directives(model, definition)
            if definition.extension and not definition.keys:
                _own(definition, keys.get(definition.name, ()))
        problems += _drop_unused_externals(model)
    return problems


def _keys_anywhere(models: Sequence[SubgraphModel]) -> dict[str, list[str]]:
    """By type, names in its keys: an extension without a @key has those of the type that it extends."""
    found: dict[str, list[str]] = {}
    for model in models:
        for definition in model.types.values():
            for key in definition.keys:
                found.setdefault(definition.name, []).extend(_top_level_names(key.fields))
    return found


def _own(definition: SubgraphType, names: Iterable[str]) -> None:
    for name in names:
        if name in definition.fields:
            item = definition.fields[name]
            item.external_key = item.external_key or item.external
            item.external, item.shareable = False, True


def _without_interface_directives(model: SubgraphModel, definition: SubgraphType) -> None:
    for item in definition.fields.values():
        target = model.types.get(named_type(item.type))
        if item.provides is not None and (target is None or target.kind not in _COMPOSITE):
            item.provides = None
    if definition.kind is Kind.INTERFACE:
        definition.keys.clear()
        for item in definition.fields.values():
            item.external, item.requires, item.provides = False, None, None


def _drop_unused_externals(model: SubgraphModel) -> Iterator[CompositionError]:
    used = used_fields(model) | interface_fields(model)
    for definition in model.types.values():
        unused = [
            item.name
            for item in definition.fields.values()
            if item.external and (definition.name, item.name) not in used
        ]
        if unused and len(unused) == len(definition.fields):
            message = (
                f"[{model.name}] {definition.name} has only @external fields and uses none of them in a @key, "
                "@requires or @provides; leave the type out or resolve a field of it"
            )
            yield CompositionError(
                "TYPE_WITH_ONLY_UNUSED_EXTERNAL", message, model.name, definition.name, line=definition.line
            )
        for name in unused:
            del definition.fields[name]


def _top_level_names(fields: str) -> list[str]:
    names, depth = [], 0
    for word in re.findall(r"[{}]|\w+", fields):
        if word in "{}":
            depth += 1 if word == "{" else -1
        elif depth == 0:
            names.append(word)
    return names
