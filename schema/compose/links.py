"""`@link` of a subgraph: which federation version it speaks and under which names it imports directives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, SchemaDefinitionNode, SchemaExtensionNode, value_from_ast_untyped

from schema.compose.errors import CompositionError

__all__ = ["DirectiveNames", "read_links"]

FEDERATION_IDENTITY = "https://specs.apollo.dev/federation"
LATEST_MINOR = 14


@dataclass(frozen=True, slots=True)
class DirectiveNames:
    """Names in one SDL -> standard names ("federation__key" or an alias -> "key")."""

    federation_2: bool
    prefix: str = "federation"
    imported: Mapping[str, str] = field(default_factory=dict)

    def standard(self, name: str) -> str:
        """The standard name of a directive; other directives keep theirs."""
        if name in self.imported:
            return self.imported[name]
        return name.removeprefix(f"{self.prefix}__")


def read_links(subgraph: str, document: DocumentNode) -> tuple[DirectiveNames, list[CompositionError]]:
    """Names and problems. No federation link at all means Federation v1."""
    for definition in document.definitions:
        if not isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            continue
        for directive in definition.directives or ():
            if directive.name.value != "link":
                continue
            arguments = {
                item.name.value: value_from_ast_untyped(item.value) for item in directive.arguments or ()
            }
            if str(arguments.get("url", "")).startswith(FEDERATION_IDENTITY + "/"):
                line = directive.loc.start_token.line if directive.loc else None
                return _federation_link(subgraph, arguments, line)
    return DirectiveNames(federation_2=False), []


def _federation_link(
    subgraph: str, arguments: dict[str, Any], line: int | None
) -> tuple[DirectiveNames, list[CompositionError]]:
    problems = []
    version = str(arguments["url"]).rstrip("/").rsplit("/v", 1)[-1]
    major, _, minor = version.partition(".")
    if major != "2" or not minor.isdigit() or int(minor) > LATEST_MINOR:
        message = f"[{subgraph}] federation v{version} is unknown; v2.0 to v2.{LATEST_MINOR} are supported"
        problems.append(CompositionError("UNKNOWN_FEDERATION_LINK_VERSION", message, subgraph, line=line))
    imported: dict[str, str] = {}
    for item in arguments.get("import") or ():
        source, alias = (item.get("name"), item.get("as")) if isinstance(item, dict) else (item, None)
        if not isinstance(source, str):
            message = f"[{subgraph}] @link imports must be names or {{name, as}} objects, found {item!r}"
            problems.append(CompositionError("INVALID_LINK_DIRECTIVE_USAGE", message, subgraph, line=line))
            continue
        imported[(alias or source).removeprefix("@")] = source.removeprefix("@")
    return DirectiveNames(True, arguments.get("as") or "federation", imported), problems
