"""What the tests of this folder share: declarations from text, sources over a scripted wire, a server's log."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.build import Surroundings, build_source
from adapters.declaration import Declaration
from adapters.loader import load
from adapters.mapping.scope import Gap
from adapters.problems import Problem
from adapters.references import Lookup
from adapters.soap.wsdl import SoapService
from adapters.source import Page, Source
from adapters.validate import Checked, Known, check_document
from adapters.wire.model import WireHeaders, WireRequest, WireResponse
from adapters.wire.wire import Wire
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from tests.wire.servers import uvicorn_server

SECRET = b"a secret of the tests, 32 bytes."
HERE = Path("here.yaml")
MINIMAL_MAP = "{localNo: no, state: 'state | table(\"status\")', appliedAt: at}"

Answer = Callable[[WireRequest], bytes | WireResponse]


def lookup(environment: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None) -> Lookup:
    def read(path: str) -> str:
        try:
            return (files or {})[path]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    return Lookup(environment or {}, read)


def checked(text: str, environment: Mapping[str, str] | None = None, known: Known | None = None) -> Checked:
    return check_document(load(HERE, textwrap.dedent(text)), lookup(environment), known or Known())


def problems(text: str, environment: Mapping[str, str] | None = None) -> list[Problem]:
    return sorted(checked(text, environment).document.problems)


def declared(text: str) -> Declaration:
    one = checked(text)
    assert one.declaration is not None, one.document.problems
    assert not one.document.problems, one.document.problems
    return one.declaration


def rest_yaml(
    connectors: str,
    *,
    base: str = "http://127.0.0.1:9",
    code: str = "T-ONE",
    source: str = "",
    head: str = "",
) -> str:
    """A REST declaration around `connectors` (YAML at column 0); `source`: further lines below `rest:`."""
    return "\n".join(
        [
            f"system: {{code: {code}, name: 测试, owner: 11500000009000015M}}",
            "source:",
            "  rest:",
            f"    baseUrl: {base}",
            textwrap.indent(textwrap.dedent(source).strip("\n"), "    "),
            textwrap.dedent(head).strip("\n") or "traffic: {retries: 0}",
            "tables: {status: {A: ACCEPTED, C: CLOSED}}",
            "connectors:",
            textwrap.indent(textwrap.dedent(connectors).strip("\n"), "  "),
            "",
        ]
    )


class MemoryWire:
    """A wire whose answers a test decides; sends nothing."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[WireRequest] = []

    async def send(self, request: WireRequest, *, timeout_s: float) -> WireResponse:
        del timeout_s
        self.requests.append(request)
        given = self.answer(request)
        return given if isinstance(given, WireResponse) else reply(given)

    async def close(self) -> None:
        """Nothing to close."""


def reply(
    body: bytes, *, status: int = 200, content_type: str = "application/json; charset=utf-8"
) -> WireResponse:
    return WireResponse(status, WireHeaders([(b"content-type", content_type.encode())]), body, "1.1")


def surroundings(wire: MemoryWire | None = None) -> Surroundings:
    if wire is None:
        return Surroundings(EmbeddedStore(), SingleFlight(), None, SECRET)
    given = cast(Wire, wire)
    return Surroundings(
        EmbeddedStore(), SingleFlight(), None, SECRET, wire_for=lambda _limits, _guard, _tls: given
    )


def source_of(text: str, wire: MemoryWire | None = None, service: SoapService | None = None) -> Source:
    """A source from a declaration's text, over `wire` or a real one."""
    return build_source(declared(text), service, surroundings(wire))


ALL_FIELDS = ("localNo", "title", "state", "rawStatus", "appliedAt")


async def ask(
    source: Source,
    verb: str,
    args: Mapping[str, Any] | None = None,
    *,
    fields: Sequence[str] = ALL_FIELDS,
    position: Any = None,
    gaps: list[Gap] | None = None,
) -> Page:
    given = {"applicant": None, "states": None, "department": None, "region": None, "from": None, "to": None}
    return await source.ask(
        verb,
        args if args is not None else given,
        fields=fields,
        deadline=asyncio.get_running_loop().time() + 10,
        position=position,
        gaps=gaps,
    )


async def walk(source: Source, verb: str = "cases", args: Mapping[str, Any] | None = None) -> list[str]:
    """Numbers of a whole list, page by page."""
    numbers: list[str] = []
    position: Any = None
    for _ in range(200):
        page = await ask(source, verb, args, position=position)
        numbers += [record["localNo"] for record in page.records]
        position = page.next
        if position is None:
            return numbers
    raise AssertionError("the list does not end")


@dataclass(slots=True)
class Recorded:
    """Requests of a real server, in order."""

    requests: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def last(self) -> Request:
        return self.requests[-1]


Handler = Callable[[Request, bytes], Response | Awaitable[Response]]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[str, Recorded]]:
    """A real server on loopback that answers everything with `handler`; yields its origin and its log."""
    log = Recorded()

    async def answer(request: Request) -> Response:
        body = await request.body()
        log.requests.append(request)
        log.bodies.append(body)
        given = handler(request, body)
        return await given if inspect.isawaitable(given) else given

    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "PUT", "PATCH"])])
    async with uvicorn_server(app) as origin:
        yield origin, log


def json_response(value: Any, *, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status_code=status, media_type="application/json")


def case_row(
    number: str, *, at: str = "2017-05-01T10:00:00", state: str = "A", **more: Any
) -> dict[str, Any]:
    return {"no": number, "state": state, "at": at, **more}
