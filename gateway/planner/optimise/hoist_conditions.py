"""Moves a @skip or @include that stands on every field of a fetch to the fetch: it is then not sent at all."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.planner.fetch_graph import FetchGraph, Output, OutputField
from gateway.planner.selections import Conditions

__all__ = ["hoist_conditions"]


def hoist_conditions(fetches: FetchGraph) -> None:
    """Conditions that all top fields of a group share become conditions of the group."""
    for group in fetches.in_order():
        fields = list(_top_fields(group.output))
        if not fields:
            continue
        common = frozenset.intersection(*(item.conditions for item in fields))
        if common:
            group.conditions = common
            _strip(group.output, common)


def _top_fields(output: Output) -> Iterator[OutputField]:
    yield from output.fields.values()
    for part in output.fragments.values():
        yield from _top_fields(part)


def _strip(output: Output, common: Conditions) -> None:
    stripped = {}
    for item in output.fields.values():
        item.conditions -= common
        stripped[item.key] = item
    output.fields = stripped
    for part in output.fragments.values():
        _strip(part, common)
