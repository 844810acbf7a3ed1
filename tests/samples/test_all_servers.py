"""What all eight systems can do, asked of each over HTTP in its own protocol."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module

import pytest

from samples.cases import SHANGHAI
from samples.catalogue import SYSTEMS
from samples.register import Dialect
from samples.registry import load_registry
from tests.samples.readers import Reader, UnknownNumberError, changes_after, every_row

SAMPLES = [person.id_number for person in load_registry().applicants if person.sample]
WITH_CHANGES = [system for system in SYSTEMS if system != "SLJ-WATER"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_lists_all_cases_once_newest_first(system: str, read: dict[str, Reader]) -> None:
    rows = every_row(read[system])
    times = [time for _number, _applicant, time in rows]
    assert len(rows) >= 220
    assert len({number for number, _, _ in rows}) == len(rows)
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_sample_applicant_has_cases(system: str, read: dict[str, Reader]) -> None:
    for applicant in SAMPLES:
        rows = every_row(read[system], applicant)
        assert len(rows) >= 3
        assert {row[1] for row in rows} == {applicant}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_page_is_as_long_as_asked(system: str, read: dict[str, Reader]) -> None:
    first, second = read[system].page(0, 7), read[system].page(7, 7)
    assert len(first) == len(second) == 7
    assert [*first, *second] == read[system].page(0, 14)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_case_comes_with_its_events(system: str, read: dict[str, Reader]) -> None:
    number = read[system].page(0, 1)[0][0]
    assert read[system].events(number) >= 3


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_unknown_number_is_refused_in_the_systems_own_words(system: str, read: dict[str, Reader]) -> None:
    with pytest.raises(UnknownNumberError, match=r"不存在|未找到|没有|无此"):
        read[system].events("XX-0")


@pytest.mark.parametrize("system", WITH_CHANGES)
def test_changes_since_a_time_come_oldest_first(
    system: str, city: dict[str, str], read: dict[str, Reader]
) -> None:
    since = datetime(2017, 6, 1, tzinfo=SHANGHAI)
    times = changes_after(city, read, since)[system]()
    assert len(times) >= 50
    assert times == sorted(times)
    late = changes_after(city, read, datetime(2019, 1, 1, tzinfo=SHANGHAI))[system]()
    assert late == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_stray_status_stands_in_no_code_table(system: str) -> None:
    dialect: Dialect = import_module(f"samples.servers.{system.lower().replace('-', '_')}").DIALECT
    assert dialect.stray not in {*dialect.statuses.values(), *dialect.events.values()}
