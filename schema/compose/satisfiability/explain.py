"""Why a field cannot be had at a place, subgraph by subgraph, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from schema.compose.field_sets import field_set_text
from schema.compose.satisfiability.reach import Closure, Reach
from schema.compose.supergraph import FieldDefinition, FieldJoin

__all__ = ["explain"]


def explain(reach: Reach, closure: Closure, field: FieldDefinition) -> list[str]:
    """Sentences without a full stop."""
    came = sorted({item.subgraph for item in closure.arrivals})
    begin = f"the object comes from {_listed(came)}"
    reasons = [
        sentence
        for view in reach.views(closure.type_name)
        for subgraph, join in _joins(reach, view, field.name)
        for sentence in _reasons(reach, closure, subgraph, view, field.name, join)
    ]
    return [begin, *reasons] if reasons else [begin, f"no subgraph resolves {closure.type_name}.{field.name}"]


def _joins(reach: Reach, view: str, field_name: str) -> Iterator[tuple[str, FieldJoin]]:
    field = reach.types[view].fields.get(field_name)
    yield from field.joins.items() if field is not None else ()


def _reasons(
    reach: Reach, closure: Closure, subgraph: str, view: str, field_name: str, join: FieldJoin
) -> Iterator[str]:
    if join.external:
        yield f"{subgraph} only mentions the field (@external)"
        return
    if not join.resolves(reach.labels):
        yield f"in {subgraph} the field is overridden by another subgraph"
        return
    if (subgraph, view) not in closure.reached:
        yield from _no_way(reach, closure, subgraph, view)
        return
    keys = reach.keys_of(subgraph, view)
    if not keys:
        yield f"{subgraph} has @requires on the field but no resolvable @key on {view} to come back with; add one"
    elif join.requires is not None:
        gone = list(reach.missing(closure, join.requires)) or [f"{view}.{field_name} itself"]
        yield (
            f'{subgraph} has @requires(fields: "{field_set_text(join.requires)}"), of which {_listed(gone)} cannot be '
            "had from there"
        )


def _no_way(reach: Reach, closure: Closure, subgraph: str, view: str) -> Iterator[str]:
    keys = reach.keys_of(subgraph, view)
    if not keys:
        yield f"{subgraph} resolves it, but {view} has no resolvable @key there; add one that the others know"
    for key in keys:
        gone = list(dict.fromkeys(reach.missing(closure, key.selection)))
        yield (
            f'{subgraph} resolves it, but its @key(fields: "{field_set_text(key.selection)}") needs {_listed(gone)}, '
            f"which cannot be had from there; add a common key"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names)
