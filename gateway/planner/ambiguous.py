"""Whether one response name below a place means different things for different types that may stand there.

`... on A { part { x: name } } ... on B { part { x: place } }` is valid, and "all.@.part" then is two places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.planner.selections import Field, Fragment, Selection, signature

__all__ = ["is_ambiguous_below"]


def is_ambiguous_below(by_type: Iterable[Sequence[Field]]) -> bool:
    """by_type: the fields that are asked of each type."""
    children: dict[str, dict[int, tuple[Selection, ...]]] = {}
    for fields in by_type:
        for item in fields:
            if item.children:
                children.setdefault(item.response, {})[id(item.children)] = item.children
    return any(len(found) > 1 and _differs(found.values()) for found in children.values())


def _differs(selections: Iterable[Sequence[Selection]]) -> bool:
    meanings: dict[str, str] = {}
    below: dict[str, list[Sequence[Selection]]] = {}
    for item in (field for part in selections for field in _fields(part)):
        meaning = signature(item)
        if meanings.setdefault(item.response, meaning) != meaning:
            return True
        if item.children:
            below.setdefault(item.response, []).append(item.children)
    return any(len(parts) > 1 and _differs(parts) for parts in below.values())


def _fields(selections: Iterable[Selection]) -> Iterable[Field]:
    for item in selections:
        if isinstance(item, Fragment):
            yield from _fields(item.children)
        else:
            yield item
