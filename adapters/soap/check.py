"""A SOAP declaration against its WSDL: operations, arguments and reply paths that do not exist are problems found
before any call. Works on shapes; loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.codecs.check import as_sent
from adapters.codecs.decoder import decoded_paths
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.model import Decode
from adapters.codecs.places import parse_place
from adapters.declaration import Connector, Declaration
from adapters.loader import Document
from adapters.mapping.errors import ExpressionError
from adapters.problems import Problem, one_of
from adapters.soap.wsdl import Shape, SoapService
from adapters.validate_connectors import map_of
from adapters.wanted import reply_paths
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import parse_url
from schema.canonical import VERBS

__all__ = ["argument_problems", "check_soap", "path_problems", "unknown_operation"]

Place = tuple[str | int, ...]


def check_soap(document: Document, declaration: Declaration, service: SoapService) -> Iterator[Problem]:
    """Expressions that do not hold are told elsewhere and passed over here."""
    soap = declaration.source.soap
    assert soap is not None  # noqa: S101 - the caller looked
    if soap.address is None:
        yield from _address_problems(document, soap.wsdl, service)
    yield from _login_problems(document, declaration, service)
    for verb, connector in declaration.connectors.declared().items():
        place: Place = ("connectors", verb)
        operation = service.operations.get(connector.operation or "")
        if operation is None:
            if connector.operation is not None:
                yield unknown_operation(document, place, connector.operation, service)
            continue
        if operation.request is not None:
            try:
                body = as_sent("body", connector.body, connector.encode)
            except CodecDeclared:
                continue  # told already
            yield from argument_problems(document, body, operation.request, (*place, "body"))
        if operation.reply is not None:
            yield from _reply_problems(document, declaration, verb, connector, operation.reply)


def _login_problems(document: Document, declaration: Declaration, service: SoapService) -> Iterator[Problem]:
    auth = declaration.source.auth
    session = auth.session if auth is not None else None
    for name, call in (("login", session.login), ("logout", session.logout)) if session is not None else ():
        if call is None or call.operation is None:
            continue
        place: Place = ("source", "soap", "auth", "session", name)
        operation = service.operations.get(call.operation)
        if operation is None:
            yield unknown_operation(document, place, call.operation, service)
        elif operation.request is not None:
            try:
                body = as_sent("body", call.body, call.encode)
            except CodecDeclared:
                continue  # told already
            yield from argument_problems(document, body, operation.request, (*place, "body"))


def unknown_operation(document: Document, place: Place, name: str, service: SoapService) -> Problem:
    return document.problem(
        (*place, "operation"),
        "UNKNOWN_OPERATION",
        f"the WSDL has no operation {name!r}{_said(service)}",
        allowed=one_of(name, service.operations),
    )


def _said(service: SoapService) -> str:
    """What was passed over while the WSDL was read: an operation may be missing for a message that is."""
    return f" (reading it: {'; '.join(service.warnings)})" if service.warnings else ""


def _address_problems(document: Document, wsdl: str, service: SoapService) -> Iterator[Problem]:
    """Calls go where the WSDL says only if that is the host that published it."""
    try:
        target = parse_url(service.address)
        published = parse_url(wsdl).origin if wsdl.startswith(("http://", "https://")) else None
    except UrlRefused as error:
        yield document.problem(
            ("source", "soap", "wsdl"), "BAD_ADDRESS", f"the WSDL's address: {error.reason}"
        )
        return
    if published is not None and published != target.origin:
        yield document.problem(
            ("source", "soap", "wsdl"),
            "FOREIGN_ADDRESS",
            f"the WSDL sends calls to another host, {target.origin.text}",
            allowed="set `address` in source.soap to where calls shall go",
        )


def argument_problems(document: Document, body: Any, shape: Shape, place: Place) -> Iterator[Problem]:
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        if isinstance(body, list):
            for index, one in enumerate(body):
                yield from argument_problems(document, one, shape, (*place, index))
        return
    children = shape.children()
    for name, value in body.items():
        child = children.get(name) or children.get(f"@{name}")
        if child is None:
            if not shape.open:
                yield document.problem(
                    (*place, name),
                    "UNKNOWN_ELEMENT",
                    f"{shape.name} takes no element {name!r}",
                    allowed=one_of(name, children),
                    key=True,
                )
            continue
        if not child.optional and isinstance(value, str) and _may_be_null(value):
            yield document.problem(
                (*place, name),
                "NULLABLE_ARGUMENT",
                f"{shape.name} needs element {name!r}, but {value!r} may be null: the system would be refused",
                allowed='give it a value for that case: | default("")',
            )
        if isinstance(value, Mapping | list):
            yield from argument_problems(document, value, child, (*place, name))
    for name, child in children.items():
        if name not in body and not child.optional and not name.startswith("@"):
            yield document.problem(
                place,
                "MISSING_ELEMENT",
                f"{shape.name} needs element {name!r} (type {child.type_name})",
                key=True,
            )


def _may_be_null(text: str) -> bool:
    """Filters that a caller may leave out; the number of a case and the start of changes are always there."""
    always = ("$args.number", "$args.since", "$page.")
    return (
        text.startswith("$args.")
        and not text.startswith(always)
        and "default(" not in text
        and "??" not in text
    )


def _reply_problems(
    document: Document, declaration: Declaration, verb: str, connector: Connector, reply: Shape
) -> Iterator[Problem]:
    try:
        paths = list(reply_paths(connector, map_of(declaration, verb), VERBS[verb]))
        decoded = decoded_paths(connector.decode)
    except (ExpressionError, CodecDeclared):
        return
    holder = verb if connector.map is not None else "case"
    yield from path_problems(
        document, connector.decode, paths, decoded, reply, ("connectors", verb), ("connectors", holder)
    )


def path_problems(
    document: Document,
    decode: Sequence[Decode],
    paths: Sequence[tuple[tuple[str, ...], tuple[str | int, ...]]],
    decoded: list[tuple[str, ...]],
    reply: Shape,
    place: Place,
    map_place: Place | None = None,
) -> Iterator[Problem]:
    """paths: of `reply_paths`, places below `place`; map_place: of the connector whose map it is."""
    seen: set[tuple[tuple[str, ...], tuple[str | int, ...]]] = set()
    for inner, steps in [*paths, *((("decode",), parse_place(one.at).steps) for one in decode)]:
        if (inner, steps) in seen:
            continue
        seen.add((inner, steps))
        if _is_decoded(steps, decoded, inner):
            continue  # the WSDL knows only the text that is decoded
        above = map_place if map_place is not None and inner[0] == "map" else place
        problem = _path_problem(document, (*above, *inner), steps, reply)
        if problem is not None:
            yield problem


def _is_decoded(steps: tuple[str | int, ...], decoded: list[tuple[str, ...]], inner: tuple[str, ...]) -> bool:
    """Whether a path leads into what a codec makes; of a codec's own place only what lies above it."""
    names = tuple(step for step in steps if isinstance(step, str))
    own = inner[0] == "decode"
    return any(names[: len(one)] == one and not (own and len(names) == len(one)) for one in decoded)


def _path_problem(
    document: Document, place: Place, steps: tuple[str | int, ...], reply: Shape
) -> Problem | None:
    shape, walked = reply, reply.name
    for step in steps:
        if isinstance(step, int):
            continue
        if shape.open:
            return None
        children = shape.children()
        if step not in children:
            what = f"{walked} has no {step!r}"
            if not children:
                what = f"{walked} is a simple value ({shape.type_name}); nothing is below it"
            return document.problem(
                place, "UNKNOWN_ELEMENT", f"the reply's {what}", allowed=one_of(step, children)
            )
        shape = children[step]
        walked = f"{walked}.{step}"
    return None
