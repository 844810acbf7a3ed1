"""A SOAP declaration against its WSDL: operations, arguments and reply paths that do not exist are problems found
before any call. Works on shapes; loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.auth.model import SoapHeader
from adapters.codecs.check import as_sent
from adapters.codecs.decoder import decoded_paths
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.model import Decode
from adapters.codecs.places import parse_place
from adapters.declaration import Connector, Declaration, Request, Write
from adapters.loader import Document
from adapters.mapping.errors import ExpressionError
from adapters.problems import Problem, one_of
from adapters.soap.call import described_header
from adapters.soap.shape import Shape
from adapters.soap.wsdl import SoapOperation, SoapService
from adapters.validate_connectors import map_of
from adapters.wanted import paths_from_roots, reply_paths, root_paths
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import parse_url
from schema.canonical import VERBS

__all__ = [
    "argument_problems",
    "check_soap",
    "header_problems",
    "path_problems",
    "soap_remarks",
    "unknown_operation",
]

Place = tuple[str | int, ...]
_OF_XSI = ("@type", "@nil")
"""Attributes that may stand on any element."""


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
            yield from argument_problems(
                document, body, operation.request, (*place, "body"), nulls=operation.notes.encoded
            )
        yield from header_problems(document, declaration, connector, operation, place)
        answering = operation
        if connector.ticket is not None:  # what is read is the reply of the poll
            polled = service.operations.get(connector.ticket.poll.operation or "")
            if polled is None:
                yield unknown_operation(
                    document, (*place, "ticket", "poll"), connector.ticket.poll.operation or "", service
                )
                continue
            answering = polled
        if answering.reply is not None:
            yield from _reply_problems(document, declaration, verb, connector, answering)
    for name, write in declaration.connectors.writes().items():
        yield from _write_problems(document, declaration, ("connectors", name), write, service)


def _write_problems(
    document: Document, declaration: Declaration, place: Place, write: Write, service: SoapService
) -> Iterator[Problem]:
    operation = service.operations.get(write.operation or "")
    if operation is None:
        if write.operation is not None:
            yield unknown_operation(document, place, write.operation, service)
        return
    try:
        body, decoded = as_sent("body", write.body, write.encode), decoded_paths(write.decode)
    except CodecDeclared:
        return  # told already
    if operation.request is not None:
        yield from argument_problems(
            document, body, operation.request, (*place, "body"), nulls=operation.notes.encoded
        )
    yield from header_problems(document, declaration, write, operation, place)
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


def soap_remarks(document: Document, declaration: Declaration, service: SoapService) -> Iterator[Problem]:
    """What the gateway does because the WSDL asks for it: nothing is wrong, but who reads the file should know."""
    soap = declaration.source.soap
    if soap is None:
        return
    place: Place = ("source", "soap", "wsdl")
    for named, taken in service.respelt:
        yield document.problem(
            place,
            "WSDL_RESPELT",
            f"it imports {named}, and beside it stands {taken}: that was taken",
            allowed="rename one of the two: not every reader takes it",
        )
    if service.addressing and soap.addressing is None:
        yield document.problem(
            place,
            "WSDL_ADDRESSING",
            f"the WSDL requires WS-Addressing {service.addressing}: every call carries it",
            allowed="`addressing: none` in source.soap leaves it out",
        )
    if service.mtom and soap.attachments is None:
        yield document.problem(
            place,
            "WSDL_MTOM",
            "the WSDL requires MTOM: every call is sent so",
            allowed="`attachments: inline` in source.soap leaves it out",
        )


def header_problems(
    document: Document, declaration: Declaration, connector: Request, operation: SoapOperation, place: Place
) -> Iterator[Problem]:
    """Of the header elements of one connector or write, which is at `place`, and of those of its source."""
    soap = declaration.source.soap
    for above, headers in (
        (place, connector.soap_header),
        (("source", "soap"), soap.soap_header if soap is not None else ()),
    ):
        for index, header in enumerate(headers):
            here = (*above, "soapHeader", index, "element")
            yield from _header_problems(document, header, operation, here)


def _header_problems(
    document: Document, header: SoapHeader, operation: SoapOperation, place: Place
) -> Iterator[Problem]:
    """Of an element that the WSDL describes; of others nothing is known."""
    described = described_header(header, operation)
    if described is None:
        if header.namespace is None and operation.headers:
            name = next(iter(header.element))
            yield document.problem(
                (*place, name),
                "UNKNOWN_ELEMENT",
                f"the WSDL has no header element {name!r} for {operation.name}",
                allowed=f"{one_of(name, operation.headers)}; or give its namespace",
                key=True,
            )
        return
    ((name, content),) = header.element.items()
    if isinstance(content, Mapping):
        own = ("@mustUnderstand", "@actor", "@role", "@relay")
        content = {key: value for key, value in content.items() if key not in own}
    yield from argument_problems(document, content, described.shape, (*place, name))


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
    if not service.address:
        yield document.problem(
            ("source", "soap", "wsdl"),
            "NO_ADDRESS",
            f"the WSDL has no address for {service.port}",
            allowed="set `address` in source.soap to where calls shall go",
        )
        return
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


def argument_problems(
    document: Document, body: Any, shape: Shape, place: Place, *, nulls: bool = False
) -> Iterator[Problem]:
    """nulls: whether what is not given is written as null (encoded), so that nothing can be missing."""
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        if isinstance(body, list):
            for index, one in enumerate(body):
                yield from argument_problems(document, one, shape, (*place, index), nulls=nulls)
        return
    children = shape.children()
    for name, value in body.items():
        child = children.get(name) or children.get(f"@{name}")
        if child is None and name in ("@type", "@xmlns"):
            continue
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
        if _is_needed(child, nulls) and isinstance(value, str) and _may_be_null(value):
            yield document.problem(
                (*place, name),
                "NULLABLE_ARGUMENT",
                f"{shape.name} needs element {name!r}, but {value!r} may be null: the system would be refused",
                allowed='give it a value for that case: | default("")',
            )
        if isinstance(value, Mapping | list):
            yield from argument_problems(document, value, child, (*place, name), nulls=nulls)
    for name, child in children.items():
        given = name in body or name.removeprefix("@") in body
        if not given and _is_needed(child, nulls) and name != "#text":
            yield document.problem(
                place,
                "MISSING_ELEMENT",
                f"{shape.name} needs element {name!r} (type {child.type_name})",
                key=True,
            )


def _is_needed(child: Shape, nulls: bool) -> bool:
    return not (child.optional or child.nillable or nulls)


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
    document: Document, declaration: Declaration, verb: str, connector: Connector, operation: SoapOperation
) -> Iterator[Problem]:
    reply = operation.reply
    assert reply is not None  # noqa: S101 - the caller looked
    try:
        paths = list(reply_paths(connector, map_of(declaration, verb), VERBS[verb]))
        decoded = decoded_paths(connector.decode)
    except (ExpressionError, CodecDeclared):
        return
    holder = verb if connector.map is not None else "case"
    yield from path_problems(
        document, connector.decode, paths, decoded, reply, ("connectors", verb), ("connectors", holder)
    )
    yield from _root_problems(document, declaration, verb, connector, operation)


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


def _root_problems(
    document: Document, declaration: Declaration, verb: str, connector: Connector, operation: SoapOperation
) -> Iterator[Problem]:
    """`$soapHeader` and `$fault.detail`, where the WSDL says what stands in them."""
    soap = declaration.source.soap
    signed = soap is not None and soap.security is not None and soap.security.verify is not None
    for inner, path in paths_from_roots(connector, map_of(declaration, verb), ("soapHeader", "fault")):
        holder = verb if connector.map is not None or inner[0] != "map" else "case"
        place: Place = ("connectors", holder, *inner)
        names = [step for step in path.steps if isinstance(step, str)]
        if path.root == "soapHeader" and signed:
            yield document.problem(
                place,
                "UNSIGNED_HEADER",
                "replies of this source are verified, and of their header nothing is known to be signed",
                allowed="read it from the body",
            )
        elif path.root == "soapHeader" and names and names[0] in operation.reply_headers:
            shape = operation.reply_headers[names[0]].shape
            problem = _path_problem(document, place, tuple(names[1:]), shape, what="reply header's")
            if problem is not None:
                yield problem
        elif path.root == "fault" and names[:1] == ["detail"] and names[1:2] and names[1] in operation.faults:
            # what a WSDL does not declare may stand in a detail all the same
            problem = _path_problem(
                document, place, tuple(names[2:]), operation.faults[names[1]], what="fault's"
            )
            if problem is not None:
                yield problem


def _is_decoded(steps: tuple[str | int, ...], decoded: list[tuple[str, ...]], inner: tuple[str, ...]) -> bool:
    """Whether a path leads into what a codec makes; of a codec's own place only what lies above it."""
    names = tuple(step for step in steps if isinstance(step, str))
    own = inner[0] == "decode"
    return any(names[: len(one)] == one and not (own and len(names) == len(one)) for one in decoded)


def _path_problem(
    document: Document, place: Place, steps: tuple[str | int, ...], reply: Shape, *, what: str = "reply's"
) -> Problem | None:
    shape, walked = reply, reply.name
    for step in steps:
        if isinstance(step, int):
            continue
        if shape.open or step in _OF_XSI:
            return None
        children = shape.children()
        if step not in children:
            wrong = f"{walked} has no {step!r}"
            if not children:
                wrong = f"{walked} is a simple value ({shape.type_name}); nothing is below it"
            return document.problem(
                place, "UNKNOWN_ELEMENT", f"the {what} {wrong}", allowed=one_of(step, children)
            )
        shape = children[step]
        walked = f"{walked}.{step}"
    return None
