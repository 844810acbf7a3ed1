"""What the tests of credentials in declarations share: sources over real loopback servers, a clock, a login server."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from adapters.build import build_source
from adapters.soap.wsdl import SoapService
from adapters.source import Source
from tests.adapters.doubles import MINIMAL_MAP, ask, case_row, checked, json_response, rest_yaml, surroundings

PASSWORD = "pa$$ wörd&{}<>"
ENVIRONMENT = {"T_PASSWORD": PASSWORD, "T_KEY": "k-secret"}
CASE = f"case: {{path: '/c/{{$args.number}}', map: {MINIMAL_MAP}}}"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def source(
    text: str,
    *,
    service: SoapService | None = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> Source:
    """A source with a real wire, from a declaration that has no problem."""
    one = checked(text, environment)
    assert one.declaration is not None, one.document.problems
    assert not one.document.problems, one.document.problems
    around = dataclasses.replace(surroundings(), clock=clock or Clock())
    return build_source(one.declaration, service, around)


def rest_source(origin: str, auth: str, *, connectors: str = CASE, clock: Clock | None = None) -> Source:
    return source(rest_yaml(connectors, base=origin, source=auth), clock=clock)


async def asked(one: Source, number: str = "N1") -> str:
    page = await ask(one, "case", {"number": number})
    return str(page.records[0]["localNo"])


async def fifty(one: Source) -> list[str]:
    """Fifty different calls at once."""
    return list(await asyncio.gather(*(asked(one, f"N{number}") for number in range(50))))


@dataclass
class LoginServer:
    """POST /login with the right password opens sessions s1, s2, ...; /c/NUMBER wants one that is `good`.

    How it says that a session has ended: `ended`. logins: what was sent to /login.
    """

    ended: Any = None
    good: set[str] = field(default_factory=set)
    given: int = 0
    logins: list[Any] = field(default_factory=list)
    logouts: list[str] = field(default_factory=list)
    answer: Response | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def __call__(self, request: Request, body: bytes) -> Response:
        path = request.url.path
        if path == "/login":
            return self.answer or self._login(request, body)
        if path == "/logout":
            self.logouts.append(request.headers["x-session"])
            return Response("bye")
        if self.session_of(request, body) not in self.good:
            return self.ended or json_response({"error": "session"}, status=401)
        return json_response(case_row(path.rpartition("/")[2]))

    def session_of(self, request: Request, body: bytes) -> str | None:  # noqa: ARG002
        return request.headers.get("x-session")

    def _login(self, request: Request, body: bytes) -> Response:
        is_json = "json" in request.headers.get("content-type", "")
        given = orjson.loads(body) if is_json else dict(parse_qsl(body.decode(), keep_blank_values=True))
        self.logins.append(given)
        if given.get("pwd") != PASSWORD:
            return json_response({"code": "4001", "msg": f"wrong password {given.get('pwd')}"})
        self.given += 1
        token = f"s{self.given}"
        self.good.add(token)
        answer = json_response({"code": "0", "data": {"sid": token, **self.more}})
        answer.headers["X-Sid"] = token
        answer.set_cookie("JSESSIONID", token, path="/")
        return answer
