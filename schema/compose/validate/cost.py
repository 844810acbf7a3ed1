"""@cost and @listSize used where they mean something. Specification: https://specs.apollo.dev/cost/v0.1"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import ListTypeNode, NonNullTypeNode, TypeNode

from schema.compose.applied import AppliedDirective
from schema.compose.errors import CompositionError
from schema.compose.subgraph import SubgraphField, SubgraphModel, SubgraphType
from schema.compose.supergraph import Kind
from schema.compose.type_text import named_type, type_text

__all__ = ["check_cost"]


def check_cost(model: SubgraphModel) -> Iterator[CompositionError]:
    """COST_APPLIED_TO_INTERFACE_FIELD and LIST_SIZE_* errors."""
    for definition in model.types.values():
        for item in definition.fields.values():
            for directive in item.directives:
                if directive.name == "cost" and definition.kind is Kind.INTERFACE:
                    sentence = "is a field of an interface; put @cost on the implementations"
                    yield _error("COST_APPLIED_TO_INTERFACE_FIELD", sentence, model, definition, item)
                elif directive.name == "listSize":
                    for code, sentence in _list_size(model, item, directive):
                        yield _error(code, sentence, model, definition, item)


def _list_size(
    model: SubgraphModel, item: SubgraphField, directive: AppliedDirective
) -> Iterator[tuple[str, str]]:
    sized = directive.value("sizedFields")
    if not _is_list(item.type) and not sized:
        yield (
            "LIST_SIZE_APPLIED_TO_NON_LIST",
            f"has @listSize but is {type_text(item.type)}, which is no list",
        )
    assumed = directive.value("assumedSize")
    if isinstance(assumed, int) and assumed < 0:
        yield "LIST_SIZE_INVALID_ASSUMED_SIZE", f"has @listSize(assumedSize: {assumed}); a size is 0 or more"
    for name in _names(directive.value("slicingArguments")):
        argument = item.arguments.get(name)
        if argument is None:
            sentence = f'has @listSize(slicingArguments: ["{name}"]) but no such argument'
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", sentence
        elif type_text(argument.type).rstrip("!") != "Int":
            sentence = (
                f"has the slicing argument {name} of the type {type_text(argument.type)}; it must be Int"
            )
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", sentence
    target = model.types.get(named_type(item.type))
    for name in _names(sized):
        found = target.fields.get(name) if target is not None else None
        if found is None or not _is_list(found.type):
            what = "is no list" if found is not None else "does not exist"
            sentence = f"has @listSize(sizedFields:) with {named_type(item.type)}.{name}, which {what}"
            yield "LIST_SIZE_INVALID_SIZED_FIELD", sentence


def _names(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _is_list(node: TypeNode) -> bool:
    return isinstance(node.type if isinstance(node, NonNullTypeNode) else node, ListTypeNode)


def _error(
    code: str, sentence: str, model: SubgraphModel, definition: SubgraphType, item: SubgraphField
) -> CompositionError:
    message = f"[{model.name}] {definition.name}.{item.name} {sentence}"
    return CompositionError(code, message, model.name, definition.name, item.name, item.line)
