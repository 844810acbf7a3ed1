"""Generated cases: the same from the same seed, and plausible."""

from __future__ import annotations

from datetime import date

import pytest

from samples.cases import Case, generate_cases
from samples.catalogue import SYSTEMS
from samples.journeys import STATE_AFTER
from samples.registry import load_registry

ALL_KINDS = frozenset(STATE_AFTER)


def _cases(system: str, seed: int = 7) -> tuple[Case, ...]:
    return generate_cases(SYSTEMS[system], load_registry(), seed=seed, kinds=ALL_KINDS)


@pytest.mark.parametrize("system", SYSTEMS)
def test_same_seed_gives_same_cases_and_another_seed_others(system: str) -> None:
    assert _cases(system) == _cases(system)
    assert _cases(system) != _cases(system, seed=8)


@pytest.mark.parametrize("system", SYSTEMS)
def test_cases_are_many_dated_and_in_order(system: str) -> None:
    cases = _cases(system)
    assert 220 <= len(cases) <= 300
    assert len({case.number for case in cases}) == len(cases)
    assert [case.applied_at for case in cases] == sorted((case.applied_at for case in cases), reverse=True)
    for case in cases:
        assert 3 <= len(case.events) <= 8
        assert [event.at for event in case.events] == sorted(event.at for event in case.events)
        applied = case.applied_at.date()
        assert date(2017, 1, 3) <= applied <= date(2017, 11, 24) or applied.year == 2018


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_to_three_cases_have_a_status_outside_the_tables_one_of_a_sample_applicant(system: str) -> None:
    strays = [case for case in _cases(system) if case.stray]
    assert 1 <= len(strays) <= 3
    assert any(case.applicant.sample for case in strays)


def test_a_case_is_handled_by_an_implementation_valid_on_its_day() -> None:
    for system in SYSTEMS:
        for case in _cases(system):
            row, day = case.implementation, case.applied_at.date()
            assert row.base_code == case.item.base_code
            assert row.system == system
            assert row.valid_from is None or row.valid_from <= day


def test_working_days_follow_the_calendar_of_2017() -> None:
    """Worked dates of the licensing law's counting: the start day is not counted, holidays and make-up days are."""
    calendar = load_registry().calendar
    assert calendar.add(date(2017, 11, 20), 5) == date(2017, 11, 27)
    assert calendar.add(date(2017, 9, 28), 5) == date(2017, 10, 11)
    assert calendar.add(date(2017, 9, 29), 1) == date(2017, 9, 30)
    assert calendar.add(date(2018, 2, 9), 20) == date(2018, 3, 14)
