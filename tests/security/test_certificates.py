"""Client certificates that a proxy has checked: who they make one, and every way to be somebody else that is refused."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gateway.security.certificates import TrustedProxies, load_certificates
from gateway.security.identity import TokensFileError
from tests.e2e.gateways import Client, here
from tests.e2e.stubs import answering, declaration, row, stub

HEADER = "Client-Cert"
CASE = '{ case(id: "AA:AA-1") { id } }'
NOW = datetime.now(UTC)


def certificate(**how: Any) -> x509.Certificate:
    pem = trustme.CA().issue_cert("service.example", **how).cert_chain_pems[0].bytes()
    return x509.load_pem_x509_certificate(pem)


KNOWN, STRANGER = certificate(), certificate()
ENDED = certificate(not_before=NOW - timedelta(days=2), not_after=NOW - timedelta(days=1))


def rfc9440(one: x509.Certificate) -> str:
    return f":{base64.b64encode(one.public_bytes(Encoding.DER)).decode()}:"


def escaped(one: x509.Certificate) -> str:
    return quote(one.public_bytes(Encoding.PEM).decode())


def fingerprint(one: x509.Certificate) -> str:
    return hashlib.sha256(one.public_bytes(Encoding.DER)).hexdigest()


def directory(folder: Path, *certificates: x509.Certificate) -> Path:
    file = folder / "certificates.yaml"
    lines = [
        f'  - {{certificate_sha256: "{fingerprint(one)}", name: service-{at}, scopes: ["cases:read"]}}\n'
        for at, one in enumerate(certificates)
    ]
    file.write_text("certificates:\n" + "".join(lines), "utf-8")
    return file


@contextmanager
def gateway(folder: Path, **settings: Any) -> Iterator[Client]:
    systems = folder / "systems"
    systems.mkdir()
    with stub(answering([row("AA-1")])) as server:
        (systems / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        with here(folder / "data", systems, {}, watch=False, token=None, **settings) as client:
            yield client


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A gateway whose proxy is this machine."""
    folder = tmp_path_factory.mktemp("behind")
    file = directory(folder, KNOWN, ENDED)
    settings = {
        "client_certificate_header": HEADER,
        "trusted_proxies": ("127.0.0.1",),
        "certificates_file": file,
    }
    with gateway(folder, **settings) as client:
        yield client


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A gateway whose proxy is another machine."""
    folder = tmp_path_factory.mktemp("elsewhere")
    file = directory(folder, KNOWN)
    settings = {
        "client_certificate_header": HEADER,
        "trusted_proxies": ("192.0.2.7",),
        "certificates_file": file,
    }
    with gateway(folder, **settings) as client:
        yield client


def ask(client: Client, *headers: tuple[str, str]) -> httpx.Response:
    return httpx.post(
        f"{client.url}/graphql", json={"query": CASE}, headers=[*headers], trust_env=False, timeout=20
    )


def codes(reply: httpx.Response) -> list[str]:
    return [one["extensions"]["code"] for one in reply.json().get("errors", [])]


@pytest.mark.parametrize("written", [rfc9440, escaped])
def test_the_bearer_of_a_known_certificate_is_somebody(behind: Client, written: Any) -> None:
    assert ask(behind, (HEADER, written(KNOWN))).json()["data"] == {"case": {"id": "AA:AA-1"}}


@pytest.mark.parametrize("headers", [[], [(HEADER, "")]])
def test_without_a_certificate_one_is_the_public(behind: Client, headers: list[tuple[str, str]]) -> None:
    assert codes(ask(behind, *headers)) == ["UNAUTHENTICATED"]


def test_a_token_counts_before_a_certificate(behind: Client) -> None:
    reply = ask(behind, (HEADER, rfc9440(KNOWN)), ("authorization", "Bearer nobody-knows-this"))
    assert reply.status_code == 401


def test_one_request_does_not_lend_its_certificate_to_the_next_on_the_same_connection(behind: Client) -> None:
    with httpx.Client(base_url=behind.url, trust_env=False) as http:
        body = {"query": CASE}
        assert http.post("/graphql", json=body, headers={HEADER: rfc9440(KNOWN)}).json()["data"]["case"]
        assert codes(http.post("/graphql", json=body)) == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("case", "headers"),
    [
        ("unknown", [(HEADER, rfc9440(STRANGER))]),
        ("ended", [(HEADER, rfc9440(ENDED))]),
        ("twice", [(HEADER, rfc9440(KNOWN)), (HEADER, rfc9440(STRANGER))]),
        ("twice the same", [(HEADER, rfc9440(KNOWN)), (HEADER, rfc9440(KNOWN))]),
        ("underscore", [("Client_Cert", rfc9440(KNOWN))]),
        ("underscore beside", [(HEADER, rfc9440(KNOWN)), ("client_cert", rfc9440(STRANGER))]),
        ("two in one", [(HEADER, quote((KNOWN.public_bytes(Encoding.PEM) * 2).decode()))]),
        ("a fingerprint alone", [(HEADER, fingerprint(KNOWN))]),
        ("a list", [(HEADER, f"{rfc9440(KNOWN)}, {rfc9440(STRANGER)}")]),
        ("no base64", [(HEADER, ":%%%:")]),
        ("no certificate", [(HEADER, ":AAAA:")]),
        ("a subject", [(HEADER, 'Subject="CN=service-0"')]),
        ("too long", [(HEADER, ":" + "A" * 20_000 + ":")]),
    ],
)
def test_what_is_no_one_good_certificate_is_refused(
    behind: Client, case: str, headers: list[tuple[str, str]]
) -> None:
    reply = ask(behind, *headers)
    assert (reply.status_code, codes(reply)) == (400, ["CERTIFICATE_REFUSED"]), case


@pytest.mark.parametrize("name", [HEADER, "client-cert", "CLIENT_CERT"])
@pytest.mark.parametrize(
    "further", [[], [("X-Forwarded-For", "192.0.2.7")], [("Forwarded", "for=192.0.2.7")]]
)
def test_a_header_that_no_declared_proxy_sent_is_refused(
    elsewhere: Client, name: str, further: list[tuple[str, str]]
) -> None:
    reply = ask(elsewhere, (name, rfc9440(KNOWN)), *further)
    assert (reply.status_code, codes(reply)) == (400, ["CERTIFICATE_REFUSED"])


def test_who_sends_no_certificate_is_served_from_anywhere(elsewhere: Client) -> None:
    assert codes(ask(elsewhere)) == ["UNAUTHENTICATED"]


def test_the_header_means_nothing_where_it_is_not_declared(tmp_path: Path) -> None:
    with gateway(tmp_path) as client:
        assert codes(ask(client, (HEADER, rfc9440(KNOWN)))) == ["UNAUTHENTICATED"]


def test_a_file_is_given_and_a_socket_opened_by_the_same_rule(behind: Client, elsewhere: Client) -> None:
    shown = {HEADER: rfc9440(KNOWN)}
    params = {"case": "AA:AA-1", "kind": "none"}
    reply = httpx.get(f"{behind.url}/files", params=params, headers=shown, trust_env=False)
    assert codes(reply) == ["FILE_NOT_FOUND"]
    assert codes(httpx.get(f"{behind.url}/files", params=params, trust_env=False)) == ["UNAUTHENTICATED"]
    address = elsewhere.url.replace("http", "ws") + "/graphql"
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(
            address,
            subprotocols=["graphql-transport-ws"],
            additional_headers=shown,
            proxy=None,  # type: ignore[list-item]
        ),
    ):
        pass
    assert caught.value.response.status_code == 403


def test_addresses_of_version_4_inside_version_6_are_the_same_proxy() -> None:
    proxies = TrustedProxies.of(["10.0.0.0/28", "fd00::/64"])
    assert proxies.has("10.0.0.3")
    assert proxies.has("::ffff:10.0.0.3")
    assert proxies.has("fd00::5")
    assert not proxies.has("10.0.0.16")
    assert not proxies.has(None)
    assert not proxies.has("unix:")


def test_what_is_wrong_in_the_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(
        "certificates:\n- {name: a}\n- {certificate_sha256: 'zz', name: b}\n"
        f"- {{certificate_sha256: '{fingerprint(KNOWN)}', name: c, scopes: ['role:nobody']}}\n"
        f"- {{token: a-plain-token, name: d}}\n"
    )
    with pytest.raises(TokensFileError) as caught:
        load_certificates(file)
    text = str(caught.value)
    assert "certificate 1: give `certificate_sha256` (64 hex digits)" in text
    assert "certificate 2: give `certificate_sha256`" in text
    assert "certificate 3: no role 'role:nobody'" in text
    assert "certificate 4: unknown key 'token'" in text
    assert "a-plain-token" not in text
