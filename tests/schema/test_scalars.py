"""Scalars take what they should, in one normal form, and say clearly what they do not take."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import ScalarError
from schema.scalars import SCALARS, parse_date, parse_datetime, parse_region_code, parse_uscc
from tests.schema.conftest import Ask


@given(st.dates())
def test_every_date_is_taken_as_it_is_written(day: date) -> None:
    assert parse_date(day.isoformat()) == day.isoformat()


@pytest.mark.parametrize(
    "value", ["2017-02-30", "20171120", "2017-W47-1", "20-11-2017", "", 20171120, None, True]
)
def test_anything_but_a_date_is_refused(value: object) -> None:
    with pytest.raises(ScalarError, match="Date expects a date as YYYY-MM-DD, got"):
        parse_date(value)


@given(st.datetimes())
def test_a_time_without_offset_is_chongqing_time(moment: datetime) -> None:
    assert parse_datetime(moment.isoformat()) == moment.isoformat() + "+08:00"


def test_an_offset_is_kept() -> None:
    assert parse_datetime("2017-11-20T02:00:00Z") == "2017-11-20T02:00:00+00:00"
    assert parse_datetime("2017-11-20 10:00") == "2017-11-20T10:00:00+08:00"


@pytest.mark.parametrize("value", ["2017-11-20", "20171120", "10:00", "yesterday", "2017-11-20T25:00:00", 0])
def test_anything_but_a_time_is_refused(value: object) -> None:
    with pytest.raises(ScalarError, match="DateTime expects"):
        parse_datetime(value)


@pytest.mark.parametrize("code", ["500107", "CQ-LJXQ", "500229S01V01"])
def test_codes_of_the_registry_are_region_codes(code: str) -> None:
    assert parse_region_code(code.lower()) == code


@pytest.mark.parametrize("value", ["", "九龙坡", "5001 07", "'; drop", 500107, "9" * 40])
def test_anything_else_is_no_region_code(value: object) -> None:
    with pytest.raises(ScalarError, match="RegionCode expects"):
        parse_region_code(value)


def test_a_social_credit_code_needs_its_check_character() -> None:
    assert parse_uscc("91500107ma5u00011b") == "91500107MA5U00011B"
    with pytest.raises(ScalarError, match="check character"):
        parse_uscc("91500107MA5U00011C")


def test_every_scalar_has_a_rule_and_a_chinese_term() -> None:
    assert set(SCALARS) == {"Date", "DateTime", "RegionCode", "Uscc", "JSON"}
    assert all(re.search("[\u4e00-\u9fff]", rule.description) for rule in SCALARS.values())


@pytest.mark.parametrize("as_variable", [True, False])
async def test_a_query_with_a_bad_date_is_told_what_a_date_is(ask: Ask, as_variable: bool) -> None:
    """The same rule holds for a literal and for a variable."""
    if as_variable:
        result = await ask("query ($d: Date) { regions(asOf: $d) { totalCount } }", d="2017-02-30")
    else:
        result = await ask('{ regions(asOf: "2017-02-30") { totalCount } }')
    assert result.data is None
    (error,) = result.errors or []
    assert "Date expects a date as YYYY-MM-DD" in error.message
    assert error.extensions == {"code": "ARGUMENT_INVALID"}
