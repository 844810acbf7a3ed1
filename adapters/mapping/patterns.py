"""Regular expressions that cannot run away: RE2, whose time grows with the text and never with the pattern's tricks.

Python's own `re` takes seconds for `(a+)+$` on thirty letters. RE2 has no look-around and no back references; `\\w` and
`\\d` are ASCII (Chinese letters: `\\p{Han}`). https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import re2

from adapters.mapping.errors import ExpressionError

__all__ = ["Pattern", "compile_pattern"]

MAX_MEMORY = 4 << 20
"""Bytes that a compiled pattern may take: `(\\w{1000}){1000}` is refused."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """groups: how many it has. find: text -> the group asked for, or None."""

    groups: int
    find: Callable[[str, int], str | None]
    matches: Callable[[str], bool]


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """Raises ExpressionError."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        hint = "without look-ahead, look-behind and back references" if "(?" in text or "\\" in text else ""
        raise ExpressionError(f"not a regular expression: {said}", 0, hint) from None

    def find(value: str, group: int) -> str | None:
        found = compiled.search(value)
        return found.group(group) if found is not None else None

    return Pattern(compiled.groups, find, lambda value: compiled.fullmatch(value) is not None)
