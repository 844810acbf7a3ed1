"""Deterministic cases of one system, in canonical terms; each server then tells them in its own words.

The same seed and system always give the same cases: no wall clock, no shared random state. Dates run from 2017-01
to 2017-11-24, some in early 2018; each of the eight sample applicants has at least three cases in every system.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone

from samples.catalogue import SystemSpec
from samples.journeys import OPINIONS, STATE_AFTER, STEP_NAMES, journey
from samples.registry import NOT_ON_APPLICATION, Applicant, Implementation, Item, Registry

__all__ = [
    "SHANGHAI",
    "Case",
    "Change",
    "Event",
    "changes_of",
    "draft_case",
    "generate_cases",
    "served_items",
]

SHANGHAI = timezone(timedelta(hours=8))
FIRST_DAY, LAST_DAY = date(2017, 1, 3), date(2017, 11, 24)
LATER_FIRST_DAY, LATER_LAST_DAY = date(2018, 1, 2), date(2018, 3, 30)
SETTLED_BEFORE = date(2017, 10, 1)
"""Cases applied for before this day are mostly finished."""

OFFICERS = (
    "李建渝",
    "王晓琴",
    "张文彬",
    "陈德明",
    "刘玉梅",
    "周志远",
    "赵国强",
    "吴秀兰",
    "何光明",
    "蒲小丽",
)
CHANNELS = ("ONLINE", "ONLINE", "WINDOW", "WINDOW", "MOBILE", "PROXY")


BUILDER, PROJECT = "91500241MA5U024120", "2017-500241-47-02-000001"
"""A sample company, and the project code that all its cases bear."""


@dataclass(frozen=True, slots=True)
class Event:
    """kind and state: canonical; ended: only of steps that take time; document: number of a written decision."""

    seq: int
    kind: str
    state: str
    step: str
    actor: str
    at: datetime
    ended: datetime | None
    opinion: str
    document: str


@dataclass(frozen=True, slots=True)
class Case:
    """events: in order of time; stray: the system reports a status for it that no code table has;
    reference: the number that the sender of a filed case gave it."""

    number: str
    title: str
    item: Item
    implementation: Implementation
    applicant: Applicant
    channel: str
    project_code: str
    promised_at: datetime | None
    events: tuple[Event, ...]
    stray: bool = False
    reference: str = ""

    @property
    def applied_at(self) -> datetime:
        return self.events[0].at

    @property
    def state(self) -> str:
        return self.events[-1].state

    def time_of(self, kind: str) -> datetime | None:
        """When an event of this kind happened last, if it did."""
        return next((event.at for event in reversed(self.events) if event.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Change:
    """One event of one case, as `changes` operations list them."""

    id: str
    case: Case
    event: Event


def served_items(registry: Registry, department: str) -> tuple[Item, ...]:
    """Items of a department (its key) that people apply for, in catalogue order."""
    return tuple(
        item
        for item in registry.items.values()
        if item.department == department and item.power_type not in NOT_ON_APPLICATION
    )


def generate_cases(
    system: SystemSpec, registry: Registry, *, seed: int, kinds: frozenset[str]
) -> tuple[Case, ...]:
    """All cases of a system, newest application first; only events of `kinds` (canonical) occur."""
    rng = random.Random(f"{seed}:{system.code}")
    items = served_items(registry, system.department)
    samples = [person for person in registry.applicants if person.sample]
    others = [person for person in registry.applicants if not person.sample]
    people = [person for person in samples for _ in range(rng.randint(3, 5))]
    strays = {0, rng.randrange(len(people), 200)}
    people += [rng.choice(others) for _ in range(rng.randint(220, 300) - len(people))]
    drafts = [
        replace(draft_case(rng, registry, items, person, kinds=kinds), stray=index in strays)
        for index, person in enumerate(people)
    ]
    return tuple(reversed([_of_the_project(case) for case in _numbered(rng, system, drafts)]))


def _of_the_project(case: Case) -> Case:
    """One company's cases are of one project in every system, so that a trail over departments has something to show."""
    return replace(case, project_code=PROJECT) if case.applicant.id_number == BUILDER else case


def changes_of(cases: Sequence[Case]) -> tuple[Change, ...]:
    """Every event of every case, oldest first."""
    changes = [
        Change(f"{case.number}-{event.seq:02d}", case, event) for case in cases for event in case.events
    ]
    return tuple(sorted(changes, key=lambda change: (change.event.at, change.id)))


def draft_case(
    rng: random.Random,
    registry: Registry,
    items: Sequence[Item],
    applicant: Applicant,
    *,
    kinds: frozenset[str],
) -> Case:
    """A case without a number (empty string)."""
    fitting = [item for item in items if applicant.kind in item.objects] or list(items)
    item = rng.choice(fitting)
    applied = _application_time(rng, registry)
    implementation = _implementation(rng, registry, item, applicant, applied.date())
    finish = 0.72 if applied.date() < SETTLED_BEFORE else 0.15
    steps = journey(rng, kinds, finish=finish, special=bool(item.special))
    events = _events(rng, registry, steps, applied)
    accepted = next((event.at for event in events if event.kind == "ACCEPT"), None)
    promised = registry.calendar.add(accepted.date(), implementation.promised_days) if accepted else None
    region = registry.regions[implementation.region]
    return Case(
        number="",
        title=f"{region}{item.name}",
        item=item,
        implementation=implementation,
        applicant=applicant,
        channel=rng.choice(CHANNELS),
        project_code=_project_code(rng, implementation, applied),
        promised_at=datetime.combine(promised, time(23, 59, 59), SHANGHAI) if promised else None,
        events=tuple(events),
    )


def _application_time(rng: random.Random, registry: Registry) -> datetime:
    first, last = (LATER_FIRST_DAY, LATER_LAST_DAY) if rng.random() < 0.12 else (FIRST_DAY, LAST_DAY)
    day = first + timedelta(days=rng.randint(0, (last - first).days))
    while not registry.calendar.is_working(day):
        day -= timedelta(days=1)
    return datetime.combine(max(day, first), _office_time(rng), SHANGHAI)


def _office_time(rng: random.Random) -> time:
    minutes = rng.randint(9 * 60, 15 * 60 + 30)
    return time(minutes // 60, minutes % 60, rng.randint(0, 59))


def _implementation(
    rng: random.Random, registry: Registry, item: Item, applicant: Applicant, day: date
) -> Implementation:
    """An implementation valid on the day, half of the time in the applicant's own region."""
    valid = [
        row
        for row in registry.implementations
        if row.base_code == item.base_code
        and (row.valid_from is None or row.valid_from <= day)
        and (row.valid_to is None or day <= row.valid_to)
    ]
    digits = applicant.id_number[:6] if applicant.kind == "NATURAL" else applicant.id_number[2:8]
    home = [row for row in valid if row.region == digits]
    return home[0] if home and rng.random() < 0.5 else rng.choice(valid)


def _events(rng: random.Random, registry: Registry, steps: Sequence[str], applied: datetime) -> list[Event]:
    times = [applied]
    for kind in steps[1:]:
        times.append(_later(rng, registry, times[-1], kind))
    return [
        Event(
            seq=index + 1,
            kind=kind,
            state=STATE_AFTER[kind],
            step=STEP_NAMES[kind],
            actor="" if kind in {"SUBMIT", "WITHDRAW"} else rng.choice(OFFICERS),
            at=times[index],
            ended=times[index + 1] if kind == "STEP_START" and index + 1 < len(times) else None,
            opinion=OPINIONS[kind],
            document=f"〔{times[index].year}〕{rng.randint(1, 999)}号" if kind in {"DECIDE", "CLOSE"} else "",
        )
        for index, kind in enumerate(steps)
    ]


def _later(rng: random.Random, registry: Registry, after: datetime, kind: str) -> datetime:
    """When the next event happens: within hours for the first formal steps, else after some working days."""
    days = {
        "PRE_ACCEPT": 0,
        "RECEIVE": 0,
        "SPECIAL_END": rng.randint(5, 10),
        "DELIVER": rng.randint(1, 6),
    }.get(kind, rng.randint(0, 3))
    if days == 0:
        return after + timedelta(minutes=rng.randint(6, 45), seconds=rng.randint(0, 59))
    return datetime.combine(registry.calendar.add(after.date(), days), _office_time(rng), SHANGHAI)


def _project_code(rng: random.Random, implementation: Implementation, applied: datetime) -> str:
    digits = implementation.region[:6] if implementation.region[:6].isdigit() else "500000"
    return (
        f"{applied.year}-{digits}-{rng.randint(10, 95)}-{rng.randint(1, 3):02d}-{rng.randint(1, 999999):06d}"
    )


def _numbered(rng: random.Random, system: SystemSpec, drafts: Sequence[Case]) -> list[Case]:
    """Cases in order of application with numbers that grow within a year, with gaps as in any real register."""
    serial, year = 0, 0
    numbered: list[Case] = []
    for case in sorted(drafts, key=lambda draft: draft.applied_at):
        if case.applied_at.year != year:
            serial, year = 0, case.applied_at.year
        serial += rng.randint(1, 4)
        numbered.append(replace(case, number=system.number.format(year=year, serial=serial)))
    return numbered
