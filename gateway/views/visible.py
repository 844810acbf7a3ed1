"""Which case files a caller may see at all, as conditions of SQL: the rule for rows (`gateway.security.reach`), and what
supervisors and auditors see beyond it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, select

from adapters.fetch import Caller
from adapters.reach import Divisions, area_of
from gateway.casefile.tables import CARD, CASE_FILE
from gateway.security.reach import Reach, reach_of, rows_within

__all__ = ["Visible", "visible_to"]

AUDIT, SUPERVISION = "audit:read", "supervision:read"


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

    def cards(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions on `card`; a card against a system is for those who see everything."""
        if self.reach.everything:
            return ()
        return (CARD.c.case_id.in_(select(CASE_FILE.c.case_id).where(*self.files())),)


def visible_to(caller: Caller, divisions: Divisions, key: bytes) -> Visible:
    """Auditors see all. Supervisors see their token's department and region; all, where it names none."""
    reach = reach_of(caller, divisions)
    area = area_of(caller, divisions)
    if AUDIT in caller.scopes:
        reach = Reach(everything=True)
    elif SUPERVISION in caller.scopes and not reach.everything:
        whole = area.department is None and area.regions is None
        reach = Reach(everything=True) if whole else replace(reach, areas=(*reach.areas, area))
    return Visible(reach, key)
