"""`quanyu init`: a first declaration from a WSDL or an OpenAPI file, to fill in."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from adapters.rest.draft import OpenApiError, draft_from_openapi
from adapters.soap.draft import draft_from_wsdl
from adapters.soap.wsdl import WsdlError, load_wsdl
from adapters.vendoring.closure import Bad
from adapters.vendoring.openapi import bundled, references
from adapters.vendoring.store import ImportRefused, Wanted, fetch, write_closure
from gateway.cli.screen import put_json

__all__ = ["init"]


@click.command()
@click.option("--wsdl", help="Address or file of a WSDL.")
@click.option("--openapi", type=click.Path(path_type=Path), help="OpenAPI 3 or Swagger 2 file, JSON or YAML.")
@click.option("--code", default="XX-SYSTEM", show_default=True, help="Code of the system.")
@click.option("--service", help="wsdl:service, if there are several.")
@click.option("--port", help="wsdl:port, if there are several.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write; by default the screen.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def init(
    wsdl: str | None,
    openapi: Path | None,
    code: str,
    service: str | None,
    port: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write a first declaration: what the description tells, with the places to fill in marked."""
    if (wsdl is None) == (openapi is None):
        raise click.UsageError("give one of --wsdl and --openapi")
    try:
        if wsdl is not None:
            located = wsdl if wsdl.startswith(("http://", "https://")) else str(Path(wsdl).resolve())
            text = draft_from_wsdl(
                load_wsdl(located, service=service, port=port), _as_declared(wsdl, located, output), code
            )
        else:
            assert openapi is not None  # noqa: S101 - one of the two is given
            text = draft_from_openapi(_openapi_text(openapi), code)
    except (WsdlError, OpenApiError, ImportRefused, Bad, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error
    if output is not None:
        if output.exists():
            raise click.ClickException(f"{output} exists already; nothing was written")
        output.write_text(text, encoding="utf-8")
    if as_json:
        put_json({"code": code, "file": str(output) if output is not None else None, "declaration": text})
        return
    if output is None:
        click.echo(text, nl=False)
        return
    click.echo(f"{output} written; next: quanyu check {output}", err=True)
    sys.exit(0)


def _openapi_text(path: Path) -> str:
    """The file; of one that refers to others, all of them as one document."""
    content = path.read_bytes()
    try:
        is_alone = not references(content)
    except Bad:
        is_alone = True  # what is wrong is told where it is read
    if is_alone:
        return content.decode("utf-8-sig")
    wanted = Wanted("openapi", str(path))
    closure = asyncio.run(fetch(wanted))
    with tempfile.TemporaryDirectory(prefix="quanyu-init-") as folder:
        root = f"root{path.suffix or '.yaml'}"
        write_closure(closure, wanted, Path(folder), root, datetime.now(UTC))
        return json.dumps(bundled(Path(folder), root), ensure_ascii=False)


def _as_declared(wsdl: str, located: str, output: Path | None) -> str:
    """The WSDL as the declaration must name it: files relative to the declaration."""
    if wsdl.startswith(("http://", "https://")) or output is None:
        return wsdl
    return os.path.relpath(located, output.resolve().parent)
