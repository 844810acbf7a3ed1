"""A system's own types as a member of the supergraph, and where each of their lines was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.declaration import Declaration
from adapters.loader import Document
from adapters.own.check import sdl_place
from adapters.own.sdl import read_sdl

__all__ = ["OwnSchema", "own_schema"]


@dataclass(frozen=True, slots=True)
class OwnSchema:
    """sdl: complete, as it is composed. path, before: file that holds it and how many lines stand before its first."""

    code: str
    sdl: str
    path: Path
    before: int

    def line(self, line: int | None) -> int:
        """Line in the file of a line of the SDL; what was added behind its end belongs to the whole."""
        return self.before + (line or 1)


def own_schema(document: Document, declaration: Declaration) -> OwnSchema | None:
    """None for a system without types of its own. Raises SdlSyntax for what did not pass its check."""
    if declaration.types is None:
        return None
    path, line, _ = sdl_place(document.path, declaration, document, 1)
    sdl = read_sdl(declaration.types.sdl or "").completed
    return OwnSchema(declaration.system.code, sdl, path, line - 1)
