"""The registry files: complete, derived without chance, and with valid identity numbers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date

import pytest

from samples.build_data import build
from samples.identity import citizen_number, social_credit_code
from samples.registry import DATA, load_registry, read_rows


@pytest.mark.parametrize(
    ("name", "rows"), [("regions.csv", 46), ("departments.csv", 34), ("service_items.csv", 58)]
)
def test_registry_files_are_complete(name: str, rows: int) -> None:
    assert len(read_rows(name)) == rows


def test_derived_files_are_what_the_script_makes() -> None:
    for name, text in build().items():
        assert (DATA / name).read_text(encoding="utf-8") == text, (
            f"run `python -m samples.build_data`: {name}"
        )


def test_every_implementation_has_a_task_code_of_its_own_and_known_references() -> None:
    rows = read_rows("implementations.csv")
    regions = {row["code"] for row in read_rows("regions.csv")}
    departments = {row["uscc"] for row in read_rows("departments.csv")}
    items = {row["base_code"] for row in read_rows("service_items.csv")}
    assert len({row["task_code"] for row in rows}) == len(rows)
    assert {len(row["task_code"]) for row in rows} == {31}
    assert {row["region"] for row in rows} <= regions
    assert {row["dept_uscc"] for row in rows} <= departments
    assert {row["base_code"] for row in rows} == items


def test_district_items_are_implemented_in_all_forty_districts_and_zones() -> None:
    rows = read_rows("implementations.csv")
    counts = Counter(row["base_code"] for row in rows if row["level"] == "DISTRICT")
    assert set(counts.values()) == {40}


def test_travel_agencies_moved_from_city_to_district_in_mid_2017() -> None:
    rows = [row for row in load_registry().implementations if row.base_code == "500128001000"]
    before = [row for row in rows if row.valid_to == date(2017, 6, 30)]
    after = [row for row in rows if row.valid_from == date(2017, 7, 1)]
    assert [(row.region, row.promised_days) for row in before] == [("500000", 15)]
    assert {row.promised_days for row in after} == {5}
    assert len(after) == 40


def test_every_item_has_materials() -> None:
    counts = Counter(row["base_code"] for row in read_rows("materials.csv"))
    assert set(counts) == {row["base_code"] for row in read_rows("service_items.csv")}
    assert set(counts.values()) <= {2, 3, 4, 5}


def test_applicants_have_valid_check_digits_and_the_samples_come_first() -> None:
    rows = json.loads((DATA / "applicants.json").read_text(encoding="utf-8"))
    for row in rows:
        number = row["id"]
        if row["kind"] == "NATURAL":
            assert number == citizen_number(number[:6], number[6:14], int(number[14:17]))
        else:
            assert number == social_credit_code(number[:2], number[2:8], number[8:16])
    assert [row["sample"] for row in rows] == [True] * 8 + [False] * 62
    assert len({row["id"] for row in rows}) == 70
