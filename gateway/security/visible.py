"""What introspection shows: the schema without the fields that the caller may not use, and what would hang in the air.

Only what is told is smaller. An operation that names a field beyond it is answered as ever: null, and the scope that
it would need.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from graphql import GraphQLSchema, build_schema

from gateway.planner.deferrals import with_defer
from gateway.security.authorise import Permissions
from schema.compose import Supergraph, build_api_schema, contract

__all__ = ["View", "Views"]

MOST_KEPT = 64
"""Sets of scopes, of which there are a handful where roles are."""
_NOTHING = 'type Query { "Nothing here is for this caller 无可用字段." nothing: Boolean }'


@dataclass(frozen=True, slots=True)
class View:
    """key: the caller's scopes as far as the schema speaks of them; the same for callers who see the same."""

    key: frozenset[str]
    schema: GraphQLSchema
    told: GraphQLSchema
    """The same with @defer, as clients are told; routers before us are not."""


@dataclass(slots=True)
class Views:
    """The views of one generation. whole: what the one sees who may use everything."""

    supergraph: Supergraph
    whole: GraphQLSchema
    permissions: Permissions
    _words: frozenset[str] = field(init=False)
    _kept: dict[frozenset[str], View] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._words = frozenset(word for ways in self.permissions.values() for way in ways for word in way)

    def of(self, scopes: frozenset[str]) -> View:
        """scopes: as `granted` gives them."""
        key = scopes & self._words
        found = self._kept.get(key)
        if found is None:
            schema = self._seen(key)
            found = View(key, schema, with_defer(schema))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    def _seen(self, scopes: frozenset[str]) -> GraphQLSchema:
        hidden = {
            coordinate
            for coordinate, ways in self.permissions.items()
            if not any(way <= scopes for way in ways)
        }
        if not hidden:
            return self.whole
        schema, _ = build_api_schema(contract(_without(self.supergraph, hidden)))
        return schema if schema is not None else build_schema(_NOTHING)


def _without(supergraph: Supergraph, hidden: set[tuple[str, str]]) -> Supergraph:
    types = {
        name: replace(
            item,
            fields={
                field_name: replace(one, inaccessible=one.inaccessible or (name, field_name) in hidden)
                for field_name, one in item.fields.items()
            },
        )
        for name, item in supergraph.types.items()
    }
    return replace(supergraph, types=types)
