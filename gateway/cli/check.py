"""`quanyu check`: everything that is wrong with declarations, at once, before any call."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from adapters.build import Loaded, load_declarations
from adapters.validate import Known
from gateway.app import file_lookup
from gateway.directory import known_codes, read_registry
from schema.errors import RegistryError

__all__ = ["check", "load_for_cli"]


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--offline", is_flag=True, help="Do not load WSDLs; their operations and paths stay unchecked.")
@click.option(
    "--registry", type=click.Path(path_type=Path), help="Folder of registry files to check codes with."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem, for editors and CI.")
def check(paths: tuple[Path, ...], offline: bool, registry: Path | None, as_json: bool) -> None:
    """Check declarations (files or folders; by default systems/). Exit status 1 if anything is wrong."""
    loaded = load_for_cli(paths or (Path("systems"),), registry, load_wsdls=not offline)
    for problem in loaded.problems:
        if as_json:
            fields = {
                name: getattr(problem, name) for name in ("line", "column", "code", "message", "allowed")
            }
            click.echo(json.dumps({"file": str(problem.file), **fields}, ensure_ascii=False))
        else:
            click.echo(str(problem))
    systems = len(loaded.declarations)
    count = len(loaded.problems)
    summary = f"{systems} system{'s' * (systems != 1)} ready, {count} problem{'s' * (count != 1)}"
    click.echo(summary if not offline else f"{summary} (WSDLs not looked at)", err=True)
    sys.exit(1 if loaded.problems else 0)


def load_for_cli(paths: Sequence[Path], registry: Path | None, *, load_wsdls: bool = True) -> Loaded:
    """Declarations checked with the registry named, or with the sample one if it is there."""
    folder = registry or Path(os.environ.get("QUANYU_REGISTRY_DIR", "samples/data"))
    known = Known()
    if registry is not None or folder.is_dir():
        try:
            known = known_codes(read_registry(folder))
        except RegistryError as error:
            raise click.ClickException("\n".join(str(problem) for problem in error.problems)) from error
    return asyncio.run(load_declarations(paths, file_lookup(os.environ), known, load_wsdls=load_wsdls))
