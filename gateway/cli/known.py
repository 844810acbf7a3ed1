"""The registry that a command checks codes with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from adapters.validate import Known
from gateway.directory import known_codes, read_registry
from schema.errors import RegistryError

__all__ = ["known_for_cli"]


def known_for_cli(registry: Path | None) -> Known:
    """Of the folder named, or of the sample one if it is there; else nothing is known, and no code is wrong."""
    folder = registry or Path(os.environ.get("QUANYU_REGISTRY_DIR", "samples/data"))
    if registry is None and not folder.is_dir():
        return Known()
    try:
        return known_codes(read_registry(folder))
    except RegistryError as error:
        raise click.ClickException("\n".join(str(problem) for problem in error.problems)) from error
