"""Request templates: values keep their kind, nulls drop their key, a path keeps its segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.loader import load
from adapters.mapping.errors import ExpressionError
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.template import compile_template, compile_url_path, template_expressions

CONTEXT = CompileContext({"t": {"1": "A", "2": "A"}})


def filled(text: str, **args: Any) -> Any:
    tree = load(Path("t"), text).tree
    return compile_template(tree, CONTEXT)(Scope({"args": args, "page": {"size": 50}}))


def test_plain_numbers_are_numbers_and_quoted_ones_text() -> None:
    assert filled("{a: 20, b: '20', c: true, d: 007, e: x, f: [1, '1'], g: ~}") == {
        "a": 20,
        "b": "20",
        "c": True,
        "d": "007",
        "e": "x",
        "f": [1, "1"],
    }


def test_expressions_are_filled_in_and_nulls_drop_their_key() -> None:
    text = "{no: $args.no, size: $page.size, none: $args.x, in: {y: $args.x, z: 1}, states: '$args.s | untable(\"t\")'}"
    assert filled(text, no="5", s=["A"]) == {"no": "5", "size": 50, "in": {"z": 1}, "states": ["1", "2"]}


def test_a_value_that_looks_like_an_expression_stays_a_value() -> None:
    assert filled("{no: $args.no}", no="$args.secret", secret="x") == {"no": "$args.secret"}


def test_expressions_are_listed_with_their_place() -> None:
    tree = load(Path("t"), "{a: $args.x, b: [1, {c: $page.size}], d: plain}").tree
    assert template_expressions(tree) == [(("a",), "$args.x"), (("b", 1, "c"), "$page.size")]


@pytest.mark.parametrize(
    ("number", "path"),
    [
        ("GS1", "/c/GS1/x"),
        ("a/b", "/c/a%2Fb/x"),
        ("..", "/c/%2E%2E/x"),
        (".", "/c/%2E/x"),
        ("../../admin", "/c/..%2F..%2Fadmin/x"),
        ("a?b=c&d#e", "/c/a%3Fb%3Dc%26d%23e/x"),
        ("a b%20", "/c/a%20b%2520/x"),
        ("渝民〔2017〕0001号", "/c/%E6%B8%9D%E6%B0%91%E3%80%942017%E3%80%950001%E5%8F%B7/x"),
        ("\\..\\", "/c/%5C..%5C/x"),
        (None, "/c//x"),
        (5, "/c/5/x"),
    ],
)
def test_a_value_cannot_leave_its_path_segment(number: Any, path: str) -> None:
    assert compile_url_path("/c/{$args.no}/x", CONTEXT)(Scope({"args": {"no": number}})) == path


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_path_segment_comes_back_as_it_was(number: str) -> None:
    path = compile_url_path("/c/{$args.no}/x", CONTEXT)(Scope({"args": {"no": number}}))
    segments = path.split("/")
    assert len(segments) == 4
    assert unquote(segments[2]) == number
    assert segments[2] not in (".", "..")
    assert not set("?#&\\ ") & set(path)


@pytest.mark.parametrize("path", ["/c/{", "/c/}", "/c/{a{b}}", "/c/{}", "/c/{$}"])
def test_a_hole_that_is_not_closed_is_an_error(path: str) -> None:
    with pytest.raises(ExpressionError):
        compile_url_path(path, CONTEXT)
