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

__all__ = [
    "Gathered",
    "Gatherer",
    "PossibleTypes",
    "compile_gather",
    "compile_gatherer",
    "objects_at",
    "paths_of",
]

PossibleTypes = Callable[[str], Collection[str]]
_MISSING = object()
_Identify = Callable[[dict[str, Any]], Any]
"""What makes an object's representation the same as another's; None if it has none."""
_Represent = Callable[[dict[str, Any]], dict[str, Any]]
_Builders = dict[str, tuple[int, _Identify, _Represent]]
"""By type of the object: number of its representation, and how it is made."""


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
    builders = _compile_builders(requires, possible_types)

    def gather(data: dict[str, Any]) -> Gathered:
        representations: list[dict[str, Any]] = []
        targets: list[list[list[dict[str, Any]]]] = []
        last_path: list[int] = []  # of each representation
        known: list[dict[Any, int]] = [{} for _ in requires]
        seen: set[int] = set()
        for path_number, path in enumerate(paths):
            for item in objects_at(data, path):
                builder = builders.get(item.get("__typename", ""))
                if builder is None or id(item) in seen:
                    continue
                seen.add(id(item))
                number, identify, represent = builder
                identity = identify(item)
                if identity is None:
                    continue
                index = known[number].get(identity)
                if index is None:
                    known[number][identity] = len(representations)
                    representations.append(represent(item))
                    targets.append([[item]])
                    last_path.append(path_number)
                elif last_path[index] == path_number:
                    targets[index][-1].append(item)
                else:
                    targets[index].append([item])
                    last_path[index] = path_number
        return Gathered(representations, targets)

    return gather


class Gatherer:
    """The same for objects that are added one by one. `compile_gather` is written out for speed: it is on the hot path."""

    def __init__(self, builders: _Builders) -> None:
        self._builders = builders
        self.gathered = Gathered([], [])
        self._last_path: list[int] = []
        self._known: dict[tuple[int, Any], int] = {}

    def add(self, item: dict[str, Any], path_number: int) -> None:
        """path_number: of the flatten path at which the object stands; they come in order."""
        builder = self._builders.get(item.get("__typename", ""))
        identity = builder[1](item) if builder is not None else None
        if builder is None or identity is None:
            return
        number, _, represent = builder
        gathered = self.gathered
        index = self._known.get((number, identity))
        if index is None:
            self._known[number, identity] = len(gathered.representations)
            gathered.representations.append(represent(item))
            gathered.targets.append([[item]])
            self._last_path.append(path_number)
        elif self._last_path[index] == path_number:
            gathered.targets[index][-1].append(item)
        else:
            gathered.targets[index].append([item])
            self._last_path[index] = path_number


def compile_gatherer(
    requires: Sequence[Representation], possible_types: PossibleTypes
) -> Callable[[], Gatherer]:
    """A function that makes a gatherer of these representations."""
    builders = _compile_builders(requires, possible_types)
    return lambda: Gatherer(builders)


def _compile_builders(requires: Sequence[Representation], possible_types: PossibleTypes) -> _Builders:
    builders: _Builders = {}
    for number, item in enumerate(requires):
        builder = (number, *_compile_representation(item, possible_types))
        for name in (item.type_name, *possible_types(item.type_name)):
            builders.setdefault(name, builder)
    return builders


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
        elif path[index].startswith("|"):
            if _is_of(value, path[index]):
                walk(value, index + 1, way)
        else:
            walk(value.get(path[index]), index + 1, (*way, path[index]))

    walk(data, 0, ())
    return found


def objects_at(data: dict[str, Any], path: Sequence[str]) -> list[dict[str, Any]]:
    """All that stand at a flatten path; nulls on the way have none."""
    items: list[Any] = [data]
    for step in path:
        if step == "@":
            items = [child for item in items for child in item if child is not None]
        elif step[0] == "|":
            items = [item for item in items if _is_of(item, step)]
        else:
            items = [child for item in items if (child := item.get(step)) is not None]
    return items


def _compile_representation(
    item: Representation, possible_types: PossibleTypes
) -> tuple[_Identify, _Represent]:
    if all(not field.selections and field.type_condition is None for field in item.fields):
        return _flat(item)
    sent_as, fill = item.sent_as, _compile_fields(item.fields, possible_types)

    def represent(value: dict[str, Any]) -> dict[str, Any]:
        built: dict[str, Any] = {"__typename": sent_as}
        fill(value, built)
        return built

    def identify(value: dict[str, Any]) -> Any:
        try:
            return orjson.dumps(represent(value))
        except _NoEntity:
            return None

    return identify, represent


def _is_of(value: dict[str, Any], step: str) -> bool:
    """Whether an object is of the type of a step "|[T]"."""
    return bool(value.get("__typename") == step[2:-1])


def _flat(item: Representation) -> tuple[_Identify, _Represent]:
    """Without objects in it, as nearly all are: identity is the tuple of values."""
    sent_as = item.sent_as
    leaves = [(field.name, field.response) for field in item.fields]
    keys = [field.response for field in item.fields if field.key]
    others = [field.response for field in item.fields if not field.key]

    def represent(value: dict[str, Any]) -> dict[str, Any]:
        built = {"__typename": sent_as}
        for name, response in leaves:
            built[name] = value[response]
        return built

    def identify(value: dict[str, Any]) -> Any:
        found = []
        for response in keys:
            leaf = value.get(response)
            if leaf is None:
                return None
            found.append(leaf)
        for response in others:
            leaf = value.get(response, _MISSING)
            if leaf is _MISSING:
                return None
            found.append(leaf)
        return _hashable(found[0] if len(found) == 1 else tuple(found))

    return identify, represent


def _hashable(identity: Any) -> Any:
    try:
        hash(identity)
    except TypeError:
        return orjson.dumps(identity)
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
