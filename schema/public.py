"""How long answers about what is published by law may be kept by whoever passes them on, browsers and proxies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LIVE", "PUBLIC_FOR_S"]

_DIRECTORY_S = 300

PUBLIC_FOR_S: Mapping[tuple[str, str], int] = MappingProxyType(
    {
        ("Query", name): _DIRECTORY_S
        for name in (
            "availability",
            "department",
            "departments",
            "implementation",
            "region",
            "regions",
            "serviceItem",
            "serviceItems",
        )
    }
)
"""(type, field) -> seconds. Fields of the house below them live as long, but for LIVE."""

LIVE: frozenset[str] = frozenset({"LegacySystem", "LegacySystemConnection"})
"""Types that tell how things are now."""
