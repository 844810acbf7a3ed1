"""What stands around the engine: compression, lists of operations, foreign pages, allowances, named documents."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import zstandard

from cache.embedded import EmbeddedStore
from gateway.documents import Documents
from gateway.security.allowances import Allowances
from gateway.security.identity import load_tokens
from gateway.web.compression import accepted_encoding
from gateway.web.entrance import Entrance
from gateway.web.routes import WebLimits
from tests.web.toy import RunningWeb, running_web

HASH = hashlib.sha256(b"{ hello }").hexdigest()
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}


@pytest.fixture(scope="module")
def web() -> Iterator[RunningWeb]:
    entrance = Entrance(load_tokens(None), documents=Documents(EmbeddedStore()))
    limits = WebLimits(max_batch=3, compress_from_bytes=1024)
    with running_web(limits=limits, entrance=entrance, cors_origins=("https://portal.example",)) as running:
        yield running


@pytest.fixture
def client(web: RunningWeb) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web.url, trust_env=False, timeout=20) as http:
        yield http


def ask(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    return client.post("/graphql", json={"query": query}, headers=headers)


def raw(client: httpx.Client, query: str, accept_encoding: str) -> tuple[httpx.Headers, bytes]:
    """The bytes as they came."""
    headers = {"accept-encoding": accept_encoding}
    with client.stream("POST", "/graphql", json={"query": query}, headers=headers) as response:
        return response.headers, b"".join(response.iter_raw())


@pytest.mark.parametrize("numbers", [2000, 40_000], ids=["at once", "in a thread"])
def test_a_long_answer_is_compressed_as_the_client_takes_it(client: httpx.Client, numbers: int) -> None:
    query = f"{{ list(n: {numbers}) }}"
    plain_headers, plain = raw(client, query, "identity")
    assert "content-encoding" not in plain_headers
    assert "accept-encoding" in plain_headers["vary"].lower()
    headers, packed = raw(client, query, "gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    headers, packed = raw(client, query, "gzip, zstd")
    assert headers["content-encoding"] == "zstd"
    assert zstandard.ZstdDecompressor().decompress(packed) == plain
    assert len(packed) < len(plain) / 2


def test_a_short_answer_and_a_stream_are_not_compressed(client: httpx.Client) -> None:
    assert "content-encoding" not in raw(client, "{ hello }", "gzip, zstd")[0]
    headers = {"accept": "text/event-stream", "accept-encoding": "gzip, zstd"}
    answer = client.post("/graphql", json={"query": "subscription { count(to: 2000) }"}, headers=headers)
    assert "content-encoding" not in answer.headers
    assert answer.text.count("event: next") == 2000


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("br", None),
        ("*", "zstd"),
        ("*;q=0, gzip", "gzip"),
        ("zstd;q=0.1, gzip;q=0.9", "gzip"),
        ("zstd;q=0, gzip;q=0", None),
        ("gzip;q=x", None),
        ("GZIP", "gzip"),
    ],
)
def test_the_client_chooses_the_encoding(accepted: str | None, encoding: str | None) -> None:
    assert accepted_encoding(accepted) == encoding


def test_a_list_is_answered_in_its_order_where_lists_are_allowed(client: httpx.Client) -> None:
    asked = [{"query": "{ hello }"}, {"query": "{ nope }"}, {"query": "{ list(n: 1) }"}]
    answer = client.post("/graphql", json=asked)
    assert answer.status_code == 200
    first, second, third = answer.json()
    assert (first, third) == ({"data": {"hello": "hello 全域"}}, {"data": {"list": [0]}})
    assert "data" not in second


@pytest.mark.parametrize("asked", [[], [{"query": "{ hello }"}] * 4])
def test_a_list_of_another_length_is_refused(client: httpx.Client, asked: Any) -> None:
    answer = client.post("/graphql", json=asked)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BATCH_TOO_LARGE")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "*/*"}, 403),
        ({"accept": "image/avif,image/webp,*/*;q=0.8", "sec-fetch-site": "cross-site"}, 403),
        ({"accept": "application/json", "sec-fetch-site": "cross-site"}, 403),
        ({"accept": "application/json", "sec-fetch-site": "same-site"}, 403),
        ({"accept": "application/json", "sec-fetch-mode": "no-cors"}, 403),
        ({"accept": "application/json", "origin": "https://evil.example"}, 403),
        ({"accept": "*/*", "content-type": "text/plain"}, 403),
        ({"accept": "application/json"}, 200),
        ({"accept": "*/*", "sec-fetch-site": "same-origin"}, 200),
        ({"accept": "*/*", "origin": "https://portal.example", "sec-fetch-site": "cross-site"}, 200),
        ({"accept": "*/*", "apollo-require-preflight": "1"}, 200),
        ({"accept": "*/*", "x-apollo-operation-name": "Q"}, 200),
        ({"accept": "*/*", "graphql-require-preflight": "1", "sec-fetch-site": "cross-site"}, 200),
        ({"accept": "*/*", "content-type": "application/json"}, 200),
    ],
)
def test_a_get_is_answered_where_no_page_could_have_sent_it_unasked(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert client.get("/graphql", params={"query": "{ hello }"}, headers=headers).status_code == status


def test_apollos_rule_to_the_letter_wants_a_header_of_every_get() -> None:
    with (
        running_web(limits=WebLimits(csrf_header=True)) as running,
        httpx.Client(base_url=running.url, params={"query": "{ hello }"}) as http,
    ):
        assert http.get("/graphql", headers={"accept": "application/json"}).status_code == 403
        assert http.get("/graphql", headers={"apollo-require-preflight": "1"}).status_code == 200


def test_a_preflight_lets_a_known_page_send_what_clients_send(client: httpx.Client) -> None:
    wanted = "authorization,content-type,apollo-require-preflight,traceparent,x-graphql-event-stream-token"
    headers = {
        "origin": "https://portal.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": wanted,
    }
    assert client.options("/graphql", headers=headers).status_code == 200
    answer = ask(client, "{ hello }", origin="https://portal.example")
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


def test_a_document_is_asked_for_by_its_hash_once_it_has_run(client: httpx.Client) -> None:
    unknown = client.post("/graphql", json={"extensions": PERSISTED})
    assert (unknown.status_code, unknown.json()["errors"][0]["message"]) == (200, "PersistedQueryNotFound")
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    modern = {"accept": "application/graphql-response+json"}
    assert client.post("/graphql", json={"extensions": PERSISTED}, headers=modern).status_code == 400
    whole = client.post("/graphql", json={"query": "{ hello }", "extensions": PERSISTED})
    by_hash = client.post("/graphql", json={"extensions": PERSISTED})
    by_get = client.get(
        "/graphql",
        params={"extensions": orjson.dumps(PERSISTED).decode()},
        headers={"accept": "application/json"},
    )
    assert whole.json() == by_hash.json() == by_get.json() == {"data": {"hello": "hello 全域"}}


def test_a_mutation_by_hash_and_get_is_refused_all_the_same(client: httpx.Client, web: RunningWeb) -> None:
    text = "mutation { release }"
    given = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}
    client.post("/graphql", json={"query": text, "extensions": given})
    web.engine.released.clear()
    answer = client.get(
        "/graphql",
        params={"extensions": orjson.dumps(given).decode()},
        headers={"accept": "application/json"},
    )
    assert answer.status_code == 405
    assert not web.engine.released.is_set()


def test_who_asks_too_often_is_told_when_to_go_on(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text("tokens:\n  - {token: counter-three, name: counter-3, scopes: ['cases:read']}\n")
    entrance = Entrance(load_tokens(tokens), allowances=Allowances(per_caller=2, per_address=3))
    with (
        running_web(entrance=entrance, limits=WebLimits(max_batch=5)) as running,
        httpx.Client(base_url=running.url) as http,
    ):
        first = ask(http, "{ hello }")
        assert first.headers["ratelimit"].startswith('"requests";r=2')
        assert ask(http, "{ hello }", authorization="Bearer wrong").status_code == 401
        assert http.post("/graphql", json=[{"query": "{ hello }"}] * 2).status_code == 429  # one is left
        assert ask(http, "{ hello }", authorization="Bearer wrong").status_code == 401
        refused = ask(http, "{ hello }", authorization="Bearer wrong")  # nor may tokens be tried on and on
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
            429,
            "RATE_LIMITED",
        )
        assert int(refused.headers["retry-after"]) >= 1
        known = {"authorization": "Bearer counter-three"}
        assert [ask(http, "{ hello }", **known).status_code for _ in range(3)] == [200, 200, 429]
