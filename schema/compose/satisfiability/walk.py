"""Every field of the supergraph must be reachable from each place at which clients can ask for it.

Breadth first from the roots over (object type, standpoints); states that answer alike are walked once, and a state
that can do more than one already walked is not walked again. The first way found to a bad field is a shortest one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from schema.compose.errors import CompositionError
from schema.compose.satisfiability.contexts import ContextGap, context_gaps
from schema.compose.satisfiability.explain import explain
from schema.compose.satisfiability.reach import Closure, Reach, Standpoint, Standpoints
from schema.compose.supergraph import FieldDefinition, Kind, Supergraph

__all__ = ["check_satisfiability"]

_ROOTS = ("Query", "Mutation", "Subscription")
_COMPOSITE = (Kind.OBJECT, Kind.INTERFACE, Kind.UNION)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk stands, and the field that led there from `parent`."""

    type_name: str
    arrivals: Standpoints
    parent: _Place | None = None
    field: FieldDefinition | None = None


def check_satisfiability(supergraph: Supergraph) -> list[CompositionError]:
    """SATISFIABILITY_ERROR, at most one for a field, with a query that shows it."""
    labels = supergraph.override_labels()
    errors: dict[tuple[str, str], CompositionError] = {}
    for holding in [frozenset[str](), labels] if labels else [frozenset[str]()]:
        for error in _Walk(supergraph, Reach(supergraph, holding)).errors():
            errors.setdefault((error.type_name or "", error.field_name or ""), error)
        for gap in context_gaps(supergraph, holding):
            errors.setdefault((gap[0], gap[1]), _context_error(gap))
    return list(errors.values())


class _Walk:
    def __init__(self, supergraph: Supergraph, reach: Reach) -> None:
        self.supergraph = supergraph
        self.reach = reach
        self.waiting: deque[_Place] = deque()
        self.seen: dict[str, list[Standpoints]] = {}
        self.walked: set[tuple[str, frozenset[tuple[str, str]], Standpoints]] = set()

    def errors(self) -> Iterator[CompositionError]:
        for root in _ROOTS:
            if root in self.supergraph.types:
                arrivals = frozenset(Standpoint(name, root) for name in self.supergraph.types[root].joins)
                self.waiting.append(_Place(root, arrivals))
        reported: set[tuple[str, str]] = set()
        while self.waiting:
            place = self.waiting.popleft()
            closure = self.reach.closure(place.type_name, place.arrivals)
            if closure.key() in self.walked:
                continue
            self.walked.add(closure.key())
            for field in self._walk_fields(place, closure):
                if (place.type_name, field.name) not in reported:
                    reported.add((place.type_name, field.name))
                    yield self._error(place, closure, field)

    def _walk_fields(self, place: _Place, closure: Closure) -> Iterator[FieldDefinition]:
        """Goes on behind every field; gives those that nobody answers."""
        for field in self.supergraph.types[place.type_name].fields.values():
            if field.inaccessible:
                continue
            following = self.reach.step(closure, field.name)
            if not following:
                yield field
                continue
            target = self.supergraph.types.get(field.named_type)
            if target is None or target.kind not in _COMPOSITE or target.inaccessible:
                continue
            for name, arrivals in self.reach.objects(following):
                if not self.supergraph.types[name].inaccessible and self._is_new(name, arrivals):
                    self.waiting.append(_Place(name, arrivals, place, field))

    def _is_new(self, type_name: str, arrivals: Standpoints) -> bool:
        known = self.seen.setdefault(type_name, [])
        if any(item <= arrivals for item in known):
            return False
        known.append(arrivals)
        return True

    def _error(self, place: _Place, closure: Closure, field: FieldDefinition) -> CompositionError:
        reasons = explain(self.reach, closure, field)
        query = _query(self.supergraph, place, field)
        message = f"no subgraph can answer {query}: " + "; ".join(reasons)
        return CompositionError("SATISFIABILITY_ERROR", message, None, place.type_name, field.name)


def _context_error(gap: ContextGap) -> CompositionError:
    type_name, field_name, context, root, way = gap
    text = field_name
    for name, inner in reversed(way):
        text = f"{name} {{ ... on {inner} {{ {text} }} }}" if inner else f"{name} {{ {text} }}"
    operation = "" if root == "Query" else f"{root.lower()} "
    subgraph, _, name = context.rpartition("__")
    message = (
        f"no subgraph can answer {operation}{{ {text} }}: the field reads the context {name} of {subgraph}, which no "
        "object above it sets; set it with @context on a type on the way"
    )
    return CompositionError("SATISFIABILITY_ERROR", message, None, type_name, field_name)


def _query(supergraph: Supergraph, place: _Place, field: FieldDefinition) -> str:
    """The operation that leads to the field, on one line."""
    target = supergraph.types.get(field.named_type)
    text = f"{field.name} {{ ... }}" if target is not None and target.kind in _COMPOSITE else field.name
    while place.parent is not None and place.field is not None:
        if place.field.named_type != place.type_name:
            text = f"... on {place.type_name} {{ {text} }}"
        text = f"{place.field.name} {{ {text} }}"
        place = place.parent
    operation = "" if place.type_name == "Query" else f"{place.type_name.lower()} "
    return f"{operation}{{ {text} }}"
