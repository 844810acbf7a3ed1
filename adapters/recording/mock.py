"""A system that is not there, answered for in its own protocol: recorded cases where the question is theirs, else a reply
made up from the declaration and from the types of its WSDL or OpenAPI document.

Which connector a request is for is told by building the declaration's own requests with two sets of stand-ins: what is
the same in both is fixed and must be there, what differs is an argument, and where it stands is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from lxml import etree

from adapters.auth.model import Session
from adapters.build import Surroundings, build_source
from adapters.compiled import CompiledConnector
from adapters.mapping.errors import ValueProblem
from adapters.mapping.expression import parse, paths_of
from adapters.mapping.scope import Scope
from adapters.paging import page_roots
from adapters.recording.case import Case, Exchange, SentRequest
from adapters.recording.example import Asked, example_tree
from adapters.recording.hide import SECRET, Hider, headers_of, kept_request_headers
from adapters.recording.leaves import body_leaves, path_leaves, soap_root
from adapters.recording.openapi_example import merged, schema_example
from adapters.recording.replay import NoTls, text_of
from adapters.recording.server import Answer, Received
from adapters.recording.subject import Subject
from adapters.recording.wires import ListeningWire
from adapters.reply import python_charset
from adapters.soap.example import example_envelope
from adapters.vendoring.manifest import Manifest
from adapters.vendoring.wsdl import SOAP_ADDRESSES, read_xml
from adapters.wire.model import WireRequest
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight

__all__ = ["Mock", "Offer", "Told"]

Leaves = dict[str, str]
_STAND_INS = ("QYA", "QYB")
_FILES = "/_spec/"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the mock answers for one verb. recorded: how many cases; made_up: whether others get an invented reply."""

    verb: str
    asked: str
    recorded: int
    made_up: bool


@dataclass(frozen=True, slots=True)
class Told:
    """How one request was answered."""

    request: str
    how: str
    status: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """One connector's requests. fixed: place -> text; varying: place -> the argument that stands there, or empty."""

    verb: str
    method: str
    path: re.Pattern[str]
    root: str | None
    fixed: Leaves
    varying: dict[str, str]
    shown: str


@dataclass(slots=True)
class Mock:
    """openapi: tree of the vendored document, None without one. spec: folder and manifest of the WSDL, None without."""

    subject: Subject
    cases: Sequence[Case]
    openapi: Mapping[str, Any] | None = None
    spec: tuple[Path, Manifest] | None = None
    only_recorded: bool = False
    on_answer: Callable[[Told], None] = lambda _told: None
    _kinds: list[_Kind] = field(default_factory=list)
    _recorded: list[tuple[Case, Exchange]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raises what `build_source` raises."""
        around = Surroundings(
            EmbeddedStore(),
            SingleFlight(),
            None,
            b"mock",
            wire_for=lambda *parts: ListeningWire(*parts),
            tls=NoTls(),
        )
        source = build_source(self.subject.declaration, self.subject.service, around)
        self._kinds = [one for found in source.connectors.values() if (one := _kind(found)) is not None]
        self._recorded = [(case, one) for case in self.cases for one in case.exchanges]

    def offers(self) -> list[Offer]:
        counts = {one.verb: 0 for one in self._kinds}
        for case in self.cases:
            counts[case.ask.verb] = counts.get(case.ask.verb, 0) + 1
        return [
            Offer(
                one.verb, one.shown, counts[one.verb], self._can_make_up(one.verb) and not self.only_recorded
            )
            for one in self._kinds
        ]

    async def answer(self, received: Received) -> Answer:
        answer, how = self._answered(received)
        self.on_answer(Told(f"{received.method} {received.target}", how, answer.status))
        return answer

    def _answered(self, received: Received) -> tuple[Answer, str]:
        if (described := self._description(received)) is not None:
            return described, "description 描述"
        sent = SentRequest(
            method=received.method,
            path=received.target,
            headers=kept_request_headers(headers_of(received.headers)),
            body=text_of(received.body, received.header("content-type")),
        )
        if (found := self._exact(sent)) is not None:
            case, exchange = found
            reply = exchange.reply
            how = case.case if exchange.purpose == "call" else f"{case.case} (credentials)"
            return Answer(reply.status, tuple(reply.headers.items()), reply.content()), how
        if (token := self._token(sent)) is not None:
            return token, "token 令牌"
        kind = self._kind_of(sent)
        if kind is not None and not self.only_recorded and self._can_make_up(kind.verb):
            return self._made_up(kind, sent), f"made up 示例: {kind.verb}"
        return _plain(404, self._unknown(kind)), "nothing 无"

    def _unknown(self, kind: _Kind | None) -> str:
        listed = "\n".join(f"{one.verb}: {one.shown}" for one in self._kinds)
        if kind is not None:
            return f"no recorded case of {kind.verb} has these arguments\n"
        return f"no connector of {self.subject.code} sends this; it sends\n{listed}\n"

    # --- recorded ---

    def _exact(self, sent: SentRequest) -> tuple[Case, Exchange] | None:
        """A recorded request with the same arguments; of credentials the same place is enough."""
        root = soap_root(sent.body)
        path, query = path_leaves(sent.path)
        body = body_leaves(sent.body)
        for case, exchange in self._recorded:
            request = exchange.request
            recorded_path, recorded_query = path_leaves(request.path)
            if (request.method, recorded_path, soap_root(request.body)) != (sent.method, path, root):
                continue
            if exchange.purpose == "credentials":
                return case, exchange
            ignored = {one.partition(".")[2] for one in case.ignore}
            if _without(recorded_query, "query", ignored) == _without(query, "query", ignored) and _without(
                body_leaves(request.body), "body", ignored
            ) == _without(body, "body", ignored):
                return case, exchange
        return None

    def _token(self, sent: SentRequest) -> Answer | None:
        """Tokens and logins that nobody recorded: anything is taken."""
        auth = self.subject.declaration.source.auth
        path = path_leaves(sent.path)[0]
        if (
            auth is not None
            and auth.oauth2 is not None
            and path == (urlsplit(auth.oauth2.token_url).path or "/")
        ):
            return _json(200, {"access_token": "mock-token", "token_type": "Bearer", "expires_in": 3600})  # nosec B105 - of a mock, for nobody
        return (
            self._login(sent, path, auth.session) if auth is not None and auth.session is not None else None
        )

    def _login(self, sent: SentRequest, path: str, session: Session) -> Answer | None:
        tree: dict[str, Any] = {}
        headers = []
        for text in session.take.values():
            for one in paths_of(parse(text)):
                if one.root == "cookies" and one.steps:
                    headers.append(("Set-Cookie", f"{one.steps[0]}=mock-token"))
                elif one.root == "headers" and one.steps:
                    headers.append((str(one.steps[0]), "mock-token"))
                elif one.root in ("", "reply"):
                    _deep(tree, one.steps, "mock-token")
        login, service = session.login, self.subject.service
        if login.operation is not None and service is not None:
            operation = service.operations.get(login.operation)
            if operation is None or soap_root(sent.body) not in (
                login.operation,
                getattr(operation.request, "name", ""),
            ):
                return None
            return Answer(
                200, (("Content-Type", "text/xml"), *headers), example_envelope(service, operation, tree)
            )
        is_login = sent.method == login.method and login.path and path.endswith(login.path.partition("?")[0])
        return (
            Answer(200, (("Content-Type", "application/json"), *headers), orjson.dumps(tree))
            if is_login
            else None
        )

    # --- made up ---

    def _can_make_up(self, verb: str) -> bool:
        """What is packed, encrypted or signed is not made up, nor are types of the system's own."""
        connector = self.subject.declaration.connectors.declared().get(verb)
        return connector is not None and not connector.decode

    def _kind_of(self, sent: SentRequest) -> _Kind | None:
        path, query = path_leaves(sent.path)
        leaves = _named(query, body_leaves(sent.body))
        root = soap_root(sent.body)
        fitting = [
            one
            for one in self._kinds
            if one.method == sent.method
            and one.root == root
            and one.path.fullmatch(path)
            and all(leaves.get(place) == text for place, text in one.fixed.items())
        ]
        return max(fitting, key=lambda one: len(one.fixed)) if fitting else None

    def _made_up(self, kind: _Kind, sent: SentRequest) -> Answer:
        declaration = self.subject.declaration
        arguments = self._arguments(kind, sent)
        asked = Asked(number=arguments.get("number"), applicant=arguments.get("applicant.idNumber"))
        tree = example_tree(declaration, kind.verb, asked)
        source = declaration.source
        connector = declaration.connectors.declared()[kind.verb]
        if source.soap is not None:
            service = self.subject.service
            assert service is not None  # noqa: S101 - loaded with the subject
            body = example_envelope(service, service.operations[str(connector.operation)], tree)
            media = "application/soap+xml" if service.version == "1.2" else "text/xml"
            return Answer(200, (("Content-Type", f"{media}; charset=utf-8"),), body)
        if source.graphql is not None:
            return _json(200, {"data": tree})
        assert source.rest is not None  # noqa: S101 - the model has exactly one
        if source.rest.format == "xml":
            charset = (python_charset(source.rest.charset) if source.rest.charset else None) or "utf-8"
            body = bytes(etree.tostring(_element("response", tree), encoding=charset, xml_declaration=True))  # type: ignore[arg-type]  # an encoding of bytes
            return Answer(200, (("Content-Type", f"application/xml; charset={charset}"),), body)
        return _json(200, merged(self._by_openapi(kind), tree))

    def _by_openapi(self, kind: _Kind) -> Any:
        """What the document says this operation answers with; nothing if it does not know it."""
        for path, item in ((self.openapi or {}).get("paths") or {}).items():
            pattern = re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(str(path)))
            operation = item.get(kind.method.lower()) if isinstance(item, Mapping) else None
            example = re.sub(r"QYA\w*", "x", kind.shown.partition(" ")[2].partition("?")[0])
            if not isinstance(operation, Mapping) or not re.search(pattern + "$", example):
                continue
            answer = (operation.get("responses") or {}).get("200") or {}
            content = next(iter((answer.get("content") or {}).values()), answer)
            return schema_example(self.openapi or {}, content.get("schema"))
        return None

    def _arguments(self, kind: _Kind, sent: SentRequest) -> dict[str, str]:
        path, query = path_leaves(sent.path)
        leaves = _named(query, body_leaves(sent.body))
        found = {name: leaves[place] for place, name in kind.varying.items() if name and leaves.get(place)}
        inside = kind.path.fullmatch(path)
        if inside is not None and inside.groupdict().get("number"):
            found["number"] = inside["number"]
        return found

    # --- the WSDL ---

    def _description(self, received: Received) -> Answer | None:
        """`?wsdl`, with addresses of this server; what it imports lies below /_spec/."""
        path, _, query = received.target.partition("?")
        if self.spec is None or received.method != "GET":
            return None
        folder, manifest = self.spec
        name = path.removeprefix(_FILES) if path.startswith(_FILES) else ""
        if query.lower() == "wsdl" or path.lower().endswith(".wsdl"):
            name = name or manifest.root
        if name not in {one.file for one in manifest.files}:
            return None
        origin = f"http://{received.header('host')}"
        tree = read_xml((folder / name).read_bytes())
        for element in tree.iter():
            if element.tag in SOAP_ADDRESSES:
                element.set("location", origin + (urlsplit(element.get("location") or "").path or "/"))
            for attribute in ("schemaLocation", "location"):
                value = element.get(attribute)
                if value in {one.file for one in manifest.files}:
                    element.set(attribute, f"{origin}{_FILES}{value}")
        body = etree.tostring(tree, encoding="utf-8", xml_declaration=True)
        return Answer(200, (("Content-Type", "text/xml; charset=utf-8"),), body)


def _kind(compiled: CompiledConnector) -> _Kind | None:
    """None for requests that cannot be built from stand-ins, as those with a session in them."""
    first, second = (_request(compiled, one) for one in _STAND_INS)
    if first is None or second is None:
        return None
    paths = [path_leaves(one.path) for one in (first, second)]
    leaves = [
        _named(query, body_leaves(one.body)) for (_, query), one in zip(paths, (first, second), strict=True)
    ]
    fixed = {place: text for place, text in leaves[0].items() if leaves[1].get(place) == text}
    varying = {place: _argument(text) for place, text in leaves[0].items() if place not in fixed}
    # what pages and secrets stand in is fixed in both, and not in what others send
    fixed = {
        place: text for place, text in fixed.items() if not _is_page(text, compiled) and SECRET not in text
    }
    root = soap_root(first.body)
    shown = f"{first.method} {root or _shown_path(paths[0][0])}"
    pattern = re.escape(paths[0][0]).replace(re.escape("QYAnumber"), "(?P<number>[^/]+)", 1)
    return _Kind(
        compiled.verb,
        first.method,
        re.compile(re.sub(r"QYA\w+", "[^/]+", pattern)),
        root,
        fixed,
        varying,
        shown,
    )


def _shown_path(path: str) -> str:
    return path.replace("QYAnumber", "{number}")


def _is_page(text: str, compiled: CompiledConnector) -> bool:
    roots = page_roots(compiled.connector.paging, None)
    return text in {str(one) for one in roots.values() if one is not None} and compiled.verb != "case"


def _argument(text: str) -> str:
    for name in ("number", "applicant.idNumber", "applicant.idType", "department", "region"):
        if f"QYA{name.rpartition('.')[2]}" in text:
            return name
    return ""


def _request(compiled: CompiledConnector, mark: str) -> SentRequest | None:
    year = "2001" if mark == "QYA" else "2002"
    args = {
        "number": f"{mark}number",
        "applicant": {"idNumber": f"{mark}idNumber", "idType": f"{mark}idType", "kind": "NATURAL"},
        "department": f"{mark}department",
        "region": f"{mark}region",
        "states": None,
        "from": f"{year}-02-03T04:05:06+08:00",
        "to": f"{year}-03-04T05:06:07+08:00",
        "since": f"{year}-02-03T04:05:06+08:00",
    }
    scope = Scope({"args": args, "page": page_roots(compiled.connector.paging, None)})
    try:
        return _sent(compiled.call.request(scope))
    except ValueProblem:
        return None


def _sent(request: WireRequest) -> SentRequest:
    headers = headers_of(request.headers)
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    url = request.url if isinstance(request.url, str) else request.url.path
    return SentRequest(
        method=request.method,
        path=re.sub(r"^https?://[^/?]*", "", url) or "/",
        headers=kept_request_headers(headers),
        body=Hider((), ())(text_of(request.body, content_type)),
    )


def _named(query: Leaves, body: Leaves) -> Leaves:
    return {f"query.{name}": text for name, text in query.items()} | {
        f"body.{name}": text for name, text in body.items()
    }


def _without(leaves: Leaves, kind: str, ignored: set[str]) -> Leaves:
    return {
        name: text for name, text in leaves.items() if f"{kind}.{name}" not in ignored and SECRET not in text
    }


def _deep(tree: dict[str, Any], steps: Sequence[str | int], value: Any) -> None:
    names = [step for step in steps if isinstance(step, str)]
    for name in names[:-1]:
        tree = tree.setdefault(name, {})
    if names:
        tree[names[-1]] = value


def _element(name: str, value: Any) -> etree._Element:
    """As XML replies are read: `@name` attributes, lists as repeated elements."""
    made = etree.Element(name)
    for key, one in value.items() if isinstance(value, Mapping) else ():
        if key.startswith("@"):
            made.set(key[1:], str(one))
        elif key == "#text":
            made.text = str(one)
        else:
            for item in one if isinstance(one, list) else [one]:
                made.append(_element(key, item))
    if not isinstance(value, Mapping) and value is not None:
        made.text = str(value)
    return made


def _json(status: int, value: Any) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), orjson.dumps(value))


def _plain(status: int, text: str) -> Answer:
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"),), text.encode())
