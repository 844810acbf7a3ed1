"""Brings what an expression gave to the type of its field: text, dates, numbers, words of an enum, masked text.

What does not fit raises ValueProblem and becomes a null with an error; empty text is null.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from adapters.mapping.dates import iso_reader
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext, as_text
from adapters.mapping.scope import Unmapped
from schema.identifiers import mask_address, mask_id, mask_in_text, mask_mobile, mask_name

__all__ = ["Fit", "fit_of"]

Fit = Callable[[Any], Any]


def fit_of(type_: str, context: CompileContext) -> Fit | None:
    """type_: of a canonical field (`str`, `enum:CaseState` ...). None for one that takes any value."""
    kind, _, target = type_.partition(":")
    if kind == "enum":
        return _fit_enum(target, context.enums(target))
    if kind == "mask":
        return _fit_masked(_MASKS[target])
    if kind == "datetime":
        iso = iso_reader(context.offset)
        return lambda value: iso(as_text(value)) if value != "" else None
    return {
        "str": _fit_text,
        "date": _fit_date,
        "int": _fit_int,
        "float": _fit_float,
        "bool": _fit_bool,
        "json": _fit_json,
    }.get(kind)


_MASKS: Mapping[str, Callable[[str], str]] = {
    "NAME": mask_name,
    "ID_NUMBER": mask_id,
    "PHONE": mask_mobile,
    "ADDRESS": mask_address,
    "TEXT": mask_in_text,
}
"""Kinds of personal text; TEXT is text that should hold none: what looks like a number of a person is masked."""


def _fit_masked(mask: Callable[[str], str]) -> Fit:
    def fit(value: Any) -> str | None:
        text = _fit_text(value)
        return mask(text) if text is not None else None

    return fit


def _fit_json(value: Any) -> Any:
    return None if isinstance(value, Unmapped) else value


def _fit_enum(target: str, allowed: Collection[str]) -> Fit:
    unknown = "UNKNOWN" if "UNKNOWN" in allowed else None

    def fit(value: Any) -> str | None:
        if type(value) is str and value in allowed:
            return value
        if isinstance(value, Unmapped):
            return unknown
        if isinstance(value, str) and value in allowed:
            return value
        if value == "":
            return None
        raise ValueProblem(f"not a value of {target}: map it with a code table")

    return fit


def _fit_text(value: Any) -> str | None:
    if type(value) is str:  # nearly always
        return value.strip() or None
    if isinstance(value, Unmapped):
        return None
    return as_text(value).strip() or None


def _fit_date(value: Any) -> str | None:
    text = _fit_text(value)
    if text is None:
        return None
    return iso_reader(CompileContext().offset)(text)[:10]


def _fit_int(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _fit_text(value)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueProblem("not a whole number") from None


def _fit_float(value: Any) -> float | None:
    text = _fit_text(value)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueProblem("not a number") from None


def _fit_bool(value: Any) -> bool | None:
    text = _fit_text(value)
    if text is None:
        return None
    if text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    raise ValueProblem("neither true nor false: use bool(...)")
