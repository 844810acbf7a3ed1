"""An event as followers get it, and the cursor that stands after it. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.live.errors import CursorRefused

__all__ = ["Cursor", "LiveEvent", "Place"]

_MARK = 8
"""Hex digits of a leaf's hash in a cursor: enough to tell another trail, or one that was rolled back."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Between two leaves of the trail. position: leaves before it; mark: the hash of the last of them begins so."""

    position: int
    mark: str = ""

    @classmethod
    def after(cls, leaf: int, value: bytes) -> Cursor:
        return cls(leaf + 1, value.hex()[:_MARK])

    def text(self) -> str:
        return base64.urlsafe_b64encode(f"L{self.position}.{self.mark}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises CursorRefused."""
        try:
            plain = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode("ascii")
            position, _, mark = plain.removeprefix("L").partition(".")
            if not plain.startswith("L") or not position.isdecimal() or len(position) > 18:
                raise ValueError
        except (ValueError, binascii.Error):
            raise CursorRefused(
                "after is not a cursor of events; take `cursor` of an event that came, or `eventCursor`"
            ) from None
        return cls(int(position), mark)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case belongs, as far as it is known: codes of division and department, the applicant's reference."""

    region: str | None = None
    department: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """A sealed event of a case. leaf: its place in the trail; times in microseconds since 1970.

    subject: of the event itself. detail: as in `ledger.records.NewEvent`. place: of its case, None if that has no file.
    """

    leaf: int
    cursor: Cursor
    system: str
    case_id: str
    key: str
    kind: str
    occurred_us: int | None
    recorded_us: int
    subject: str | None
    supersedes: str | None
    detail: Mapping[str, Any]
    place: Place | None
    told: int | None = None
    """Its own leaf, where it is told again at a later one: there its case was first shown by its system."""

    @property
    def subjects(self) -> frozenset[str]:
        """References of the applicant, of the event and of its case's file."""
        found = (self.subject, self.place.subject if self.place is not None else None)
        return frozenset(one for one in found if one is not None)
