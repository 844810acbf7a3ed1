"""Small graphs to plan over, and plans as text."""

from __future__ import annotations

from textwrap import dedent

from graphql import parse, validate

from gateway.planner import QueryPlan, plan, pretty
from schema.compose import SubgraphSchema, compose

__all__ = ["LINK", "plan_of", "text_of"]

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", '
    '"@requires", "@provides", "@shareable", "@interfaceObject", "@inaccessible", "@override"])\n'
)


def plan_of(query: str, **sdls: str) -> QueryPlan:
    """The plan of a valid query over subgraphs by name."""
    composition = compose([SubgraphSchema(name, None, LINK + sdl) for name, sdl in sdls.items()])
    assert composition.supergraph is not None, composition.errors
    assert composition.api_schema is not None
    document = parse(query)
    assert validate(composition.api_schema, document) == []
    return plan(composition.supergraph, document)


def text_of(query: str, **sdls: str) -> str:
    """The plan as text, without its own indentation of the test."""
    return pretty(plan_of(query, **sdls)) + "\n"


def expected(text: str) -> str:
    """An inline snapshot."""
    return dedent(text).lstrip("\n")
