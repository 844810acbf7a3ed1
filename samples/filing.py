"""What a server does with what it is told: files a case, adds a step to one, books an appointment. In this process only.

`Intake` holds the register that grows; each filing makes a new `Register`, so that a reader never sees half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from samples.cases import SHANGHAI, Case, Change, Event
from samples.catalogue import SYSTEMS
from samples.journeys import STATE_AFTER, STEP_NAMES
from samples.register import Register
from samples.registry import Applicant, load_registry

__all__ = ["Application", "FilingError", "Intake"]

Row = TypeVar("Row")
OPEN_STATES = frozenset(STATE_AFTER.values()) - {"CLOSED", "DELIVERED", "WITHDRAWN", "VOIDED", "NOT_ACCEPTED"}


class FilingError(Exception):
    """It is not taken: why, in the system's words. kind: item, missing or state."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Application:
    """As a system reads it. kind: NATURAL or LEGAL; reference: the sender's own number, empty where there is none."""

    item: str
    title: str
    kind: str
    name: str
    number: str
    mobile: str
    representative: str = ""
    region: str = ""
    reference: str = ""


@dataclass(slots=True)
class Intake(Generic[Row]):
    """register: grows; summary and detail: how its server tells a case. clock: wall time."""

    system: str
    register: Register[Row]
    summary: Callable[[Case], Row]
    detail: Callable[[Case], Row]
    clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI).replace(microsecond=0)
    appointments: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def submit(self, application: Application) -> Case:
        """Files it, also if the same stands there already: this is what old systems do. Raises FilingError."""
        registry, now = load_registry(), self.clock()
        item = registry.items.get(application.item)
        spec = SYSTEMS[self.system]
        if item is None or item.department != spec.department:
            raise FilingError("item", f"不受理该事项：{application.item}")
        rows = [row for row in registry.implementations if row.base_code == item.base_code]
        implementation = next((row for row in rows if row.region == application.region), rows[0])
        applicant = Applicant(
            application.kind,
            application.number,
            application.name,
            application.mobile,
            application.representative,
            False,
        )
        case = Case(
            number=spec.number.format(year=now.year, serial=self._serial(now.year)),
            title=application.title or item.name,
            item=item,
            implementation=implementation,
            applicant=applicant,
            channel="ONLINE",
            project_code="",
            promised_at=None,
            events=(_event("SUBMIT", 1, now),),
            reference=application.reference,
        )
        self._put(case, None)
        return case

    def add_step(self, number: str, kind: str, opinion: str = "") -> Case:
        """A further event of a case. Raises FilingError where there is no such case, or it is closed already."""
        case = next((one for one in self.register.cases if one.number == number), None)
        if case is None:
            raise FilingError("missing", f"办件不存在：{number}")
        if case.state not in OPEN_STATES:
            raise FilingError("state", f"办件已办结，不能操作：{number}")
        event = replace(_event(kind, len(case.events) + 1, self.clock()), opinion=opinion)
        changed = replace(case, events=(*case.events, event), stray=False)
        self._put(changed, case)
        return changed

    def book(self, key: str, slot: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """An appointment's number; the same key gets the same one again. An empty key books anew each time."""
        for number, booked in self.appointments.items():
            if key and booked["key"] == key:
                return number, booked
        number = f"YY{self.clock():%Y%m%d}{len(self.appointments) + 1:04d}"
        self.appointments[number] = {**slot, "key": key}
        return number, self.appointments[number]

    def _serial(self, year: int) -> int:
        spec = SYSTEMS[self.system]
        serial = 1
        while spec.number.format(year=year, serial=serial) in self.register.details:
            serial += 1
        return serial

    def _put(self, case: Case, old: Case | None) -> None:
        """Newest first; a changed case keeps its place."""
        register = self.register
        at = register.cases.index(old) if old is not None else 0
        rest = at + 1 if old is not None else 0
        event = case.events[-1]
        change = Change(f"{case.number}-{event.seq:02d}", case, event)
        self.register = Register(
            cases=(*register.cases[:at], case, *register.cases[rest:]),
            summaries=(*register.summaries[:at], self.summary(case), *register.summaries[rest:]),
            details={**register.details, case.number: self.detail(case)},
            changes=tuple(sorted((*register.changes, change), key=lambda one: (one.event.at, one.id))),
        )


def _event(kind: str, seq: int, at: datetime) -> Event:
    return Event(
        seq=seq,
        kind=kind,
        state=STATE_AFTER[kind],
        step=STEP_NAMES[kind],
        actor="",
        at=at,
        ended=None,
        opinion="",
        document="",
    )
