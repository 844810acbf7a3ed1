"""Escape hatches: JMESPath and XPath over the same trees, within bounds."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from lxml import etree

from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.expression import Path, parse, paths_of
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.tree import xml_tree

CONTEXT = CompileContext()
RECORD = {"steps": [{"name": "受理", "ms": 5, "@n": "1"}, {"name": "办结", "ms": 900, "@n": "2"}], "no": "1"}


def read(text: str, node: Any) -> Any:
    return compile_expression(text, CONTEXT)(node, Scope())


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("jmespath: steps[?ms > `100`].name | [0]", "办结"),
        ("jmespath: max_by(steps, &ms).name", "办结"),
        ("jmespath: join('-', steps[].name)", "受理-办结"),
        ("jmespath: nothing.here", None),
        ("xpath: steps[ms > 100]/name", "办结"),
        ("xpath: steps[last()]/@n", "2"),
        ("xpath: count(steps)", 2),
        ("xpath: //name", ["受理", "办结"]),
        ("xpath: string(no)", "1"),
        ("xpath: nothing", None),
        ("xpath: boolean(no)", True),
        ("xpath: steps[1]", {"@n": "1", "name": "受理", "ms": "5"}),
    ],
)
def test_both_read_a_record(text: str, result: Any) -> None:
    assert read(text, RECORD) == result


def test_xpath_reads_xml_as_it_was_without_prefixes() -> None:
    root = etree.fromstring('<a xmlns="u:x"><b k="1">x</b><b k="2">y</b></a>')
    assert read('xpath: b[@k="2"]', xml_tree(root, None)) == "y"
    assert read('xpath: string(b[@k="2"])', xml_tree(root, None)) == "y"


def test_all_of_a_record_is_read_for_them() -> None:
    assert paths_of(parse("jmespath: a.b")) == [Path("", ())]


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("jmespath: steps[", 10, "JMESPath"),
        ("jmespath: nothing(a)", 10, "no function 'nothing'"),
        ("xpath: steps[", 7, "XPath"),
        ("xpath: document('file:///etc/passwd')", 7, "XPath"),
        ("xpath: re:test(a, 'b')", 7, "XPath"),
        ("xpath: $a", 7, "XPath"),
        ("xpath: //a//b//c", 7, "more than 2 steps"),
    ],
)
def test_what_the_language_does_not_take_is_told_before_any_call(
    text: str, offset: int, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message.replace("(", "\\(")) as caught:
        compile_expression(text, CONTEXT)
    assert caught.value.offset >= offset


def test_a_query_that_multiplies_is_stopped() -> None:
    rows = [{"a": [{"a": [{"a": index} for index in range(60)]} for _ in range(60)]} for _ in range(60)]
    with pytest.raises(ValueProblem, match="too many steps"):
        read("jmespath: rows[].a[].a[].to_string(a)", {"rows": rows})


def test_xpath_looks_at_no_more_than_it_may() -> None:
    with pytest.raises(ValueProblem, match="more than 5000 values"):
        read("xpath: count(//row)", {"row": ["x"] * 6000})
    with pytest.raises(ValueProblem, match="more than 1000000 characters"):
        read("xpath: count(row)", {"row": ["x" * 300_000] * 4})


@pytest.mark.parametrize(
    "text",
    [
        "//row[count(//row) > 1]",
        "row[count(/record/row) > 1][count(/record/row) > 2]",
        "//row[position()=count(/record/row)]",
        "row[.. and ../row = .]",
        "row[1 or /record/row and not(/record/x)]",
    ],
)
def test_a_search_within_a_search_looks_at_less(text: str) -> None:
    """lxml cannot be stopped: what costs the square of the values gets fewer of them."""
    read(f"xpath: {text}", {"row": ["x"] * 1000})
    with pytest.raises(ValueProblem, match="more than 1500 values"):
        read(f"xpath: {text}", {"row": ["x"] * 2000})


def test_paths_from_the_root_are_searches_and_divisions_are_not() -> None:
    with pytest.raises(ExpressionError, match="more than 2 steps"):
        read("xpath: row[/a][ / b][1-/c]", {})
    assert read("xpath: count(a/b) + count(a/c) - count(a/d)", {"a": {"b": 1}}) == 1


@pytest.mark.parametrize(
    "node", [None, "text", 5, [], {}, {"a\x00": 1}, {"no": "\x00\x0b"}, {"steps": {"ms": None}}]
)
@pytest.mark.parametrize("text", ["jmespath: steps[].ms | sum(@)", "xpath: sum(steps/ms)", "xpath: no"])
def test_anything_is_read_or_refused(text: str, node: Any) -> None:
    with contextlib.suppress(ValueProblem):
        read(text, node)


def test_one_of_two_by_a_condition() -> None:
    assert (
        read('if(kind == "1", person.name, company ?? "无")', {"kind": 1, "person": {"name": "王"}}) == "王"
    )
    assert read('if(kind == "1", person.name, company ?? "无") | prefix("x")', {"kind": "2"}) == "x无"
    with pytest.raises(ExpressionError, match="a condition and two values"):
        compile_expression("if(a, b)", CONTEXT)
    assert read("if", {"if": 1}) == 1


def test_a_pattern_takes_time_with_the_text_only() -> None:
    """Python's own engine needs ages for this one."""
    assert read(r'a | match("(a+)+$")', {"a": "a" * 1999 + "b"}) is None


def test_a_pattern_that_grows_too_large_is_refused() -> None:
    with pytest.raises(ExpressionError, match="not a regular expression"):
        compile_expression(r'a | match("((a{1000}){1000}){1000}")', CONTEXT)
