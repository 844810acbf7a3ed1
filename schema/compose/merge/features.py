"""Which specifications a supergraph links: those whose directives stand in it, and those of composed directives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schema.compose.applied import AppliedDirective
from schema.compose.federation_spec import FEATURES
from schema.compose.links import APOLLO
from schema.compose.merge.composed import Composed
from schema.compose.merge.report import Report
from schema.compose.subgraph import SubgraphModel
from schema.compose.supergraph import Feature, TypeDefinition
from schema.compose.validate.links import import_names

__all__ = ["features_of", "federation_minor"]


def federation_minor(models: Sequence[SubgraphModel], report: Report) -> int:
    """The newest federation v2 among the subgraphs, or the newer one that a linked feature came with."""
    linked = max((model.minor or 0 for model in models), default=0)
    minor = linked
    for model in models:
        for link in model.links:
            feature = FEATURES.get(link.identity.removeprefix(APOLLO))
            if feature is not None and feature.since > linked:
                minor = max(minor, feature.since)
                message = (
                    f"[{model.name}] links {link.name}, which came with federation v2.{feature.since}; the supergraph "
                    f"is composed as that, not as v2.{linked}"
                )
                report.hint("IMPLICITLY_UPGRADED_FEDERATION_VERSION", message, subgraph=model.name)
    return minor


def features_of(
    types: Mapping[str, TypeDefinition],
    applied: Sequence[AppliedDirective],
    composed: Composed,
    models: Sequence[SubgraphModel],
) -> tuple[Feature, ...]:
    """In the order of the federation specification, own ones last."""
    used = {item.name for item in applied} | set(_used(types))
    renamed = import_names(models)
    features = []
    for name, spec in FEATURES.items():
        present = [one for one in spec.directives if one in used]
        if present:
            imports = [
                (f"@{one}", f"@{renamed.get(one, one)}") for one in present if one != name or one in renamed
            ]
            url = f"{APOLLO}{name}/v{spec.version}"
            features.append(Feature(url, spec.purpose, None, tuple(imports)))
    for url in dict.fromkeys(link.url for link, _ in composed.links.values()):
        found = [(name, link, source) for name, (link, source) in composed.links.items() if link.url == url]
        imports = [(f"@{source}", f"@{name}") for name, _, source in found]
        features.append(Feature(url, None, found[0][1].alias, tuple(imports)))
    return tuple(features)


def _used(types: Mapping[str, TypeDefinition]) -> Iterator[str]:
    for definition in types.values():
        yield from _names(definition)
        for item in definition.fields.values():
            yield from _names(item)
            for argument in item.arguments:
                yield from _names(argument)
        for value in definition.values.values():
            yield from _names(value)


def _names(item: object) -> Iterator[str]:
    if getattr(item, "inaccessible", False):
        yield "inaccessible"
    for directive in getattr(item, "directives", ()):
        yield directive.name
