"""Reads the city's registry files (`samples/data/*.csv`, `applicants.json`) into frozen rows."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

__all__ = [
    "DATA",
    "Applicant",
    "Implementation",
    "Item",
    "Registry",
    "WorkingCalendar",
    "load_registry",
    "read_rows",
]

DATA = Path(__file__).parent / "data"
NOT_ON_APPLICATION = frozenset({"PENALTY", "COERCION", "LEVY", "INSPECTION"})
"""Power types that a person does not apply for."""


@dataclass(frozen=True, slots=True)
class Applicant:
    """kind: NATURAL or LEGAL; representative: empty for a natural person; sample: one of the eight shared ones."""

    kind: str
    id_number: str
    name: str
    mobile: str
    representative: str
    sample: bool


@dataclass(frozen=True, slots=True)
class Item:
    base_code: str
    name: str
    department: str
    power_type: str
    case_type: str
    promised_days: int
    special: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Implementation:
    """valid_from, valid_to: both inclusive; None where open."""

    task_code: str
    base_code: str
    department: str
    region: str
    promised_days: int
    system: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Working days of 2017 and 2018: weekends and holidays off, make-up days on."""

    off: frozenset[date]
    on: frozenset[date]

    def is_working(self, day: date) -> bool:
        return day in self.on or (day.weekday() < 5 and day not in self.off)

    def add(self, start: date, working_days: int) -> date:
        """The n-th working day after `start` (the start is not counted); the next working day for 0 on a day off."""
        day = start
        left = working_days
        while left > 0 or not self.is_working(day):
            day += timedelta(days=1)
            left -= self.is_working(day)
        return day


@dataclass(frozen=True, slots=True)
class Registry:
    """department and region names by code; items and implementations in file order."""

    departments: dict[str, str]
    department_names: dict[str, str]
    regions: dict[str, str]
    items: dict[str, Item]
    implementations: tuple[Implementation, ...]
    applicants: tuple[Applicant, ...]
    calendar: WorkingCalendar


def read_rows(name: str, folder: Path = DATA) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def load_registry(folder: Path = DATA) -> Registry:
    """Read every file once a process; raises OSError where one is missing (run `python -m samples.build_data`)."""
    departments = read_rows("departments.csv", folder)
    return Registry(
        departments={row["key"]: row["uscc"] for row in departments},
        department_names={row["key"]: row["name"] for row in departments},
        regions={row["code"]: row["name"] for row in read_rows("regions.csv", folder)},
        items={row["base_code"]: _item(row) for row in read_rows("service_items.csv", folder)},
        implementations=tuple(_implementation(row) for row in read_rows("implementations.csv", folder)),
        applicants=_applicants(folder),
        calendar=_calendar(folder),
    )


def _item(row: dict[str, str]) -> Item:
    return Item(
        base_code=row["base_code"],
        name=row["name"],
        department=row["dept_key"],
        power_type=row["power_type"],
        case_type=row["case_type"],
        promised_days=int(row["promised_limit"]),
        special=tuple(filter(None, row["special_procedures"].split(";"))),
        objects=tuple(row["service_object"].split(";")),
    )


def _implementation(row: dict[str, str]) -> Implementation:
    return Implementation(
        task_code=row["task_code"],
        base_code=row["base_code"],
        department=row["dept_uscc"],
        region=row["region"],
        promised_days=int(row["promised_amount"]),
        system=row["system"],
        valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
    )


def _applicants(folder: Path) -> tuple[Applicant, ...]:
    rows = json.loads((folder / "applicants.json").read_text(encoding="utf-8"))
    return tuple(
        Applicant(row["kind"], row["id"], row["name"], row["mobile"], row["representative"], row["sample"])
        for row in rows
    )


def _calendar(folder: Path) -> WorkingCalendar:
    rows = read_rows("working_days.csv", folder)

    def days(kind: str) -> frozenset[date]:
        return frozenset(date.fromisoformat(row["date"]) for row in rows if row["kind"] == kind)

    return WorkingCalendar(off=days("HOLIDAY"), on=days("WORKING"))
