"""`quanyu schema`: what the network publishes, and what editors need for declarations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from adapters.declaration import declaration_schema
from adapters.remote.declaration import subgraph_schema
from gateway.planner.deferrals import with_defer
from gateway.tracking.calendar.calendar_file import calendar_schema
from gateway.tracking.warnings.rules import rules_schema
from schema.compose import SubgraphSchema, compose
from schema.subgraphs import CASES, HOUSE, cases_sdl, house_sdl

__all__ = ["schema"]

_JSON_SCHEMAS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "declaration": declaration_schema,
    "subgraph": subgraph_schema,
    "rules": rules_schema,
    "calendar": calendar_schema,
}


@click.command()
@click.argument(
    "what",
    type=click.Choice(
        ["declaration", "subgraph", "rules", "calendar", "api", "supergraph", "house", "cases"]
    ),
    default="api",
)
def schema(what: str) -> None:
    """Print a schema: `declaration`, `subgraph`, `rules` and `calendar` are JSON Schemas for editors, the others SDL.

    `api` and `supergraph` are those of the gateway's own subgraphs; `quanyu compose` has the remote ones too.
    """
    if what in _JSON_SCHEMAS:
        click.echo(json.dumps(_JSON_SCHEMAS[what](), ensure_ascii=False, indent=2))
        return
    sdls = {HOUSE: house_sdl(), CASES: cases_sdl()}
    if what in sdls:
        click.echo(sdls[what])
        return
    composition = compose([SubgraphSchema(name, None, sdl) for name, sdl in sdls.items()])
    if composition.api_schema is None:
        raise click.ClickException("\n".join(str(error) for error in composition.errors))
    if what == "supergraph":
        click.echo(composition.supergraph_sdl)
        return
    from graphql import print_schema

    click.echo(print_schema(with_defer(composition.api_schema)))
