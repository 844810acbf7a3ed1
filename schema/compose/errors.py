"""What composition reports: errors that refuse a supergraph, and hints that do not.

Codes are the public ones of Apollo Federation where one exists, so that known documentation applies (`codes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from schema.compose.codes import HINT_CODES

__all__ = ["CompositionError", "CompositionHint"]


@dataclass(frozen=True, slots=True)
class CompositionError:
    """One problem, with its place. `line` is the line in the SDL of `subgraph`, 1-based; `file` is where that SDL is."""

    code: str
    message: str
    subgraph: str | None = None
    type_name: str | None = None
    field_name: str | None = None
    line: int | None = None
    file: str | None = None

    @property
    def coordinate(self) -> str:
        """`Type.field`, `Type`, `@directive` or an empty string."""
        return ".".join(part for part in (self.type_name, self.field_name) if part)

    def __str__(self) -> str:
        place = self.file or self.subgraph
        where = f" [{place}{f':{self.line}' if self.line else ''}]" if place else ""
        return f"{self.code}{where} {self.message}"


@dataclass(frozen=True, slots=True)
class CompositionHint:
    """Something worth a look that does not stop the supergraph."""

    code: str
    message: str
    subgraph: str | None = None
    type_name: str | None = None
    field_name: str | None = None

    @property
    def coordinate(self) -> str:
        """`Type.field`, `Type.field(argument:)`, `Type`, `@directive` or an empty string."""
        return ".".join(part for part in (self.type_name, self.field_name) if part)

    @property
    def level(self) -> str:
        """WARN, INFO or DEBUG."""
        return HINT_CODES[self.code][0]

    def __str__(self) -> str:
        return f"{self.code} {self.message}"
