"""What can be wrong in the source of one declaration: addresses and charsets that could never work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.auth.check import Finding, auth_findings, security_findings
from adapters.codecs.check import sign_problem
from adapters.declaration import Declaration
from adapters.loader import Document
from adapters.mapping.functions import CompileContext
from adapters.problems import Problem
from adapters.reply import python_charset
from adapters.validate_connectors import context_of, soap_header_names
from adapters.validate_expressions import template_problems
from adapters.wire.errors import HeaderRefused, UrlRefused
from adapters.wire.guard import check_header, parse_url

__all__ = ["source_problems"]

Place = tuple[str | int, ...]


def source_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    source = declaration.source
    place: Place = ("source",)
    if source.soap is not None:
        if source.soap.wsdl.startswith(("http:", "https:")):
            yield from _address_problems(document, (*place, "soap", "wsdl"), source.soap.wsdl)
        if source.soap.address is not None:
            yield from _address_problems(document, (*place, "soap", "address"), source.soap.address)
        yield from _charset_problems(document, (*place, "soap", "charset"), source.soap.charset)
        names, context = soap_header_names(declaration), context_of(declaration)
        for index, header in enumerate(source.soap.soap_header):
            here = (*place, "soap", "soapHeader", index, "element")
            yield from template_problems(document, header.element, here, context, names, pages=True)
    if source.rest is not None:
        if source.rest.csv is not None and source.rest.format != "csv":
            yield document.problem(
                (*place, "rest", "csv"),
                "WRONG_PROTOCOL",
                "'csv' says nothing unless `format` is csv",
                key=True,
            )
        yield from _address_problems(document, (*place, "rest", "baseUrl"), source.rest.base_url)
        yield from _charset_problems(document, (*place, "rest", "charset"), source.rest.charset)
        wrong = sign_problem(source.rest.sign, CompileContext()) if source.rest.sign is not None else None
        if wrong is not None:
            yield document.problem((*place, "rest", "sign"), "BAD_CODEC", wrong)
    for kind in ("soap", "rest", "graphql"):
        headers = getattr(getattr(source, kind), "headers", {})
        yield from header_problems(document, (*place, kind, "headers"), headers)
    yield from _auth_problems(document, declaration)
    for verb, connector in declaration.connectors.declared().items():
        yield from header_problems(document, ("connectors", verb, "headers"), connector.headers)
    if source.graphql is not None:
        yield from _address_problems(document, (*place, "graphql", "url"), source.graphql.url)


def header_problems(document: Document, place: Place, headers: Mapping[str, str]) -> Iterator[Problem]:
    """Names and fixed values that the wire would refuse."""
    for name, value in headers.items():
        try:
            check_header(name, "" if value.startswith("$") else value, origin="", method="")
        except HeaderRefused as error:
            yield document.problem((*place, name), "BAD_HEADER", error.reason, key=True)


def _auth_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    protocol, auth = declaration.source.protocol, declaration.source.auth
    place: Place = ("source", protocol, "auth")
    if auth is not None:
        for finding in auth_findings(auth, protocol, context_of(declaration)):
            yield _told(document, place, finding)
        yield from header_problems(document, (*place, "headers"), auth.headers)
        if auth.api_key is not None and auth.api_key.place == "header":
            yield from header_problems(document, (*place, "apiKey"), {auth.api_key.name: ""})
    if auth is not None and auth.oauth2 is not None:
        yield from _address_problems(document, (*place, "oauth2", "tokenUrl"), auth.oauth2.token_url)
    if auth is not None and auth.session is not None:
        session, here = auth.session, (*place, "session")
        headers = dict.fromkeys(session.attach.headers, "")
        yield from header_problems(document, (*here, "attach", "headers"), headers)
        for name, call in (("login", session.login), ("logout", session.logout)):
            if call is not None and call.address is not None:
                yield from _address_problems(document, (*here, name, "address"), call.address)
            if call is not None:
                yield from header_problems(document, (*here, name, "headers"), call.headers)
    soap = declaration.source.soap
    if soap is not None and soap.security is not None:
        for finding in security_findings(soap.security):
            yield _told(document, ("source", "soap", "security"), finding)


def _told(document: Document, place: Place, finding: Finding) -> Problem:
    return document.problem(
        (*place, *finding.place), finding.code, finding.message, allowed=finding.allowed, key=finding.key
    )


def _address_problems(document: Document, place: Place, url: str) -> Iterator[Problem]:
    try:
        parse_url(url)
    except UrlRefused as error:
        yield document.problem(place, "BAD_ADDRESS", error.reason)


def _charset_problems(document: Document, place: Place, charset: str | None) -> Iterator[Problem]:
    if charset is not None and python_charset(charset) is None:
        yield document.problem(
            place, "BAD_CHARSET", f"no charset {charset!r}", allowed="such as utf-8, gb18030, gbk, gb2312"
        )
