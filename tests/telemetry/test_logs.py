"""Log lines: one safe JSON object each, without personal data."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.logs import MAX_TEXT, configure_logging, mask_personal_data, safe_text


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging as the program has it, and everything as it was afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    target = io.StringIO()
    configure_logging(stream=target)
    yield target
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_is_one_json_object_whatever_is_logged(stream: io.StringIO) -> None:
    structlog.get_logger("x").info(
        "two\r\nlines \x1b[31mred", system="JT-PERMIT", ms=1.5, nested={"a": ["\x00", None]}
    )
    logging.getLogger("library").warning("from a library %s", "line\nbreak")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    first, second = (orjson.loads(line) for line in lines)
    assert first["event"] == "two\\u000d\\u000alines \\u001b[31mred"
    assert first["nested"] == {"a": ["\\u0000", None]}
    assert (first["system"], first["ms"], first["level"]) == ("JT-PERMIT", 1.5, "info")
    assert second["event"] == "from a library line\\u000abreak"


def test_personal_numbers_are_masked_wherever_they_stand(stream: io.StringIO) -> None:
    structlog.get_logger("x").info(
        "case of 500229197001010010",
        mobile="13800138000",
        old="510229700101001",
        number=500229197001010010,
        deep=[{"id": "51232419650707003X"}],
        uscc="91500107MA5U00011B",
        trace_id="12345678901390000000000000000000",
    )
    line = orjson.loads(stream.getvalue())
    assert line["event"] == "case of 500**************0"
    assert line["mobile"] == "138****8000"
    assert line["old"] == "510***********1"
    assert line["number"] == "500**************0"
    assert line["deep"] == [{"id": "512**************X"}]
    assert line["uscc"] == "91500107MA5U00011B"
    assert line["trace_id"] == "12345678901390000000000000000000"


def test_an_exception_is_in_the_line_and_masked(stream: io.StringIO) -> None:
    try:
        raise ValueError("applicant 500229197001010010")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    assert "500229197001010010" not in stream.getvalue()
    assert "ValueError: applicant 500*" in orjson.loads(stream.getvalue())["exception"]


@given(
    st.text(max_size=20).filter(lambda text: not re.search(r"\d\Z", text)),
    st.integers(100, 999),
    st.dates(),
    st.integers(0, 999),
    st.sampled_from("0123456789Xx"),
    st.text(max_size=20).filter(lambda text: not re.match(r"\d", text)),
)
def test_no_resident_identity_number_passes(before, area, born, serial, check, after) -> None:  # type: ignore[no-untyped-def]
    if not 1800 <= born.year < 2100:
        born = born.replace(year=1900 + born.year % 100, day=min(born.day, 28))
    number = f"{area}229{born:%Y%m%d}{serial:03d}{check}"
    assert number not in mask_personal_data(before + number + after)


@given(st.text(max_size=50))
def test_safe_text_is_one_line_of_printable_signs(text: str) -> None:
    assert len(safe_text(text).splitlines()) <= 1


def test_a_long_text_is_cut_and_a_number_across_the_cut_is_not_shown() -> None:
    cut = safe_text("a" * (MAX_TEXT - 12) + "500229197001010010" + "b" * 5000)
    assert len(cut) < MAX_TEXT + 50
    assert "500229" not in cut
    assert f"({MAX_TEXT - 12 + 18 + 5000} characters)" in cut
