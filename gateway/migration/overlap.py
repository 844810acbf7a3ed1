"""What two systems both hold: their lists of cases read side by side, paired, counted and compared.

Cases are the same by number where one system replaces the other (through the identifier map, if there is one), and
else by key: the same applicant applied on the same day, and only one case of each system says so. Lists come newest
first; a case that the other list has not reached yet is not called missing.

Bounded: MOST_RECORDS of each side, of each a few values; the time is the caller's.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.migration.compare import Rules, compare_records
from adapters.paging import Position
from adapters.source import Source
from adapters.traffic.errors import SourceError
from gateway.migration.masking import shown_value
from gateway.migration.numbers import NumberMap

__all__ = ["MOST_RECORDS", "Held", "Overlap", "SideHeld", "compare_sides", "read_overlap", "told_overlap"]

MOST_RECORDS = 5000
MOST_PAGES = 200
SAMPLES = 5
PAGE_S = 10.0
_NOT_COMPARED = frozenset({"localNo", "applicant", "events", "files", "extra"})
_NO_FILTER: Mapping[str, Any] = dict.fromkeys(("applicant", "states", "department", "region", "from", "to"))
NUMBERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Held:
    """A case of one side. key: of whom and when, hashed; None where the system does not tell both."""

    number: str
    key: bytes | None
    applied: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SideHeld:
    """cases: by number, under the old one where there is a map. whole: the list came to its end; reach: applied when
    the last case that was read was, where it did not. fault: code of what broke it off."""

    cases: Mapping[str, Held]
    whole: bool = True
    fault: str | None = None

    @property
    def reach(self) -> str:
        return "" if self.whole else min((one.applied for one in self.cases.values()), default="\uffff")


@dataclass(slots=True)
class Differing:
    """A field that differs in cases of both. samples: (number of a, of b, value of a, of b), masked."""

    count: int = 0
    samples: list[tuple[str, str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Overlap:
    """by_number, by_key: cases of both. ambiguous: keys that several cases of a side bear: told, never paired."""

    read_a: int
    read_b: int
    whole: bool
    by_number: int = 0
    by_key: int = 0
    ambiguous: int = 0
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    fields: dict[str, Differing] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


async def read_overlap(
    a: Source, b: Source, *, rules: Rules, by_number: bool, numbers: NumberMap | None, deadline: float
) -> Overlap:
    """by_number: b replaces a; numbers: their map, where b has numbers of its own. deadline: event-loop time.

    Raises DatabaseUnavailable; what a system does is told in `faults`.
    """
    fields = _common_fields(a, b)
    left, right = await asyncio.gather(_read(a, fields, deadline), _read(b, fields, deadline))
    if numbers is not None:
        right = await _renumbered(a.code, right, numbers)
    found = await asyncio.to_thread(
        compare_sides, left, right, rules=rules, fields=fields - _NOT_COMPARED, by_number=by_number
    )
    found.faults = {
        source.code: side.fault for source, side in ((a, left), (b, right)) if side.fault is not None
    }
    return found


def _common_fields(a: Source, b: Source) -> frozenset[str]:
    """What both lists hold; number, applicant and time in any case."""
    both = frozenset(a.connectors["cases"].mapped) & frozenset(b.connectors["cases"].mapped)
    return (both - {"events", "files"}) | {"localNo", "applicant", "appliedAt"}


async def _read(source: Source, fields: Collection[str], deadline: float) -> SideHeld:
    cases: dict[str, Held] = {}
    position: Position = None
    loop = asyncio.get_running_loop()
    for _ in range(MOST_PAGES):
        until = min(deadline, loop.time() + PAGE_S)
        try:
            page = await source.ask(
                "cases", _NO_FILTER, fields=fields, deadline=until, position=position, live=True
            )
        except SourceError as error:
            return SideHeld(cases, whole=False, fault=error.code)
        known = len(cases)
        for record in page.records:
            held = _held(record)
            cases.setdefault(held.number, held)
        if page.next is None:
            return SideHeld(cases)
        # a list that gives what it gave before would never end
        if len(cases) == known or len(cases) >= MOST_RECORDS:
            break
        position = page.next
    return SideHeld(cases, whole=False)


def _held(record: Mapping[str, Any]) -> Held:
    applied = str(record.get("appliedAt") or "")
    applicant = record.get("applicant") or {}
    number = applicant.get("idNumber") if isinstance(applicant, Mapping) else None
    key = None
    if number and applied:
        key = hashlib.blake2b(f"{number}\0{applied[:10]}".encode(), digest_size=16).digest()
    values = {name: value for name, value in record.items() if name not in _NOT_COMPARED}
    return Held(str(record.get("localNo", "")), key, applied, values)


async def _renumbered(system: str, side: SideHeld, numbers: NumberMap) -> SideHeld:
    """Under the old numbers, where there is one."""
    old: dict[str, str] = {}
    every = list(side.cases)
    for begin in range(0, len(every), NUMBERS_AT_ONCE):
        old |= await numbers.old_numbers(system, every[begin : begin + NUMBERS_AT_ONCE])
    return SideHeld({old.get(one, one): held for one, held in side.cases.items()}, side.whole, side.fault)


def compare_sides(
    a: SideHeld, b: SideHeld, *, rules: Rules, fields: Collection[str], by_number: bool
) -> Overlap:
    """Pure."""
    found = Overlap(len(a.cases), len(b.cases), a.whole and b.whole)
    pairs: list[tuple[Held, Held]] = []
    left, right = dict(a.cases), dict(b.cases)
    if by_number:
        pairs = [(left.pop(one), right.pop(one)) for one in [*left] if one in right]
        found.by_number = len(pairs)
    mine, twice_mine = _by_key(left)
    theirs, twice_theirs = _by_key(right)
    found.ambiguous = len(twice_mine | twice_theirs)
    for key in mine.keys() & theirs.keys():
        pairs.append((left.pop(mine[key]), right.pop(theirs[key])))
        found.by_key += 1
    found.only_a = sorted(number for number, one in left.items() if one.applied > b.reach)
    found.only_b = sorted(number for number, one in right.items() if one.applied > a.reach)
    for one, other in pairs:
        for path, each in compare_records(one.values, other.values, rules, fields).differences.items():
            differing = found.fields.setdefault(path, Differing())
            differing.count += 1
            if len(differing.samples) < SAMPLES:
                shown = (shown_value(path, each.old), shown_value(path, each.new))
                differing.samples.append((one.number, other.number, *shown))
    return found


def _by_key(cases: Mapping[str, Held]) -> tuple[dict[bytes, str], set[bytes]]:
    """key -> number of those that one case bears, and the keys that several bear."""
    found: dict[bytes, str] = {}
    twice: set[bytes] = set()
    for number, one in cases.items():
        if one.key is None:
            continue
        if one.key in found:
            twice.add(one.key)
        found[one.key] = number
    for key in twice:
        del found[key]
    return found, twice


def told_overlap(a: str, b: str, found: Overlap) -> dict[str, Any]:
    """As JSON values, the field that differs most first."""
    order: Sequence[tuple[str, Differing]] = sorted(
        found.fields.items(), key=lambda one: (-one[1].count, one[0])
    )
    return {
        "a": a,
        "b": b,
        "readA": found.read_a,
        "readB": found.read_b,
        "whole": found.whole,
        "both": found.by_number + found.by_key,
        "byNumber": found.by_number,
        "byKey": found.by_key,
        "ambiguous": found.ambiguous,
        "onlyA": len(found.only_a),
        "onlyB": len(found.only_b),
        "onlyASample": found.only_a[: 2 * SAMPLES],
        "onlyBSample": found.only_b[: 2 * SAMPLES],
        "faults": [{"system": system, "code": code} for system, code in found.faults.items()],
        "fields": [
            {
                "path": path,
                "count": each.count,
                "samples": [
                    {"numberA": one, "numberB": other, "a": old, "b": new}
                    for one, other, old, new in each.samples
                ],
            }
            for path, each in order
        ],
    }
