"""Which case files a caller may see at all, as conditions of SQL: the rule for rows (`gateway.security.reach`), and what
auditors see beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from adapters.fetch import Caller
from adapters.reach import Area, Divisions
from gateway.casefile.tables import CARD, CASE_FILE
from gateway.security.reach import Reach, reach_of, rows_within

__all__ = ["Visible", "visible_to"]

AUDIT = "audit:read"


@dataclass(frozen=True, slots=True)
class Visible:
    """key: the one of all references."""

    reach: Reach
    key: bytes

    def files(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions on `case_file`; none where everything is in reach."""
        if self.reach.everything:
            return ()
        table = CASE_FILE.c
        within = rows_within(
            self.reach,
            key=self.key,
            subject=table.subject,
            department=table.department,
            region=table.region,
        )
        return (within,)

    def area(self) -> Area | None:
        """The one that all files in reach are of, where there is one: an index finds them by it."""
        reach = self.reach
        return (
            reach.areas[0] if len(reach.areas) == 1 and not reach.numbers and not reach.everything else None
        )

    def cards(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions on `card`; a card against a system is for those who see everything."""
        if self.reach.everything:
            return ()
        return (CARD.c.case_id.in_(select(CASE_FILE.c.case_id).where(*self.files())),)


def visible_to(caller: Caller, divisions: Divisions, key: bytes) -> Visible:
    """By the rule for rows; auditors see all."""
    if AUDIT in caller.scopes:
        return Visible(Reach(everything=True), key)
    return Visible(reach_of(caller, divisions), key)
