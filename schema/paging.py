"""Keyset pages of lists that are held in memory: limits, cursors, slices. Pure.

A cursor is opaque text that holds the sort key of a row and a fingerprint of the list that it belongs to, so
that one from another list, or from this list with other arguments, is told apart from a right one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from schema.errors import CursorInvalidError, LimitExceededError

__all__ = [
    "DEFAULT_FIRST",
    "MAX_FIRST",
    "Slice",
    "checked_first",
    "decode_cursor",
    "encode_cursor",
    "fingerprint",
    "paginate",
]

DEFAULT_FIRST = 20
MAX_FIRST = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """A page: `rows` with their `cursors`, whether there are rows on either side, and how many there are in all, where
    that is known."""

    rows: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool
    total: int | None = None


def checked_first(first: int | None, *, default: int = DEFAULT_FIRST, largest: int = MAX_FIRST) -> int:
    """`first`, or the default for null. Raises LimitExceededError below 1 and above `largest`."""
    if first is None:
        return default
    if not 1 <= first <= largest:
        raise LimitExceededError(first, largest)
    return first


def fingerprint(field: str, arguments: Mapping[str, object]) -> str:
    """What a cursor is bound to: the list's field and its arguments, `first` and `after` apart."""
    text = json.dumps([field, arguments], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def encode_cursor(key: str, binding: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([binding, key]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, binding: str) -> str:
    """The sort key in the cursor. Raises CursorInvalidError if it is damaged or bound to another list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise CursorInvalidError("it cannot be read") from None
    match content:
        case [str(bound), str(key)]:
            if bound != binding:
                raise CursorInvalidError("it comes from another list or from other arguments")
            return key
        case _:
            raise CursorInvalidError("it cannot be read")


def paginate(
    rows: Sequence[T],
    key: Callable[[T], str],
    *,
    first: int | None,
    after: str | None,
    binding: str,
    largest: int = MAX_FIRST,
) -> Slice[T]:
    """The page of at most `first` rows that follow `after`.

    rows: sorted by `key`, which is unique among them. A row that has gone since does not disturb its cursor.
    Raises LimitExceededError and CursorInvalidError.
    """
    size = checked_first(first, largest=largest)
    start = 0 if after is None else bisect_right(rows, decode_cursor(after, binding), key=key)
    page = tuple(rows[start : start + size])
    return Slice(
        rows=page,
        cursors=tuple(encode_cursor(key(row), binding) for row in page),
        has_next=start + size < len(rows),
        has_previous=start > 0,
        total=len(rows),
    )
