"""Drops fetches that turned out to ask nothing."""

from __future__ import annotations

from gateway.planner.fetch_graph import FetchGraph

__all__ = ["drop_empty"]


def drop_empty(fetches: FetchGraph) -> None:
    """Fetches without any selection. Their children wait for their parents instead."""
    for group in fetches.in_order():
        if not group.output.has_any():
            fetches.remove(group)
