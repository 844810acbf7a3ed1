"""What commands know beside their words: the registry that codes are checked with, declarations with their places."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from adapters.build import declaration_files
from adapters.declaration import Declaration
from adapters.loader import Document, load
from adapters.references import Lookup
from adapters.validate import Known, check_document
from gateway.app import file_lookup
from gateway.directory import known_codes, read_registry
from schema.errors import RegistryError

__all__ = ["documents_for_cli", "known_for_cli"]


def known_for_cli(registry: Path | None) -> Known:
    """Of the folder named, or of the sample one if it is there; else nothing is known, and no code is wrong."""
    folder = registry or Path(os.environ.get("QUANYU_REGISTRY_DIR", "samples/data"))
    if registry is None and not folder.is_dir():
        return Known()
    try:
        return known_codes(read_registry(folder))
    except RegistryError as error:
        raise click.ClickException("\n".join(str(problem) for problem in error.problems)) from error


def documents_for_cli(
    paths: Sequence[Path], lookup: Lookup | None = None
) -> tuple[list[tuple[Document, Declaration]], list[Path]]:
    """Declarations whose model holds, with the places of what they say, and the files that hold none; no WSDL is looked
    at."""
    found: list[tuple[Document, Declaration]] = []
    unusable: list[Path] = []
    files, _ = declaration_files([path for path in paths if path.exists()])
    for path in files:
        try:
            document = load(path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            unusable.append(path)
            continue
        declaration = check_document(document, lookup or file_lookup(os.environ), Known()).declaration
        if declaration is not None:
            found.append((document, declaration))
        else:
            unusable.append(path)
    return found, unusable
