"""Whose a case is: identity numbers compared as people mean them, whatever a system writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.identifiers import normalise_number

__all__ = ["filter_number", "is_applicant"]


def is_applicant(record: Mapping[str, Any], number: str) -> bool:
    """Whether a case is of the applicant with this normalised number."""
    held = (record.get("applicant") or {}).get("idNumber")
    return isinstance(held, str) and (held == number or filter_number(None, held)[1] == number)


def filter_number(id_type: str | None, number: str) -> tuple[str, str]:
    """Type and normalised number of an applicant; a number of letters and digits that is no resident id is a
    social credit code whatever the default of the argument says."""
    text = normalise_number(id_type or "RESIDENT_ID", number)
    if (id_type in (None, "RESIDENT_ID")) and len(text) == 18 and not text[:17].isdigit():
        return "USCC", normalise_number("USCC", number)
    return id_type or "RESIDENT_ID", text
