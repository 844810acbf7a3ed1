"""What can be wrong in the connectors of one declaration: protocol keys, requests, replies, maps, code tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import graphql
from pydantic.alias_generators import to_snake

from adapters.codecs.check import decode_problems, encode_problems
from adapters.declaration import Connector, Declaration, Request, RestSource
from adapters.files import file_connector
from adapters.loader import Document
from adapters.mapping.dates import parse_offset
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import parse
from adapters.mapping.functions import CompileContext
from adapters.mapping.patterns import compile_pattern
from adapters.mapping.template import compile_url_path
from adapters.problems import Problem, one_of
from adapters.rest.xml_body import unknown_prefixes
from adapters.ticket import poll_connector
from adapters.validate_expressions import (
    ARGS,
    PAGE_NAMES,
    expression_problem,
    map_problems,
    reader_problems,
    root_problems,
    template_problems,
)
from schema.canonical import VERBS

__all__ = [
    "codec_problems",
    "connector_problems",
    "context_of",
    "map_of",
    "protocol_problems",
    "reply_problems",
    "request_problems",
    "secret_names",
    "session_names",
    "soap_header_names",
]

Place = tuple[str | int, ...]
_XML_NAME = re.compile(r"(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*|@xmlns")


def context_of(declaration: Declaration) -> CompileContext:
    return CompileContext(declaration.tables, parse_offset(declaration.system.utc_offset))


def map_of(declaration: Declaration, verb: str) -> Mapping[str, Any]:
    """The map of a verb; `cases` without one uses the map of `case`."""
    connectors = declaration.connectors.declared()
    own = connectors[verb].map
    if own is None and verb == "cases" and "case" in connectors:
        own = connectors["case"].map
    return own or {}


def connector_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    context = context_of(declaration)
    connectors = declaration.connectors.declared()
    if declaration.system.name.strip() == "TODO":
        yield document.problem(("system", "name"), "TODO_LEFT", "a TODO of the draft is still here")
    for table, codes in declaration.tables.items():
        if "TODO" in codes:
            yield document.problem(
                ("tables", table, "TODO"), "TODO_LEFT", "a TODO of the draft is still here", key=True
            )
    if not connectors and declaration.types is None:
        yield document.problem(
            ("connectors",), "NOTHING_TO_ASK", "no connector is declared", allowed=one_of("", VERBS)
        )
    yield from _file_problems(document, declaration, context)
    for verb, connector in connectors.items():
        place: Place = ("connectors", verb)
        yield from protocol_problems(document, declaration, connector, place)
        roots = {"args": ARGS[verb], "page": PAGE_NAMES, **session_names(declaration)}
        yield from request_problems(document, connector, context, place, roots, secret_names(declaration))
        yield from _number_problems(document, connector, place)
        yield from reply_problems(document, connector, context, place)
        yield from codec_problems(document, connector, context, place)
        yield from _ticket_problems(document, declaration, verb, connector, context)
        if connector.map is None:
            if not (verb == "cases" and "case" in connectors):
                yield document.problem(place, "MISSING_KEY", f"'map' is missing in {verb!r}", key=True)
            continue
        yield from map_problems(document, connector.map, VERBS[verb], context, (*place, "map"))


def _file_problems(
    document: Document, declaration: Declaration, context: CompileContext
) -> Iterator[Problem]:
    rest = declaration.source.rest
    for kind, rule in declaration.files.items():
        place: Place = ("files", kind)
        if rest is None:
            yield document.problem(place, "WRONG_PROTOCOL", "'files' need a rest source", key=True)
            continue
        connector = file_connector(rule)
        yield from _rest_problems(document, rest, connector, place)
        roots = {
            "args": frozenset({"number", "file"}),
            "page": PAGE_NAMES,
            **session_names(declaration),
        }
        yield from request_problems(document, connector, context, place, roots)


def protocol_problems(
    document: Document, declaration: Declaration, connector: Request, place: Place
) -> Iterator[Problem]:
    source = declaration.source
    foreign: list[str] = []
    if source.soap is not None:
        if connector.operation is None:
            yield document.problem(
                place, "MISSING_KEY", f"a SOAP connector needs 'operation' in {place[-1]!r}", key=True
            )
        foreign = ["path", "query", "form", "headers", "document", "variables"]
    elif source.graphql is not None:
        if connector.document is None:
            yield document.problem(
                place, "MISSING_KEY", f"a GraphQL connector needs 'document' in {place[-1]!r}", key=True
            )
        else:
            yield from _document_problems(document, connector, place)
        foreign = ["operation", "path", "query", "body", "form", "headers", "soapHeader"]
    else:
        foreign = ["operation", "document", "variables", "soapHeader"]
        yield from _rest_problems(document, source.rest, connector, place)
    for name in foreign:
        if getattr(connector, to_snake(name)):
            kind = next(kind for kind in ("soap", "rest", "graphql") if getattr(source, kind) is not None)
            yield document.problem(
                (*place, name), "WRONG_PROTOCOL", f"{name!r} means nothing to a {kind} source", key=True
            )


def _number_problems(document: Document, connector: Connector, place: Place) -> Iterator[Problem]:
    if connector.numbers is not None:
        try:
            compile_pattern(connector.numbers)
        except ExpressionError as error:
            yield document.problem((*place, "numbers"), "BAD_PATTERN", error.message, allowed=error.allowed)


def _rest_problems(
    document: Document, source: RestSource | None, connector: Request, place: Place
) -> Iterator[Problem]:
    if connector.path and not connector.path.startswith("/"):
        yield document.problem(
            (*place, "path"),
            "BAD_PATH",
            f"{connector.path!r} is put right behind baseUrl",
            allowed="start it with /",
        )
    if source is None or source.format != "xml" or connector.body is None:
        return
    if any(one.at == "body" for one in connector.encode):
        return  # what is sent is what the codecs make of it
    if not (isinstance(connector.body, Mapping) and len(connector.body) == 1):
        yield document.problem(
            (*place, "body"), "XML_BODY", "an XML body is one outer element and what is in it"
        )
        return
    for inner in _bad_xml_names(connector.body):
        message = f"{inner[-1]!r} is no name of an XML element or attribute"
        yield document.problem((*place, "body", *inner), "XML_BODY", message, key=True)
    for inner in unknown_prefixes(connector.body):
        message = f"the prefix of {inner[-1]!r} is declared nowhere around it"
        yield document.problem(
            (*place, "body", *inner), "XML_BODY", message, allowed='such as "@xmlns:p": urn:…', key=True
        )


def _bad_xml_names(tree: Any) -> Iterator[Place]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name != "#text" and not _XML_NAME.fullmatch(str(name).removeprefix("@")):
                yield (name,)
            yield from ((name, *inner) for inner in _bad_xml_names(value))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from ((index, *inner) for inner in _bad_xml_names(value))


def _document_problems(document: Document, connector: Request, place: Place) -> Iterator[Problem]:
    try:
        parsed = graphql.parse(connector.document or "")
    except graphql.GraphQLSyntaxError as error:
        yield document.problem((*place, "document"), "GRAPHQL_SYNTAX", str(error.message))
        return
    operations = [one for one in parsed.definitions if isinstance(one, graphql.OperationDefinitionNode)]
    if len(operations) != 1:
        yield document.problem((*place, "document"), "GRAPHQL_SYNTAX", "the document must hold one operation")
        return
    takes = {one.variable.name.value for one in operations[0].variable_definitions or ()}
    for name in connector.variables:
        if name not in takes:
            yield document.problem(
                (*place, "variables", name),
                "UNKNOWN_VARIABLE",
                f"no variable ${name}",
                allowed=one_of(name, takes),
                key=True,
            )


def request_problems(
    document: Document,
    connector: Connector,
    context: CompileContext,
    place: Place,
    roots: Mapping[str, frozenset[str] | None],
    secrets: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Iterator[Problem]:
    """roots: what a request may name after `$`, each with the names below it; secrets: what SOAP headers may beside."""
    trees = {
        "query": connector.query,
        "headers": connector.headers,
        "body": connector.body,
        "form": connector.form,
        "variables": connector.variables,
    }
    pages = connector.paging.style != "none"
    for name, tree in trees.items():
        yield from template_problems(document, tree, (*place, name), context, roots, pages=pages)
    named = {**roots, **secrets}
    for index, header in enumerate(connector.soap_header):
        here = (*place, "soapHeader", index, "element")
        yield from template_problems(document, header.element, here, context, named, pages=pages)
    try:
        compile_url_path(connector.path, context)
    except ExpressionError as error:
        yield expression_problem(document, (*place, "path"), connector.path, error)
    else:
        for hole in re.findall(r"\{([^{}]*)\}", connector.path):
            yield from root_problems(document, (*place, "path"), parse(hole), roots)


def codec_problems(
    document: Document, connector: Request, context: CompileContext, place: Place
) -> Iterator[Problem]:
    for index, message in decode_problems(connector.decode, context):
        yield document.problem((*place, "decode", index), "BAD_CODEC", message)
    yield from _encode_problems(document, connector, context, place)


def _encode_problems(
    document: Document, connector: Request, context: CompileContext, place: Place
) -> Iterator[Problem]:
    parts = {
        "query": connector.query,
        "headers": connector.headers,
        "body": connector.body,
        "form": connector.form,
        "variables": connector.variables,
    }
    for index, message in encode_problems(connector.encode, parts, context):
        yield document.problem((*place, "encode", index), "BAD_CODEC", message)


def secret_names(declaration: Declaration) -> Mapping[str, frozenset[str]]:
    soap = declaration.source.soap
    return {"secrets": frozenset(soap.secrets)} if soap is not None and soap.secrets else {}


def soap_header_names(declaration: Declaration) -> Mapping[str, frozenset[str]]:
    """What the SOAP headers of a source may say; those of a connector may say $args and $page too."""
    return {**session_names(declaration), **secret_names(declaration)}


def session_names(declaration: Declaration) -> Mapping[str, frozenset[str]]:
    """What requests may say of a session, where the source has one."""
    auth = declaration.source.auth
    return {"session": frozenset(auth.session.take)} if auth is not None and auth.session is not None else {}


def _ticket_problems(
    document: Document, declaration: Declaration, verb: str, connector: Connector, context: CompileContext
) -> Iterator[Problem]:
    """The poll is a request like the connector's own, and sees what was taken for the ticket."""
    ticket, source = connector.ticket, declaration.source
    if ticket is None:
        return
    place: Place = ("connectors", verb, "ticket")
    if source.graphql is not None:
        yield document.problem(
            place, "WRONG_PROTOCOL", "'ticket' means nothing to a graphql source", key=True
        )
        return
    poll, here = poll_connector(connector, ticket), (*place, "poll")
    yield from protocol_problems(document, declaration, poll, here)
    roots = {
        "args": ARGS[verb],
        "page": PAGE_NAMES,
        "ticket": frozenset(ticket.take),
        **session_names(declaration),
    }
    yield from request_problems(document, poll, context, here, roots, secret_names(declaration))
    yield from _encode_problems(document, poll, context, here)
    for index, message in decode_problems(ticket.decode, context):
        yield document.problem((*place, "decode", index), "BAD_CODEC", message)
    for inner, text in ((("take", name), text) for name, text in ticket.take.items()):
        yield from reader_problems(document, text, context, (*place, *inner))
    yield from reader_problems(document, ticket.pending, context, (*place, "pending"))


def reply_problems(
    document: Document, connector: Connector, context: CompileContext, place: Place
) -> Iterator[Problem]:
    failure, paging = connector.failure, connector.paging
    for inner, text in (
        (("records",), connector.records),
        (("failure", "when"), failure.when),
        (("failure", "notFound"), failure.not_found),
        (("failure", "unavailable"), failure.unavailable),
        (("failure", "message"), failure.message),
        (("paging", "total"), paging.total),
        (("paging", "next"), paging.next),
        (("paging", "more"), paging.more),
    ):
        if text is not None:
            yield from reader_problems(document, text, context, (*place, *inner))
