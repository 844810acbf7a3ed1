"""TLS: verified by default, named by host, with a client certificate where the context has one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import pytest
import trustme

from adapters.wire import ConnectFailed, TlsFailed, Wire, WireError
from tests.wire.servers import RawServer, get, wire_to


@dataclass
class Pki:
    authority: trustme.CA
    server: ssl.SSLContext
    client: ssl.SSLContext


def make_pki(*names: str) -> Pki:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Pki(authority, server, client)


async def send(server: RawServer, tls: ssl.SSLContext | None, host: str = "127.0.0.1") -> bytes:
    origin = f"https://{host}:{server.port}"
    async with wire_to(origin, tls=tls) as wire:
        return (await wire.send(get(origin), timeout_s=5)).body


async def test_a_trusted_certificate_is_accepted_and_the_connection_kept() -> None:
    pki = make_pki("127.0.0.1")
    async with RawServer(pki.server) as server, wire_to(server.origin, tls=pki.client) as wire:
        for _ in range(3):
            assert (await wire.send(get(server.origin), timeout_s=5)).body == b"ok"
        assert server.connections == 1


async def test_the_host_name_is_sent_and_checked() -> None:
    pki = make_pki("localhost")
    asked: list[str | None] = []
    pki.server.sni_callback = lambda _sock, name, _context: asked.append(name)
    async with RawServer(pki.server) as server:
        assert await send(server, pki.client, "localhost") == b"ok"
    assert asked == ["localhost"]


async def test_a_certificate_for_another_host_is_refused() -> None:
    pki = make_pki("other.gov.cn")
    async with RawServer(pki.server) as server:
        with pytest.raises(TlsFailed, match="certificate was not accepted") as caught:
            await send(server, pki.client)
        assert not server.requests
        assert caught.value.code == "WIRE_TLS_FAILED"
        assert caught.value.method == "GET"


async def test_an_unknown_authority_is_refused_by_default() -> None:
    async with RawServer(make_pki("127.0.0.1").server) as server:
        with pytest.raises(TlsFailed):
            await send(server, None)
        assert not server.requests


@pytest.mark.parametrize("known", [True, False])
async def test_a_client_certificate_comes_from_the_context(known: bool) -> None:
    pki = make_pki("127.0.0.1")
    pki.server.verify_mode = ssl.CERT_REQUIRED
    pki.authority.configure_trust(pki.server)
    if known:
        pki.authority.issue_cert("gateway").configure_cert(pki.client)
    async with RawServer(pki.server) as server:
        if known:
            assert await send(server, pki.client) == b"ok"
        else:
            with pytest.raises(WireError):
                await send(server, pki.client)
            assert not server.requests


async def test_a_server_without_tls_is_a_tls_failure() -> None:
    async with RawServer() as server:
        server.greeting = b"220 not tls\r\n"
        with pytest.raises((TlsFailed, ConnectFailed)):
            await send(server, make_pki("x").client)


async def test_a_plain_request_to_a_tls_server_is_an_error_not_a_hang() -> None:
    async with RawServer(make_pki("127.0.0.1").server) as server:
        origin = f"http://127.0.0.1:{server.port}"
        async with wire_to(origin) as wire:
            with pytest.raises(WireError):
                await wire.send(get(origin), timeout_s=5)


async def test_closing_a_wire_closes_its_tls_connections() -> None:
    pki = make_pki("127.0.0.1")
    async with RawServer(pki.server) as server:
        wire: Wire
        async with wire_to(server.origin, tls=pki.client) as wire:
            await wire.send(get(server.origin), timeout_s=5)
        await server.all_closed.wait()
