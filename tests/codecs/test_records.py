"""Separated and fixed-width records."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.codecs.errors import CodecInput, CodecTooLarge, CodecValue
from adapters.codecs.records import Column, FixedWidth, Records
from adapters.codecs.step import Context

NAMES = ("a", "b", "c")
FIELD = st.text(
    st.sampled_from(list("ab张|,^\t\"\\\n\r'~ ")) | st.characters(exclude_categories=["Cs"]), max_size=8
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, FIELD)), max_size=5)
DIALECTS = [
    Records(NAMES, quote='"'),
    Records(NAMES, separator="\t", escape="\\"),
    Records(NAMES, separator="|", quote="'", escape="\\", row="~"),
    Records(NAMES, separator="^|", quote='"', row="\r\n"),
    Records(NAMES, separator=",", quote='"', header=True),
    Records(NAMES, separator="||", escape="\\", row="##"),
]


@pytest.mark.parametrize("step", DIALECTS)
@given(rows=ROWS)
@example(rows=[{"a": "", "b": "", "c": "\r"}])
@example(rows=[{"a": "|", "b": '"', "c": "#"}])
@example(rows=[{"a": "\r", "b": "^", "c": "x^"}])
def test_rows_come_back(step: Records, rows: list[dict[str, str]]) -> None:
    assert step.decode(step.encode(rows, Context()), Context()) == rows


@given(
    rows=st.lists(st.lists(FIELD.filter(lambda text: "\r" not in text), min_size=2, max_size=2), min_size=1)
)
def test_what_the_csv_module_writes_is_read(rows: list[list[str]]) -> None:
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_MINIMAL).writerows(rows)
    step = Records(("a", "b"), quote='"')
    assert step.decode(stream.getvalue(), Context()) == [{"a": one, "b": two} for one, two in rows]


@given(
    rows=ROWS.map(
        lambda rows: [{name: "".join(value.split()) for name, value in row.items()} for row in rows]
    )
)
def test_the_csv_module_reads_what_is_written(rows: list[dict[str, str]]) -> None:
    text = Records(NAMES, quote='"', header=True).encode(rows, Context())
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == rows


def test_a_header_names_the_fields_of_pipe_separated_rows() -> None:
    text = "sjh|zt|\r\n20260001|办结|\r\n\r\n20260002|在办|\r\n"
    step = Records(header=True, separator="|", ragged="pad")
    assert step.decode(text, Context()) == [
        {"sjh": "20260001", "zt": "办结", "": ""},
        {"sjh": "20260002", "zt": "在办", "": ""},
    ]


def test_a_single_row_is_an_object() -> None:
    assert Records(("id", "time"), separator="|", single=True, trim=True).decode(" 7 | 8 ", Context()) == {
        "id": "7",
        "time": "8",
    }


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        (Records(("a", "b")), "1,2\n1,2,3", "2 fields, row 2 has 3"),
        (Records(("a", "b")), "1", "2 fields, row 1 has 1"),
        (Records(("a", "b"), ragged="pad"), "1,2,3", "row 1 has 3"),
        (Records(("a",), quote='"'), '"open', "closing quote"),
        (Records(("a",), quote='"'), '"shut"x', "separator after a closing quote"),
        (Records(("a",), escape="\\"), "end\\", "after the last escape"),
        (Records(("a",), single=True), "1\n2", "one row, found 2"),
    ],
)
def test_rows_of_another_shape_are_refused(step: Records, text: str, expected: str) -> None:
    with pytest.raises(CodecInput, match=expected):
        step.decode(text, Context())


@pytest.mark.parametrize("row", [{"a": "1,2"}, {"a": ""}, {"z": "1"}])
def test_values_that_would_be_read_otherwise_are_not_written(row: dict[str, str]) -> None:
    with pytest.raises(CodecValue):
        Records(("a",)).encode([row], Context())


def test_more_rows_than_anyone_means_are_refused() -> None:
    with pytest.raises(CodecTooLarge, match="100000 rows"):
        Records(("a",)).decode("1\n" * 100_001, Context())


COLUMNS = (Column("no", 8, "right", "0"), Column("name", 10), Column("note", 6))
UNPADDED = st.text(
    st.characters(codec="gb18030", exclude_characters=" 0\r\n", exclude_categories=["Cs"]), max_size=2
)


@pytest.mark.parametrize(
    "step",
    [
        FixedWidth(COLUMNS),
        FixedWidth(COLUMNS, "gb18030"),
        FixedWidth(COLUMNS, "gb18030", row=None),
        FixedWidth(COLUMNS, row="\r\n"),
    ],
)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"no": UNPADDED, "name": UNPADDED, "note": st.text("ab一", max_size=3)}),
        max_size=4,
    )
)
def test_fixed_width_rows_come_back(step: FixedWidth, rows: list[dict[str, str]]) -> None:
    assert step.decode(step.encode(rows, Context()), Context()) == rows


def test_widths_count_gb18030_bytes() -> None:
    step = FixedWidth(
        (Column("name", 8), Column("state", 4), Column("n", 4, "right", "0")), "gb18030", single=True
    )
    assert step.decode("张三    办结0042", Context()) == {"name": "张三", "state": "办结", "n": "42"}
    assert step.encode({"name": "张三", "state": "办结", "n": 42}, Context()) == "张三    办结0042"


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        (
            FixedWidth((Column("a", 3), Column("b", 1)), "gb18030"),
            "张三",
            "a begins or ends inside a character",
        ),
        (FixedWidth((Column("a", 3),)), "1234", "3 characters, row 1 has 4"),
        (FixedWidth((Column("a", 3),)), "12", "row 1 has 2"),
    ],
)
def test_wrong_widths_are_refused(step: FixedWidth, text: str, expected: str) -> None:
    with pytest.raises(CodecInput, match=expected):
        step.decode(text, Context())


def test_short_rows_may_be_declared() -> None:
    assert FixedWidth((Column("a", 3), Column("b", 3)), short=True).decode("12", Context()) == [
        {"a": "12", "b": ""}
    ]


def test_a_value_longer_than_its_column_is_not_cut() -> None:
    with pytest.raises(CodecValue, match="longer than its 3"):
        FixedWidth((Column("a", 3),)).encode({"a": "1234"}, Context())


REST = FixedWidth((Column("length", 8, "right", "0"), Column("rest", None)), "gb18030", row=None, single=True)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_last_column_without_a_width_is_all_the_rest_as_it_is(rest: str) -> None:
    text = REST.encode({"length": "12", "rest": rest}, Context())
    assert text == "00000012" + rest
    assert REST.decode(text, Context()) == {"length": "12", "rest": rest}


def test_the_rest_of_each_row_ends_with_the_row() -> None:
    step = FixedWidth((Column("a", 2), Column("b", None)))
    assert step.decode("x 1 \n\ny 22\n", Context()) == [{"a": "x", "b": "1 "}, {"a": "y", "b": "22"}]
    with pytest.raises(CodecInput, match="at least 2 characters, row 1 has 1"):
        step.decode("x", Context())


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("quote", [None, '"'])
def test_rows_around_the_records_are_passed_over(end: str, quote: str | None) -> None:
    text = f"统计表,2018年\r\n\nno,state\r\nN1,A\nN2,B\r\n合计,2\n校验{end}"
    step = Records(header=True, skip=2, skip_last=2, quote=quote)
    assert step.decode(text, Context()) == [{"no": "N1", "state": "A"}, {"no": "N2", "state": "B"}]


@pytest.mark.parametrize("text", ["", "a", "a\nb", "\n\n\n"])
def test_less_rows_than_are_passed_over_are_no_records(text: str) -> None:
    assert Records(("x",), skip=1, skip_last=2).decode(text, Context()) == []
