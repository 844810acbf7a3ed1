"""Merges the answers of several fetches into one tree. The hot path of every federated answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.executor.errors import Path
from gateway.planner.nodes import OutputRewrite

__all__ = ["Aliases", "copied", "merge_into"]


def merge_into(target: dict[str, Any], source: dict[str, Any]) -> None:
    """Adds `source` to `target`, in place: objects deeply, lists item by item, a value wins over null."""
    for key, value in source.items():
        known = target.get(key)
        if known is None:
            target[key] = value
        elif type(value) is dict and type(known) is dict:
            if value is not known:
                merge_into(known, value)
        elif type(value) is list and type(known) is list:
            _merge_lists(known, value)
        elif value is not None:
            target[key] = value


def _merge_lists(target: list[Any], source: list[Any]) -> None:
    """By index; a list of leaves is one value and the later answer stands."""
    for index, value in enumerate(source):
        if index >= len(target):
            target.append(value)
            continue
        known = target[index]
        if type(value) is dict and type(known) is dict:
            if value is not known:
                merge_into(known, value)
        elif type(value) is list and type(known) is list:
            _merge_lists(known, value)
        elif value is not None:
            target[index] = value


def copied(value: Any) -> Any:
    """A value whose objects and lists are its own."""
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    if type(value) is list:
        return [copied(item) for item in value]
    return value


class Aliases:
    """Aliases that only a subgraph's validation needed: gives fields back the response names that they stood for."""

    def __init__(self, rewrites: Sequence[OutputRewrite]) -> None:
        self._rewrites = sorted(rewrites, key=lambda item: -len(item.path))  # deepest first
        self._names = {item.alias: item.response for item in rewrites}

    def undo(self, data: Any) -> None:
        """In place, in the object (or, where paths begin with "@", the list) that the rewrites' paths begin at."""
        for rewrite in self._rewrites:
            for item in _at(data, rewrite.path):
                if rewrite.alias in item:
                    item[rewrite.response] = item.pop(rewrite.alias)

    def undone(self, path: Path) -> Path:
        """A path of the subgraph's answer under the names of the whole answer."""
        if not self._names:
            return path
        return tuple(self._names.get(step, step) if isinstance(step, str) else step for step in path)


def _at(data: Any, path: Sequence[str]) -> list[dict[str, Any]]:
    items = [data] if data is not None else []
    for step in path:
        if step == "@":
            items = [child for item in items for child in item if child is not None]
        else:
            items = [child for item in items if (child := item.get(step)) is not None]
    return items
