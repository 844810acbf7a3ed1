"""What an expression may look at besides the record, and what reading leaves behind. Plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["UNMAPPED", "Gap", "Scope", "Trouble", "Unmapped"]


class Unmapped:
    """The answer of a code table that lacks the code. Becomes UNKNOWN where the enum has it: never a guess."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNMAPPED"


UNMAPPED = Unmapped()


@dataclass(frozen=True, slots=True)
class Gap:
    """A raw value that a code table lacks."""

    table: str
    raw: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A value that did not fit: the canonical field (dotted, with list positions) and what was wanted.

    left_out: the record as the system gave it, where it was left out for this.
    """

    field: str
    message: str
    left_out: Any = dataclasses.field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class Scope:
    """roots: what `$name` means (`args`, `page`, `reply`, `status`, `fault`); the rest fills while reading."""

    roots: Mapping[str, Any] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
