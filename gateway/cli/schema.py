"""`quanyu schema`: what the network publishes, and what editors need for declarations."""

from __future__ import annotations

import json

import click

from adapters.declaration import declaration_schema
from adapters.remote.declaration import subgraph_schema
from schema.compose import SubgraphSchema, compose
from schema.subgraphs import CASES, HOUSE, cases_sdl, house_sdl

__all__ = ["schema"]


@click.command()
@click.argument(
    "what",
    type=click.Choice(["declaration", "subgraph", "api", "supergraph", "house", "cases"]),
    default="api",
)
def schema(what: str) -> None:
    """Print a schema: `declaration` and `subgraph` are JSON Schemas for editors, the others are GraphQL SDL.

    `api` and `supergraph` are those of the gateway's own subgraphs; `quanyu compose` has the remote ones too.
    """
    if what in ("declaration", "subgraph"):
        made = declaration_schema() if what == "declaration" else subgraph_schema()
        click.echo(json.dumps(made, ensure_ascii=False, indent=2))
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

    click.echo(print_schema(composition.api_schema))
