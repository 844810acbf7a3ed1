"""A SOAP declaration against its WSDL: operations, arguments and reply paths that do not exist are problems found
before any call. Works on shapes; loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.codecs.check import as_sent
from adapters.codecs.decoder import decoded_paths
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.places import parse_place
from adapters.declaration import Connector, Declaration, Write
from adapters.loader import Document
from adapters.mapping.errors import ExpressionError
from adapters.problems import Problem, one_of
from adapters.soap.wsdl import Shape, SoapService
from adapters.validate_connectors import map_of
from adapters.wanted import reply_paths, root_paths
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import parse_url
from schema.canonical import VERBS

__all__ = ["check_soap"]

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
                yield document.problem(
                    (*place, "operation"),
                    "UNKNOWN_OPERATION",
                    f"the WSDL has no operation {connector.operation!r}{_said(service)}",
                    allowed=one_of(connector.operation, service.operations),
                )
            continue
        if operation.request is not None:
            try:
                body = as_sent("body", connector.body, connector.encode)
            except CodecDeclared:
                continue  # told already
            yield from _argument_problems(document, body, operation.request, (*place, "body"))
        if operation.reply is not None:
            yield from _reply_problems(document, declaration, verb, connector, operation.reply)
    for name, write in declaration.connectors.writes().items():
        yield from _write_problems(document, ("connectors", name), write, service)


def _write_problems(
    document: Document, place: Place, write: Write, service: SoapService
) -> Iterator[Problem]:
    operation = service.operations.get(write.operation or "")
    if operation is None:
        if write.operation is not None:
            yield document.problem(
                (*place, "operation"),
                "UNKNOWN_OPERATION",
                f"the WSDL has no operation {write.operation!r}{_said(service)}",
                allowed=one_of(write.operation, service.operations),
            )
        return
    try:
        body, decoded = as_sent("body", write.body, write.encode), decoded_paths(write.decode)
    except CodecDeclared:
        return  # told already
    if operation.request is not None:
        yield from _argument_problems(document, body, operation.request, (*place, "body"))
    if operation.reply is None:
        return
    rules = (("answer", write.answer), ("failure", write.failure))
    texts = [
        ((name, key), text)
        for name, rule in rules
        for key, text in rule.model_dump(by_alias=True).items()
        if isinstance(text, str)
    ]
    for inner, text in texts:
        for steps in root_paths(text):
            if not _is_decoded(steps, decoded, inner):
                problem = _path_problem(document, (*place, *inner), steps, operation.reply)
                if problem is not None:
                    yield problem


def _login_problems(document: Document, declaration: Declaration, service: SoapService) -> Iterator[Problem]:
    auth = declaration.source.auth
    session = auth.session if auth is not None else None
    for name, call in (("login", session.login), ("logout", session.logout)) if session is not None else ():
        if call is None or call.operation is None:
            continue
        place: Place = ("source", "soap", "auth", "session", name)
        operation = service.operations.get(call.operation)
        if operation is None:
            yield document.problem(
                (*place, "operation"),
                "UNKNOWN_OPERATION",
                f"the WSDL has no operation {call.operation!r}{_said(service)}",
                allowed=one_of(call.operation, service.operations),
            )
        elif operation.request is not None:
            try:
                body = as_sent("body", call.body, call.encode)
            except CodecDeclared:
                continue  # told already
            yield from _argument_problems(document, body, operation.request, (*place, "body"))


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


def _argument_problems(document: Document, body: Any, shape: Shape, place: Place) -> Iterator[Problem]:
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        if isinstance(body, list):
            for index, one in enumerate(body):
                yield from _argument_problems(document, one, shape, (*place, index))
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
            yield from _argument_problems(document, value, child, (*place, name))
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
    always = (
        *("$args.number", "$args.since", "$page."),
        *("$args.reference", "$args.itemCode", "$args.reason", "$args.slot.start", "$args.case.number"),
        *("$args.applicant.idNumber", "$args.applicant.idType", "$args.applicant.kind"),
    )
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
    paths += [(("decode",), parse_place(one.at).steps) for one in connector.decode]
    seen: set[tuple[tuple[str, ...], tuple[str | int, ...]]] = set()
    own_map = connector.map is not None
    for inner, steps in paths:
        if (inner, steps) in seen:
            continue
        seen.add((inner, steps))
        if _is_decoded(steps, decoded, inner):
            continue  # the WSDL knows only the text that is decoded
        holder = verb if own_map or inner[0] != "map" else "case"
        problem = _path_problem(document, ("connectors", holder, *inner), steps, reply)
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
