"""Passes over a fetch graph, one a file, in the order in which they must run."""

from __future__ import annotations

from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.optimise.alias_conflicts import alias_conflicts
from gateway.planner.optimise.batch_entities import batch_entities
from gateway.planner.optimise.drop_empty import drop_empty
from gateway.planner.optimise.drop_repeats import drop_repeats
from gateway.planner.optimise.fold_types import fold_types
from gateway.planner.optimise.hoist_conditions import hoist_conditions
from gateway.planner.optimise.merge_siblings import merge_siblings
from gateway.planner.query_graph import QueryGraph

__all__ = ["optimise"]


def optimise(fetches: FetchGraph, graph: QueryGraph) -> None:
    """Makes the graph smaller without changing what it fetches."""
    drop_empty(fetches)  # first: an attempt that led nowhere must not hold two others apart
    hoist_conditions(fetches)  # before merging: only fetches under the same conditions are merged
    merge_siblings(fetches)
    batch_entities(fetches)  # after merging: what stands at one place is one lookup already
    fold_types(fetches, graph)
    drop_repeats(fetches)
    alias_conflicts(fetches)  # last: conflicts depend on what stands together
