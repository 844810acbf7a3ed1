"""Enum values: all of them for outputs, the common ones for inputs, the same ones for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schema.compose.merge.directives import DirectiveMerger
from schema.compose.merge.report import Report, Sources
from schema.compose.subgraph import SubgraphType
from schema.compose.supergraph import EnumValueDefinition, Kind
from schema.compose.type_text import named_type

__all__ = ["EnumUse", "enum_uses", "merge_values"]


@dataclass(frozen=True, slots=True)
class EnumUse:
    """Type names that stand as inputs, and as outputs, anywhere."""

    inputs: frozenset[str]
    outputs: frozenset[str]


def enum_uses(sources: Sources) -> EnumUse:
    """Reads it off all fields and arguments."""
    inputs: set[str] = set()
    outputs: set[str] = set()
    for parts in sources.parts.values():
        for part in parts.values():
            for item in part.fields.values():
                (inputs if part.kind is Kind.INPUT else outputs).add(named_type(item.type))
                inputs.update(named_type(argument.type) for argument in item.arguments.values())
    return EnumUse(frozenset(inputs), frozenset(outputs))


def merge_values(
    name: str,
    parts: Mapping[str, SubgraphType],
    use: EnumUse,
    directives: DirectiveMerger,
    report: Report,
) -> dict[str, EnumValueDefinition]:
    """The values of the API's enum."""
    as_input, as_output = name in use.inputs, name in use.outputs
    if not as_input and not as_output:
        message = f"{name} is used nowhere; all its values are kept"
        report.hint("UNUSED_ENUM_TYPE", message, type_name=name)
    merged: dict[str, EnumValueDefinition] = {}
    for value in dict.fromkeys(item for part in parts.values() for item in part.values):
        holders = {subgraph: part.values[value] for subgraph, part in parts.items() if value in part.values}
        inaccessible = any(item.inaccessible for item in holders.values())
        missing = [subgraph for subgraph in parts if subgraph not in holders]
        if (
            missing
            and not inaccessible
            and not _kept(name, value, parts, missing, (as_input, as_output), report)
        ):
            continue
        place = (name, value)
        merged[value] = EnumValueDefinition(
            value,
            frozenset(holders),
            report.description(place, {key: item.description for key, item in holders.items()}),
            report.deprecation(place, {key: item.deprecated for key, item in holders.items()}),
            inaccessible,
            directives.merge(place, {key: item.directives for key, item in holders.items()}),
        )
    if not merged:
        subgraph = next(iter(parts))
        message = f"no value of {name} is in all subgraphs ({', '.join(parts)}); give them a common value"
        line = parts[subgraph].line
        report.error("EMPTY_MERGED_ENUM_TYPE", message, subgraph=subgraph, type_name=name, line=line)
    return merged


def _kept(
    name: str,
    value: str,
    parts: Mapping[str, SubgraphType],
    missing: list[str],
    used: tuple[bool, bool],
    report: Report,
) -> bool:
    as_input, as_output = used
    listed = ", ".join(missing)
    if as_input and as_output:
        message = (
            f"{name}.{value} is missing in {listed}; {name} is used as input and output, so every subgraph must have "
            "the value, or one must mark it @inaccessible"
        )
        report.error(
            "ENUM_VALUE_MISMATCH",
            message,
            subgraph=missing[0],
            type_name=name,
            field_name=value,
            line=parts[missing[0]].line,
        )
        return True
    if as_input:
        message = f"{name}.{value} is left out of the API: it is missing in {listed}, and {name} is an input"
        report.hint("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", message, type_name=name, field_name=value)
        return False
    if as_output:
        message = f"{name}.{value} is in the API, although it is missing in {listed}"
        report.hint("INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", message, type_name=name, field_name=value)
    return True
