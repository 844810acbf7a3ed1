"""From the farm's addresses to declarations. For now the addresses alone; the YAML of each kind follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["FarmAddress", "declared_addresses"]


class FarmAddress(NamedTuple):
    """code: FARM-001 and so on; kind: rest, xml or soap; url: base URL without a path."""

    code: str
    kind: str
    url: str


def declared_addresses(addresses: Iterable[FarmAddress]) -> list[tuple[str, str, str]]:
    """(system code, kind, base URL) triples in order of the codes."""
    return sorted((address.code, address.kind, address.url) for address in addresses)
