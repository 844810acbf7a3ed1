"""Of whom a request is, and what one caller may ask within a minute."""

from __future__ import annotations

import pytest

from adapters.fetch import Caller
from gateway.security.allowances import Allowances, Exhausted, client_address, read_networks

PROXIES = read_networks(["10.0.0.0/28", "fd00::/8"])
CLERK, OTHER = Caller("clerk"), Caller("other")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "10.9.9.9", "192.0.2.7"),  # no proxy of ours: what it says is nothing
        ("10.0.0.4", None, "10.0.0.4"),
        ("10.0.0.4", "192.0.2.9", "192.0.2.9"),
        ("10.0.0.4", "198.51.100.1, 192.0.2.9", "192.0.2.9"),  # the first was written by the client
        ("10.0.0.4", "192.0.2.9, 10.0.0.5", "192.0.2.9"),
        ("10.0.0.4", "10.0.0.6, 10.0.0.5", "10.0.0.6"),
        ("10.0.0.4", "nonsense", "10.0.0.4"),
        ("10.0.0.4", "", "10.0.0.4"),
        ("::ffff:10.0.0.4", "::ffff:192.0.2.9", "192.0.2.9"),
        ("fd00::1", "2001:db8::9", "2001:db8::9"),
        ("", "192.0.2.9", ""),
    ],
)
def test_only_declared_proxies_say_whose_a_request_is(peer: str, forwarded: str | None, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


def test_without_proxies_nothing_is_believed() -> None:
    assert client_address("10.0.0.4", "192.0.2.9", ()) == "10.0.0.4"


async def test_a_caller_has_its_own_budget_wherever_it_asks_from() -> None:
    allowances = Allowances(per_caller=3, per_address=1)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        headers = await allowances.request(CLERK, address)
    assert headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert headers["ratelimit"].startswith('"requests";r=0;t=')
    with pytest.raises(Exhausted, match="more than 3 requests in a minute") as caught:
        await allowances.request(CLERK, "192.0.2.4")
    assert caught.value.code == "RATE_LIMITED"
    assert 1 <= int(caught.value.headers["retry-after"]) <= 20
    await allowances.request(OTHER, "192.0.2.1")


async def test_strangers_are_counted_by_address_and_ipv6_by_network() -> None:
    allowances = Allowances(per_address=1)
    await allowances.request(Caller(), "192.0.2.1")
    await allowances.request(Caller(), "192.0.2.2")
    await allowances.request(Caller(), "2001:db8::1")
    for again in ("192.0.2.1", "::ffff:192.0.2.2", "2001:db8::2"):
        with pytest.raises(Exhausted):
            await allowances.request(Caller(), again)


async def test_cost_is_a_budget_of_its_own() -> None:
    allowances = Allowances(per_caller=100, cost_per_caller=50)
    await allowances.cost(CLERK, "", 30)
    with pytest.raises(Exhausted, match="costs 30, and 20 of 50") as caught:
        await allowances.cost(CLERK, "", 30)
    assert caught.value.code == "COST_BUDGET_EXHAUSTED"
    assert await allowances.request(CLERK, "") != {}
    assert (await allowances.cost(CLERK, "", 0))["ratelimit"].startswith('"cost";r=20')


async def test_without_a_bound_nothing_is_counted_or_told() -> None:
    allowances = Allowances()
    assert await allowances.request(CLERK, "", 10**9) == {}
    assert await allowances.cost(CLERK, "", 10**9) == {}


async def test_neither_names_nor_addresses_are_in_the_keys() -> None:
    asked: list[str] = []

    class Seen:
        async def spend(self, name: str, *_rest: object) -> None:
            asked.append(name)

        async def close(self) -> None: ...

    allowances = Allowances(per_caller=1, per_address=1, secret=b"k" * 32, budgets=Seen())  # type: ignore[arg-type]
    await allowances.request(Caller("王某"), "192.0.2.1")
    await allowances.request(Caller(), "192.0.2.1")
    assert len(set(asked)) == 2
    assert not any("王" in name or "192" in name for name in asked)
