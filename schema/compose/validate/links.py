"""Directives that stand in the supergraph must have one name in all subgraphs that import them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schema.compose.errors import CompositionError
from schema.compose.federation_spec import FEATURES, FEDERATION
from schema.compose.links import Link
from schema.compose.subgraph import SubgraphModel

__all__ = ["check_import_names", "import_names"]


def import_names(models: Sequence[SubgraphModel]) -> dict[str, str]:
    """Standard name -> name that the first importing subgraph gives it, where that is another."""
    found: dict[str, str] = {}
    for model in models:
        for standard, (here, _) in _imports(model).items():
            found.setdefault(standard, here)
    return {standard: here for standard, here in found.items() if standard != here}


def check_import_names(models: Sequence[SubgraphModel]) -> Iterator[CompositionError]:
    """LINK_IMPORT_NAME_MISMATCH."""
    first: dict[str, tuple[str, str]] = {}
    for model in models:
        for standard, (here, link) in _imports(model).items():
            known, owner = first.setdefault(standard, (here, model.name))
            if known != here:
                message = (
                    f"[{model.name}] imports @{standard} as @{here}, but {owner} has it as @{known}; "
                    "use one name in all subgraphs"
                )
                yield CompositionError(
                    "LINK_IMPORT_NAME_MISMATCH", message, model.name, f"@{standard}", line=link.line
                )


def _imports(model: SubgraphModel) -> dict[str, tuple[str, Link]]:
    """Merged directives by standard name: their name here and the link that says so."""
    merged = {directive for feature in FEATURES.values() for directive in feature.directives}
    return {
        source[1:]: (here[1:], link)
        for link in model.links
        if link.identity == FEDERATION
        for source, here in link.imports
        if source.removeprefix("@") in merged
    }
