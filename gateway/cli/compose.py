"""`quanyu compose`: all subgraphs into one supergraph, or everything that keeps them apart."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from adapters.build import Loaded
from adapters.problems import Problem
from adapters.remote.load import FOLDER, Remotes, load_remotes
from gateway.app import file_lookup
from gateway.cli.check import load_for_cli
from gateway.cli.known import known_for_cli
from gateway.cli.screen import GOOD, POOR, WARN, put_json, say
from gateway.subgraphs import OWN, compose_all, kept_sdls
from schema.compose import Composition, CompositionHint, SubgraphSchema
from schema.compose import compose as compose_subgraphs

__all__ = ["compose", "composed_for_cli"]

SDL_SUFFIXES = (".graphql", ".graphqls", ".gql")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]...")
@click.option("--check", "only_check", is_flag=True, help="Say what is wrong; print no supergraph.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option(
    "--introspect", is_flag=True, help="Ask the services for their SDL; without it nobody is asked."
)
@click.option("--no-hints", is_flag=True, help="Leave out hints, which refuse nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: errors, warnings, hints, supergraph.")
def compose(
    paths: tuple[Path, ...],
    only_check: bool,
    output: Path | None,
    introspect: bool,
    no_hints: bool,
    as_json: bool,
) -> None:
    """Compose the supergraph and print its SDL. Exit status 1 if it does not compose.

    PATH: a folder of declarations (by default systems/) or a subgraph file: with the gateway's own subgraphs. Or SDL
    files, each a subgraph that has the file's name: those alone.
    """
    composition, problems, warnings = composed_for_cli(paths or (Path("systems"),), introspect=introspect)
    found = composition.hints if composition is not None and not no_hints else ()
    good = composition is not None and not problems
    if as_json:
        sdl = composition.supergraph_sdl if good and composition is not None and not only_check else None
        put_json(_as_json(problems, warnings, found, sdl))
    else:
        for problem in problems:
            say(f"error: {problem}", POOR, err=True)
        for warning in warnings:
            say(f"warning: {warning}", WARN, err=True)
        for hint in found:
            say(f"hint: {_hint(hint)}", err=True)
        count, hinted = len(problems), len(found)
        summary = f"{count} error{'s' * (count != 1)}, {hinted} hint{'s' * (hinted != 1)}"
        say(summary, GOOD if good else POOR, err=True)
    if composition is None or problems:
        sys.exit(1)
    if output is not None:
        output.write_text(composition.supergraph_sdl, encoding="utf-8")
    elif as_json:
        return
    elif not only_check:
        click.echo(composition.supergraph_sdl, nl=False)


def _as_json(
    problems: Sequence[Problem],
    warnings: Sequence[Problem],
    hints: Sequence[CompositionHint],
    sdl: str | None,
) -> dict[str, Any]:
    def told(one: Problem) -> dict[str, Any]:
        return {**asdict(one), "file": str(one.file)}

    return {
        "ok": not problems,
        "errors": [told(one) for one in problems],
        "warnings": [told(one) for one in warnings],
        "hints": [
            {
                "code": one.code,
                "message": one.message,
                "subgraph": one.subgraph,
                "type": one.type_name,
                "field": one.field_name,
            }
            for one in hints
        ],
        "supergraph": sdl,
    }


def composed_for_cli(
    paths: Sequence[Path], *, introspect: bool = False
) -> tuple[Composition | None, list[Problem], list[Problem]]:
    """The composition, or None where the subgraphs cannot even be read; problems with their place; warnings."""
    if all(path.suffix in SDL_SUFFIXES for path in paths):
        return _composed_files(paths)
    remotes = _remotes(paths, introspect=introspect)
    if remotes.problems:
        return None, remotes.problems, remotes.warnings
    systems = _systems(paths)
    composed = compose_all(remotes.subgraphs, connectors=systems.own)
    problems = [one for one in systems.problems if one.code != "NO_DECLARATIONS"]
    return composed.composition, [*problems, *composed.problems], remotes.warnings


def _systems(paths: Sequence[Path]) -> Loaded:
    """Declarations of the folders named, for the types that they add; their WSDLs are not asked for."""
    folders = [path for path in paths if path.is_dir() and path.resolve().name != FOLDER]
    return load_for_cli(folders, None, load_wsdls=False) if folders else Loaded()


def _composed_files(paths: Sequence[Path]) -> tuple[Composition | None, list[Problem], list[Problem]]:
    schemas, files = [], {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(f"{path}: {error}") from error
        schemas.append(SubgraphSchema(path.stem, None, text))
        files[path.stem] = path
    composition = compose_subgraphs(schemas)
    problems = [
        Problem(files.get(one.subgraph or "", Path("supergraph")), one.line or 1, 1, one.code, one.message)
        for one in composition.errors
    ]
    return composition, problems, []


def _remotes(paths: Sequence[Path], *, introspect: bool) -> Remotes:
    kept = kept_sdls(Path(os.environ.get("QUANYU_DATA_DIR", ".quanyu")))
    return asyncio.run(
        load_remotes(
            paths,
            file_lookup(os.environ),
            known_for_cli(None),
            reserved=OWN,
            introspect=introspect,
            kept=kept.read,
        )
    )


def _hint(hint: CompositionHint) -> str:
    place = ".".join(part for part in (hint.type_name, hint.field_name) if part)
    where = " ".join(part for part in (f"[{hint.subgraph}]" if hint.subgraph else "", place) if part)
    return f"{hint.code}: {where + ': ' if where else ''}{hint.message}"
