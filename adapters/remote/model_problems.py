"""What pydantic finds in a document, as problems with their place and what is allowed there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydantic

from adapters.loader import Document
from adapters.problems import Problem, one_of

__all__ = ["model_problems"]

Place = tuple[str | int, ...]


def model_problems(
    document: Document, error: pydantic.ValidationError, model: type[pydantic.BaseModel]
) -> Iterator[Problem]:
    """One problem for each of pydantic's errors."""
    for one in error.errors(include_url=False, include_input=True):
        place = _in_document(document, tuple(one["loc"]))
        match one["type"]:
            case "extra_forbidden":
                allowed = one_of(str(place[-1]), _keys_at(model, place[:-1]))
                yield document.problem(
                    place, "UNKNOWN_KEY", f"unknown key {place[-1]!r}", allowed=allowed, key=True
                )
            case "missing":
                inside = f" in {place[-2]!r}" if len(place) > 1 else ""
                yield document.problem(
                    place[:-1], "MISSING_KEY", f"{place[-1]!r} is missing{inside}", key=True
                )
            case _:
                found = one["input"]
                shown = f", found {str(found)[:60]!r}" if isinstance(found, str | int | float) else ""
                message = one["msg"].removeprefix("Value error, ")
                yield document.problem(place, "BAD_VALUE", f"{message}{shown}")


def _in_document(document: Document, place: Place) -> Place:
    """Without the steps that pydantic adds for the members of a union: they are no keys of the file."""
    found: list[str | int] = []
    value: Any = document.tree
    for index, step in enumerate(place):
        is_key = isinstance(value, dict) and step in value
        is_item = isinstance(value, list) and isinstance(step, int)
        if is_key or is_item:
            value = value[step]
            found.append(step)
        elif index == len(place) - 1 and isinstance(value, dict):
            found.append(step)  # what is missing there
    return tuple(found)


def _keys_at(model: Any, place: Place) -> list[str]:
    """Keys that the model takes at a place."""
    for step in place:
        if isinstance(step, int):
            continue
        fields = getattr(model, "model_fields", {})
        info = next((one for name, one in fields.items() if step in (one.alias, name)), None)
        model = _model_in(info.annotation) if info is not None else None
    return [info.alias or name for name, info in getattr(model, "model_fields", {}).items()]


def _model_in(annotation: Any) -> Any:
    """The model in `Model`, `Model | None` or a tuple of models."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for one in getattr(annotation, "__args__", ()):
        if (found := _model_in(one)) is not None:
            return found
    return None
