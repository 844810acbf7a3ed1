"""Registry files (CSV text) -> `Registry`, or every problem in them at once. Pure: the caller reads the files.

A column may go by several names, columns that nobody knows are ignored, a missing column that is needed is
named. Lists within a cell are separated by ';'. An empty cell is an absent value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from schema.errors import IdentifierError, RegistryError, RegistryProblem
from schema.identifiers import check_uscc
from schema.registry import (
    DepartmentRow,
    ImplementationRow,
    ItemRow,
    MaterialRow,
    RegionRow,
    Registry,
    TimeLimitRow,
)
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
    Term,
    TimeUnit,
)

__all__ = ["REGISTRY_FILES", "parse_registry"]

REGIONS = "regions.csv"
DEPARTMENTS = "departments.csv"
ITEMS = "service_items.csv"
IMPLEMENTATIONS = "implementations.csv"
MATERIALS = "materials.csv"

REGISTRY_FILES = (REGIONS, DEPARTMENTS, ITEMS, IMPLEMENTATIONS, MATERIALS)

E = TypeVar("E", bound=Term)
Convert = Callable[[str], Any]  # Any: whatever the column holds


def parse_registry(files: Mapping[str, str]) -> Registry:
    """File name -> text, for each of REGISTRY_FILES. Raises RegistryError with all problems found."""
    problems: list[RegistryProblem] = []
    tables = {name: _read(name, files.get(name), problems) for name in REGISTRY_FILES}
    _check_keys(tables, problems)
    _check_references(tables, problems)
    _check_parents(tables[REGIONS], problems)
    if problems:
        order = {name: position for position, name in enumerate(REGISTRY_FILES)}
        raise RegistryError(sorted(problems, key=lambda problem: (order[problem.file], problem.line)))
    departments = {row["key"]: row["code"] for row in tables[DEPARTMENTS]}
    return Registry(
        regions=[_region(row) for row in tables[REGIONS]],
        departments=[_department(row) for row in tables[DEPARTMENTS]],
        items=[_item(row, departments) for row in tables[ITEMS]],
        implementations=[_implementation(row) for row in tables[IMPLEMENTATIONS]],
        materials=[_material(row) for row in tables[MATERIALS]],
    )


# --- cells ---


def _text(cell: str) -> str:
    return cell


def _number(cell: str) -> int:
    if not cell.isdecimal():
        raise ValueError(f"expected a whole number, found {cell!r}")
    return int(cell)


def _day(cell: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"expected a date as YYYY-MM-DD, found {cell!r}") from None


def _uscc(cell: str) -> str:
    try:
        return check_uscc(cell)
    except IdentifierError as error:
        raise ValueError(f"{error}, found {cell!r}") from None


def _one_of(enum: type[E]) -> Callable[[str], E]:
    def convert(cell: str) -> E:
        try:
            return enum[cell]
        except KeyError:
            allowed = ", ".join(str(member) for member in enum)
            raise ValueError(f"expected one of {allowed}, found {cell!r}") from None

    return convert


def _each(convert: Callable[[str], E]) -> Callable[[str], tuple[E, ...]]:
    return lambda cell: tuple(convert(part.strip()) for part in cell.split(";") if part.strip())


def _codes(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


# --- columns ---


@dataclass(frozen=True, slots=True)
class _Column:
    """`names`: what the column may be called, the usual name in front. `needed`: in every row."""

    field: str
    convert: Convert
    needed: bool = False
    names: tuple[str, ...] = ()

    @property
    def all_names(self) -> tuple[str, ...]:
        return self.names or (self.field,)


_VALIDITY = (_Column("valid_from", _day), _Column("valid_to", _day))

_LIMITS = (
    _Column("statutory_amount", _number, names=("statutory_amount", "legal_limit")),
    _Column("statutory_unit", _one_of(TimeUnit), names=("statutory_unit", "legal_unit")),
    _Column("promised_amount", _number, names=("promised_amount", "promised_limit")),
    _Column("promised_unit", _one_of(TimeUnit)),
)

_TABLES: Mapping[str, tuple[_Column, ...]] = {
    REGIONS: (
        _Column("code", _text, needed=True),
        _Column("name", _text, needed=True),
        _Column("level", _one_of(RegionLevel), needed=True),
        _Column("kind", _one_of(RegionKind), needed=True),
        _Column("name_en", _text),
        _Column("area", _one_of(RegionArea)),
        _Column("parent", _text),
        _Column("former_codes", _codes, names=("previous_code", "former_codes")),
        *_VALIDITY,
    ),
    DEPARTMENTS: (
        _Column("code", _uscc, needed=True, names=("uscc", "code", "uscc_synthetic")),
        _Column("key", _text, needed=True),
        _Column("name", _text, needed=True),
        _Column("name_en", _text),
        _Column("region", _text, needed=True),
    ),
    ITEMS: (
        _Column("base_code", _text, needed=True, names=("base_code", "base_code_synthetic")),
        _Column("name", _text, needed=True),
        _Column("power_type", _one_of(PowerType), needed=True),
        _Column("dept_key", _text, needed=True),
        _Column("levels", _each(_one_of(RegionLevel)), needed=True, names=("levels", "tiers")),
        _Column("case_type", _one_of(CaseType), needed=True),
        *_LIMITS,
        _Column("special_procedures", _each(_one_of(SpecialProcedureKind))),
        _Column("service_object", _each(_one_of(ApplicantKind))),
        _Column("state", _one_of(ItemState)),
        *_VALIDITY,
    ),
    IMPLEMENTATIONS: (
        _Column("task_code", _text, needed=True),
        _Column("base_code", _text, needed=True),
        _Column("department", _uscc, needed=True, names=("dept_uscc", "department", "dept")),
        _Column("region", _text, needed=True, names=("region", "region_code")),
        _Column("level", _one_of(RegionLevel), needed=True),
        _Column("power_source", _one_of(PowerSource), needed=True),
        _Column("case_type", _one_of(CaseType), needed=True),
        _Column("org_code", _uscc, names=("org_uscc",)),
        _Column("org_name", _text),
        *_LIMITS,
        _Column("channels", _each(_one_of(Channel))),
        _Column("accept_scope", _one_of(AcceptScope)),
        _Column("max_on_site_visits", _number),
        _Column("system", _text, names=("system", "system_code")),
        *_VALIDITY,
    ),
    MATERIALS: (
        _Column("key", _text, needed=True),
        _Column("base_code", _text, needed=True),
        _Column("name", _text, needed=True),
        _Column("requirement", _one_of(Requirement), needed=True, names=("requirement", "required")),
        _Column("form", _one_of(MaterialForm), needed=True),
        _Column("source", _one_of(MaterialSource), needed=True),
        _Column("task_code", _text),
        _Column("copies", _number),
        _Column("note", _text),
    ),
}


# --- tables ---


@dataclass(frozen=True, slots=True)
class _Row:
    """Converted cells of one line; absent and unreadable ones are missing from `cells`."""

    line: int
    cells: Mapping[str, Any]  # Any: see Convert

    def __getitem__(self, field: str) -> Any:
        return self.cells[field]

    def get(self, field: str, default: Any = None) -> Any:
        return self.cells.get(field, default)


def _read(file: str, text: str | None, problems: list[RegistryProblem]) -> list[_Row]:
    if text is None:
        problems.append(RegistryProblem(file, 1, "", "the file is missing"))
        return []
    try:
        lines = list(_lines(text))
    except csv.Error as error:
        problems.append(RegistryProblem(file, 1, "", f"the file is no CSV: {error}"))
        return []
    header = lines[0][1] if lines else []
    places: dict[str, tuple[str, int]] = {}
    for column in _TABLES[file]:
        name = next((name for name in column.all_names if name in header), None)
        if name is not None:
            places[column.field] = (name, header.index(name))
        elif column.needed:
            problems.append(
                RegistryProblem(file, 1, column.all_names[0], f"column is missing; found {', '.join(header)}")
            )
    for line, cells in lines[1:]:
        if len(cells) > len(header):
            message = f"{len(cells)} cells under {len(header)} columns; a comma inside a cell needs quotes"
            problems.append(RegistryProblem(file, line, "", message))
    return [_row(file, line, cells, places, problems) for line, cells in lines[1:] if any(cells)]


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line on which a record begins, and its cells without surrounding space."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    begins = 1
    for cells in reader:
        yield begins, [cell.strip() for cell in cells]
        begins = reader.line_num + 1


def _row(
    file: str,
    line: int,
    cells: Sequence[str],
    places: Mapping[str, tuple[str, int]],
    problems: list[RegistryProblem],
) -> _Row:
    found: dict[str, Any] = {}
    for column in _TABLES[file]:
        if column.field not in places:
            continue
        name, position = places[column.field]
        cell = cells[position] if position < len(cells) else ""
        if not cell:
            if column.needed:
                problems.append(RegistryProblem(file, line, name, "must not be empty"))
            continue
        try:
            found[column.field] = column.convert(cell)
        except ValueError as error:
            problems.append(RegistryProblem(file, line, name, str(error)))
    for end in ("statutory", "promised"):
        if (f"{end}_amount" in found) != (f"{end}_unit" in found):
            message = "amount and unit of a limit go together, one of them is missing"
            problems.append(RegistryProblem(file, line, f"{end}_amount", message))
    return _Row(line, found)


_KEYS: Mapping[str, tuple[str, ...]] = {
    REGIONS: ("code",),
    DEPARTMENTS: ("code", "key"),
    ITEMS: ("base_code",),
    IMPLEMENTATIONS: ("task_code",),
    MATERIALS: ("key",),
}

_REFERENCES: tuple[tuple[str, str, str, str], ...] = (
    (REGIONS, "parent", REGIONS, "code"),
    (DEPARTMENTS, "region", REGIONS, "code"),
    (ITEMS, "dept_key", DEPARTMENTS, "key"),
    (IMPLEMENTATIONS, "base_code", ITEMS, "base_code"),
    (IMPLEMENTATIONS, "department", DEPARTMENTS, "code"),
    (IMPLEMENTATIONS, "region", REGIONS, "code"),
    (MATERIALS, "base_code", ITEMS, "base_code"),
    (MATERIALS, "task_code", IMPLEMENTATIONS, "task_code"),
)
"""(file, column) must name a row of (file, column)."""


def _check_keys(tables: Mapping[str, list[_Row]], problems: list[RegistryProblem]) -> None:
    for file, fields in _KEYS.items():
        for field in fields:
            first: dict[str, int] = {}
            for row in tables[file]:
                value = row.get(field)
                if value in first:
                    message = f"{value!r} is on line {first[value]} already"
                    problems.append(RegistryProblem(file, row.line, field, message))
                elif value is not None:
                    first[value] = row.line


def _check_references(tables: Mapping[str, list[_Row]], problems: list[RegistryProblem]) -> None:
    for file, field, target, key in _REFERENCES:
        known = {row.get(key) for row in tables[target]}
        for row in tables[file]:
            value = row.get(field)
            if value is not None and value not in known:
                problems.append(RegistryProblem(file, row.line, field, f"{value!r} is not in {target}"))


def _check_parents(regions: Sequence[_Row], problems: list[RegistryProblem]) -> None:
    parents = {row.get("code"): row.get("parent") for row in regions}
    for row in regions:
        above, seen = row.get("parent"), set()
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        if row.get("code") in seen:
            problems.append(RegistryProblem(REGIONS, row.line, "parent", "the division is above itself"))


# --- rows ---


def _limit(row: _Row, end: str) -> TimeLimitRow | None:
    amount = row.get(f"{end}_amount")
    return None if amount is None else TimeLimitRow(amount, row[f"{end}_unit"])


def _region(row: _Row) -> RegionRow:
    return RegionRow(**row.cells)


def _department(row: _Row) -> DepartmentRow:
    return DepartmentRow(
        code=row["code"], key=row["key"], name=row["name"], name_en=row.get("name_en"), region=row["region"]
    )


def _item(row: _Row, departments: Mapping[str, str]) -> ItemRow:
    return ItemRow(
        base_code=row["base_code"],
        name=row["name"],
        power_type=row["power_type"],
        department=departments[row["dept_key"]],
        tiers=row["levels"],
        case_type=row["case_type"],
        statutory=_limit(row, "statutory"),
        promised=_limit(row, "promised"),
        special_procedures=row.get("special_procedures", ()),
        service_object=row.get("service_object", ()),
        state=row.get("state", ItemState.PUBLISHED),
        valid_from=row.get("valid_from"),
        valid_to=row.get("valid_to"),
    )


def _implementation(row: _Row) -> ImplementationRow:
    own = {name: value for name, value in row.cells.items() if not name.endswith(("_amount", "_unit"))}
    return ImplementationRow(**own, statutory=_limit(row, "statutory"), promised=_limit(row, "promised"))


def _material(row: _Row) -> MaterialRow:
    return MaterialRow(**row.cells)
