"""Arguments of one field: those that every subgraph has, as narrow as the narrowest; contextual ones are not asked for."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import NonNullTypeNode

from schema.compose.merge.directives import DirectiveMerger
from schema.compose.merge.report import Report, Sources
from schema.compose.subgraph import SubgraphArgument, SubgraphField
from schema.compose.supergraph import ArgumentDefinition
from schema.compose.type_text import merge_input, type_text

__all__ = ["ArgumentMerger", "merge_default"]

Holders = Mapping[str, SubgraphField]


class ArgumentMerger:
    """Appends what it finds to the report."""

    def __init__(self, sources: Sources, directives: DirectiveMerger, report: Report) -> None:
        self.sources = sources
        self.directives = directives
        self.report = report

    def merge(self, type_name: str, name: str, resolving: Holders) -> tuple[ArgumentDefinition, ...]:
        """Arguments of a field from the subgraphs that resolve it."""
        merged = []
        for argument in dict.fromkeys(key for item in resolving.values() for key in item.arguments):
            found = {
                key: item.arguments[argument] for key, item in resolving.items() if argument in item.arguments
            }
            if any(item.from_context is not None for item in found.values()):
                self._check_contextual(type_name, name, argument, found)
                continue
            missing = [subgraph for subgraph in resolving if subgraph not in found]
            if missing:
                self._check_left_out(type_name, name, argument, found, missing)
                continue
            merged.append(self._merge_argument(type_name, name, found))
        return tuple(merged)

    def check_external(
        self, type_name: str, item: SubgraphField, subgraph: str, merged: tuple[ArgumentDefinition, ...]
    ) -> None:
        """An @external field has the arguments of the field that it mentions."""
        place = f"[{subgraph}] {type_name}.{item.name}"
        for argument in merged:
            own = item.arguments.get(argument.name)
            if own is None:
                code, sentence = "EXTERNAL_ARGUMENT_MISSING", f"has no argument {argument.name}; add it"
            elif type_text(own.type) != argument.type:
                code = "EXTERNAL_ARGUMENT_TYPE_MISMATCH"
                sentence = f"has {own.name}: {type_text(own.type)}, elsewhere it is {argument.type}"
            elif own.default != argument.default:
                code = "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH"
                sentence = f"has the default {own.default} for {own.name}, elsewhere it is {argument.default}"
            else:
                continue
            self._error(
                code, f"{place} is @external and {sentence}", subgraph, type_name, item.name, item.line
            )

    def _check_contextual(
        self, type_name: str, name: str, argument: str, found: Mapping[str, SubgraphArgument]
    ) -> None:
        code = "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS"
        for subgraph, item in found.items():
            if item.from_context is not None:
                continue
            place = f"{type_name}.{name}({argument}:)"
            if isinstance(item.type, NonNullTypeNode) and item.default is None:
                message = (
                    f"{place} is filled from a context elsewhere, but required in {subgraph}; make it nullable, give it "
                    "a default, or fill it from a context there too"
                )
                self._error(code, message, subgraph, type_name, name, item.line)
            else:
                message = f"{place} is filled from a context elsewhere; in {subgraph} it is never given"
                self.report.hint(
                    code, message, subgraph=subgraph, type_name=type_name, field_name=f"{name}({argument}:)"
                )

    def _check_left_out(
        self,
        type_name: str,
        name: str,
        argument: str,
        found: Mapping[str, SubgraphArgument],
        missing: list[str],
    ) -> None:
        place = f"{type_name}.{name}({argument}:)"
        required = [
            key for key, item in found.items() if isinstance(item.type, NonNullTypeNode) and not item.default
        ]
        if required:
            message = (
                f"{place} is required in {required[0]} and missing in {', '.join(missing)}; add it there"
            )
            line = self.sources.parts[type_name][missing[0]].fields[name].line
            code = "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH"
            self._error(code, message, missing[0], type_name, name, line)
        else:
            message = f"{place} is left out of the API: it is missing in {', '.join(missing)}"
            self.report.hint(
                "INCONSISTENT_ARGUMENT_PRESENCE",
                message,
                subgraph=missing[0],
                type_name=type_name,
                field_name=f"{name}({argument}:)",
            )

    def _merge_argument(
        self, type_name: str, name: str, found: Mapping[str, SubgraphArgument]
    ) -> ArgumentDefinition:
        items = iter(found.items())
        first = next(items)[1]
        node = first.type
        place = f"{type_name}.{name}({first.name}:)"
        for subgraph, item in items:
            both = merge_input(node, item.type)
            if both is None:
                message = f"{place} is {type_text(item.type)} in {subgraph} and {type_text(node)} elsewhere; use one type"
                code = "FIELD_ARGUMENT_TYPE_MISMATCH"
                self._error(code, message, subgraph, type_name, name, item.line)
            node = both or node
        inner = (type_name, f"{name}({first.name}:)")
        if len({type_text(item.type) for item in found.values()}) > 1:
            message = f"{place} is nullable in some subgraphs only; the API demands it"
            code = "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE"
            self.report.hint(code, message, type_name=inner[0], field_name=inner[1])
        defaults = {key: (item.default, item.line) for key, item in found.items()}
        return ArgumentDefinition(
            first.name,
            type_text(node),
            merge_default(
                "FIELD_ARGUMENT_DEFAULT_MISMATCH",
                (type_name, name, f"{name}({first.name}:)"),
                defaults,
                self.report,
            ),
            self.report.description(inner, {key: item.description for key, item in found.items()}),
            self.report.deprecation(inner, {key: item.deprecated for key, item in found.items()}),
            any(item.inaccessible for item in found.values()),
            self.directives.merge(inner, {key: item.directives for key, item in found.items()}),
        )

    def _error(
        self, code: str, message: str, subgraph: str, type_name: str, name: str, line: int | None
    ) -> None:
        self.report.error(code, message, subgraph=subgraph, type_name=type_name, field_name=name, line=line)


def merge_default(
    code: str,
    place: tuple[str, str, str],
    defaults: Mapping[str, tuple[str | None, int | None]],
    report: Report,
) -> str | None:
    """One default of all subgraphs. place: (type, field, what a hint names); defaults: text and line by subgraph."""
    type_name, name, inner = place
    given = {key: text for key, (text, _) in defaults.items() if text is not None}
    if not given:
        return None
    first = next(iter(given.values()))
    for subgraph, text in given.items():
        if text != first:
            message = (
                f"{type_name}.{inner} has the default {text} in {subgraph} and {first} elsewhere; use one"
            )
            line = defaults[subgraph][1]
            report.error(code, message, subgraph=subgraph, type_name=type_name, field_name=name, line=line)
    if len(given) < len(defaults):
        missing = ", ".join(key for key in defaults if key not in given)
        message = f"{type_name}.{inner} has no default in {missing}, so it has none in the API"
        report.hint("INCONSISTENT_DEFAULT_VALUE_PRESENCE", message, type_name=type_name, field_name=inner)
        return None
    return first
