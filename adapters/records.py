"""Nodes of a reply to canonical records: those that lack what they need are left out, and say so."""

from __future__ import annotations

from typing import Any

from adapters.mapping.compiler import RecordReader
from adapters.mapping.scope import Scope, Trouble

__all__ = ["read_records"]


def read_records(
    name: str, needed: tuple[str, ...], nodes: list[Any], read_record: RecordReader, scope: Scope
) -> tuple[list[dict[str, Any]], list[Trouble]]:
    """Records that have what they need; what is wrong with the others, by position."""
    records: list[dict[str, Any]] = []
    troubles: list[Trouble] = []
    for index, node in enumerate(nodes):
        before = len(scope.troubles)
        one = read_record(node, scope)
        # nearly every record: nothing to tell, nothing missing
        if len(scope.troubles) == before and None not in [one.get(field, "") for field in needed]:
            records.append(one)
            continue
        new = scope.troubles[before:]
        missing = [field for field in needed if field in one and one[field] is None]
        if missing:
            reasons = {trouble.field: trouble.message for trouble in new}
            why = ", ".join(f"{field} ({reasons.get(field, 'missing')})" for field in missing)
            troubles.append(Trouble(f"{name}[{index}]", f"record left out, it lacks {why}", node))
            continue
        label = one.get("localNo") or (index if needed else f"{name}[{index}]")
        troubles.extend(Trouble(f"{label}.{t.field}", t.message) for t in new)
        records.append(one)
    return records, troubles
