"""Python source that the executor writes for one operation, and the function that it becomes.

Only names and JSON text of an operation stand in it, as `repr` of text; everything else is an object in its namespace.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

__all__ = ["Source"]

_NUMBERS = itertools.count(1)


class Source:
    """Lines of one or more functions, and the objects that they name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self._compiled = 0

    def add(self, depth: int, *lines: str) -> None:
        """Lines at a depth of indentation."""
        self.lines += [f"{'    ' * depth}{line}" for line in lines]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def function(self, name: str) -> Callable[..., Any]:
        """Compiles what was added since the last time. A traceback names the place by its number."""
        new, self._compiled = self.lines[self._compiled :], len(self.lines)
        text = "\n".join(new) + "\n"
        place = f"<{self.name} {next(_NUMBERS)}>"
        exec(compile(text, place, "exec"), self.names)  # noqa: S102 - written here, of names only  # nosec B102
        made: Callable[..., Any] = self.names[name]
        return made
