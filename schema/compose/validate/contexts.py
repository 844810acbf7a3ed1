"""@context and @fromContext of one subgraph. Specification: https://specs.apollo.dev/context/v0.1"""

from __future__ import annotations

import re
from collections.abc import Iterator

from schema.compose.context_value import read_context_value
from schema.compose.contexts import selection_problems
from schema.compose.errors import CompositionError
from schema.compose.subgraph import SubgraphArgument, SubgraphField, SubgraphModel, SubgraphType
from schema.compose.subgraph.field_sets import interface_fields
from schema.compose.supergraph import Kind

__all__ = ["check_contexts"]

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9]*$")


def check_contexts(model: SubgraphModel) -> Iterator[CompositionError]:
    """CONTEXT_* and NO_CONTEXT_IN_SELECTION errors."""
    setting: dict[str, list[str]] = {}
    for definition in model.types.values():
        for name in definition.contexts:
            setting.setdefault(name, []).append(definition.name)
            if not _NAME.match(name):
                message = (
                    f'[{model.name}] {definition.name} sets the context "{name}"; names begin with a letter and hold '
                    "letters and digits only"
                )
                yield CompositionError(
                    "CONTEXT_NAME_INVALID", message, model.name, definition.name, line=definition.line
                )
    for definition in model.types.values():
        for item in definition.fields.values():
            for argument in item.arguments.values():
                if argument.from_context is not None:
                    for code, sentence in _argument(model, definition, item, argument, setting):
                        yield _error(code, sentence, model, definition, item, argument)


def _argument(
    model: SubgraphModel,
    definition: SubgraphType,
    item: SubgraphField,
    argument: SubgraphArgument,
    setting: dict[str, list[str]],
) -> Iterator[tuple[str, str]]:
    text = argument.from_context or ""
    value = read_context_value(text)
    if value is None:
        yield "NO_CONTEXT_IN_SELECTION", f'reads "{text}" and names no context; write "$name {{ field }}"'
        return
    if value.context not in setting:
        yield (
            "CONTEXT_NOT_SET",
            f'reads the context "{value.context}", which no type of this subgraph sets with @context',
        )
        return
    if definition.kind is not Kind.OBJECT:
        yield (
            "CONTEXT_NOT_SET",
            f"is on the {definition.kind.value} {definition.name}; only objects can read a context",
        )
        return
    if argument.default is not None:
        yield "CONTEXT_NOT_SET", "has a default, which the gateway never lets stand; take it away"
    if (definition.name, item.name) in interface_fields(model):
        interfaces = ", ".join(definition.interfaces)
        yield (
            "CONTEXT_NOT_SET",
            f"is on a field that an interface demands ({interfaces}); a field that reads a context cannot be one",
        )
    for type_name in setting[value.context]:
        for sentence in selection_problems(value, type_name, argument.type, model.types):
            yield "CONTEXT_INVALID_SELECTION", f'reads "{text}" at {type_name}: {sentence}'
    if not any(key.resolvable for key in definition.keys):
        sentence = f"reads a context, so {definition.name} needs a resolvable @key by which it can be asked for again"
        yield "CONTEXT_NO_RESOLVABLE_KEY", sentence


def _error(
    code: str,
    sentence: str,
    model: SubgraphModel,
    definition: SubgraphType,
    item: SubgraphField,
    argument: SubgraphArgument,
) -> CompositionError:
    message = f"[{model.name}] {definition.name}.{item.name}({argument.name}:) {sentence}"
    return CompositionError(code, message, model.name, definition.name, item.name, argument.line)
