"""Changes that a system tells of itself, read by its declaration's map as those that it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.declaration import Declaration
from adapters.harvest_model import Push
from adapters.mapping.compiler import RecordReader, compile_expression, compile_map
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import Reader
from adapters.mapping.scope import Scope, Trouble
from adapters.records import read_records
from adapters.validate_connectors import context_of, map_of
from schema.canonical import CHANGE

__all__ = ["PushReader", "build_push", "push_map"]

_NEEDED = tuple(one.name for one in CHANGE.fields if one.required)


def push_map(declaration: Declaration) -> Mapping[str, Any] | None:
    """The map of pushed changes: its own, else that of `changes`."""
    own: Mapping[str, Any] | None = declaration.push.map if declaration.push is not None else None
    if own is None and declaration.connectors.changes is not None:
        own = map_of(declaration, "changes")
    return own


@dataclass(frozen=True, slots=True)
class PushReader:
    """What of a system's events is a change of a case."""

    declared: Push
    records: Reader | None
    record: RecordReader

    def takes(self, source: str) -> bool:
        """Whether events of this `source` are the system's."""
        return not self.declared.sources or source in self.declared.sources

    def read(self, event: Mapping[str, Any], data: Any) -> tuple[list[dict[str, Any]], list[Trouble]]:
        """Changes in canonical form, and what could not be read. event: `$reply`; data: what the map begins at."""
        scope = Scope({"reply": event})
        try:
            found = self.records(data, scope) if self.records is not None else data
        except ValueProblem as problem:
            return [], [Trouble("records", str(problem), data)]
        nodes = found if isinstance(found, list) else [] if found in (None, "", {}) else [found]
        if not nodes:
            return [], [Trouble("data", "the event holds no change where `push.records` looks", data)]
        records, troubles = read_records(CHANGE.name, _NEEDED, nodes, self.record, scope)
        return records, [one for one in troubles if one.left_out is not None]


def build_push(declaration: Declaration) -> PushReader | None:
    """Raises ExpressionError only for a declaration that did not pass its check."""
    push, record_map = declaration.push, push_map(declaration)
    if push is None or record_map is None:
        return None
    context = context_of(declaration)
    records = compile_expression(push.records, context) if push.records else None
    return PushReader(push, records, compile_map(record_map, CHANGE, context))
