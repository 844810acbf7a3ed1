"""The limits that the clocks of a case run against: from the implementation of its item, and from the law."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.tracking.calendar.office_hours import OfficeHours
from schema.registry import ImplementationRow, ItemRow, TimeLimitRow, in_force
from schema.vocabulary import PowerType, SpecialProcedureKind, TimeUnit

__all__ = ["LONGEST", "CaseLimits", "implementation_on", "is_usable", "limits_of"]

LONGEST: Mapping[TimeUnit, int] = {
    TimeUnit.WORKDAY: 5000,
    TimeUnit.CALENDAR_DAY: 7300,
    TimeUnit.MONTH: 240,
    TimeUnit.HOUR: 17_520,
}
"""Most of each unit that a limit may have; a greater one is a mistake of the data."""


_FIVE_WORKDAYS = TimeLimitRow(5, TimeUnit.WORKDAY)
_TEN_WORKDAYS = TimeLimitRow(10, TimeUnit.WORKDAY)
_TWO_HOURS = TimeLimitRow(2, TimeUnit.HOUR)
_OFFICE_HOURS = OfficeHours()


@dataclass(frozen=True, slots=True)
class CaseLimits:
    """statutory, promised: of the implementation. acceptance, issue: 行政许可法 art. 32 and 44. correction, suspension:
    none by law. steps: by name of the step. specials: of a special procedure whose event states no time.

    longest_extension: art. 42; 15 working days for joint handling. licence: under the licensing law; without it nothing
    is deemed accepted and no licence is to be issued. statutory_source: the clause that sets the statutory limit.
    """

    statutory: TimeLimitRow | None = None
    promised: TimeLimitRow | None = None
    acceptance: TimeLimitRow | None = _FIVE_WORKDAYS
    correction: TimeLimitRow | None = None
    issue: TimeLimitRow | None = _TEN_WORKDAYS
    callback: TimeLimitRow | None = _TWO_HOURS
    suspension: TimeLimitRow | None = None
    steps: Mapping[str, TimeLimitRow] = field(default_factory=dict)
    specials: Mapping[SpecialProcedureKind, TimeLimitRow] = field(default_factory=dict)
    longest_extension: TimeLimitRow = _TEN_WORKDAYS
    licence: bool = True
    statutory_source: str = ""
    office: OfficeHours = _OFFICE_HOURS
    callback_in_office_hours: bool = True


def limits_of(implementation: ImplementationRow, item: ItemRow | None = None) -> CaseLimits:
    """The implementation's own limits, else those of its item."""
    return CaseLimits(
        statutory=implementation.statutory or (item.statutory if item else None),
        promised=implementation.promised or (item.promised if item else None),
        licence=item is None or item.power_type is PowerType.LICENSE,
    )


def implementation_on(rows: Iterable[ImplementationRow], on: date) -> ImplementationRow | None:
    """The one in force on that day; of several, the latest in force, by task code where they began together."""
    found = [row for row in rows if in_force(row, on)]
    return max(found, key=lambda row: (row.valid_from or date.min, row.task_code), default=None)


def is_usable(limit: TimeLimitRow) -> bool:
    return 0 <= limit.amount <= LONGEST[limit.unit]
