"""Quanyu as a subgraph of another router: `_service { sdl }` and `_entities` at its own endpoint (Apollo Federation
subgraph specification). An entity is asked for by the root field that gives it, so permissions, plans and caches are
those of any other query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ConstArgumentNode,
    DirectiveDefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    NameNode,
    ObjectTypeDefinitionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    parse,
    print_ast,
    print_schema,
    value_from_ast_untyped,
)
from graphql.language import ConstDirectiveNode

from gateway.request import GraphQLAnswer, GraphQLRequest

__all__ = ["ENTRY_POINTS", "EntityQuestion", "asks_as_router", "entity_question", "federation_sdl"]

ENTRY_POINTS: Mapping[str, tuple[str, str]] = {
    "Case": ("case", "id"),
    "Department": ("department", "code"),
    "ItemImplementation": ("implementation", "taskCode"),
    "LegacySystem": ("legacySystem", "code"),
    "Region": ("region", "code"),
    "ServiceItem": ("serviceItem", "baseCode"),
}
"""Entity -> (root field that gives it, its key, which is the field's argument too)."""

AT_ONCE = 20
MAX_REPRESENTATIONS = 1000
"""Of one `_entities`: routers split their batches below it."""
_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n\n'
_MACHINERY = frozenset({"_entities", "_service", "__typename"})


def federation_sdl(api_schema: GraphQLSchema) -> str:
    """The API schema with `@key` on every entity that has an entry point."""
    document = parse(print_schema(api_schema))
    definitions = [
        _keyed(node)
        if isinstance(node, ObjectTypeDefinitionNode) and _has_entry_point(api_schema, node.name.value)
        else node
        for node in document.definitions
        if not isinstance(node, DirectiveDefinitionNode)  # what routers do with @defer is their own matter
    ]
    return _LINK + print_ast(DocumentNode(definitions=tuple(definitions))) + "\n"


def _has_entry_point(api_schema: GraphQLSchema, type_name: str) -> bool:
    """Not where a finished supergraph of others has a type of that name."""
    root, key = ENTRY_POINTS.get(type_name, ("", ""))
    field = api_schema.query_type.fields.get(root) if api_schema.query_type is not None else None
    return field is not None and key in field.args


def _keyed(node: ObjectTypeDefinitionNode) -> ObjectTypeDefinitionNode:
    key = ENTRY_POINTS[node.name.value][1]
    argument = ConstArgumentNode(name=NameNode(value="fields"), value=StringValueNode(value=key))
    directive = ConstDirectiveNode(name=NameNode(value="key"), arguments=(argument,))
    return ObjectTypeDefinitionNode(
        name=node.name,
        description=node.description,
        interfaces=node.interfaces,
        fields=node.fields,
        directives=(*(node.directives or ()), directive),
    )


def asks_as_router(text: str) -> DocumentNode | None:
    """The document, if it asks for nothing but `_service` and `_entities`; cheap for every other text."""
    if "_entities" not in text and "_service" not in text:
        return None
    try:
        document = parse(text, max_tokens=10_000)
    except Exception:  # whatever is wrong with it, the ordinary path says it better
        return None
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1:
        return None
    fields = operations[0].selection_set.selections
    names = {one.name.value for one in fields if isinstance(one, FieldNode)}
    is_router = (
        bool(names)
        and names <= _MACHINERY
        and len(fields) == len([f for f in fields if isinstance(f, FieldNode)])
    )
    return document if is_router and names != {"__typename"} else None


@dataclass(frozen=True, slots=True)
class EntityQuestion:
    """The answers to one router's question: `respond` runs the queries that it comes down to."""

    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: tuple[FragmentDefinitionNode, ...]
    variables: Mapping[str, Any]
    key_types: Mapping[str, str]
    sdl: str | None
    """None where introspection is switched off: the SDL says all that introspection does."""

    async def respond(self, execute: Callable[[GraphQLRequest], Awaitable[GraphQLAnswer]]) -> GraphQLAnswer:
        data: dict[str, Any] = {}
        errors: list[Mapping[str, Any]] = []
        for field in self.operation.selection_set.selections:
            assert isinstance(field, FieldNode)  # noqa: S101 - `asks_as_router` saw to it
            key = field.alias.value if field.alias else field.name.value
            if field.name.value == "__typename":
                data[key] = "Query"
            elif field.name.value == "_service" and self.sdl is None:
                data[key] = None
                errors.append(_refused("INTROSPECTION_DISABLED", "the SDL is not given out here", [key]))
            elif field.name.value == "_service":
                data[key] = {
                    (one.alias or one.name).value: self.sdl if one.name.value == "sdl" else "_Service"
                    for one in (field.selection_set.selections if field.selection_set else ())
                    if isinstance(one, FieldNode)
                }
            else:
                data[key] = await self._entities(field, key, execute, errors)
        return GraphQLAnswer(data, errors, operation="query")

    async def _entities(
        self,
        field: FieldNode,
        key: str,
        execute: Callable[[GraphQLRequest], Awaitable[GraphQLAnswer]],
        errors: list[Mapping[str, Any]],
    ) -> list[Any]:
        argument = next(
            (one.value for one in field.arguments or () if one.name.value == "representations"), None
        )
        given = value_from_ast_untyped(argument, dict(self.variables)) if argument is not None else None
        representations = given if isinstance(given, list) else []
        if len(representations) > MAX_REPRESENTATIONS:
            message = (
                f"{len(representations)} representations; {MAX_REPRESENTATIONS} are allowed in one _entities"
            )
            errors.append(_refused("LIMIT_EXCEEDED", message, [key]))
            return [None] * len(representations)
        found: list[Any] = [None] * len(representations)
        for start in range(0, len(representations), AT_ONCE):
            chunk = list(enumerate(representations))[start : start + AT_ONCE]
            request = self._query(field, key, chunk, errors)
            if request is None:
                continue
            answer = await execute(request)
            for index, _ in chunk:
                found[index] = (answer.data or {}).get(f"e{index}")
            errors.extend(_moved(error, key) for error in answer.errors)
        return found

    def _query(
        self, field: FieldNode, key: str, chunk: Sequence[tuple[int, Any]], errors: list[Mapping[str, Any]]
    ) -> GraphQLRequest | None:
        """`{ e0: case(id: $k0) { ... } e1: ... }` for what can be asked of these representations."""
        lines: list[str] = []
        heads: list[str] = []
        keys: dict[str, str] = {}
        for index, representation in chunk:
            kind = representation.get("__typename") if isinstance(representation, dict) else None
            entry = ENTRY_POINTS.get(str(kind))
            value = representation.get(entry[1]) if entry else None
            if entry is None or str(kind) not in self.key_types or not isinstance(value, str):
                message = f"representation {index} is of no entity with an entry point, or lacks its key"
                errors.append(_refused("REPRESENTATION_INVALID", message, [key, index]))
                continue
            keys[f"k{index}"] = value
            heads.append(f"$k{index}: {self.key_types[str(kind)]}")
            lines.append(f"  e{index}: {entry[0]}({entry[1]}: $k{index}) {self._selection(field, str(kind))}")
        if not lines:
            return None
        own = [
            print_ast(one)
            for one in self.operation.variable_definitions or ()
            if self._is_used(one.variable.name.value)
        ]
        text = f"query Entities({', '.join([*own, *heads])}) {{\n" + "\n".join(lines) + "\n}\n"
        text += "\n".join(print_ast(one) for one in self.fragments)
        kept = {one.variable.name.value for one in self.operation.variable_definitions or ()}
        variables = {
            name: value for name, value in self.variables.items() if name in kept and self._is_used(name)
        }
        return GraphQLRequest(text, variables | keys, "Entities")

    def _selection(self, field: FieldNode, kind: str) -> str:
        """What is selected of one type: the fragments that are of it."""
        kept = [
            one
            for one in (field.selection_set.selections if field.selection_set else ())
            if isinstance(one, FieldNode)
            or (
                isinstance(one, InlineFragmentNode)
                and (one.type_condition is None or one.type_condition.name.value == kind)
            )
            or (isinstance(one, FragmentSpreadNode) and self._on(one.name.value) == kind)
        ]
        typename = FieldNode(name=NameNode(value="__typename"))
        return print_ast(SelectionSetNode(selections=tuple(kept) or (typename,)))

    def _on(self, fragment: str) -> str | None:
        return next(
            (one.type_condition.name.value for one in self.fragments if one.name.value == fragment), None
        )

    def _is_used(self, name: str) -> bool:
        """Whether a variable stands anywhere but in the representations' own argument."""
        text = print_ast(self.document)
        return text.count(f"${name}") > 2 or f"representations: ${name}" not in text


def entity_question(
    document: DocumentNode, variables: Mapping[str, Any], api_schema: GraphQLSchema | None, sdl: str | None
) -> EntityQuestion:
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    fragments = tuple(one for one in document.definitions if isinstance(one, FragmentDefinitionNode))
    query = api_schema.query_type if api_schema is not None else None
    fields = query.fields if query is not None else {}
    key_types = {
        kind: str(fields[root].args[key].type) for kind, (root, key) in ENTRY_POINTS.items() if root in fields
    }
    return EntityQuestion(document, operation, fragments, variables, key_types, sdl)


def _refused(code: str, message: str, path: list[str | int]) -> Mapping[str, Any]:
    return {"message": message, "path": path, "extensions": {"code": code}}


def _moved(error: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """`["e3", "state"]` -> `["_entities", 3, "state"]`."""
    path = list(error.get("path") or ())
    if path and isinstance(path[0], str) and path[0].startswith("e") and path[0][1:].isdigit():
        return {**error, "path": [key, int(path[0][1:]), *path[1:]]}
    return error
