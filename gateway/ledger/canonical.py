"""Canonical JSON (RFC 8785, JCS) of what is hashed: the same value gives the same bytes everywhere.

Values are objects with text keys, lists, text, whole numbers within ±(2^53 - 1), booleans and null. Other numbers are
refused: what is sealed for decades should not hang on how a language prints a fraction. Write amounts as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

__all__ = ["NotCanonicalError", "canonical_json"]

_LARGEST = 2**53 - 1
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


class NotCanonicalError(ValueError):
    """The value has no canonical form here. The message names the place."""


def canonical_json(value: Any) -> bytes:
    """UTF-8 bytes. Raises NotCanonicalError."""
    plain = _check(value, "$")
    try:
        # orjson's text is RFC 8785's for these values; its order is that of code points, see `_check`
        return orjson.dumps(value if plain else _reordered(value), option=_SORTED if plain else None)
    except (TypeError, ValueError) as error:
        raise NotCanonicalError(str(error)) from error


def _check(value: Any, place: str) -> bool:
    """Whether sorting keys by code points is sorting by UTF-16 units, as the RFC wants: below U+D800 it is."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        if -_LARGEST <= value <= _LARGEST:
            return True
        raise NotCanonicalError(f"{place}: {value} is beyond 2^53 - 1; write it as text")
    if isinstance(value, Mapping):
        plain = kind is dict
        for key, item in value.items():
            if type(key) is not str:
                raise NotCanonicalError(f"{place}: key {key!r} is not text")
            plain = (key.isascii() or max(key) < "\ud800") and plain
            plain = _check(item, f"{place}.{key}") and plain
        return plain
    if kind is list or kind is tuple:
        # written out, because `all` over a generator would stop looking at the first that is not plain
        plain = True
        for index, item in enumerate(value):
            plain = _check(item, f"{place}[{index}]") and plain
        return plain
    raise NotCanonicalError(f"{place}: {kind.__name__} has no canonical form; write it as text")


def _reordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _reordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list | tuple):
        return [_reordered(item) for item in value]
    return value
