"""Objects of the answer so far -> entity representations for one `_entities` call, each once.

Everything that depends on the plan only is settled in `compile_gather`; the returned function runs per request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.executor.errors import Path
from gateway.planner.nodes import Representation, RequiredField

__all__ = ["Gathered", "compile_gather", "paths_of"]

PossibleTypes = Callable[[str], Collection[str]]
_MISSING = object()


@dataclass(slots=True)
class Gathered:
    """Representations in order, and for each the objects that it stands for: one list for each path that has some.

    Objects at one path are asked the same further on, so they may share what is below them; others may not.
    """

    representations: list[dict[str, Any]]
    targets: list[list[list[dict[str, Any]]]]

    def objects(self, index: int) -> list[dict[str, Any]]:
        """All that a representation stands for."""
        return [item for items in self.targets[index] for item in items]


class _NoEntity(Exception):
    """The object cannot be named to the subgraph: a null key, or a required field that was never fetched."""


def compile_gather(
    paths: Sequence[tuple[str, ...]], requires: Sequence[Representation], possible_types: PossibleTypes
) -> Callable[[dict[str, Any]], Gathered]:
    """A function from the merged data to the representations at all of the flatten paths, each once."""
    builders: dict[str, Callable[[dict[str, Any]], tuple[Any, dict[str, Any]] | None]] = {}
    for item in requires:
        build = _compile_representation(item, possible_types)
        for name in (item.type_name, *possible_types(item.type_name)):
            builders.setdefault(name, build)

    def gather(data: dict[str, Any]) -> Gathered:
        found = Gathered([], [])
        known: dict[Any, int] = {}
        seen: set[int] = set()
        for path in paths:
            here: dict[int, list[dict[str, Any]]] = {}
            for item in _objects(data, path):
                build = builders.get(item.get("__typename", ""))
                if build is None or id(item) in seen:
                    continue
                seen.add(id(item))
                built = build(item)
                if built is None:
                    continue
                index = known.setdefault(built[0], len(known))
                if index == len(found.representations):
                    found.representations.append(built[1])
                    found.targets.append([])
                if index in here:
                    here[index].append(item)
                else:
                    here[index] = [item]
                    found.targets[index].append(here[index])
        return found

    return gather


def paths_of(data: dict[str, Any], path: Sequence[str], targets: Collection[dict[str, Any]]) -> list[Path]:
    """Where the objects stand in the answer. Only for errors: the hot path keeps no paths."""
    wanted = {id(item) for item in targets}
    found: list[Path] = []

    def walk(value: Any, index: int, way: Path) -> None:
        if value is None:
            return
        if index == len(path):
            if id(value) in wanted:
                found.append(way)
        elif path[index] == "@":
            for position, child in enumerate(value):
                walk(child, index + 1, (*way, position))
        else:
            walk(value.get(path[index]), index + 1, (*way, path[index]))

    walk(data, 0, ())
    return found


def _objects(data: dict[str, Any], path: Sequence[str]) -> list[dict[str, Any]]:
    items: list[Any] = [data]
    for step in path:
        if step == "@":
            items = [child for item in items for child in item if child is not None]
        else:
            items = [child for item in items if (child := item.get(step)) is not None]
    return items


def _compile_representation(
    item: Representation, possible_types: PossibleTypes
) -> Callable[[dict[str, Any]], tuple[Any, dict[str, Any]] | None]:
    """A function from an object to (what makes it the same as another, representation), or None."""
    sent_as = item.sent_as
    if all(not field.selections and field.type_condition is None for field in item.fields):
        leaves = [(field.name, field.response, field.key) for field in item.fields]

        def build_flat(value: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
            built = {"__typename": sent_as}
            for name, response, is_key in leaves:
                leaf = value.get(response, _MISSING)
                if leaf is _MISSING or (leaf is None and is_key):
                    return None
                built[name] = leaf
            return _identity(built), built

        return build_flat
    fill = _compile_fields(item.fields, possible_types)

    def build_deep(value: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
        built: dict[str, Any] = {"__typename": sent_as}
        try:
            fill(value, built)
        except _NoEntity:
            return None
        return _identity(built), built

    return build_deep


def _identity(built: dict[str, Any]) -> Any:
    identity = tuple(built.values())
    try:
        hash(identity)
    except TypeError:
        return orjson.dumps(built)
    return identity


def _compile_fields(
    fields: Sequence[RequiredField], possible_types: PossibleTypes
) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """A function that fills a representation from an object. It raises _NoEntity."""
    steps = [
        (
            item.name,
            item.response,
            item.key,
            frozenset((item.type_condition, *possible_types(item.type_condition)))
            if item.type_condition
            else None,
            _compile_fields(item.selections, possible_types) if item.selections else None,
        )
        for item in fields
    ]
    is_typed = any(item.type_condition for item in fields)

    def fill(value: dict[str, Any], built: dict[str, Any]) -> None:
        if is_typed:
            built["__typename"] = value.get("__typename", built.get("__typename"))
        for name, response, is_key, types, inner in steps:
            if types is not None and value.get("__typename") not in types:
                continue
            found = value.get(response, _MISSING)
            if found is _MISSING or (found is None and is_key):
                raise _NoEntity
            built[name] = _nested(found, inner, built.get(name)) if inner else found

    return fill


def _nested(value: Any, fill: Callable[[dict[str, Any], dict[str, Any]], None], known: Any) -> Any:
    """A nested object or list; `known` is what other required fields of the same name have built."""
    if value is None:
        return None
    if isinstance(value, list):
        parts = known if isinstance(known, list) else [None] * len(value)
        return [_nested(item, fill, part) for item, part in zip(value, parts, strict=True)]
    built: dict[str, Any] = known if isinstance(known, dict) else {}
    fill(value, built)
    return built
