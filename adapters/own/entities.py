"""What own types may refer to without saying it again: the house's entities by their keys, and its scalars.

A test holds these to the SDL of the house's subgraphs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from schema.identifiers import parse_case_id

__all__ = ["ENTITIES", "PAGE_INFO", "SCALARS", "derived", "derived_names"]

ENTITIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Case": ("id", "ID"),
        "Department": ("code", "Uscc"),
        "ItemImplementation": ("taskCode", "ID"),
        "LegacySystem": ("code", "ID"),
        "Region": ("code", "RegionCode"),
        "ServiceItem": ("baseCode", "ID"),
    }
)
"""Entity of the house -> its key field and that field's type."""

SCALARS: Mapping[str, str] = MappingProxyType(
    {"Date": "date", "DateTime": "datetime", "JSON": "json", "RegionCode": "str", "Uscc": "str"}
)
"""Scalar of the house -> what a map makes of a value for it (`schema.canonical`)."""

PAGE_INFO = (
    "type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String "
    "endCursor: String }"
)


def derived_names(type_name: str) -> frozenset[str]:
    """Further names below `$this` of an entity."""
    return frozenset({"systemCode", "localNo"}) if type_name == "Case" else frozenset()


def derived(type_name: str, representation: Mapping[str, object]) -> dict[str, object]:
    """A representation with what its key says. Raises IdentifierError for an id that is none."""
    if type_name != "Case":
        return dict(representation)
    parsed = parse_case_id(str(representation.get("id")))
    return {**representation, "systemCode": parsed.system, "localNo": parsed.local_no}
