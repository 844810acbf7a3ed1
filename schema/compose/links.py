"""`@link` (and the older `@core`) on a schema: which specifications it uses, in which version, under which names.

Specification: https://specs.apollo.dev/link/v1.0. Raises nothing: problems come back as (code, sentence, line).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    Node,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    value_from_ast_untyped,
)

__all__ = ["APOLLO", "LINK", "Link", "LinkProblem", "read_links", "schema_directives"]

APOLLO = "https://specs.apollo.dev/"
LINK = f"{APOLLO}link"

LinkProblem = tuple[str, str, int | None]
"""Code, sentence, line."""

_URL = re.compile(r"^(?P<identity>[a-z]+://(?:.*/)?(?P<name>[^/]+))/v(?P<major>[0-9]+)\.(?P<minor>[0-9]+)/?$")
_NAME = re.compile(r"^[A-Za-z](?:_?[A-Za-z0-9])*_?$")


@dataclass(frozen=True, slots=True)
class Link:
    """One link. `imports`: (name in the specification, name here), directives with their "@"."""

    url: str
    identity: str
    name: str
    version: tuple[int, int]
    alias: str | None = None
    purpose: str | None = None
    imports: tuple[tuple[str, str], ...] = ()
    line: int | None = None

    @property
    def prefix(self) -> str:
        """What stands before "__" in the names of what is not imported."""
        return self.alias or self.name

    def local_name(self, directive: str) -> str:
        """Under which name a directive of the specification is used here, without "@"."""
        for source, here in self.imports:
            if source == f"@{directive}":
                return here[1:]
        return self.prefix if directive == self.name else f"{self.prefix}__{directive}"


def read_links(document: DocumentNode) -> tuple[list[Link], list[LinkProblem]]:
    """All links in their order, and what is wrong with them."""
    links: list[Link] = []
    problems: list[LinkProblem] = []
    applications = list(schema_directives(document))
    own_name = _own_name(applications)
    for directive in applications:
        if directive.name.value not in (own_name, "core"):
            continue
        found = _read(directive)
        if isinstance(found, tuple):
            problems.append(found)
            continue
        problems += _import_problems(directive, found)
        problems += [
            _duplicate(found, other)
            for other in links
            if found.identity == other.identity or found.prefix == other.prefix
        ][:1]
        links.append(found)
    return links, problems


def schema_directives(document: DocumentNode) -> Iterator[ConstDirectiveNode]:
    """Directives of the schema's definition and extensions."""
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            yield from definition.directives or ()


def _own_name(applications: list[ConstDirectiveNode]) -> str:
    """The name of @link itself, which may be linked under another."""
    for directive in applications:
        arguments = _arguments(directive)
        if str(arguments.get("url", "")).startswith(f"{LINK}/"):
            return directive.name.value
    return "link"


def _read(directive: ConstDirectiveNode) -> Link | LinkProblem:
    arguments, line = _arguments(directive), _line(directive)
    url = arguments.get("url", arguments.get("feature"))
    if not isinstance(url, str):
        return "INVALID_LINK_DIRECTIVE_USAGE", "@link needs a url", line
    match = _URL.match(url)
    if match is None:
        sentence = (
            f'@link(url: "{url}") must end in a name and a version, as in "https://specs.example/name/v1.0"'
        )
        return "INVALID_LINK_IDENTIFIER", sentence, line
    alias = arguments.get("as")
    if alias is not None and not (isinstance(alias, str) and _NAME.match(alias)):
        return "INVALID_LINK_IDENTIFIER", f'@link(as: "{alias}") is no name that can stand before "__"', line
    return Link(
        url.rstrip("/"),
        match["identity"],
        match["name"],
        (int(match["major"]), int(match["minor"])),
        alias,
        arguments.get("for"),
        tuple(_imports(arguments.get("import"))),
        line,
    )


def _imports(value: Any) -> Iterator[tuple[str, str]]:
    for item in value if isinstance(value, list) else ():
        name, alias = (item.get("name"), item.get("as")) if isinstance(item, dict) else (item, None)
        if isinstance(name, str):
            yield name, alias if isinstance(alias, str) else name


def _import_problems(directive: ConstDirectiveNode, link: Link) -> Iterator[LinkProblem]:
    code, line = "INVALID_LINK_DIRECTIVE_USAGE", link.line
    value = _arguments(directive).get("import")
    if value is not None and not isinstance(value, list):
        yield code, f'@link(url: "{link.url}", import:) must be a list', line
    for item in value if isinstance(value, list) else ():
        name, alias = (item.get("name"), item.get("as")) if isinstance(item, dict) else (item, None)
        if not isinstance(name, str) or not (alias is None or isinstance(alias, str)):
            yield code, f'@link imports are names or {{ name: "@x", as: "@y" }}, found {item!r}', line
        elif alias is not None and alias.startswith("@") is not name.startswith("@"):
            yield code, f'@link imports {name} as {alias}: both or none of them must begin with "@"', line


def _duplicate(link: Link, other: Link) -> LinkProblem:
    if link.identity == other.identity:
        sentence = f"{link.identity} is linked twice; leave one of the links out"
    else:
        sentence = (
            f'{link.identity} and {other.identity} are both linked as "{link.prefix}"; rename one with `as:`'
        )
    return "INVALID_LINK_DIRECTIVE_USAGE", sentence, link.line


def _arguments(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {item.name.value: value_from_ast_untyped(item.value) for item in directive.arguments or ()}


def _line(node: Node) -> int | None:
    return node.loc.start_token.line if node.loc else None
