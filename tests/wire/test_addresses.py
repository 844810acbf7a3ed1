"""Where a registered name may lead: checked on the connection that is used, before anything is sent."""

from __future__ import annotations

import pytest

from adapters.wire import UrlGuard, Wire, WireRequest
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import check_address, parse_url
from tests.wire.servers import RawServer


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://system.example", "169.254.169.254"),
        ("https://system.example", "fe80::1%eth0"),
        ("https://system.example", "fe80::1"),
        ("https://system.example", "127.0.0.1"),
        ("https://system.example", "::1"),
        ("https://system.example", "::ffff:127.0.0.1"),
        ("https://system.example", "::ffff:169.254.169.254"),
        ("https://system.example", "0.0.0.0"),  # noqa: S104 - nobody binds it
        ("https://system.example", "::"),
        ("https://system.example", "224.0.0.1"),
        ("https://localhost.example", "127.0.0.1"),
        ("https://localhost", "169.254.169.254"),
        ("http://2130706433", "127.0.0.1"),
        ("http://127.1", "127.0.0.1"),
    ],
)
def test_a_name_may_not_lead_to_the_own_machine_or_a_link_local_address(url: str, address: str) -> None:
    with pytest.raises(UrlRefused, match="which no system has"):
        check_address(parse_url(url).origin, address)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://system.example", "10.1.2.3"),
        ("https://system.example", "192.168.7.7"),
        ("https://system.example", "fd00::7"),
        ("https://system.example", "203.0.113.7"),
        ("http://localhost", "127.0.0.1"),
        ("http://jt.localhost", "::1"),
        ("http://127.0.0.1", "127.0.0.1"),
        ("http://[::1]", "::1"),
        ("http://169.254.7.7", "169.254.7.7"),
    ],
)
def test_private_networks_and_what_is_registered_as_an_address_are_let_through(
    url: str, address: str
) -> None:
    check_address(parse_url(url).origin, address)


@pytest.mark.parametrize("name", ["2130706433", "127.1", "0x7f000001"])
async def test_a_name_that_the_resolver_takes_for_the_own_machine_is_sent_nothing(
    raw: RawServer, name: str
) -> None:
    wire = Wire(guard=UrlGuard([f"http://{name}:{raw.port}"]))
    with pytest.raises(UrlRefused, match=r"leads to 127\.0\.0\.1"):
        await wire.send(WireRequest("GET", f"http://{name}:{raw.port}/"), timeout_s=5)
    await wire.close()
    assert raw.requests == []
