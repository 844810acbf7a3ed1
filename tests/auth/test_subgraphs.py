"""Remote subgraphs show the same credentials as systems, but for login sessions."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from adapters.loader import load
from adapters.references import Lookup
from adapters.remote.validate import check_subgraph
from adapters.validate import Known
from tests.remote.servers import Reply, Seen, answer, context, operation, scripted, subgraph

QUERY = "{ lift(code: 1) { code } }"
GOOD: dict[str, Any] = {"data": {"lift": None}}


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"bearer": "k"}, "authorization", "Bearer k"),
        ({"basic": {"username": "u", "password": "p"}}, "authorization", "Basic dTpw"),
        ({"apiKey": {"name": "X-Key", "value": "k"}}, "x-key", "k"),
        ({"headers": {"X-A": "k"}}, "x-a", "k"),
    ],
)
async def test_fixed_credentials_are_shown_beside_the_fixed_headers(
    auth: dict[str, Any], header: str, value: str
) -> None:
    rules = {"static": {"X-Channel": "quanyu"}}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, auth=auth, headers=rules) as remote:
        await remote.prepare(operation(QUERY))({}, context())
    seen = server.seen[0]
    assert (seen.target, seen.headers[header], seen.headers["x-channel"]) == ("/graphql", value, "quanyu")


async def test_a_key_may_stand_in_the_address() -> None:
    auth = {"apiKey": {"name": "key", "in": "query", "value": "a b"}}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, auth=auth) as remote:
        await remote.prepare(operation(QUERY))({}, context())
    assert server.seen[0].target == "/graphql?key=a+b"


async def test_hmac_signs_the_body() -> None:
    how = {"algorithm": "hmac-sha256", "key": "k", "canonical": ["$body"], "put": {"header": "X-Sign"}}
    async with scripted(answer(GOOD)) as server, subgraph(server.url, auth={"hmac": how}) as remote:
        await remote.prepare(operation(QUERY))({}, context())
    seen = server.seen[0]
    assert seen.headers["x-sign"] == hmac.new(b"k", seen.body, hashlib.sha256).hexdigest()


async def test_fifty_queries_share_one_token() -> None:
    tokens = 0

    async def behave(seen: Seen) -> Reply:
        nonlocal tokens
        if seen.target != "/token":
            return answer(GOOD) if seen.headers["authorization"] == "Bearer t1" else Reply(401)
        tokens += 1
        return answer({"access_token": f"t{tokens}", "expires_in": 60})

    async with scripted(behave) as server:
        url = server.url.replace("/graphql", "/token")
        auth = {"oauth2": {"tokenUrl": url, "clientId": "i", "clientSecret": "s"}}
        async with subgraph(server.url, auth=auth) as remote:
            asked = [operation(f"{{ lift(code: {number}) {{ code }} }}") for number in range(50)]
            results = await asyncio.gather(*(remote.prepare(one)({}, context()) for one in asked))
    assert {str(result.data) for result in results} == {str(GOOD["data"])}
    assert tokens == 1


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ("{headers: {X-A: in-the-open}}", "SECRET_IN_FILE"),
        ("{tls: {ca: none.pem}}", "BAD_TLS_FILE"),
        ("{session: {}}", "UNKNOWN_KEY"),
    ],
)
def test_what_is_wrong_is_told(auth: str, code: str) -> None:
    text = f"subgraph: {{name: a, url: 'http://127.0.0.1/graphql', auth: {auth}}}"
    document = load(Path("x.yaml"), text)
    check_subgraph(document, Lookup({}, lambda _path: ""), Known())
    assert [one.code for one in document.problems] == [code]
