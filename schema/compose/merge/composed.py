"""@composeDirective: own directives that stand in the supergraph. They are linked, and named alike, everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schema.compose.federation_spec import FEATURES
from schema.compose.links import APOLLO, Link
from schema.compose.merge.report import Report
from schema.compose.subgraph import SubgraphDirective, SubgraphModel

__all__ = ["Composed", "linked_name", "merge_composed_directives"]

_GRAPHQL = ("skip", "include", "deprecated", "specifiedBy", "oneOf", "link", "core")
_MERGED_ANYWAY = {name for feature in FEATURES.values() for name in feature.directives}


@dataclass(slots=True)
class Composed:
    """Definitions by name, and for each the link (of the newest version) and its name in the specification."""

    directives: dict[str, SubgraphDirective] = field(default_factory=dict)
    links: dict[str, tuple[Link, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wish:
    subgraph: str
    name: str
    link: Link
    source: str
    definition: SubgraphDirective
    line: int | None


def merge_composed_directives(models: Sequence[SubgraphModel], report: Report) -> Composed:
    """DIRECTIVE_COMPOSITION_ERROR, _INFO and _WARN, DISALLOWED_INACCESSIBLE, and what may be composed."""
    by_name: dict[str, list[_Wish]] = {}
    for model in models:
        for wish in _wishes(model, report):
            by_name.setdefault(wish.name, []).append(wish)
    composed = Composed()
    for name, wishes in by_name.items():
        if _agree(name, wishes, report):
            newest = max(wishes, key=lambda wish: wish.link.version)
            composed.directives[name] = _merge(
                name, [wish.definition for wish in wishes], newest.definition, report
            )
            composed.links[name] = (newest.link, newest.source)
    _check_names(by_name, report)
    _hint_others(models, by_name, report)
    return composed


def linked_name(model: SubgraphModel, name: str) -> tuple[Link, str] | None:
    """The link that a directive of a subgraph comes from, and its name there."""
    for link in model.links:
        for source, here in link.imports:
            if here == f"@{name}":
                return link, source[1:]
        if name == link.prefix:
            return link, link.name
        if name.startswith(f"{link.prefix}__"):
            return link, name.removeprefix(f"{link.prefix}__")
    return None


def _wishes(model: SubgraphModel, report: Report) -> Iterator[_Wish]:
    for written, line in model.composes:
        name = written.removeprefix("@")
        standard = model.names.get(name)
        if standard in _MERGED_ANYWAY:
            message = f'[{model.name}] @composeDirective(name: "{written}") can go: the directive is composed anyway'
            report.hint("DIRECTIVE_COMPOSITION_INFO", message, subgraph=model.name, type_name=f"@{name}")
            continue
        definition, linked = model.directives.get(name), linked_name(model, name)
        problem = None
        if not written.startswith("@"):
            problem = 'must begin with "@"'
        elif standard is not None or name in _GRAPHQL:
            problem = "is GraphQL's or federation's own and cannot be composed"
        elif definition is None:
            problem = "is not defined in this subgraph; add its `directive @...` definition"
        elif linked is None:
            problem = "comes from no @link; link its specification and import it"
        if problem is not None or definition is None or linked is None:
            message = f'[{model.name}] @composeDirective(name: "{written}"): the directive {problem}'
            report.error("DIRECTIVE_COMPOSITION_ERROR", message, subgraph=model.name, line=line)
            continue
        if definition.inaccessible_argument:
            message = f"[{model.name}] @{name} is composed, so its arguments cannot be @inaccessible"
            report.error(
                "DISALLOWED_INACCESSIBLE",
                message,
                subgraph=model.name,
                type_name=f"@{name}",
                line=definition.line,
            )
        yield _Wish(model.name, name, linked[0], linked[1], definition, line)


def _agree(name: str, wishes: Sequence[_Wish], report: Report) -> bool:
    first = wishes[0]
    for wish in wishes[1:]:
        if wish.link.identity != first.link.identity:
            sentence = f"is of {first.link.identity} in {first.subgraph} and of {wish.link.identity} in {wish.subgraph}"
        elif wish.link.version[0] != first.link.version[0]:
            sentence = f"is of v{first.link.version[0]} in {first.subgraph} and of v{wish.link.version[0]} in {wish.subgraph}"
        else:
            continue
        message = f"@{name} {sentence}; link one specification in one major version"
        report.error("DIRECTIVE_COMPOSITION_ERROR", message, subgraph=wish.subgraph, line=wish.line)
        return False
    return True


def _check_names(by_name: Mapping[str, Sequence[_Wish]], report: Report) -> None:
    named: dict[tuple[str, str], _Wish] = {}
    for wishes in by_name.values():
        for wish in wishes:
            other = named.setdefault((wish.link.identity, wish.source), wish)
            if other.name != wish.name:
                message = (
                    f"@{wish.source} of {wish.link.identity} is @{other.name} in {other.subgraph} and @{wish.name} in "
                    f"{wish.subgraph}; import it under one name"
                )
                report.error("DIRECTIVE_COMPOSITION_ERROR", message, subgraph=wish.subgraph, line=wish.line)


def _hint_others(
    models: Sequence[SubgraphModel], by_name: Mapping[str, Sequence[_Wish]], report: Report
) -> None:
    """Subgraphs that link the same specification without composing from it."""
    composing = {(wish.subgraph, wish.link.identity) for wishes in by_name.values() for wish in wishes}
    majors: dict[str, dict[str, int]] = {}
    for model in models:
        for link in model.links:
            if not link.identity.startswith(APOLLO):
                majors.setdefault(link.identity, {})[model.name] = link.version[0]
    for identity, versions in majors.items():
        idle = [subgraph for subgraph in versions if (subgraph, identity) not in composing]
        if len(set(versions.values())) > 1 and idle:
            listed = ", ".join(f"v{version} in {subgraph}" for subgraph, version in versions.items())
            message = f"{identity} is linked in different major versions: {listed}"
            report.hint(
                "DIRECTIVE_COMPOSITION_INFO",
                message,
                subgraph=idle[0],
                type_name=f"@{identity.rsplit('/', 1)[-1]}",
            )
    for wishes in by_name.values():
        for model in models:
            for link in model.links:
                wish = wishes[0]
                if link.identity != wish.link.identity or (model.name, link.identity) in composing:
                    continue
                here = next(
                    (alias[1:] for source, alias in link.imports if source == f"@{wish.source}"), wish.name
                )
                if here != wish.name:
                    message = f"@{wish.name} is composed, but {model.name} has it as @{here}; to compose it there too, use one name"
                    report.hint(
                        "DIRECTIVE_COMPOSITION_WARN", message, subgraph=model.name, type_name=f"@{wish.name}"
                    )


def _merge(
    name: str, found: Sequence[SubgraphDirective], newest: SubgraphDirective, report: Report
) -> SubgraphDirective:
    """The newest definition, in all locations of all of them."""
    if len({item.repeatable for item in found}) > 1:
        message = f"@{name} is repeatable in some subgraphs only; it is in the supergraph"
        report.hint("INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE", message, type_name=f"@{name}")
    if len({frozenset(item.locations) for item in found}) > 1:
        message = f"@{name} has different locations in its subgraphs; it has all of them in the supergraph"
        report.hint("INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS", message, type_name=f"@{name}")
    locations = tuple(dict.fromkeys(location for item in (newest, *found) for location in item.locations))
    repeatable = any(item.repeatable for item in found)
    return SubgraphDirective(name, newest.arguments, locations, repeatable, newest.line)
