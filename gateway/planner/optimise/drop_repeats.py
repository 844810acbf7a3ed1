"""Drops leaves that a fragment repeats from the selection set around it."""

from __future__ import annotations

from gateway.planner.fetch_graph import FetchGraph, FieldKey, Output

__all__ = ["drop_repeats"]


def drop_repeats(fetches: FetchGraph) -> None:
    """`id ... on Book { id pages }` asks the same as `id ... on Book { pages }`, and is shorter to send and read."""
    seen: set[int] = set()
    for group in fetches.in_order():
        for lookup in group.lookups:
            _walk(lookup.output, frozenset(), seen)


def _walk(output: Output, around: frozenset[FieldKey], seen: set[int]) -> None:
    """seen: selection sets below fields, of which nothing stands around; several types may share one."""
    for key in around & output.fields.keys():
        del output.fields[key]
    known = around | {
        key for key, item in output.fields.items() if item.children is None and not item.arguments
    }
    for part in output.fragments.values():
        _walk(part, known, seen)
    for item in output.fields.values():
        if item.children is not None and id(item.children) not in seen:
            seen.add(id(item.children))
            _walk(item.children, frozenset(), seen)
