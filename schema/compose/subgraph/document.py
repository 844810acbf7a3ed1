"""A subgraph's SDL made ready: parsed, federation's own definitions taken out, and checked as GraphQL.

What remains is the subgraph's own schema. Problems have lines of the SDL as it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    build_schema,
    extend_schema,
    parse,
    validate_schema,
)
from graphql.language import ast
from graphql.validation.validate import validate_sdl

from schema.compose.errors import CompositionError
from schema.compose.federation_spec import LATEST_MINOR, definitions
from schema.compose.links import Link, read_links, schema_directives
from schema.compose.subgraph.definitions import definition_problems
from schema.compose.subgraph.model import SubgraphSchema
from schema.compose.subgraph.names import DirectiveNames, directive_names
from schema.compose.subgraph.places import coordinate_at, line_of

__all__ = ["Prepared", "prepare"]

_MACHINERY_FIELDS = ("_service", "_entities")
_DEFINITIONS = {
    getattr(ast, name.replace("Definition", "Extension")): getattr(ast, name)
    for name in (
        "ObjectTypeDefinitionNode",
        "InterfaceTypeDefinitionNode",
        "UnionTypeDefinitionNode",
        "EnumTypeDefinitionNode",
        "InputObjectTypeDefinitionNode",
        "ScalarTypeDefinitionNode",
    )
}


@dataclass(slots=True)
class Prepared:
    """`schema` is the subgraph's own schema beside federation's directives; None where it is no valid GraphQL."""

    document: DocumentNode
    links: list[Link]
    names: DirectiveNames
    extended: frozenset[str] = frozenset()
    schema: GraphQLSchema | None = None
    problems: list[CompositionError] = field(default_factory=list)


def prepare(subgraph: SubgraphSchema) -> Prepared | CompositionError:
    """The document and its problems, or the error that it cannot be parsed."""
    try:
        document = parse(subgraph.sdl)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else None
        message = f"[{subgraph.name}] the SDL cannot be parsed: {error.message}"
        return CompositionError("INVALID_GRAPHQL", message, subgraph.name, line=line)
    links, problems = read_links(document)
    names, more = directive_names(links)
    found = Prepared(document, links, names)
    found.problems = [
        CompositionError(code, f"[{subgraph.name}] {sentence}", subgraph.name, line=line)
        for code, sentence, line in [*problems, *more]
    ]
    if found.problems:
        return found
    found.problems += definition_problems(subgraph.name, document, names)
    found.document, found.extended = _own_part(document, names)
    if not found.problems:
        _check(subgraph.name, found)
    return found


def _own_part(document: DocumentNode, names: DirectiveNames) -> tuple[DocumentNode, frozenset[str]]:
    """Without machinery, and with the first extension of what is only extended here as its definition."""
    known = names.as_mapping()
    defined = {item.name.value for item in document.definitions if isinstance(item, TypeDefinitionNode)}
    extended: set[str] = set()
    kept: list[DefinitionNode] = []
    for item in document.definitions:
        if isinstance(item, DirectiveDefinitionNode):
            if item.name.value not in known and item.name.value not in ("link", "core"):
                kept.append(item)
        elif isinstance(item, TypeDefinitionNode | TypeExtensionNode):
            if names.is_machinery(item.name.value):
                continue
            own = _without_machinery_fields(item)
            if own is not None and isinstance(own, TypeExtensionNode) and own.name.value not in defined:
                defined.add(own.name.value)
                extended.add(own.name.value)
                own = _as_definition(own)
            kept += [own] if own is not None else []
        else:
            kept.append(item)
    return DocumentNode(definitions=tuple(kept)), frozenset(extended)


def _without_machinery_fields(item: Any) -> Any:  # definitions and extensions have no common base with fields
    if not isinstance(item, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
        return item
    fields = tuple(one for one in item.fields or () if one.name.value not in _MACHINERY_FIELDS)
    if len(fields) == len(item.fields or ()):
        return item
    return _copy(item, type(item), fields=fields) if fields or item.directives else None


def _as_definition(item: TypeExtensionNode) -> Any:
    return _copy(item, _DEFINITIONS[type(item)])


def _copy(item: Node, kind: type[Node], **changes: Any) -> Any:
    values = {key: getattr(item, key) for key in item.keys if hasattr(item, key)}
    return kind(**{**values, **changes})


def _check(subgraph: str, found: Prepared) -> None:
    base = _base_schema(found.names)
    errors = validate_sdl(found.document, base)
    if not errors:
        try:
            found.schema = extend_schema(base, found.document, assume_valid_sdl=True)
            errors = [
                error
                for error in validate_schema(found.schema)
                if "root type must be provided" not in error.message
            ]
        except (GraphQLError, TypeError) as problem:
            errors = [problem if isinstance(problem, GraphQLError) else GraphQLError(str(problem))]
    errors += [] if errors else list(_bad_values(found))
    for error in errors:
        node = error.nodes[-1] if error.nodes else None
        type_name, field_name = coordinate_at(found.document, node)
        message = f"[{subgraph}] {error.message}"
        found.problems.append(
            CompositionError("INVALID_GRAPHQL", message, subgraph, type_name, field_name, line_of(node))
        )


def _bad_values(found: Prepared) -> Iterator[GraphQLError]:
    """Values of federation's directives that are not of the argument's type."""
    assert found.schema is not None  # noqa: S101 - called after it was built
    known = {item.name: item for item in found.schema.directives if item.name in found.names.as_mapping()}
    for directive in _applications(found.document):
        definition = known.get(directive.name.value)
        for item in directive.arguments or () if definition else ():
            argument = definition.args.get(item.name.value)  # type: ignore[union-attr]  # not None here
            if argument is not None and not _fits(str(argument.type), item.value):
                sentence = f"@{directive.name.value}({item.name.value}:) must be of the type {argument.type}"
                yield GraphQLError(sentence, [item])


def _fits(type_text: str, value: Any) -> bool:
    """Whether a literal has the shape of String, Int, Boolean or lists of anything; other scalars take any."""
    if isinstance(value, ast.NullValueNode):
        return not type_text.endswith("!")
    bare = type_text.rstrip("!")
    if bare.startswith("["):
        items = value.values if isinstance(value, ast.ListValueNode) else [value]
        return all(_fits(bare[1:-1], item) for item in items)
    kinds = {"String": ast.StringValueNode, "Int": ast.IntValueNode, "Boolean": ast.BooleanValueNode}
    return bare not in kinds or isinstance(value, kinds[bare])


def _applications(document: DocumentNode) -> Iterator[ast.ConstDirectiveNode]:
    yield from schema_directives(document)
    for item in document.definitions:
        if not isinstance(item, TypeDefinitionNode | TypeExtensionNode):
            continue
        yield from item.directives or ()
        for child in (*(getattr(item, "fields", None) or ()), *(getattr(item, "values", None) or ())):
            yield from child.directives or ()
            for argument in getattr(child, "arguments", None) or ():
                yield from argument.directives or ()


@lru_cache(maxsize=64)
def _base_schema(names: DirectiveNames) -> GraphQLSchema:
    """Federation's directives under the subgraph's names, for @link of any shape too."""
    minor = LATEST_MINOR if names.minor is None else names.minor
    pairs = [(standard, here) for here, standard in names.standard]
    prefix = names.prefix or "federation__"
    types = [f"scalar {prefix}{name}" for name in ("FieldSet", "Scope", "Policy", "ContextFieldValue")]
    types += ["scalar _Any", "scalar _FieldSet", "scalar FieldSet"]
    types += ["scalar link__Import", "enum link__Purpose { SECURITY EXECUTION }"]
    types.append(
        "directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA"
    )
    return build_schema(
        "\n".join([*types, definitions(pairs, minor, prefix)]), assume_valid=True, assume_valid_sdl=True
    )
