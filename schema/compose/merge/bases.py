"""Federation v1: what is extended must be defined somewhere."""

from __future__ import annotations

from schema.compose.merge.report import Report, Sources

__all__ = ["check_bases"]

_ROOTS = ("Query", "Mutation", "Subscription")


def check_bases(sources: Sources, report: Report) -> None:
    """EXTENSION_WITH_NO_BASE. A v2 subgraph's extension is as good as a definition."""
    for name, parts in sources.parts.items():
        if name in _ROOTS or not all(part.extension for part in parts.values()):
            continue
        if any(sources.models[subgraph].federation_2 for subgraph in parts):
            continue
        subgraph, part = next(iter(parts.items()))
        message = f"[{subgraph}] {name} is extended, but no subgraph defines it; define it in one"
        report.error("EXTENSION_WITH_NO_BASE", message, subgraph=subgraph, type_name=name, line=part.line)
