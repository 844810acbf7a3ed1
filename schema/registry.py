"""The registry in memory: divisions, departments, items, who handles them and what must be handed in.

Rows are frozen; `Registry` indexes them once and answers by dictionary. It reads no files: see
`schema.registry_files`. Validity is by day, both ends included; a missing end is open.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from schema.vocabulary import (
    AcceptScope,
    ApplicantKind,
    CaseType,
    Channel,
    ItemState,
    MaterialForm,
    MaterialSource,
    PowerSource,
    PowerType,
    RegionArea,
    RegionKind,
    RegionLevel,
    Requirement,
    SpecialProcedureKind,
    TimeUnit,
)

__all__ = [
    "DepartmentRow",
    "ImplementationRow",
    "ItemRow",
    "MaterialRow",
    "RegionRow",
    "Registry",
    "TimeLimitRow",
    "in_force",
    "search_key",
]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RegionRow:
    """An administrative division. `former_codes`: codes that the place bore before `valid_from`."""

    code: str
    name: str
    level: RegionLevel
    kind: RegionKind
    name_en: str | None = None
    area: RegionArea | None = None
    parent: str | None = None
    former_codes: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """A department; `code` is its unified social credit code, `key` a short name such as LVJ."""

    code: str
    key: str
    name: str
    name_en: str | None
    region: str


@dataclass(frozen=True, slots=True)
class TimeLimitRow:
    amount: int
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A standard item of the base catalogue; `department` is the code of the department in charge."""

    base_code: str
    name: str
    power_type: PowerType
    department: str
    tiers: tuple[RegionLevel, ...]
    case_type: CaseType
    statutory: TimeLimitRow | None = None
    promised: TimeLimitRow | None = None
    special_procedures: tuple[SpecialProcedureKind, ...] = ()
    service_object: tuple[ApplicantKind, ...] = ()
    state: ItemState = ItemState.PUBLISHED
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class ImplementationRow:
    """How one body handles an item in one division. `org_code` and `org_name` are the body itself."""

    task_code: str
    base_code: str
    department: str
    region: str
    level: RegionLevel
    power_source: PowerSource
    case_type: CaseType
    org_code: str | None = None
    org_name: str | None = None
    statutory: TimeLimitRow | None = None
    promised: TimeLimitRow | None = None
    channels: tuple[Channel, ...] = ()
    accept_scope: AcceptScope | None = None
    max_on_site_visits: int | None = None
    system: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class MaterialRow:
    """A paper that an item asks for; `task_code` where one implementation differs from the standard."""

    key: str
    base_code: str
    name: str
    requirement: Requirement
    form: MaterialForm
    source: MaterialSource
    task_code: str | None = None
    copies: int | None = None
    note: str | None = None


def in_force(row: RegionRow | ItemRow | ImplementationRow, on: date) -> bool:
    """Whether `row` is valid on that day."""
    return (row.valid_from is None or row.valid_from <= on) and (row.valid_to is None or on <= row.valid_to)


def search_key(text: str) -> str:
    """Form in which names are compared: full-width and half-width alike, without case, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


class Registry:
    """Rows with their indexes. Lists are sorted by code, so that pages by key are pages by code."""

    def __init__(
        self,
        *,
        regions: Iterable[RegionRow] = (),
        departments: Iterable[DepartmentRow] = (),
        items: Iterable[ItemRow] = (),
        implementations: Iterable[ImplementationRow] = (),
        materials: Iterable[MaterialRow] = (),
    ) -> None:
        self.regions: Sequence[RegionRow] = tuple(sorted(regions, key=lambda row: row.code))
        self.departments: Sequence[DepartmentRow] = tuple(sorted(departments, key=lambda row: row.code))
        self.items: Sequence[ItemRow] = tuple(sorted(items, key=lambda row: row.base_code))
        by_task = sorted(implementations, key=lambda row: row.task_code)
        papers = tuple(materials)
        self._regions = {row.code: row for row in self.regions}
        self._successors = _by_former_code(self.regions)
        self._children = _grouped(self.regions, lambda row: row.parent)
        self._departments = {row.code: row for row in self.departments}
        self._items = {row.base_code: row for row in self.items}
        self._search_keys = [(search_key(row.name), row) for row in self.items]
        self._implementations = {row.task_code: row for row in by_task}
        self._implementations_of = _grouped(by_task, lambda row: row.base_code)
        self._standard_materials = _grouped(papers, lambda row: None if row.task_code else row.base_code)
        self._own_materials = _grouped(papers, lambda row: row.task_code)
        self._descendants = {row.code: self._below(row.code) for row in self.regions}

    def region(self, code: str, as_of: date | None = None) -> RegionRow | None:
        """The division that `code` meant on that day, else None.

        Codes are reused: 500110 was 万盛区 until 2011 and is 綦江区 since. Without a day, the division that bears
        the code today, else the one that bore it last. With a day, the bearer of that day, else the place that
        bore it then under its present row, else, for a code since given up, its successor.
        """
        bearer = self._regions.get(code)
        successors = self._successors.get(code, ())
        if as_of is None:
            return bearer or (successors[-1] if successors else None)
        if bearer and in_force(bearer, as_of):
            return bearer
        for row in successors:
            if row.valid_from is None or as_of < row.valid_from:
                return row
        return successors[-1] if successors and bearer is None else None

    def children(self, code: str) -> Sequence[RegionRow]:
        return self._children.get(code, ())

    def ancestors(self, code: str) -> Sequence[RegionRow]:
        """Nearest first, up to the municipality; empty for an unknown code."""
        found: list[RegionRow] = []
        row = self._regions.get(code)
        while row and row.parent and (row := self._regions.get(row.parent)) and row not in found:
            found.append(row)
        return found

    def descendants(self, code: str) -> frozenset[str]:
        """Codes of all divisions below; the division's own is not among them."""
        return self._descendants.get(code, frozenset())

    def is_whole(self, code: str) -> bool:
        """Whether every division is this one or below it."""
        return code in self._regions and len(self.descendants(code) | {code}) == len(self._regions)

    def department(self, code: str) -> DepartmentRow | None:
        return self._departments.get(code)

    def item(self, base_code: str) -> ItemRow | None:
        return self._items.get(base_code)

    def search_items(self, text: str) -> Sequence[ItemRow]:
        """Items whose base code begins with `text` or whose name holds each of its words, by base code."""
        words = [search_key(word) for word in text.split()]
        code = text.strip()
        return [
            row
            for name, row in self._search_keys
            if all(word in name for word in words) or (code and row.base_code.startswith(code))
        ]

    def implementation(self, task_code: str) -> ImplementationRow | None:
        return self._implementations.get(task_code)

    def implementations(self, base_code: str) -> Sequence[ImplementationRow]:
        """All of an item, of every time, by task code."""
        return self._implementations_of.get(base_code, ())

    def item_materials(self, base_code: str) -> Sequence[MaterialRow]:
        """The standard set of an item."""
        return self._standard_materials.get(base_code, ())

    def materials(self, task_code: str) -> Sequence[MaterialRow]:
        """The set of one implementation: its own where it has one, else the standard set of its item."""
        row = self._implementations.get(task_code)
        return self._own_materials.get(task_code) or (self.item_materials(row.base_code) if row else ())

    def _below(self, code: str) -> frozenset[str]:
        found: set[str] = set()
        queue = [code]
        while queue:
            codes = {row.code for row in self._children.get(queue.pop(), ())} - found
            found |= codes
            queue.extend(codes)
        return frozenset(found)


def _by_former_code(regions: Sequence[RegionRow]) -> Mapping[str, tuple[RegionRow, ...]]:
    """Former code -> places that once bore it, the one that gave it up first in front."""
    found: dict[str, list[RegionRow]] = defaultdict(list)
    for row in sorted(regions, key=lambda row: row.valid_from or date.min):
        for code in row.former_codes:
            found[code].append(row)
    return {code: tuple(rows) for code, rows in found.items()}


def _grouped(rows: Iterable[R], key: Callable[[R], str | None]) -> Mapping[str, tuple[R, ...]]:
    """Rows by key, in the order given; those without a key are left out."""
    found: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        if (value := key(row)) is not None:
            found[value].append(row)
    return {value: tuple(group) for value, group in found.items()}
