"""Which fields need which scopes. The engine enforces this table; the SDL repeats it for those who read it.

All scopes of a field are needed. A field that is not in the table is public: the catalogue and the directory
are published by law, cases are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PERMISSIONS", "Scopes", "required_scopes"]

Scopes = frozenset[str]

PERMISSIONS: Mapping[tuple[str, str], Scopes] = MappingProxyType(
    {
        ("Query", "case"): frozenset({"cases:read"}),
        ("Query", "caseProgress"): frozenset({"cases:read"}),
        ("Query", "cases"): frozenset({"cases:read"}),
        ("Query", "myCases"): frozenset({"cases:own"}),
        ("LegacySystem", "changes"): frozenset({"cases:read"}),
        ("MappingGap", "rawValue"): frozenset({"systems:read"}),
    }
)
"""(type, field) -> scopes. A raw value of a mapping gap can hold anything that a system holds, so it is not public."""


def required_scopes(type_name: str, field_name: str) -> list[list[str]] | None:
    """The entry in the shape of `@requiresScopes` (one way to satisfy it, all scopes of it), None if public."""
    scopes = PERMISSIONS.get((type_name, field_name))
    return [sorted(scopes)] if scopes else None
