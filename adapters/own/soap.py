"""Own fields of a SOAP system against its WSDL: arguments, reply paths, and what may be absent or repeated there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.codecs.check import as_sent
from adapters.codecs.decoder import decoded_paths
from adapters.codecs.errors import CodecDeclared
from adapters.declaration import Declaration
from adapters.loader import Document
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Path, parse
from adapters.own.check import FIELDS
from adapters.own.compile import own_map, own_record
from adapters.own.model import Answer, read_model
from adapters.own.sdl import SdlSyntax
from adapters.problems import Problem
from adapters.soap.check import argument_problems, header_problems, path_problems, unknown_operation
from adapters.soap.wsdl import Shape, SoapService
from adapters.wanted import reply_paths
from schema.canonical import Record

__all__ = ["own_soap_problems"]

Place = tuple[str | int, ...]
Steps = tuple[str | int, ...]


def own_soap_problems(
    document: Document, declaration: Declaration, service: SoapService
) -> Iterator[Problem]:
    """Expressions that do not hold are told elsewhere and passed over here."""
    if declaration.types is None:
        return
    try:
        model = read_model(declaration)
    except SdlSyntax:
        return
    for coordinate, answer in model.answers.items():
        connector = declaration.types.fields[coordinate]
        place: Place = (*FIELDS, coordinate)
        operation = service.operations.get(connector.operation or "")
        if operation is None:
            if connector.operation is not None:
                yield unknown_operation(document, place, connector.operation, service)
            continue
        try:
            if operation.request is not None:
                body = as_sent("body", connector.body, connector.encode)
                yield from argument_problems(
                    document, body, operation.request, (*place, "body"), nulls=operation.notes.encoded
                )
            yield from header_problems(document, declaration, connector, operation, place)
            if operation.reply is None:
                continue
            record, map_ = own_record(connector, answer), own_map(connector, answer)
            paths = list(reply_paths(connector, map_, record, records=model.context.records))
            decoded = decoded_paths(connector.decode)
        except (ExpressionError, CodecDeclared):
            continue  # told already
        yield from path_problems(document, connector.decode, paths, decoded, operation.reply, place)
        if not decoded:
            yield from _fit_problems(document, answer, record, map_, paths, operation.reply, place)


def _fit_problems(
    document: Document,
    answer: Answer,
    record: Record,
    map_: Mapping[str, Any],
    paths: list[tuple[tuple[str, ...], Steps]],
    reply: Shape,
    place: Place,
) -> Iterator[Problem]:
    """First-level fields that read one element straight: it may be absent where the type says non-null, and repeated
    where it says that there is one."""
    steps_of = {inner[1]: steps for inner, steps in paths if len(inner) == 2 and inner[0] == "map"}
    bases = [steps for inner, steps in paths if inner == ("records",)]
    for field in record.fields:
        text, steps = map_.get(field.name), steps_of.get(field.name)
        if not isinstance(text, str) or steps is None or answer.leaf or not _is_plain(text):
            continue
        start = max((len(base) for base in bases if steps[: len(base)] == base), default=0)
        shapes = _shapes(reply, steps)
        if shapes is None:
            continue
        below = shapes[start:]
        here = (*place, "map", field.name)
        if field.required and any(one.optional for one in below):
            name = next(one.name for one in below if one.optional)
            message = f"{record.name}.{field.name} is never null, but the WSDL lets {name!r} be absent"
            allowed = 'make the field nullable, or give a value for that case: | default("")'
            yield document.problem(here, "NULLABLE_FIELD", message, allowed=allowed)
        single = not field.type.startswith(("many:", "list:"))
        if single and below and below[-1].repeated and not isinstance(steps[-1], int):
            message = f"{record.name}.{field.name} is one value, but the WSDL lets {below[-1].name!r} stand several times"
            allowed = "make the field a list, or take one: [0], | first"
            yield document.problem(here, "WRONG_SHAPE", message, allowed=allowed)


def _is_plain(text: str) -> bool:
    try:
        return isinstance(parse(text), Path)
    except ExpressionError:
        return False


def _shapes(reply: Shape, steps: Steps) -> list[Shape] | None:
    """The shape at each named step; None where the WSDL says nothing of it."""
    found: list[Shape] = []
    shape = reply
    for step in steps:
        if isinstance(step, int):
            continue
        child = None if shape.open else shape.children().get(step)
        if child is None:
            return None
        found.append(child)
        shape = child
    return found
