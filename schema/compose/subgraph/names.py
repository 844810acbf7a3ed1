"""Which directives a subgraph may use, and under which names: from its links, or v1's without a federation link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schema.compose.federation_spec import DIRECTIVES, FEATURES, FEDERATION, FEDERATION_1, LATEST_MINOR
from schema.compose.links import APOLLO, LINK, Link, LinkProblem

__all__ = ["DirectiveNames", "directive_names"]

_TYPES = ("FieldSet", "Scope", "Policy", "ContextFieldValue")


@dataclass(frozen=True, slots=True)
class DirectiveNames:
    """Names here -> standard names, ("federation__key" or an alias -> "key"). `minor` is None for Federation v1."""

    minor: int | None
    standard: tuple[tuple[str, str], ...]
    prefix: str = ""

    def as_mapping(self) -> dict[str, str]:
        """The same as a mapping."""
        return dict(self.standard)

    def is_machinery(self, type_name: str) -> bool:
        """Whether a type is federation's own: not part of the subgraph's schema."""
        if type_name in ("_Any", "_Entity", "_Service", "_FieldSet", "FieldSet"):
            return True
        prefixes = ("federation__", "link__", "join__", "core__", *([self.prefix] if self.prefix else []))
        return type_name.startswith(prefixes)


def directive_names(links: Sequence[Link]) -> tuple[DirectiveNames, list[LinkProblem]]:
    """Names and problems: unknown versions, imports that the version does not have."""
    problems = list(_unknown_versions(links))
    federation = next((link for link in links if link.identity == FEDERATION), None)
    names: dict[str, str] = {}
    if federation is None:
        names |= {name: name for name in FEDERATION_1}
        minor = None
    else:
        minor = min(federation.version[1], LATEST_MINOR)
        problems += _unknown_imports(federation, minor)
        for name, spec in DIRECTIVES.items():
            if spec.since <= minor:
                names[f"{federation.prefix}__{name}"] = name
                names[federation.local_name(name)] = name
    for link in links:
        feature = _feature(link)
        for name in FEATURES[feature].directives if feature else ():
            names[link.local_name(name)] = name
    prefix = f"{federation.prefix}__" if federation else ""
    return DirectiveNames(minor, tuple(names.items()), prefix), problems


def _feature(link: Link) -> str | None:
    name = link.identity.removeprefix(APOLLO)
    return name if name in FEATURES and link.identity.startswith(APOLLO) else None


def _unknown_versions(links: Sequence[Link]) -> Iterator[LinkProblem]:
    for link in links:
        version = f"v{link.version[0]}.{link.version[1]}"
        feature = _feature(link)
        if link.identity == FEDERATION and not (link.version[0] == 2 and link.version[1] <= LATEST_MINOR):
            sentence = f"federation {version} is unknown; link v2.0 to v2.{LATEST_MINOR}"
            yield "UNKNOWN_FEDERATION_LINK_VERSION", sentence, link.line
        elif link.identity == LINK and link.version != (1, 0):
            yield "UNKNOWN_LINK_VERSION", f"link {version} is unknown; link v1.0", link.line
        elif feature and f"{link.version[0]}.{link.version[1]}" > FEATURES[feature].version:
            sentence = f"{feature} {version} is unknown; link v{FEATURES[feature].version} or import it from federation"
            yield "UNKNOWN_LINK_VERSION", sentence, link.line
        elif link.identity == f"{APOLLO}connect":
            sentence = "@connect and @source are not supported; declare the system as a connector instead"
            yield "UNSUPPORTED_FEATURE", sentence, link.line


def _unknown_imports(link: Link, minor: int) -> Iterator[LinkProblem]:
    for source, _ in link.imports:
        spec = DIRECTIVES.get(source.removeprefix("@")) if source.startswith("@") else None
        if source in _TYPES or (spec is not None and spec.since <= minor):
            continue
        when = f"it came with v2.{spec.since}" if spec is not None else "no version has it"
        sentence = f"federation v2.{minor} has no {source} to import ({when})"
        yield "INVALID_LINK_DIRECTIVE_USAGE", sentence, link.line
