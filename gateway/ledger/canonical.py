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
    try:
        plain = _is_plain(value)
    except _RefusedError:
        _tell(value, "$")
        raise
    try:
        # orjson's text is RFC 8785's for these values; its order is that of code points, see `_is_plain`
        return orjson.dumps(value if plain else _reordered(value), option=_SORTED if plain else None)
    except (TypeError, ValueError) as error:
        raise NotCanonicalError(str(error)) from error


class _RefusedError(NotCanonicalError):
    """Without its place: that is looked for only when it is needed, as this runs for every value of every record."""


def _is_plain(value: Any) -> bool:
    """Whether sorting keys by code points is sorting by UTF-16 units, as the RFC wants: below U+D800 it is."""
    kind = type(value)
    if kind is dict:
        plain = True
        for key, item in value.items():
            if type(key) is not str:
                raise _RefusedError
            if not key.isascii() and max(key) >= "\ud800":
                plain = False
            kind = type(item)
            if kind is str or item is None or kind is bool:
                continue
            if kind is int and -_LARGEST <= item <= _LARGEST:
                continue
            plain = _is_plain(item) and plain
        return plain
    if kind is str or value is None or kind is bool:
        return True
    if kind is int and -_LARGEST <= value <= _LARGEST:
        return True
    if kind is list or kind is tuple:
        # written out, because `all` over a generator would stop looking at the first that is not plain
        plain = True
        for item in value:
            plain = _is_plain(item) and plain
        return plain
    if isinstance(value, Mapping):
        _is_plain(dict(value))
        return False
    raise _RefusedError


def _tell(value: Any, place: str) -> None:
    """Raises NotCanonicalError for the first thing that has no canonical form."""
    kind = type(value)
    if isinstance(value, Mapping):
        for key, item in value.items():
            if type(key) is not str:
                raise NotCanonicalError(f"{place}: key {key!r} is not text")
            _tell(item, f"{place}.{key}")
    elif kind is list or kind is tuple:
        for index, item in enumerate(value):
            _tell(item, f"{place}[{index}]")
    elif kind is int:
        if not -_LARGEST <= value <= _LARGEST:
            raise NotCanonicalError(f"{place}: {value} is beyond 2^53 - 1; write it as text")
    elif not (kind is str or value is None or kind is bool):
        raise NotCanonicalError(f"{place}: {kind.__name__} has no canonical form; write it as text")


def _reordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _reordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list | tuple):
        return [_reordered(item) for item in value]
    return value
