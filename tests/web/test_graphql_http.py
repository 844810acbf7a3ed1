"""GraphQL over HTTP, seen by a client: statuses, media types, and what is refused before anything is spent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.security.identity import load_tokens
from gateway.web.routes import WebLimits
from tests.web.toy import RunningWeb, ToyEngine, running_web

ASKED = {"accept": "application/json"}
MODERN = {"accept": "application/graphql-response+json"}


@pytest.fixture(scope="module")
def tokens_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.yaml"
    path.write_text("tokens:\n  - {token: counter-three, name: counter-3, scopes: ['cases:read']}\n")
    return path


@pytest.fixture(scope="module")
def web(tokens_file: Path) -> Iterator[RunningWeb]:
    limits = WebLimits(deadline_s=5, max_body_bytes=10_000)
    with running_web(limits=limits, authenticator=load_tokens(tokens_file)) as running:
        yield running


@pytest.fixture
def client(web: RunningWeb) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web.url, timeout=10) as http:
        yield http


def post(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    return client.post("/graphql", json={"query": query}, headers=headers)


def code_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def test_a_query_is_answered_in_utf8_json(client: httpx.Client) -> None:
    answer = post(client, "{ hello }")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"data": {"hello": "hello 全域"}}


def test_variables_and_operation_name_are_passed_on(client: httpx.Client) -> None:
    body = {
        "query": "query A { hello } query B($n: Int!) { list(n: $n) }",
        "operationName": "B",
        "variables": {"n": 2},
    }
    assert client.post("/graphql", json=body).json() == {"data": {"list": [0, 1]}}


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/graphql-response+json;q=0.5, application/json", "application/json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        (
            "application/json;charset=utf-16, application/graphql-response+json",
            "application/graphql-response+json",
        ),
    ],
)
def test_the_media_type_is_the_one_asked_for(client: httpx.Client, accept: str, media: str) -> None:
    assert post(client, "{ hello }", accept=accept).headers["content-type"] == f"{media}; charset=utf-8"


def test_an_answer_in_no_acceptable_type_is_refused(client: httpx.Client) -> None:
    answer = post(client, "{ hello }", accept="application/xml")
    assert (answer.status_code, code_of(answer)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("query", ["{", "{ unknown }", "query A { hello } query B { hello }"])
def test_a_document_that_cannot_run_is_400_without_data_for_modern_clients(
    client: httpx.Client, query: str
) -> None:
    answer = post(client, query, **MODERN)
    assert answer.status_code == 400
    assert "data" not in answer.json()


def test_a_document_that_cannot_run_is_200_for_older_clients(client: httpx.Client) -> None:
    answer = post(client, "{ unknown }", accept="application/json")
    assert answer.status_code == 200
    assert "data" not in answer.json()


def test_partial_data_is_200_with_both(client: httpx.Client) -> None:
    answer = post(client, "{ hello broken }", **MODERN)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"hello": "hello 全域", "broken": None}
    assert code_of(answer) == "SOURCE_UNAVAILABLE"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MALFORMED_JSON"),
        (b"{", "MALFORMED_JSON"),
        (b'{"query":"\xff\xfe"}', "MALFORMED_JSON"),
        ('{"query":"{hello}"}'.encode("utf-16"), "MALFORMED_JSON"),
        (b"null", "BAD_REQUEST"),
        (b"{}", "QUERY_MISSING"),
        (b'{"query":""}', "QUERY_MISSING"),
        (b'{"query":1}', "BAD_REQUEST"),
        (b'{"query":"{hello}","variables":[]}', "BAD_REQUEST"),
        (b'{"query":"{hello}","operationName":1}', "BAD_REQUEST"),
        (b'{"query":"{hello}","extensions":"x"}', "BAD_REQUEST"),
        (b'[{"query":"{hello}"}]', "BATCHING_NOT_SUPPORTED"),
    ],
)
def test_a_body_that_is_no_request_is_told_why(client: httpx.Client, body: bytes, code: str) -> None:
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, code_of(answer)) == (400, code)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=gb18030",
    ],
)
def test_types_that_a_foreign_page_may_send_unasked_are_refused(
    client: httpx.Client, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = client.post("/graphql", content=b'{"query":"{hello}"}', headers=headers)
    assert answer.status_code == 415


def test_a_get_by_an_image_or_script_of_a_foreign_page_is_refused(client: httpx.Client) -> None:
    headers = {"sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site"}
    answer = client.get("/graphql", params={"query": "{hello}"}, headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "CSRF_REFUSED")


def test_a_query_by_get_is_answered(client: httpx.Client) -> None:
    parameters = {"query": "query Q($n: Int!) { list(n: $n) }", "variables": '{"n": 1}', "operationName": "Q"}
    assert client.get("/graphql", params=parameters, headers=ASKED).json() == {"data": {"list": [0]}}


def test_malformed_variables_in_a_get_are_told(client: httpx.Client) -> None:
    answer = client.get("/graphql", params={"query": "{hello}", "variables": "{"}, headers=ASKED)
    assert (answer.status_code, code_of(answer)) == (400, "MALFORMED_JSON")


def test_a_mutation_by_get_is_refused(client: httpx.Client, web: RunningWeb) -> None:
    answer = client.get("/graphql", params={"query": "mutation { release }"}, headers=ASKED)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert not web.engine.released.is_set()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_refused(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/graphql")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


def test_a_body_that_says_it_is_too_large_is_refused_unread(web: RunningWeb) -> None:
    """100 MB are announced and never sent: the answer comes all the same."""
    parts = urlsplit(web.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n{"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_is_cut_off_at_the_limit(client: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    answer = client.post("/graphql", content=chunks(), headers={"content-type": "application/json"})
    assert (answer.status_code, code_of(answer)) == (413, "BODY_TOO_LARGE")


def test_an_internal_error_is_masked_and_can_be_traced(client: httpx.Client) -> None:
    answer = post(client, "{ crash }", **{"x-request-id": "ticket-0001"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "500229" not in answer.text
    error = answer.json()["errors"][0]
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "reference": "ticket-0001"}


def test_the_request_id_and_client_name_reach_the_engine(client: httpx.Client) -> None:
    headers = {"x-request-id": "0123456789", "graphql-client-name": "counter"}
    answer = post(client, "{ caller }", **headers)
    assert answer.headers["x-request-id"] == "0123456789"
    assert answer.json()["data"]["caller"] == "anonymous 0123456789 counter"


@pytest.mark.parametrize("given", ["short", "with space here", "x" * 65, "a\tb345678"])
def test_a_request_id_that_could_harm_a_log_is_replaced(client: httpx.Client, given: str) -> None:
    answer = post(client, "{ hello }", **{"x-request-id": given})
    assert answer.headers["x-request-id"] != given


def test_a_known_token_is_somebody(client: httpx.Client) -> None:
    answer = post(client, "{ caller }", authorization="Bearer counter-three")
    assert answer.json()["data"]["caller"].startswith("counter-3 ")


@pytest.mark.parametrize("authorization", ["Bearer nobody-knows", "Basic Zm9vOmJhcg==", "Bearer"])
def test_an_unknown_token_is_401(client: httpx.Client, authorization: str) -> None:
    answer = post(client, "{ caller }", authorization=authorization)
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "data" not in answer.json()


def test_every_answer_has_the_security_headers(client: httpx.Client) -> None:
    for path in ("/graphql", "/health/live", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_an_unknown_path_is_404_in_json(client: httpx.Client) -> None:
    answer = client.get("/nowhere")
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


def test_a_foreign_web_origin_is_answered_only_where_it_is_allowed() -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    with (
        running_web(cors_origins=("https://portal.example",)) as running,
        httpx.Client(base_url=running.url) as http,
    ):
        allowed = http.options("/graphql", headers={"origin": "https://portal.example", **preflight})
        refused = http.options("/graphql", headers={"origin": "https://evil.example", **preflight})
    assert allowed.headers["access-control-allow-origin"] == "https://portal.example"
    assert "access-control-allow-origin" not in refused.headers


def test_a_request_past_its_deadline_is_cut_off() -> None:
    limits = WebLimits(deadline_s=0.05)
    with (
        running_web(engine=ToyEngine(), limits=limits) as running,
        httpx.Client(base_url=running.url) as http,
    ):
        answer = post(http, "{ wait }")
    assert (answer.status_code, code_of(answer)) == (504, "DEADLINE_EXCEEDED")
