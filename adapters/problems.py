"""A problem in a declaration: where it is, what was found, what is allowed. Values, never exceptions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DeclarationError", "Problem", "nearest", "one_of"]


MOST_LISTED = 24


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`line` and `column` count from 1; `code` is stable (documented in docs/reference/declaration-problems.md)."""

    file: Path
    line: int
    column: int
    code: str
    message: str
    allowed: str = ""

    def __str__(self) -> str:
        tail = f"; {self.allowed}" if self.allowed else ""
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.message}{tail}"


class DeclarationError(Exception):
    """Declarations cannot be used; `problems` holds everything that was found, in order of place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(found: str, known: Iterable[str]) -> str | None:
    """The known word that is closest to what was found, if any is close."""
    matches = difflib.get_close_matches(found, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def one_of(found: str, known: Iterable[str]) -> str:
    """ "allowed: a, b, c; did you mean b?" """
    words = sorted(known)
    guess = nearest(found, words)
    shown = (
        words if len(words) <= MOST_LISTED else [*words[:MOST_LISTED], f"and {len(words) - MOST_LISTED} more"]
    )
    listed = ", ".join(shown) if shown else "nothing"
    return f"allowed: {listed}" + (f"; did you mean {guess!r}?" if guess else "")
