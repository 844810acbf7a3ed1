"""`quanyu init`: a first declaration from a WSDL or an OpenAPI file, to fill in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from adapters.rest.draft import OpenApiError, draft_from_openapi
from adapters.soap.draft import draft_from_wsdl
from adapters.soap.wsdl import WsdlError, load_wsdl

__all__ = ["init"]


@click.command()
@click.option("--wsdl", help="Address or file of a WSDL.")
@click.option("--openapi", type=click.Path(path_type=Path), help="OpenAPI 3 or Swagger 2 file, JSON or YAML.")
@click.option("--code", default="XX-SYSTEM", show_default=True, help="Code of the system.")
@click.option("--service", help="wsdl:service, if there are several.")
@click.option("--port", help="wsdl:port, if there are several.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write; by default the screen.")
def init(
    wsdl: str | None,
    openapi: Path | None,
    code: str,
    service: str | None,
    port: str | None,
    output: Path | None,
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
            text = draft_from_openapi(openapi.read_text(encoding="utf-8"), code)
    except (WsdlError, OpenApiError, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists():
        raise click.ClickException(f"{output} exists already; nothing was written")
    output.write_text(text, encoding="utf-8")
    click.echo(f"{output} written; next: quanyu check {output}", err=True)
    sys.exit(0)


def _as_declared(wsdl: str, located: str, output: Path | None) -> str:
    """The WSDL as the declaration must name it: files relative to the declaration."""
    if wsdl.startswith(("http://", "https://")) or output is None:
        return wsdl
    return os.path.relpath(located, output.resolve().parent)
