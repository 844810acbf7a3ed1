"""What a supergraph's document says of itself: linked specifications, names of the join spec, graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import DocumentNode, EnumTypeDefinitionNode, value_from_ast_untyped

from schema.compose.errors import CompositionError
from schema.compose.federation_spec import FEATURES
from schema.compose.links import APOLLO, LINK, Link, read_links
from schema.compose.output.names import directive_names
from schema.compose.supergraph import Feature, SupergraphSubgraph

__all__ = ["Specification", "read_specification"]

_JOIN = f"{APOLLO}join"
_OWN = (LINK, _JOIN, f"{APOLLO}core")
_VERSIONS = ("0.1", "0.2", "0.3", "0.4", "0.5")


@dataclass(slots=True)
class Specification:
    """`graphs`: value of the graph enum -> subgraph. `names`: names here -> standard names of merged directives."""

    join_version: str = "0.5"
    join: str = "join"
    graphs: dict[str, SupergraphSubgraph] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    problems: list[CompositionError] = field(default_factory=list)

    def is_machinery(self, type_name: str) -> bool:
        """Whether a type belongs to a linked specification."""
        return type_name.startswith(self.prefixes)

    def is_own_directive(self, name: str) -> bool:
        """Whether a directive belongs to the graph, not to a specification that is known here."""
        return not (name in ("link", "core") or name.startswith(self.prefixes) or name in self.names)


def read_specification(document: DocumentNode) -> Specification:
    """Problems: INVALID_FEDERATION_SUPERGRAPH, UNSUPPORTED_LINKED_FEATURE, and those of single links."""
    links, problems = read_links(document)
    found = Specification()
    found.problems = [CompositionError(code, sentence, line=line) for code, sentence, line in problems]
    join = next((link for link in links if link.identity == _JOIN), None)
    if join is None:
        message = (
            "this is no supergraph: its schema does not link the join specification; is it a subgraph's SDL?"
        )
        found.problems.append(CompositionError("INVALID_FEDERATION_SUPERGRAPH", message))
        return found
    found.join, found.join_version = join.prefix, f"{join.version[0]}.{join.version[1]}"
    found.problems += [_unsupported(link) for link in links if not _supported(link)]
    found.features = tuple(_feature(link) for link in links if link.identity not in _OWN)
    names = directive_names(found.features)
    found.names = {here: standard for standard, here in names.items()}
    found.names |= {"inaccessible": "inaccessible"} if "inaccessible" in names else {}
    prefixes = {"link", "core", "join", "federation", join.prefix}
    prefixes |= {link.prefix for link in links if link.identity.startswith(APOLLO)}
    found.prefixes = tuple(f"{name}__" for name in sorted(prefixes))
    _read_graphs(document, found)
    return found


def _feature(link: Link) -> Feature:
    return Feature(link.url, link.purpose, link.alias, link.imports)


def _supported(link: Link) -> bool:
    if link.identity == _JOIN:
        return f"{link.version[0]}.{link.version[1]}" in _VERSIONS
    name = link.identity.removeprefix(APOLLO)
    return (
        link.purpose is None
        or link.identity in _OWN
        or (link.identity.startswith(APOLLO) and name in FEATURES)
    )


def _unsupported(link: Link) -> CompositionError:
    why = f"for {link.purpose}" if link.purpose else "as its join specification"
    message = (
        f"the supergraph links {link.url} {why}, which is unknown here, so it cannot be executed safely; "
        "compose it without that feature"
    )
    return CompositionError("UNSUPPORTED_LINKED_FEATURE", message, line=link.line)


def _read_graphs(document: DocumentNode, found: Specification) -> None:
    enum = f"{found.join}__Graph"
    for definition in document.definitions:
        if not isinstance(definition, EnumTypeDefinitionNode) or definition.name.value != enum:
            continue
        for value in definition.values or ():
            for directive in value.directives or ():
                if directive.name.value == f"{found.join}__graph":
                    arguments = {
                        item.name.value: value_from_ast_untyped(item.value)
                        for item in directive.arguments or ()
                    }
                    name = str(arguments.get("name", value.name.value))
                    found.graphs[value.name.value] = SupergraphSubgraph(name, arguments.get("url") or None)
    if not found.graphs:
        message = f"the supergraph names no subgraphs: the enum {enum} with @{found.join}__graph is missing"
        found.problems.append(CompositionError("INVALID_FEDERATION_SUPERGRAPH", message))
