"""Dates of legacy systems: whatever they look like, they come out as one form that sorts by time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.mapping.dates import (
    NETWORK_OFFSET,
    date_reader,
    date_writer,
    epoch_reader,
    epoch_writer,
    iso_reader,
    parse_offset,
)
from adapters.mapping.errors import ExpressionError, ValueProblem

PATTERNS = (
    "yyyyMMddHHmmss",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy/MM/dd HH:mm:ss",
    "yyyy-MM-ddTHH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "yyyy年MM月dd日 HH时mm分ss秒",
    "dd.MM.yyyy HH:mm:ss",
    "HH:mm:ss dd%MM%yyyy",
    "ss(mm)[HH] yyyy*MM+dd",
)
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(9998, 12, 30)).map(lambda at: at.replace(microsecond=0))
OFFSETS = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


@given(st.sampled_from(PATTERNS), OFFSETS, MOMENTS)
def test_what_is_written_in_a_systems_form_is_read_back(pattern: str, offset: timezone, at: datetime) -> None:
    network = at.replace(tzinfo=NETWORK_OFFSET).isoformat(timespec="seconds")
    assert date_reader(pattern, offset)(date_writer(pattern, offset)(network)) == network


@given(OFFSETS, MOMENTS)
def test_iso_is_read_back(offset: timezone, at: datetime) -> None:
    network = at.replace(tzinfo=NETWORK_OFFSET).isoformat(timespec="seconds")
    assert iso_reader(offset)(date_writer("iso", offset)(network)) == network


@given(st.sampled_from([1, 1000]), MOMENTS)
def test_epochs_are_read_back(per_second: int, at: datetime) -> None:
    network = at.replace(tzinfo=NETWORK_OFFSET).isoformat(timespec="seconds")
    assert epoch_reader(per_second)(epoch_writer(per_second)(network)) == network


@given(st.lists(st.tuples(st.sampled_from(PATTERNS), OFFSETS, MOMENTS), min_size=2, max_size=6))
def test_texts_from_unlike_systems_sort_by_time(given_: list[tuple[str, timezone, datetime]]) -> None:
    read = []
    for pattern, offset, at in given_:
        moment = at.replace(tzinfo=offset)
        text = date_writer(pattern, offset)(moment.isoformat())
        network = date_reader(pattern, offset)(text)
        assert network.endswith("+08:00")
        assert len(network) == 25
        read.append((network, moment))
    assert [text for text, _ in sorted(read)] == [text for text, _ in sorted(read, key=lambda pair: pair[1])]


@pytest.mark.parametrize(
    ("pattern", "text", "network"),
    [
        ("yyyyMMdd", "20170501", "2017-05-01T00:00:00+08:00"),
        ("yyyy", "2017", "2017-01-01T00:00:00+08:00"),
        ("yyyy年MM月dd日 HH时mm分", "2017年05月01日 09时07分", "2017-05-01T09:07:00+08:00"),
        ("yyyy-MM-dd'T'HH:mm", "2017-05-01T09:07", "2017-05-01T09:07:00+08:00"),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2017-05-01 09:07:08.999", "2017-05-01T09:07:08+08:00"),
        ("yyyy-MM-dd", "  2017-05-01 ", "2017-05-01T00:00:00+08:00"),
        ("yyyy.MM", "2017.05", "2017-05-01T00:00:00+08:00"),
    ],
)
def test_reads(pattern: str, text: str, network: str) -> None:
    assert date_reader(pattern, NETWORK_OFFSET)(text) == network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("2017-05-01", "2017-05-01T00:00:00+08:00"),
        ("2017-05-01T09:07:08Z", "2017-05-01T17:07:08+08:00"),
        ("2017-05-01 09:07:08.123456", "2017-05-01T09:07:08+08:00"),
        ("2017-05-01T09:07:08-05:00", "2017-05-01T22:07:08+08:00"),
    ],
)
def test_reads_iso(text: str, network: str) -> None:
    assert iso_reader(NETWORK_OFFSET)(text) == network


@pytest.mark.parametrize(
    "text", ["2017-13-01", "2017-02-30", "2017-5-1", "2017-05-01x", "２０17-01-01", "", "0000-01-01"]
)
@pytest.mark.parametrize("read", [date_reader("yyyy-MM-dd", NETWORK_OFFSET), iso_reader(NETWORK_OFFSET)])
def test_refuses_what_is_no_date_without_repeating_it(read: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        read(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("value", ["x", "", "1e999", "nan", "-inf", [1], {"a": 1}, True, 10**30])
def test_refuses_what_is_no_epoch(value: object) -> None:
    with pytest.raises(ValueProblem):
        epoch_reader(1000)(value)


SENTINELS = ("0001-01-01T00:00:00", "9999-12-31T23:59:59")
"""What .NET and many databases hold where there is no date."""


@pytest.mark.parametrize(
    "text", [*SENTINELS, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00"]
)
def test_a_date_at_the_end_of_the_calendar_is_read_or_refused(text: str) -> None:
    # regression: OverflowError from astimezone: it is no ValueProblem, and takes the whole answer of all systems with it
    with contextlib.suppress(ValueProblem):
        assert iso_reader(parse_offset("+08:00"))(text).endswith("+08:00")


@pytest.mark.parametrize("text", SENTINELS)
def test_a_patterned_date_at_the_end_of_the_calendar_is_read_or_refused(text: str) -> None:
    # regression: as above, where the system's offset is not the network's
    for offset in ("-05:00", "+14:00"):
        with contextlib.suppress(ValueProblem):
            assert date_reader("yyyy-MM-ddTHH:mm:ss", parse_offset(offset))(text).endswith("+08:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-12:00", "not a date"])
@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "iso"])
def test_an_argument_that_cannot_be_written_is_a_value_problem(pattern: str, text: str) -> None:
    # regression: OverflowError or ValueError: a client's `from: "0001-01-01"` ends the whole request
    for offset in ("+14:00", "-05:00"):
        with contextlib.suppress(ValueProblem):
            date_writer(pattern, parse_offset(offset))(text)


def test_years_before_1000_keep_four_digits() -> None:
    # regression: %Y does not pad on Linux: the system is asked for "987-01-02"
    assert date_writer("yyyy-MM-dd", NETWORK_OFFSET)("0987-01-02T00:00:00+08:00") == "0987-01-02"


@pytest.mark.parametrize("pattern", ["HH:mm", "", "'yyyy'", "MM-dd", "yyyy-yy"])
def test_a_pattern_needs_a_year(pattern: str) -> None:
    with pytest.raises(ExpressionError):
        date_reader(pattern, NETWORK_OFFSET)


@given(st.text(alphabet="yMdHmsS-':年%(\\", max_size=14))
@example("yyyy yyyy")
def test_any_pattern_is_compiled_or_refused(pattern: str) -> None:
    # regression: a field that stands twice raises re.error
    try:
        read = date_reader(pattern, UTC)
        write = date_writer(pattern, UTC)
    except ExpressionError:
        return
    assert read(write("2017-01-01T08:00:00+08:00")).endswith("+08:00")


@pytest.mark.parametrize(("text", "minutes"), [("+08:00", 480), ("-05:30", -330), ("+00:00", 0)])
def test_offsets(text: str, minutes: int) -> None:
    assert parse_offset(text).utcoffset(None) == timedelta(minutes=minutes)
