"""Doubles that are shipped: subgraphs whose data, failures and timing a test decides.

products = ScriptedSubgraph("products", SDL, resolvers={"Query.top": lambda *_: [...]},
                            entities={"Product": lambda representation: ...})
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    build_ast_schema,
    is_abstract_type,
    parse,
)

from adapters.fetch import FetchError, FetchOperation, FetchResult, PreparedFetch, RequestContext
from adapters.local import LocalSubgraph

__all__ = ["RecordedFetch", "ScriptedSubgraph", "federated_schema"]

Resolver = Callable[..., Any]
EntityResolver = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class RecordedFetch:
    """What a subgraph was asked."""

    text: str
    variables: Mapping[str, Any]


@dataclass
class ScriptedSubgraph:
    """A subgraph over dictionaries.

    resolvers: by "Type.field", called as graphql-core does; other fields are read from dictionaries.
    entities: by type name, from a representation to an object or None; each object may carry its `__typename`.
    answers: if given, data or whole FetchResults that are handed out in turn instead of executing anything.
    failure: if given, every fetch fails with it. barrier: awaited before each answer, to prove "at once".
    fetches: what was asked, in order.
    """

    name: str
    sdl: str
    resolvers: Mapping[str, Resolver] = field(default_factory=dict)
    entities: Mapping[str, EntityResolver] = field(default_factory=dict)
    answers: Sequence[FetchResult | dict[str, Any]] | None = None
    failure: FetchError | None = None
    barrier: asyncio.Barrier | None = None
    fetches: list[RecordedFetch] = field(default_factory=list)
    _local: LocalSubgraph = field(init=False, repr=False)

    def __post_init__(self) -> None:
        schema = federated_schema(self.sdl, resolvers=self.resolvers, entities=self.entities)
        self._local = LocalSubgraph(self.name, schema, self.sdl)

    def prepare(self, operation: FetchOperation) -> PreparedFetch:
        """A fetch that records, waits at the barrier, then fails or answers."""
        local = self._local.prepare(operation)

        async def fetch(variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
            self.fetches.append(RecordedFetch(operation.text, copy.deepcopy(dict(variables))))
            if self.barrier is not None:
                await self.barrier.wait()
            if self.failure is not None:
                return FetchResult(None, (self.failure,))
            if self.answers is not None:
                answer = self.answers[min(len(self.fetches), len(self.answers)) - 1]
                return copy.deepcopy(answer if isinstance(answer, FetchResult) else FetchResult(answer))
            return await local(variables, context)

        return fetch


def federated_schema(
    sdl: str,
    *,
    resolvers: Mapping[str, Resolver] | None = None,
    entities: Mapping[str, EntityResolver] | None = None,
) -> GraphQLSchema:
    """An executable schema from federation SDL, with `_entities` where `entities` has resolvers."""
    document = _executable(parse(sdl), sorted(_keyed_objects(parse(sdl))))
    schema = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    for type_ in schema.type_map.values():
        if is_abstract_type(type_):
            type_.resolve_type = _type_name
    for coordinate, resolver in (resolvers or {}).items():
        type_name, _, field_name = coordinate.partition(".")
        target = schema.type_map[type_name]
        assert isinstance(target, GraphQLObjectType)  # noqa: S101 - only objects resolve
        target.fields[field_name].resolve = resolver
    query = schema.query_type
    if query is not None and "_entities" in query.fields:
        query.fields["_entities"].resolve = _entities_resolver(entities or {})
    return schema


def _executable(document: DocumentNode, entity_types: Sequence[str]) -> DocumentNode:
    """Federation SDL as plain SDL: no links, extensions of unknown types as definitions, `_entities` added."""
    defined = {item.name.value for item in document.definitions if isinstance(item, ObjectTypeDefinitionNode)}
    definitions: list[DefinitionNode] = []
    for item in document.definitions:
        if isinstance(item, SchemaDefinitionNode | SchemaExtensionNode | DirectiveDefinitionNode):
            continue
        if isinstance(item, ObjectTypeExtensionNode) and item.name.value not in defined:
            defined.add(item.name.value)
            item = ObjectTypeDefinitionNode(
                name=item.name, interfaces=item.interfaces, directives=item.directives, fields=item.fields
            )
        definitions.append(item)
    extra = "" if "Query" in defined else "type Query { _empty: Boolean }\n"
    if entity_types:
        extra += f"scalar _Any\nunion _Entity = {' | '.join(entity_types)}\n"
        extra += "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"
    added = parse(extra).definitions if extra else ()
    return DocumentNode(definitions=(*definitions, *added))


def _keyed_objects(document: DocumentNode) -> set[str]:
    kinds = ObjectTypeDefinitionNode | ObjectTypeExtensionNode
    return {
        item.name.value
        for item in document.definitions
        if isinstance(item, kinds)
        and any(directive.name.value == "key" for directive in item.directives or ())
    }


def _entities_resolver(entities: Mapping[str, EntityResolver]) -> Resolver:
    def resolve(
        _root: Any, _info: GraphQLResolveInfo[Any], representations: list[dict[str, Any]]
    ) -> list[Any]:
        found = []
        for representation in representations:
            name = representation["__typename"]
            value = entities[name](representation)
            found.append({"__typename": name, **value} if isinstance(value, dict) else value)
        return found

    return resolve


def _type_name(value: Any, _info: GraphQLResolveInfo[Any], _type: Any) -> str | None:
    return value.get("__typename") if isinstance(value, dict) else None
