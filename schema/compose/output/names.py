"""Under which names a supergraph's SDL has the directives of the specifications that it links."""

from __future__ import annotations

from collections.abc import Sequence

from schema.compose.federation_spec import FEATURES
from schema.compose.links import APOLLO
from schema.compose.supergraph import Feature

__all__ = ["directive_names"]


def directive_names(features: Sequence[Feature]) -> dict[str, str]:
    """Standard name -> name in the SDL, for directives of Apollo's specifications."""
    names: dict[str, str] = {}
    for feature in features:
        name = feature.url.removeprefix(APOLLO).split("/")[0]
        if not feature.url.startswith(APOLLO) or name not in FEATURES:
            continue
        prefix = feature.alias or name
        imports = {source[1:]: here[1:] for source, here in feature.imports}
        for directive in FEATURES[name].directives:
            names[directive] = imports.get(
                directive, prefix if directive == name else f"{prefix}__{directive}"
            )
    return names
