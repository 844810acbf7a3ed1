"""Applications of directives on one element, from all subgraphs, made one list for the supergraph.

tag and own repeatable ones: all that differ. authenticated: once. requiresScopes and policy: the demands of all.
cost: the greatest weight. listSize: the greatest size, all arguments and fields, one slicing argument only if all
want it. cacheTag: for its subgraph only. Own ones that cannot repeat: the most frequent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from schema.compose.access import ACCESS_DIRECTIVES, access_rule
from schema.compose.applied import AppliedDirective
from schema.compose.merge.report import Report, most_common

__all__ = ["DirectiveMerger"]

Applications = Mapping[str, Sequence[AppliedDirective]]
"""By subgraph."""


@dataclass(frozen=True, slots=True)
class DirectiveMerger:
    """`own`: directives that subgraphs compose (@composeDirective), with whether they repeat."""

    own: Mapping[str, bool]
    report: Report

    def merge(self, place: tuple[str, str | None], found: Applications) -> tuple[AppliedDirective, ...]:
        """What the supergraph says of an element."""
        if not any(found.values()):
            return ()
        merged: list[AppliedDirective] = list(dict.fromkeys(_named(found, "tag")))
        merged += self._access(place, found)
        merged += self._once(place, found, "cost", _merge_cost)
        merged += self._once(place, found, "listSize", _merge_list_size)
        merged += _per_subgraph(found, "cacheTag")
        for name, repeats in self.own.items():
            applied = _named(found, name)
            if repeats:
                merged += dict.fromkeys(applied)
            elif applied:
                merged.append(self._most_frequent(place, name, applied))
        return tuple(merged)

    def _access(self, place: tuple[str, str | None], found: Applications) -> tuple[AppliedDirective, ...]:
        for name in ACCESS_DIRECTIVES:
            self._say_merged(place, name, _named(found, name))
        return access_rule(item for items in found.values() for item in items).directives()

    def _once(
        self,
        place: tuple[str, str | None],
        found: Applications,
        name: str,
        merge: Callable[[list[AppliedDirective]], AppliedDirective],
    ) -> list[AppliedDirective]:
        applied = _named(found, name)
        self._say_merged(place, name, applied)
        if not applied:
            return []
        return [merge(applied) if len(set(applied)) > 1 else applied[0]]

    def _say_merged(self, place: tuple[str, str | None], name: str, applied: list[AppliedDirective]) -> None:
        if len(set(applied)) > 1:
            message = f"@{name} on {_text(place)} differs between subgraphs; the arguments are merged"
            code = "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"
            self.report.hint(code, message, type_name=place[0], field_name=place[1])

    def _most_frequent(
        self, place: tuple[str, str | None], name: str, applied: list[AppliedDirective]
    ) -> AppliedDirective:
        if len(set(applied)) > 1:
            message = f"@{name} on {_text(place)} differs between subgraphs; the most frequent is kept. Use one in all"
            code = "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"
            self.report.hint(code, message, type_name=place[0], field_name=place[1])
        kept = most_common(applied)
        assert kept is not None  # noqa: S101 - there is one
        return kept


def _text(place: tuple[str, str | None]) -> str:
    return ".".join(part for part in place if part)


def _named(found: Applications, name: str) -> list[AppliedDirective]:
    return [item for items in found.values() for item in items if item.name == name]


def _per_subgraph(found: Applications, name: str) -> list[AppliedDirective]:
    holders: dict[AppliedDirective, list[str]] = {}
    for subgraph, items in found.items():
        for item in dict.fromkeys(items):
            if item.name == name:
                holders.setdefault(item, []).append(subgraph)
    return [AppliedDirective(item.name, item.arguments, tuple(names)) for item, names in holders.items()]


def _merge_cost(applied: list[AppliedDirective]) -> AppliedDirective:
    return AppliedDirective("cost", (("weight", str(max(item.value("weight") for item in applied))),))


def _merge_list_size(applied: list[AppliedDirective]) -> AppliedDirective:
    def union(name: str) -> list[str] | None:
        lists = [item.value(name) for item in applied if item.value(name) is not None]
        return list(dict.fromkeys(one for items in lists for one in items)) if lists else None

    sizes = [item.value("assumedSize") for item in applied if item.value("assumedSize") is not None]
    strict = [item.value("requireOneSlicingArgument") is not False for item in applied]
    said = any(name == "requireOneSlicingArgument" for item in applied for name, _ in item.arguments)
    values: Iterable[tuple[str, object]] = (
        ("assumedSize", max(sizes) if sizes else None),
        ("slicingArguments", union("slicingArguments")),
        ("sizedFields", union("sizedFields")),
        ("requireOneSlicingArgument", all(strict) if said else None),
    )
    return AppliedDirective(
        "listSize",
        tuple((name, json.dumps(value, ensure_ascii=False)) for name, value in values if value is not None),
    )
