"""What cases are asked for: what goes to the systems, and what the gateway tests itself because a system does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.applicant import is_applicant
from adapters.asked import Asked
from adapters.reach import Reach

__all__ = ["CaseFilter"]


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What cases are asked for. number: normalised identity number; regions: codes, descendants included;
    start and end: network times, both ends included. reach: which cases the caller may have; None is all."""

    id_type: str | None = None
    number: str | None = field(default=None, repr=False)
    states: tuple[str, ...] = ()
    department: str | None = None
    regions: frozenset[str] | None = None
    systems: frozenset[str] | None = None
    start: str | None = None
    end: str | None = None
    reach: Reach | None = None

    def args(self) -> dict[str, Any]:
        """`$args` of request templates."""
        applicant = None
        if self.number is not None:
            kind = "LEGAL" if self.id_type in ("USCC", "ORG_CODE") else "NATURAL"
            applicant = {"idType": self.id_type, "idNumber": self.number, "kind": kind}
        return {
            "applicant": applicant,
            "states": list(self.states) or None,
            "department": self.department or (self.reach.only_department() if self.reach else None),
            "region": min(self.regions) if self.regions and len(self.regions) == 1 else None,
            "from": self.start,
            "to": self.end,
        }

    def lot(self) -> str:
        """What the side of a list hangs on, where a system is being replaced: the person, else the question."""
        return self.number or f"{sorted(self.states)} {self.department} {sorted(self.regions or ())}"

    def here(self, source: Asked) -> tuple[Callable[[dict[str, Any]], bool], ...]:
        """Tests that the gateway itself must make, because this system does not."""
        pushed = source.connectors["cases"].filters
        tests: list[Callable[[dict[str, Any]], bool]] = []
        if self.number is not None and "applicant" in source.connectors["cases"].mapped:
            # a system that searches loosely, or not at all, must not hand out another person's cases
            number = self.number
            tests.append(lambda record: is_applicant(record, number))
        if self.states and "states" not in pushed:
            wanted = frozenset(self.states)
            tests.append(lambda record: (record.get("state") or "UNKNOWN") in wanted)
        if self.department and "department" not in pushed:
            department = self.department
            tests.append(lambda record: record.get("departmentCode") == department)
        if self.regions is not None:  # a system knows one code, not what lies below it
            regions = self.regions
            tests.append(lambda record: record.get("regionCode") in regions)
        if self.start is not None:  # dates are tested again: systems differ on whether ends are included
            start = self.start
            tests.append(lambda record: record["appliedAt"] >= start)
        if self.end is not None:
            end = self.end
            tests.append(lambda record: record["appliedAt"] <= end)
        reach = self.reach
        if reach is not None and not reach.everything and not source.only_in_case(reach.needs()):
            owner = source.declaration.system.owner
            tests.append(lambda record: reach.sees(record, owner=owner))
        return tuple(tests)

    def unverifiable(self, record: Mapping[str, Any]) -> bool:
        """Whether a record left out has no whole number to compare: what its system keeps or shows is masked."""
        held = (record.get("applicant") or {}).get("idNumber")
        return self.number is not None and (not isinstance(held, str) or "*" in held)

    def fields(self) -> set[str]:
        """Canonical fields that `here` looks at."""
        needed = {"appliedAt", "localNo"}
        if self.number is not None:
            needed.add("applicant")
        if self.states:
            needed.add("state")
        if self.department:
            needed.add("departmentCode")
        if self.regions is not None:
            needed.add("regionCode")
        return needed | self.reach.needs() if self.reach is not None else needed
