"""How much one caller may ask within a minute: requests, and what operations cost.

A caller is whom the token names; without a token it is the network address, which is kept as a keyed hash only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from adapters.fetch import Caller
from cache.budgets import Allowance, Budgets, EmbeddedBudgets, Spent

__all__ = ["WINDOW_S", "Allowances", "Exhausted", "client_address", "read_networks"]

WINDOW_S: Final = 60.0
Network = IPv4Network | IPv6Network


class Exhausted(Exception):
    """Too much within the window. code: RATE_LIMITED or COST_BUDGET_EXHAUSTED; headers: those of the answer."""

    status: Final = 429

    def __init__(self, code: str, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.code, self.headers = code, headers


@dataclass(slots=True)
class Allowances:
    """Units in a minute, 0 for no bound. secret: keys the hashes of addresses."""

    per_caller: float = 0
    per_address: float = 0
    cost_per_caller: float = 0
    cost_per_address: float = 0
    secret: bytes = field(default=b"", repr=False)
    budgets: Budgets = field(default_factory=EmbeddedBudgets)

    async def request(self, caller: Caller, address: str, count: int = 1) -> Mapping[str, str]:
        """Takes requests; headers for the answer. Raises Exhausted."""
        limit = self.per_address if caller.name == "anonymous" else self.per_caller
        spent = await self._spend("requests", caller, address, limit, count)
        if spent is None:
            return {}
        if spent.granted:
            return _headers("requests", limit, spent)
        text = f"more than {limit:g} requests in a minute; go on in {_whole(spent.wait_s)} s"
        raise Exhausted("RATE_LIMITED", text, _headers("requests", limit, spent))

    async def cost(self, caller: Caller, address: str, cost: float) -> Mapping[str, str]:
        """Takes the cost of an operation; headers for the answer. Raises Exhausted."""
        limit = self.cost_per_address if caller.name == "anonymous" else self.cost_per_caller
        spent = await self._spend("cost", caller, address, limit, cost)
        if spent is None:
            return {}
        if spent.granted:
            return _headers("cost", limit, spent)
        text = (
            f"the operation costs {cost:g}, and {spent.remaining:.0f} of {limit:g} in a minute are left; "
            f"go on in {_whole(spent.wait_s)} s or ask for less"
        )
        raise Exhausted("COST_BUDGET_EXHAUSTED", text, _headers("cost", limit, spent))

    async def _spend(
        self, what: str, caller: Caller, address: str, limit: float, amount: float
    ) -> Spent | None:
        if limit <= 0:
            return None
        return await self.budgets.spend(
            f"{what}:{self._name(caller, address)}", amount, Allowance(limit, WINDOW_S)
        )

    def _name(self, caller: Caller, address: str) -> str:
        """Neither names nor addresses are for whoever can read the store's keys."""
        who = f"caller {caller.name}" if caller.name != "anonymous" else f"address {_net(address)}"
        key = self.secret[:64]
        return hashlib.blake2b(who.encode(), key=key, digest_size=16, person=b"allowances").hexdigest()


def client_address(peer: str, forwarded: str | None, trusted: Iterable[Network]) -> str:
    """Of whom a request is: the peer, or where the peer is a trusted proxy the nearest address in `X-Forwarded-For`
    that is none. What stands further to the left anybody may have written."""
    nets = tuple(trusted)
    if not nets or not forwarded or not _within(peer, nets):
        return peer
    found = peer
    for part in reversed(forwarded.split(",")):
        found = part.strip()
        if not _within(found, nets):
            break
    parsed = _parsed(found)
    return peer if parsed is None else str(parsed)


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is no network."""
    return tuple(ip_network(text, strict=False) for text in texts)


def _within(address: str, nets: Iterable[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in net for net in nets if net.version == parsed.version)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _net(address: str) -> str:
    """IPv6 clients have a whole /64 each."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _headers(what: str, limit: float, spent: Spent) -> Mapping[str, str]:
    """RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10), and Retry-After (RFC 9110) with a refusal."""
    found = {
        "ratelimit-policy": f'"{what}";q={limit:.0f};w={WINDOW_S:.0f}',
        "ratelimit": f'"{what}";r={math.floor(spent.remaining)};t={_whole(spent.full_s)}',
    }
    return found if spent.granted else {**found, "retry-after": str(_whole(spent.wait_s))}


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
