"""Aliases fields that a subgraph would refuse side by side: one response name, two types, in two fragments.

The client's operation is valid against the supergraph, where the types agree; in the subgraph one may be nullable
and the other not. See https://spec.graphql.org/October2021/#sec-Field-Selection-Merging
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.planner.fetch_graph import FetchGraph, FetchGroup, Output, OutputField
from gateway.planner.nodes import OutputRewrite

__all__ = ["alias_conflicts"]

Path = tuple[str, ...]


def alias_conflicts(fetches: FetchGraph) -> None:
    """Gives the later field of a conflict an alias, and the lookup a rewrite that undoes it."""
    for group in fetches.in_order():
        for lookup in group.lookups:
            _walk(lookup, [lookup.output], (), {})


def _walk(group: FetchGroup, outputs: Sequence[Output], path: Path, aliases: dict[str, int]) -> None:
    """All selection sets that apply to objects at one path."""
    seen: dict[str, list[OutputField]] = {}
    for item in (item for output in outputs for item in _all_fields(output)):
        known = seen.get(item.response)
        if known is not None and _conflict(known[0], item):
            number = aliases[item.response] = aliases.get(item.response, 0) + 1
            item.alias = f"{item.response}__{number}"
            group.rewrites.append(OutputRewrite(path, item.alias, item.response))
            seen[item.alias] = [item]
        else:
            seen.setdefault(item.response, []).append(item)
    for response, items in seen.items():
        children = list(
            {id(item.children): item.children for item in items if item.children is not None}.values()
        )
        if children:
            below = (*path, response, *["@"] * items[0].type.count("["))
            _walk(group, children, below, {})


def _all_fields(output: Output) -> list[OutputField]:
    parts = [item for part in output.fragments.values() for item in _all_fields(part)]
    return [*output.fields.values(), *parts]


def _conflict(one: OutputField, other: OutputField) -> bool:
    if one.children is None or other.children is None:
        return one.type != other.type or one.name != other.name
    return _wrapping(one.type) != _wrapping(other.type) or one.name != other.name


def _wrapping(text: str) -> str:
    return "".join(sign for sign in text if sign in "[]!")
