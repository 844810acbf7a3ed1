"""Small graphs to plan over, and plans as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import dedent

from graphql import parse, validate

from gateway.planner import QueryGraph, QueryPlan, plan, plan_operation, pretty
from schema.compose import SubgraphSchema, Supergraph, compose

__all__ = ["LINK", "asked", "expected", "labelled", "plan_of", "plan_under", "text_of"]

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


def asked(plan: QueryPlan) -> list[str]:
    """The subgraphs of a plan's fetches, in the order of the plan."""
    return [fetch.subgraph for fetch in plan.fetches()]


def labelled(supergraph: Supergraph, coordinate: str, *, label: str, taker: str, giver: str) -> Supergraph:
    """The supergraph in which `taker` takes a field over from `giver` while the label holds."""
    type_name, field_name = coordinate.split(".")
    definition = supergraph.types[type_name]
    item = definition.fields[field_name]
    joins = {
        **item.joins,
        taker: replace(item.joins[taker], overridden=False, override=giver, override_label=label),
        giver: replace(item.joins[giver], overridden=False, override_label=label),
    }
    fields = {**definition.fields, field_name: replace(item, joins=joins)}
    return replace(supergraph, types={**supergraph.types, type_name: replace(definition, fields=fields)})


def plan_under(graph: QueryGraph, query: str, labels: Sequence[str] = ()) -> QueryPlan:
    """The plan of a query while labels hold."""
    return plan_operation(graph.under(frozenset(labels)), parse(query))
