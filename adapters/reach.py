"""Which cases a caller may have: the rule for rows, beside the scopes that are the rule for fields. Pure.

    cases:own         those of the applicant that the token names                本人
    cases:department  those of the token's department; only of its region and    本部门、本区划
                      what lies below it, where the token names a region
    cases:region      those of every department in the token's region and below  本区划
    cases:read        all                                                        全部

Several add up. A scope whose part the token lacks (`cases:department` without a department) gives nothing. Whoever
reads cases asks this rule, wherever they come from: the systems, the case files, an event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.applicant import filter_number, is_applicant
from adapters.fetch import Caller
from schema.identifiers import applicant_ref

__all__ = [
    "ALL",
    "DEPARTMENT",
    "NOTHING",
    "OWN",
    "REGION",
    "Area",
    "Divisions",
    "Reach",
    "area_of",
    "reach_of",
]

ALL, OWN, DEPARTMENT, REGION = "cases:read", "cases:own", "cases:department", "cases:region"


class Divisions(Protocol):
    def descendants(self, code: str) -> frozenset[str]:
        """Codes of all divisions below; the division's own is not among them."""
        ...

    def is_whole(self, code: str) -> bool:
        """Whether every division that is known is this one or below it."""
        ...


@dataclass(frozen=True, slots=True)
class Area:
    """Cases of one department, of some divisions, or of the one within the others. department: None is every one.
    regions: codes, those below included; None is every one, and the cases that have none."""

    department: str | None = None
    regions: frozenset[str] | None = None

    def holds(self, department: str | None, region: str | None) -> bool:
        if self.department is not None and self.department != department:
            return False
        return self.regions is None or region in self.regions


@dataclass(frozen=True, slots=True)
class Reach:
    """everything: no row is left out. numbers: identity numbers whose cases are the caller's own, normalised, each with
    its type. areas: of a clerk's or supervisor's token."""

    everything: bool = False
    numbers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    areas: tuple[Area, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.everything or self.numbers or self.areas)

    def sees(self, record: Mapping[str, Any], *, owner: str | None) -> bool:
        """record: a canonical Case with the fields of `needs`. owner: the department of its system, whose a case is that
        names none."""
        if self.everything:
            return True
        if any(is_applicant(record, number) for _, number in self.numbers):
            return True
        return self.handles(record, owner=owner)

    def handles(self, record: Mapping[str, Any], *, owner: str | None) -> bool:
        """Whether it is in the caller's area by office, not as an applicant's own."""
        department, region = record.get("departmentCode") or owner, record.get("regionCode")
        return any(area.holds(department, region) for area in self.areas)

    def in_charge(self, record: Mapping[str, Any], *, owner: str | None) -> bool:
        """Whether the caller is a clerk of the case: of its department, not of a supervisor's region."""
        department, region = record.get("departmentCode") or owner, record.get("regionCode")
        return any(area.department is not None and area.holds(department, region) for area in self.areas)

    def sees_row(
        self, *, subject: str | None, department: str | None, region: str | None, key: bytes
    ) -> bool:
        """The same of a row that holds a reference in place of the number. department: of its system, if it has none."""
        if self.everything or any(area.holds(department, region) for area in self.areas):
            return True
        return subject is not None and subject in self.subjects(key)

    def subjects(self, key: bytes) -> frozenset[str]:
        """References (`Applicant.ref`) of the numbers. key: the one of all references."""
        return frozenset(applicant_ref(key, id_type, number) for id_type, number in self.numbers)

    def needs(self) -> frozenset[str]:
        """Canonical fields of a Case that `sees` looks at."""
        if self.everything:
            return frozenset()
        needed = {"applicant"} if self.numbers else set()
        if any(area.department is not None for area in self.areas):
            needed.add("departmentCode")
        if any(area.regions is not None for area in self.areas):
            needed.add("regionCode")
        return frozenset(needed)

    def only_department(self) -> str | None:
        """The one department that all cases in reach are of, where there is one: a system that can look for it is asked
        for no others."""
        if self.everything or self.numbers or len(self.areas) != 1:
            return None
        return self.areas[0].department

    def may_hold(self, *, owner: str, names_departments: bool, served: Collection[str]) -> bool:
        """Whether a system may hold a case in reach. names_departments: its cases say whose they are. served: divisions
        that it serves, those below included; none is all."""
        if self.everything or self.numbers:
            return True
        return any(
            (area.department in (None, owner) or names_departments)
            and (not served or area.regions is None or not area.regions.isdisjoint(served))
            for area in self.areas
        )


NOTHING = Reach()


def reach_of(caller: Caller, divisions: Divisions) -> Reach:
    """What the caller's scopes and the token's subject, department and region give."""
    scopes = caller.scopes
    if ALL in scopes:
        return Reach(everything=True)
    numbers = (filter_number(None, caller.subject),) if OWN in scopes and caller.subject else ()
    areas: list[Area] = []
    if DEPARTMENT in scopes and caller.department:
        areas.append(area_of(caller, divisions))
    if REGION in scopes and caller.region:
        areas.append(Area(None, _with_below(caller.region, divisions)))
    return Reach(False, numbers, tuple(areas))


def area_of(caller: Caller, divisions: Divisions) -> Area:
    """The token's department within the token's region, whatever its scopes say."""
    return Area(caller.department, _with_below(caller.region, divisions) if caller.region else None)


def _with_below(code: str, divisions: Divisions) -> frozenset[str] | None:
    """None where nothing is outside it: cases of no division, or of one that nobody knows, are of the whole then."""
    return None if divisions.is_whole(code) else divisions.descendants(code) | {code}
