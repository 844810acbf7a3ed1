"""HTTP calls of one system, JSON or XML, forms, or a GraphQL document over JSON; replies read into trees, or left as
bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from adapters.codecs.compile import records_of
from adapters.codecs.encoder import Encoders, compile_encoders
from adapters.codecs.model import RecordsStep
from adapters.codecs.request import Draft, RequestSigner, compile_request_sign
from adapters.declaration import Connector, GraphQLSource, RestSource, Write
from adapters.exchange import Exchange, Read
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.functions import CompileContext, as_text
from adapters.mapping.scope import Scope
from adapters.mapping.template import Fill, compile_template, compile_url_path
from adapters.mapping.tree import Wanted, local_name, xml_tree
from adapters.reply import RawReply, charset_of, decode_text, looks_like_html, python_charset
from adapters.rest.csv_reply import CsvExchange
from adapters.rest.xml_body import write_xml
from adapters.traffic.errors import SourceBadData
from adapters.wire.model import HeaderPairs, WireRequest
from adapters.xml_reply import read_xml_reply

__all__ = [
    "JsonExchange",
    "RawExchange",
    "RestCall",
    "XmlExchange",
    "graphql_call",
    "rest_call",
    "rest_exchange",
]

CSV = RecordsStep(header=True, quote='"', ragged="pad")
"""RFC 4180 with its names in the first row."""

WriteBody = Callable[[Any], bytes]
ACCEPT = {
    "json": "application/json",
    "xml": "application/xml, text/xml",
    "csv": "text/csv, text/plain;q=0.9",
    "raw": "*/*",
}
PROBLEM_TYPES = ("application/problem+json", "application/problem+xml")
"""RFC 9457; such a body tells what went wrong, in names of its own."""


@dataclass(frozen=True, slots=True)
class RestCall:
    """One connector's request. `link`, where given in the scope's page, replaces path and query."""

    base_url: str
    method: str
    path: Callable[[Scope], str]
    query: Fill
    headers: Fill
    fixed_headers: HeaderPairs
    body: Fill | None
    write: WriteBody
    idempotent: bool
    signer: RequestSigner | None = None
    charset: str = "utf-8"

    def request(self, scope: Scope) -> WireRequest:
        draft = self._draft(scope)
        if self.signer is not None:
            draft = self.signer.sign(draft, scope, self.write)
        url = f"{draft.url}?{write_pairs(draft.query, self.charset)}" if draft.query else draft.url
        body = self.write(draft.body) if self.body is not None else b""
        headers = (*self.fixed_headers, *draft.headers)
        return WireRequest(self.method, url, headers, body, idempotent=self.idempotent)

    def _draft(self, scope: Scope) -> Draft:
        headers = tuple((name, as_text(value)) for name, value in self.headers(scope).items())
        body = self.body(scope) if self.body is not None else None
        link = (scope.roots.get("page") or {}).get("link")
        if not link:
            query = tuple(_pairs(self.query(scope)))
            return Draft(self.method, self.base_url + self.path(scope), query, headers, body)
        url = self._link_url(str(link))
        if self.signer is None:  # as it came: taken apart it might be written otherwise
            return Draft(self.method, url, (), headers, body)
        url, _, asked = url.partition("?")
        return Draft(
            self.method,
            url,
            tuple(parse_qsl(asked, keep_blank_values=True, encoding=self.charset)),
            headers,
            body,
        )

    def _link_url(self, link: str) -> str:
        """Absolute links stand (the wire lets only the declared origin pass); others start at the origin."""
        if link.startswith(("http://", "https://")):
            return link
        scheme, _, rest = self.base_url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/{link.lstrip('/')}"


def rest_call(source: RestSource, connector: Connector | Write, context: CompileContext) -> RestCall:
    """Raises ExpressionError."""
    charset = (python_charset(source.charset) if source.charset else None) or "utf-8"
    encoders = compile_encoders(connector.encode, context)
    body, write, content_type = _body(source, connector, context, encoders)
    fixed: list[tuple[str | bytes, str | bytes]] = [
        ("Accept", ACCEPT[source.format]),
        *source.headers.items(),
    ]
    if content_type and "content-type" not in {name.lower() for name in connector.headers}:
        fixed.append(("Content-Type", content_type))
    return RestCall(
        source.base_url.rstrip("/"),
        connector.method,
        compile_url_path(connector.path, context, charset=charset),
        encoders.around("query", compile_template(connector.query, context)),
        encoders.around("headers", compile_template(connector.headers, context)),
        tuple(fixed),
        body,
        write,
        connector.safe,
        compile_request_sign(source.sign, context) if source.sign is not None else None,
        charset,
    )


def graphql_call(source: GraphQLSource, connector: Connector | Write, context: CompileContext) -> RestCall:
    """The document is fixed; only variables come from the caller."""
    encoders = compile_encoders(connector.encode, context)
    variables = encoders.around("variables", compile_template(connector.variables, context))
    document = connector.document or ""
    fixed: HeaderPairs = (
        ("Accept", "application/graphql-response+json, application/json"),
        ("Content-Type", "application/json"),
        *source.headers.items(),
    )
    nothing = compile_template({}, context)
    return RestCall(
        source.url,
        "POST",
        compile_url_path("", context),
        nothing,
        nothing,
        fixed,
        lambda scope: {"query": document, "variables": variables(scope)},
        orjson.dumps,
        connector.safe,
    )


def _body(
    source: RestSource, connector: Connector | Write, context: CompileContext, encoders: Encoders
) -> tuple[Fill | None, WriteBody, str | None]:
    charset = python_charset(source.charset) if source.charset else "utf-8"
    if charset is None:
        raise ExpressionError(f"no charset {source.charset!r}")
    label = source.charset or "utf-8"
    if connector.form is not None:
        write_form: WriteBody = lambda tree: write_form_body(tree, charset)  # noqa: E731 - writers side by side
        return (
            encoders.around("form", compile_template(connector.form, context)),
            _as_it_is(charset) if encoders.replaces("form") else write_form,
            f"application/x-www-form-urlencoded; charset={label}",
        )
    if connector.body is None:
        return None, orjson.dumps, None
    fill = encoders.around("body", compile_template(connector.body, context))
    if encoders.replaces("body"):
        return fill, _as_it_is(charset), f"text/plain; charset={label}"
    if source.format == "xml":
        return fill, lambda tree: write_xml(tree, charset, label), f"application/xml; charset={label}"
    return fill, orjson.dumps, "application/json"


def _pairs(tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value, a list's name once for each of its values."""
    return [
        (name, as_text(one))
        for name, value in tree.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def _as_it_is(charset: str) -> WriteBody:
    """For bodies that codecs have made text or bytes already."""

    def write(body: Any) -> bytes:
        try:
            return body if isinstance(body, bytes) else as_text(body).encode(charset)
        except UnicodeEncodeError:
            raise ValueProblem(f"a value has characters that {charset} has not") from None

    return write


def write_pairs(pairs: Sequence[tuple[str, str]], charset: str) -> str:
    """Pairs as a query string or form, in the system's charset. Raises ValueProblem for what it does not have."""
    try:
        return urlencode(pairs, encoding=charset)
    except UnicodeEncodeError:
        raise ValueProblem(f"a value has characters that {charset} has not") from None


def write_form_body(tree: Any, charset: str) -> bytes:
    """Raises ValueProblem for a value that the charset does not have."""
    return write_pairs(_pairs(tree), charset).encode("ascii")


@dataclass(frozen=True, slots=True)
class RawExchange:
    """Replies that only codecs can read: ciphertext, CSV, fixed width. The tree is the body's bytes."""

    system: str

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read:
        del wanted
        if looks_like_html(reply.body):
            raise SourceBadData(
                self.system, f"An HTML page came (HTTP status {reply.status}).", retryable=True
            )
        return Read(reply.body)


@dataclass(frozen=True, slots=True)
class JsonExchange:
    """`graphql`: errors of the reply become its fault, and paths start inside `data`."""

    system: str
    charset: str | None = None
    graphql: bool = False

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read:
        del wanted  # orjson reads all of it faster than Python could skip any
        if looks_like_html(reply.body):
            raise SourceBadData(
                self.system,
                f"An HTML page came instead of JSON (HTTP status {reply.status}).",
                retryable=True,
            )
        charset = charset_of(reply.content_type, self.charset)
        try:
            if charset in (None, "utf-8", "ascii"):
                tree = orjson.loads(reply.body.removeprefix(b"\xef\xbb\xbf"))
            else:
                tree = orjson.loads(decode_text(self.system, reply, self.charset))
        except orjson.JSONDecodeError:
            decode_text(self.system, reply, self.charset)  # if it is the charset, that is what to say
            raise SourceBadData(self.system, f"The reply is not JSON (HTTP status {reply.status}).") from None
        if self.graphql:
            return self._graphql(tree)
        return Read(tree, problem_of(reply, tree))

    def _graphql(self, tree: Any) -> Read:
        if not isinstance(tree, dict) or not ("data" in tree or "errors" in tree):
            raise SourceBadData(
                self.system, "The reply is JSON but no GraphQL answer: neither data nor errors."
            )
        errors = tree.get("errors")
        fault = None
        if isinstance(errors, list) and errors:
            first = errors[0] if isinstance(errors[0], dict) else {}
            extensions = first.get("extensions")
            code = extensions.get("code") if isinstance(extensions, dict) else None
            fault = {"code": code, "message": first.get("message"), "detail": None, "subcode": None}
        return Read(tree.get("data") or {}, fault)


@dataclass(frozen=True, slots=True)
class XmlExchange:
    """Paths start inside the outer element, whatever it is called."""

    system: str
    charset: str | None = None

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read:
        if looks_like_html(reply.body):
            raise SourceBadData(
                self.system, f"An HTML page came instead of XML (HTTP status {reply.status}).", retryable=True
            )
        root = read_xml_reply(self.system, reply, self.charset)
        tree = xml_tree(root, wanted)
        whole = tree if isinstance(tree, dict) else {"#text": tree, "#name": local_name(str(root.tag))}
        is_problem = reply.content_type.lower().startswith(PROBLEM_TYPES)
        return Read(whole, problem_of(reply, xml_tree(root, None)) if is_problem else None)


def problem_of(reply: RawReply, tree: Any) -> dict[str, Any] | None:
    """`$fault` of a problem detail (RFC 9457): its type as the code, title or detail as the message, all of it as the
    detail. None for any other reply. What kind of failure it is, its status says."""
    if not reply.content_type.lower().startswith(PROBLEM_TYPES) or not isinstance(tree, dict):
        return None
    said = tree.get("detail") or tree.get("title")
    return {
        "code": tree.get("type") or "about:blank",
        "subcode": None,
        "message": said if isinstance(said, str) else None,
        "detail": tree,
    }


def rest_exchange(system: str, source: RestSource) -> Exchange:
    """What reads the replies of a source."""
    if source.format == "raw":
        return RawExchange(system)
    if source.format == "csv":
        return CsvExchange(system, records_of(source.csv or CSV), source.charset)
    kind = XmlExchange if source.format == "xml" else JsonExchange
    return kind(system, source.charset)
