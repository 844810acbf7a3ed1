"""@override on one field: who takes it from whom, at once or while a label holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schema.compose.merge.report import Report
from schema.compose.subgraph import SubgraphField, SubgraphModel

__all__ = ["Taken", "read_overrides"]


@dataclass(slots=True)
class Taken:
    """`overridden`: subgraphs whose resolver is taken over for good. `labels`: by subgraph, on both sides."""

    overridden: set[str] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def replaced(self) -> set[str]:
        """Subgraphs that need not share the field with its taker."""
        return self.overridden | {item for item in self.labels if item not in self.sources}


def read_overrides(
    place: tuple[str, str],
    holders: Mapping[str, SubgraphField],
    models: Mapping[str, SubgraphModel],
    used: Mapping[str, set[tuple[str, str]]],
    report: Report,
) -> Taken:
    """`used`: by subgraph, the fields that its keys, requires, provides and interfaces mention."""
    taken = Taken()
    for subgraph, item in holders.items():
        source = item.override_from
        if source is None or source == subgraph:
            continue
        if source not in models:
            message = f"{_text(place)} in {subgraph} overrides {source}, which is not a subgraph; take @override away"
            _hint(report, "FROM_SUBGRAPH_DOES_NOT_EXIST", message, place, subgraph)
            continue
        if place[0] in models[source].types:
            taken.sources[subgraph] = source
        if source not in holders or holders[source].external:
            message = f"{_text(place)} in {subgraph} overrides {source}, which does not resolve it; @override can go"
            _hint(report, "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", message, place, subgraph)
        elif _fits(place, subgraph, source, holders[source], report):
            _take(place, subgraph, source, item, taken, used, report)
    return taken


def _fits(
    place: tuple[str, str], subgraph: str, source: str, from_field: SubgraphField, report: Report
) -> bool:
    if from_field.override_from is not None:
        message = (
            f"{_text(place)} in {subgraph} overrides {source}, which overrides {from_field.override_from} itself; "
            f"take @override away in {source}"
        )
        _error(report, "OVERRIDE_SOURCE_HAS_OVERRIDE", message, place, source, from_field.line)
        return False
    clash = "requires" if from_field.requires else "provides" if from_field.provides else None
    if clash is not None:
        message = (
            f"{_text(place)} in {subgraph} overrides {source}, where the field has @{clash}; take @{clash} away there, "
            "or the field"
        )
        code = "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE"
        _error(report, code, message, place, source, from_field.line)
        return False
    return True


def _take(
    place: tuple[str, str],
    subgraph: str,
    source: str,
    item: SubgraphField,
    taken: Taken,
    used: Mapping[str, set[tuple[str, str]]],
    report: Report,
) -> None:
    if item.override_label is not None:
        taken.labels[subgraph] = taken.labels[source] = item.override_label
        message = (
            f'{_text(place)} moves from {source} to {subgraph} while "{item.override_label}" holds; take the field out '
            f"of {source} when it has moved"
        )
        _hint(report, "OVERRIDE_MIGRATION_IN_PROGRESS", message, place, source)
        return
    taken.overridden.add(source)
    rest = (
        " or mark it @external: keys, @requires, @provides or interfaces use it there"
        if place in used[source]
        else ""
    )
    message = f"{_text(place)} is overridden by {subgraph}; take it out of {source}{rest}"
    _hint(report, "OVERRIDDEN_FIELD_CAN_BE_REMOVED", message, place, source)


def _text(place: tuple[str, str]) -> str:
    return ".".join(place)


def _hint(report: Report, code: str, message: str, place: tuple[str, str], subgraph: str) -> None:
    report.hint(code, message, subgraph=subgraph, type_name=place[0], field_name=place[1])


def _error(
    report: Report, code: str, message: str, place: tuple[str, str], subgraph: str, line: int | None
) -> None:
    report.error(code, message, subgraph=subgraph, type_name=place[0], field_name=place[1], line=line)
