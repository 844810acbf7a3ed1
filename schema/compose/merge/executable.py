"""Directives that clients write in operations: those that every subgraph knows, where every subgraph knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schema.compose.merge.composed import Composed
from schema.compose.merge.report import Report
from schema.compose.subgraph import SubgraphDirective, SubgraphModel

__all__ = ["EXECUTABLE", "definition_text", "merge_executable_directives"]

EXECUTABLE = (
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
)


def merge_executable_directives(
    models: Sequence[SubgraphModel], composed: Composed, report: Report
) -> dict[str, str]:
    """Definitions for the supergraph by name: executable ones, and the composed ones."""
    merged = {name: definition_text(item) for name, item in composed.directives.items()}
    for name in dict.fromkeys(name for model in models for name in model.directives):
        found = {
            model.name: model.directives[name]
            for model in models
            if name in model.directives and _executable(model.directives[name])
        }
        if found and name not in merged:
            common = _merge(name, found, models, report)
            if common is not None:
                merged[name] = definition_text(common)
    return merged


def definition_text(item: SubgraphDirective) -> str:
    """SDL of the definition."""
    inner = ", ".join(f"{name}: {text}" for name, text in item.arguments)
    arguments = f"({inner})" if inner else ""
    repeatable = " repeatable" if item.repeatable else ""
    return f"directive @{item.name}{arguments}{repeatable} on {' | '.join(item.locations)}"


def _executable(item: SubgraphDirective) -> tuple[str, ...]:
    return tuple(location for location in item.locations if location in EXECUTABLE)


def _merge(
    name: str, found: Mapping[str, SubgraphDirective], models: Sequence[SubgraphModel], report: Report
) -> SubgraphDirective | None:
    missing = [model.name for model in models if model.name not in found]
    if missing:
        message = f"@{name} is not in the API: it is missing in {', '.join(missing)}"
        report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", message, type_name=f"@{name}")
        return None
    items = list(found.values())
    locations = tuple(one for one in _executable(items[0]) if all(one in _executable(item) for item in items))
    if not locations:
        message = f"@{name} is not in the API: its subgraphs have no location in common"
        report.hint("NO_EXECUTABLE_DIRECTIVE_INTERSECTION", message, type_name=f"@{name}")
        return None
    if len({frozenset(_executable(item)) for item in items}) > 1:
        message = f"@{name} has different locations in its subgraphs; the API has {', '.join(locations)}"
        report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", message, type_name=f"@{name}")
    if len({item.repeatable for item in items}) > 1:
        message = f"@{name} is repeatable in some subgraphs only; in the API it is not"
        report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", message, type_name=f"@{name}")
    arguments = tuple(one for one in items[0].arguments if all(one in item.arguments for item in items))
    return SubgraphDirective(name, arguments, locations, all(item.repeatable for item in items), None)
