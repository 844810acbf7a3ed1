"""Names for what the planner asks itself, so that they never meet an alias or a variable of the client."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.planner.selections import Field, Fragment, Selection, signature

__all__ = ["ResponseNames", "unused_prefix"]


class ResponseNames:
    """What each response name at each path of the answer stands for, over all types that may occur there."""

    def __init__(self, selections: Iterable[Selection]) -> None:
        self._client: dict[tuple[str, ...], tuple[Selection, ...]] = {(): tuple(selections)}
        self._children: dict[tuple[str, ...], dict[str, tuple[Selection, ...]]] = {}
        self._taken: dict[tuple[str, ...], dict[str, set[str]]] = {}

    def take(self, path: tuple[str, ...], asked: Field) -> str:
        """The name under which an internal field is fetched: its own, one that holds the same value, or a new one."""
        path = tuple(
            step for step in path if step[0] != "|"
        )  # one object may be reached with and without its type
        taken, wanted = self._names_at(path), signature(asked)
        if taken.get(asked.name, {wanted}) == {wanted}:
            taken[asked.name] = {wanted}
            return asked.name
        for response, held in taken.items():
            if held == {wanted}:
                return response
        number = 1
        while f"_{asked.name}_{number}" in taken:
            number += 1
        taken[f"_{asked.name}_{number}"] = {wanted}
        return f"_{asked.name}_{number}"

    def _names_at(self, path: tuple[str, ...]) -> dict[str, set[str]]:
        if path not in self._taken:
            taken: dict[str, set[str]] = {}
            self._taken[path] = taken
            for item in _fields(self._selections_at(path)):
                taken.setdefault(item.response, set()).add(signature(item))
        return self._taken[path]

    def _selections_at(self, path: tuple[str, ...]) -> tuple[Selection, ...]:
        if path not in self._client:
            if path[-1] == "@":
                self._client[path] = self._selections_at(path[:-1])
            else:
                self._client[path] = self._below(path[:-1]).get(path[-1], ())
        return self._client[path]

    def _below(self, path: tuple[str, ...]) -> dict[str, tuple[Selection, ...]]:
        """What is selected under each response name at a path."""
        if path not in self._children:
            found: dict[str, dict[int, Selection]] = {}  # each once, though many types may share them
            for item in _fields(self._selections_at(path)):
                found.setdefault(item.response, {}).update((id(child), child) for child in item.children)
            self._children[path] = {name: tuple(items.values()) for name, items in found.items()}
        return self._children[path]


def unused_prefix(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or with so many underscores before it that no name begins with it."""
    names = list(taken)
    while any(name.startswith(wanted) for name in names):
        wanted = f"_{wanted}"
    return wanted


def _fields(selections: Iterable[Selection]) -> Iterable[Field]:
    for item in selections:
        if isinstance(item, Fragment):
            yield from _fields(item.children)
        else:
            yield item
