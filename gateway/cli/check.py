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
from adapters.problems import Problem
from adapters.remote.load import FOLDER, Remotes, load_remotes, subgraph_files
from gateway.app import file_lookup
from gateway.cli.known import known_for_cli
from gateway.cli.screen import GOOD, POOR, WARN, say
from gateway.subgraphs import OWN, Declared, compose_all, kept_sdls

__all__ = ["check", "load_for_cli"]


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--offline", is_flag=True, help="Ask nobody: WSDLs and the SDLs of services stay unchecked.")
@click.option(
    "--registry", type=click.Path(path_type=Path), help="Folder of registry files to check codes with."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem, for editors and CI.")
def check(paths: tuple[Path, ...], offline: bool, registry: Path | None, as_json: bool) -> None:
    """Check declarations (files or folders; by default systems/). Exit status 1 if anything is wrong.

    Remote subgraphs (files in a folder `subgraphs`) are checked too, and that all of it composes.
    """
    given = paths or (Path("systems"),)
    loaded = Loaded()
    if of_systems := [path for path in given if not _is_of_subgraphs(path)]:
        loaded = load_for_cli(of_systems, registry, load_wsdls=not offline)
    remotes = _load_remotes(given, registry, introspect=not offline)
    problems = Declared(loaded, remotes).problems
    if not remotes.problems and (remotes.subgraphs or loaded.own):
        problems += compose_all(remotes.subgraphs, connectors=loaded.own).problems
    for problem in problems:
        _show(problem, "error", as_json=as_json)
    for warning in (*loaded.warnings, *remotes.warnings):
        _show(warning, "warning", as_json=as_json)
    ready = _count(len(loaded.declarations), "system")
    if remotes.subgraphs:
        ready += f" and {_count(len(remotes.subgraphs), 'remote subgraph')}"
    summary = f"{ready} ready, {_count(len(problems), 'problem')}"
    summary = summary if not offline else f"{summary} (WSDLs not looked at)"
    say(summary, POOR if problems else GOOD, err=True)
    sys.exit(1 if problems else 0)


def load_for_cli(paths: Sequence[Path], registry: Path | None, *, load_wsdls: bool = True) -> Loaded:
    """Declarations checked with the registry named, or with the sample one if it is there."""
    known = known_for_cli(registry)
    return asyncio.run(load_declarations(paths, file_lookup(os.environ), known, load_wsdls=load_wsdls))


def _load_remotes(paths: Sequence[Path], registry: Path | None, *, introspect: bool) -> Remotes:
    """Those of the folders named, and the subgraph files named themselves."""
    files = [
        file for path in paths if path.is_dir() or _is_of_subgraphs(path) for file in subgraph_files(path)
    ]
    kept = kept_sdls(Path(os.environ.get("QUANYU_DATA_DIR", ".quanyu")))
    return asyncio.run(
        load_remotes(
            files,
            file_lookup(os.environ),
            known_for_cli(registry),
            reserved=OWN,
            introspect=introspect,
            kept=kept.read,
        )
    )


def _is_of_subgraphs(path: Path) -> bool:
    """Whether a path names subgraph files and no declarations of systems: the folder tells."""
    return path.resolve().name == FOLDER or path.resolve().parent.name == FOLDER


def _show(problem: Problem, severity: str, *, as_json: bool) -> None:
    if not as_json:
        is_error = severity == "error"
        say(str(problem) if is_error else f"{severity}: {problem}", POOR if is_error else WARN)
        return
    fields = {name: getattr(problem, name) for name in ("line", "column", "code", "message", "allowed")}
    click.echo(json.dumps({"file": str(problem.file), **fields, "severity": severity}, ensure_ascii=False))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
