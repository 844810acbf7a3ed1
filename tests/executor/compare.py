"""Errors by the places that they explain: how two answers are compared whose errors have other words and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["null_places"]

Place = tuple[str | int, ...]


def null_places(data: Any, paths: Iterable[Sequence[str | int]]) -> set[Place]:
    """The nulls of an answer that errors at these paths explain; an error about what was not asked explains none."""
    return {place for path in paths if (place := _null_at(data, path)) is not None}


def _null_at(data: Any, path: Sequence[str | int]) -> Place | None:
    for length, step in enumerate(path):
        if data is None:
            return tuple(path[:length])
        if isinstance(data, dict) and step not in data:
            return None
        data = data[step]
    return tuple(path) if data is None else None
