"""Credentials reach the system, are shared, renewed when refused, and never go elsewhere."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest
from starlette.requests import Request
from starlette.responses import Response

from adapters.source import Source
from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused, SourceUnavailable
from tests.adapters.doubles import MINIMAL_MAP, ask, case_row, json_response, rest_yaml, serving, source_of

CASE = f"case: {{path: '/c/{{$args.number}}', map: {MINIMAL_MAP}}}"


async def asked(source: Source, number: str = "N1") -> str:
    page = await ask(source, "case", {"number": number})
    return str(page.records[0]["localNo"])


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (
            "{basic: {username: 用户, password: '${env:P:-p:ss}'}}",
            "authorization",
            "Basic " + base64.b64encode("用户:p:ss".encode()).decode(),
        ),
        ("{bearer: '${env:P:-abc}'}", "authorization", "Bearer abc"),
        ("{apiKey: {name: X-Api-Key, value: '${env:P:-k}'}}", "x-api-key", "k"),
    ],
)
async def test_fixed_credentials_are_sent(auth: str, header: str, value: str) -> None:
    async with serving(lambda _request, _body: json_response(case_row("N1"))) as (origin, log):
        one = source_of(rest_yaml(CASE, base=origin, source=f"auth: {auth}"))
        assert await asked(one) == "N1"
        await one.wire.close()
    assert log.last.headers[header] == value


@dataclass(slots=True)
class TokenServer:
    """Gives tokens t1, t2, ...; takes those in `good`."""

    good: set[str] = field(default_factory=set)
    given: int = 0
    grants: list[dict[str, list[str]]] = field(default_factory=list)
    answer: Response | None = None
    expires_in: object = 3600

    def __call__(self, request: Request, body: bytes) -> Response:
        if request.url.path == "/token":
            self.grants.append(parse_qs(body.decode()))
            if self.answer is not None:
                return self.answer
            self.given += 1
            self.good.add(f"t{self.given}")
            return json_response({"access_token": f"t{self.given}", "expires_in": self.expires_in})
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.good:
            return json_response({"error": "token"}, status=401)
        return json_response(case_row(request.url.path.rpartition("/")[2]))


def oauth(origin: str) -> Source:
    auth = f"auth: {{oauth2: {{tokenUrl: '{origin}/token', clientId: i, clientSecret: '${{env:S:-s&=}}', scope: 'a b'}}}}"
    return source_of(rest_yaml(CASE, base=origin, source=auth))


async def test_a_token_is_fetched_once_for_all_who_need_it() -> None:
    server = TokenServer()
    async with serving(server) as (origin, _):
        one = oauth(origin)
        assert await asyncio.gather(*(asked(one, f"N{n}") for n in range(20))) == [f"N{n}" for n in range(20)]
        assert await asked(one, "N21") == "N21"
        await one.wire.close()
    assert server.grants == [
        {"grant_type": ["client_credentials"], "client_id": ["i"], "client_secret": ["s&="], "scope": ["a b"]}
    ]


async def test_a_token_that_the_system_no_longer_takes_is_renewed() -> None:
    server = TokenServer()
    async with serving(server) as (origin, _):
        one = oauth(origin)
        await asked(one)
        server.good.clear()
        assert await asked(one, "N2") == "N2"
        await one.wire.close()
    assert server.given == 2


async def test_a_late_refusal_of_the_old_token_does_not_throw_the_new_one_away() -> None:
    server, first_done = TokenServer(), asyncio.Event()

    async def answer(request: Request, body: bytes) -> Response:
        given = server(request, body)
        if given.status_code == 401 and request.url.path == "/c/LATE":
            await first_done.wait()
        return given

    async with serving(answer) as (origin, _):
        one = oauth(origin)
        await asked(one)
        server.good.clear()
        late = asyncio.create_task(asked(one, "LATE"))
        assert await asked(one, "N2") == "N2"
        first_done.set()
        assert await late == "LATE"
        await one.wire.close()
    # regression: every 401 forgets whatever token is there, also the one that another call has just fetched: under load a
    # revoked token is renewed many times
    assert server.given == 2


async def test_a_token_that_ends_is_renewed_before_it_does() -> None:
    server = TokenServer(expires_in="5")
    async with serving(server) as (origin, _):
        one = oauth(origin)
        await asked(one)
        await asked(one, "N2")
        await one.wire.close()
    assert server.given == 2


async def test_credentials_that_are_refused_are_asked_with_once_more_and_no_oftener() -> None:
    server = TokenServer()
    async with serving(
        lambda request, body: (
            server(request, body) if request.url.path == "/token" else json_response({}, status=401)
        )
    ) as (
        origin,
        log,
    ):
        one = oauth(origin)
        with pytest.raises(SourceRefused, match="refused the gateway's credentials"):
            await asked(one)
        await one.wire.close()
    assert [request.url.path for request in log.requests] == ["/token", "/c/N1", "/token", "/c/N1"]


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (
            json_response({"error": "invalid_client"}, status=401),
            SourceRefused,
            "refuses the client's credentials",
        ),
        (
            json_response({"error": "invalid_client"}, status=400),
            SourceRefused,
            "refuses the client's credentials",
        ),
        (json_response({"token": "x"}), SourceBadData, "gave no token"),
        (json_response([1]), SourceBadData, "gave no token"),
        (Response("<html>", media_type="text/html"), SourceBadData, "gave no token"),
        # regression: a token endpoint that is down is SOURCE_BAD_DATA: not retried, and it says the wrong thing
        (Response("busy", 503), SourceUnavailable, "."),
        # regression: null is sent as "Bearer None"
        (json_response({"access_token": None}), SourceBadData, "gave no token"),
    ],
)
async def test_a_token_that_is_not_given_is_told(
    answer: Response, expected: type[SourceError], words: str
) -> None:
    server = TokenServer(answer=answer)
    async with serving(server) as (origin, _):
        one = oauth(origin)
        with pytest.raises(expected, match=words):
            await asked(one)
        await one.wire.close()


async def test_no_error_shows_the_secret() -> None:
    server = TokenServer(answer=json_response({"error": "client s&= unknown"}, status=401))
    async with serving(server) as (origin, _):
        one = oauth(origin)
        with pytest.raises(SourceRefused) as caught:
            await asked(one)
        await one.wire.close()
    assert "s&=" not in str(caught.value)
    assert "s&=" not in repr(one.declaration)
