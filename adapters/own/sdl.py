"""The SDL of a declaration, and what it becomes as a subgraph. Pure.

What every department would have to repeat is added: the `@link` of Federation, keys of the house's entities, its
scalars, `PageInfo`, and who may see a field that says nothing of it. Additions never move a line, so that a
composition error points at the line that a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TokenKind,
    Visitor,
    parse,
    visit,
)

from adapters.connector import connector_schema
from adapters.own.entities import ENTITIES, PAGE_INFO, SCALARS

__all__ = ["OWN_DIRECTIVES", "PERSONAL", "OwnSdl", "SdlSyntax", "read_sdl"]

PERSONAL = ("NAME", "ID_NUMBER", "PHONE", "ADDRESS", "NOT_PERSONAL")
OWN_DIRECTIVES = frozenset({"personal", "public"})
"""Directives that mean something here and do not leave the subgraph."""

_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@requires", "@provides", '
    '"@external", "@shareable", "@tag", "@inaccessible", "@override", "@interfaceObject", "@authenticated", '
    '"@requiresScopes", "@policy"]) '
)
_ACCESS = frozenset({"authenticated", "requiresScopes", "policy", "public"})
_STAFF = '[["cases:read"]]'
_OF_A_CASE = '[["cases:read"], ["cases:department"], ["cases:region"], ["cases:own"]]'
_BUILT_IN = frozenset({"Int", "Float", "String", "Boolean", "ID"})

_Object = ObjectTypeDefinitionNode | ObjectTypeExtensionNode


class SdlSyntax(Exception):
    """The text is no SDL. line, column: from 1. completed: the whole, where only the types do not fit together: the
    composer knows their places."""

    def __init__(self, message: str, line: int, column: int, completed: str = "") -> None:
        self.message, self.line, self.column, self.completed = message, line, column, completed
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class OwnSdl:
    """document: as written, with places; completed: what is composed; schema: of that, with the federation machinery.

    personal: (type, field) -> kind, one of PERSONAL.
    """

    document: DocumentNode
    completed: str
    schema: GraphQLSchema
    personal: Mapping[tuple[str, str], str]


def read_sdl(text: str) -> OwnSdl:
    """Raises SdlSyntax. What the types mean is not looked at: the composer and `check.py` do."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        line, column = next(((one.line, one.column) for one in error.locations or ()), (1, 1))
        raise SdlSyntax(error.message.removeprefix("Syntax Error: "), line, column) from None
    completed = _edited(text, [*_additions(document), *_removals(document, text)])
    completed = ("" if _has_link(document) else _LINK) + completed + _appendix(document)
    try:
        schema = connector_schema(completed)
    except (TypeError, ValueError, KeyError) as error:
        raise SdlSyntax(str(error), 1, 1, completed) from None
    return OwnSdl(document, completed, schema, dict(_personal(document)))


def objects_of(document: DocumentNode) -> Iterator[_Object]:
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            yield node


def directive(node: Any, name: str) -> Any:
    """The first directive of that name on a node, or None."""
    return next((one for one in node.directives or () if one.name.value == name), None)


@dataclass(frozen=True, slots=True)
class _Edit:
    """Text put at an offset, in place of what stands up to `end`."""

    start: int
    end: int
    text: str


def _edited(text: str, edits: list[_Edit]) -> str:
    for edit in sorted(edits, key=lambda one: (one.start, one.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _additions(document: DocumentNode) -> Iterator[_Edit]:
    has_key = {node.name.value for node in objects_of(document) if directive(node, "key") is not None}
    has_field = {
        (node.name.value, one.name.value) for node in objects_of(document) for one in node.fields or ()
    }
    for node in objects_of(document):
        name = node.name.value
        brace = _brace(node)
        if name in ENTITIES and brace is not None:
            key, key_type = ENTITIES[name]
            if name not in has_key:
                has_key.add(name)
                yield _Edit(brace, brace, f'@key(fields: "{key}") ')
            if (name, key) not in has_field:
                has_field.add((name, key))
                yield _Edit(brace + 1, brace + 1, f" {key}: {key_type}!")
        if name == "Query" or name in ENTITIES:
            for one in node.fields or ():
                if not _says_who(one) and one.name.value != ENTITIES.get(name, ("",))[0]:
                    scopes = _OF_A_CASE if name == "Case" else _STAFF
                    yield _Edit(_end(one), _end(one), f" @requiresScopes(scopes: {scopes})")


def _says_who(node: FieldDefinitionNode) -> bool:
    return any(one.name.value in _ACCESS | {"external"} for one in node.directives or ())


def _removals(document: DocumentNode, text: str) -> Iterator[_Edit]:
    """Our own directives as blanks of the same length, lines kept."""
    for node in objects_of(document):
        for one in node.fields or ():
            for applied in one.directives or ():
                if applied.name.value in OWN_DIRECTIVES and applied.loc is not None:
                    start, end = applied.loc.start, applied.loc.end
                    blank = "".join("\n" if sign == "\n" else " " for sign in text[start:end])
                    yield _Edit(start, end, blank)


def _brace(node: _Object) -> int | None:
    """Offset of the { that opens the fields; directives before it may hold objects of their own."""
    if node.loc is None or not node.fields:
        return None
    token, depth = node.loc.start_token, 0
    while token is not None and token.start < node.loc.end:
        if token.kind is TokenKind.PAREN_L:
            depth += 1
        elif token.kind is TokenKind.PAREN_R:
            depth -= 1
        elif token.kind is TokenKind.BRACE_L and depth == 0:
            return token.start
        token = token.next  # type: ignore[assignment]  # None at the end
    return None


def _end(node: FieldDefinitionNode) -> int:
    return node.loc.end if node.loc is not None else 0


def _has_link(document: DocumentNode) -> bool:
    return any(
        directive(node, "link") is not None
        for node in document.definitions
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)
    )


def _appendix(document: DocumentNode) -> str:
    """What is named but not defined, and is the house's."""
    named: dict[str, None] = {}

    class Names(Visitor):
        def enter_named_type(self, node: NamedTypeNode, *_: Any) -> None:
            named.setdefault(node.name.value)

    visit(document, Names())
    defined = {node.name.value for node in document.definitions if hasattr(node, "name") and node.name}
    for entity in [one for one in (*named, *defined) if one in ENTITIES]:
        named.setdefault(ENTITIES[entity][1])
    parts: list[str] = []
    for name in sorted(named.keys() - defined - _BUILT_IN):
        if name in SCALARS:
            parts.append(f"scalar {name}")
        elif name == "PageInfo":
            parts.append(PAGE_INFO)
        elif name in ENTITIES:
            key, key_type = ENTITIES[name]
            parts.append(f'type {name} @key(fields: "{key}", resolvable: false) {{ {key}: {key_type}! }}')
    return "\n" + "\n".join(parts) + "\n" if parts else ""


def _personal(document: DocumentNode) -> Iterator[tuple[tuple[str, str], str]]:
    for node in objects_of(document):
        for one in node.fields or ():
            applied = directive(one, "personal")
            if applied is None:
                continue
            kind = next((item.value for item in applied.arguments or () if item.name.value == "kind"), None)
            yield (node.name.value, one.name.value), str(getattr(kind, "value", ""))
