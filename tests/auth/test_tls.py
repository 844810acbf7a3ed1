"""TLS by declaration: whom the gateway trusts, what it shows, and one context for all that say the same."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from adapters.auth.model import Tls
from adapters.auth.tls import TlsContexts, TlsFiles, make_context
from adapters.wire import TlsFailed, WireError
from tests.auth.pki import identity
from tests.wire.servers import RawServer, get, wire_to


@dataclass
class Pki:
    """A server that wants a client certificate of `ca`, and the files of a client that has one."""

    server: ssl.SSLContext
    ca: Path
    certificate: Path

    def tls(self, **files: str | None) -> Tls:
        return Tls.model_validate({"ca": str(self.ca), "certificate": str(self.certificate), **files})


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    ca, client = tmp_path / "ca.pem", tmp_path / "client.pem"
    authority.cert_pem.write_to_path(str(ca))
    authority.issue_cert("gateway.gov.cn").private_key_and_cert_chain_pem.write_to_path(str(client))
    return Pki(server, ca, client)


async def ask(server: RawServer, context: ssl.SSLContext) -> bytes:
    async with wire_to(server.origin, tls=context) as wire:
        return (await wire.send(get(server.origin), timeout_s=5)).body


async def test_a_client_certificate_opens_the_door(pki: Pki) -> None:
    async with RawServer(pki.server) as server:
        assert await ask(server, make_context(pki.tls())) == b"ok"


async def test_without_a_client_certificate_it_stays_closed(pki: Pki) -> None:
    async with RawServer(pki.server) as server:
        with pytest.raises(WireError):
            await ask(server, make_context(Tls.model_validate({"ca": str(pki.ca)})))
        assert not server.requests


async def test_a_client_certificate_of_another_authority_does_not_do(pki: Pki, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().issue_cert("x").private_key_and_cert_chain_pem.write_to_path(str(stranger))
    async with RawServer(pki.server) as server:
        with pytest.raises(WireError):
            await ask(server, make_context(pki.tls(certificate=str(stranger))))
        assert not server.requests


async def test_a_server_of_another_authority_is_refused(pki: Pki, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    async with RawServer(pki.server) as server:
        with pytest.raises(TlsFailed):
            await ask(server, make_context(pki.tls(ca=str(other))))
        assert not server.requests


async def test_a_declared_authority_is_the_only_one(pki: Pki) -> None:
    """The machine's own store would let any public authority speak for a system of the inner network."""
    context = make_context(pki.tls())
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_systems_with_the_same_trust_share_one_context(pki: Pki) -> None:
    contexts = TlsContexts()
    assert contexts.of(pki.tls()) is contexts.of(pki.tls())
    assert contexts.of(None) is contexts.of(None)
    assert contexts.of(pki.tls()) is not contexts.of(pki.tls(certificate=None))


def test_a_locked_key_opens_with_its_password(tmp_path: Path) -> None:
    certificate, key = identity("gateway").write(tmp_path, "gateway", password="k-secret")
    files = {"certificate": str(certificate), "key": str(key)}
    tls = Tls.model_validate({**files, "password": "k-secret"})
    make_context(tls)
    assert "k-secret" not in repr(tls)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_locked_key_without_its_password_is_told_and_asks_nobody(
    tmp_path: Path, password: str | None
) -> None:
    certificate, key = identity("gateway").write(tmp_path, "gateway", password="k-secret")
    tls = Tls.model_validate({"certificate": str(certificate), "key": str(key), "password": password})
    with pytest.raises(TlsFiles, match="certificate: no certificate and key") as caught:
        make_context(tls)
    assert "wrong" not in str(caught.value).replace("password is wrong", "")


def test_files_that_do_not_do_are_told(pki: Pki, tmp_path: Path) -> None:
    certificate, _ = identity("gateway").write(tmp_path, "gateway")
    _, other = identity("other").write(tmp_path, "other")
    (tmp_path / "junk.pem").write_text("junk")

    def told(**files: str | None) -> str:
        with pytest.raises(TlsFiles) as caught:
            make_context(pki.tls(**files))
        return str(caught.value)

    assert told(ca=str(tmp_path / "none")) == "ca: no such file"
    assert told(ca=str(tmp_path / "junk.pem")) == "ca: no certificates in PEM"
    assert told(certificate=str(tmp_path / "none")) == "certificate: no such file"
    assert told(certificate=str(certificate), key=str(tmp_path / "none")) == "key: no such file"
    assert told(certificate=str(certificate), key=str(other)).startswith(
        "certificate: no certificate and key"
    )
