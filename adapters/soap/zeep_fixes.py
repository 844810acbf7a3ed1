"""Defects of zeep that keep real WSDLs from loading, mended when this package is imported. Each names its report and
has a test that fails without it; a zeep that mends them makes the fix do nothing.

Restriction of a list type (zeep issues 803, 987, 1019): `UnresolvedCustomType.resolve` calls the list's class with
a name where it wants the item type, and the load ends in AttributeError. GML 3.1.1, and with it the Dutch StUF
standard, restricts lists: 15 of its 19 WSDLs crash.
"""

from __future__ import annotations

from typing import Any

from zeep.xsd.types.collection import ListType
from zeep.xsd.types.unresolved import UnresolvedCustomType

__all__ = ["mend_zeep"]

_resolve = UnresolvedCustomType.resolve


def mend_zeep() -> None:
    """Idempotent."""
    UnresolvedCustomType.resolve = _resolve_lists_too  # type: ignore[method-assign]


def _resolve_lists_too(self: UnresolvedCustomType) -> Any:
    base = self.base_type.resolve()
    if not isinstance(base, ListType):
        return _resolve(self)  # type: ignore[no-untyped-call]  # zeep has no types
    restricted = type(str(self.name), (type(base),), {"__module__": "zeep.xsd.dynamic_types"})
    return restricted(base.item_type).resolve()
