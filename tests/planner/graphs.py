"""Small graphs to plan over, and plans as text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent

from graphql import parse, validate

from gateway.planner import QueryGraph, QueryPlan, plan, plan_operation, pretty
from schema.compose import SubgraphSchema, Supergraph, compose
from schema.compose.merge import merge
from schema.compose.subgraph import read_subgraph

__all__ = ["LINK", "asked", "expected", "plan_of", "plan_under", "text_of", "unchecked"]

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


def unchecked(**sdls: str) -> Supergraph:
    """The merged supergraph of subgraphs that composition would refuse: what a finished supergraph file may hold."""
    models = [read_subgraph(SubgraphSchema(name, None, LINK + sdl))[0] for name, sdl in sdls.items()]
    return merge([model for model in models if model is not None])[0]


def text_of(query: str, **sdls: str) -> str:
    """The plan as text, without its own indentation of the test."""
    return pretty(plan_of(query, **sdls)) + "\n"


def expected(text: str) -> str:
    """An inline snapshot."""
    return dedent(text).lstrip("\n")


def asked(plan: QueryPlan) -> list[str]:
    """The subgraphs of a plan's fetches, in the order of the plan."""
    return [fetch.subgraph for fetch in plan.fetches()]


def plan_under(graph: QueryGraph, query: str, labels: Sequence[str] = ()) -> QueryPlan:
    """The plan of a query while labels hold."""
    return plan_operation(graph.under(frozenset(labels)), parse(query))
