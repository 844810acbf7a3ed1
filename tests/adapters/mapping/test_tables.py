"""Code tables: what an unknown code becomes, and tables that changed on a day."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import UNMAPPED, Gap, Scope

CONTEXT = CompileContext(
    {
        "status": {"1": "ACCEPTED", "8": "VOIDED"},
        "status@2018-01-01": {"1": "UNDER_REVIEW", "2": "CLOSED"},
        "status@2019-07-01": {"2": "DECIDED", "*": "UNKNOWN"},
        "kept": {"1": "one", "*": "="},
        "strict": {"1": "ONLINE", "*": "!"},
        "other": {"1": "ONLINE", "*": "PROXY"},
    }
)


def read(text: str, node: Any, scope: Scope | None = None) -> Any:
    return compile_expression(text, CONTEXT)(node, scope or Scope())


@pytest.mark.parametrize(
    ("code", "day", "meaning"),
    [
        ("1", "20170101", "ACCEPTED"),
        ("1", "20171231", "ACCEPTED"),
        ("1", "20180101", "UNDER_REVIEW"),
        ("2", "20190630", "CLOSED"),
        ("2", "20190701", "DECIDED"),
        ("2", None, "DECIDED"),
    ],
)
def test_a_code_means_what_it_meant_on_its_day(code: str, day: str | None, meaning: str) -> None:
    assert read('code | table("status", day | date("yyyyMMdd"))', {"code": code, "day": day}) == meaning


def test_a_code_that_a_version_does_not_have_is_missing_in_it() -> None:
    scope = Scope()
    assert read('code | table("status", "2018-05-01")', {"code": "8"}, scope) is UNMAPPED
    assert scope.gaps == [Gap("status", "8")]


@pytest.mark.parametrize(("code", "meaning"), [("1", "UNDER_REVIEW"), ("2", "DECIDED"), ("8", "VOIDED")])
def test_without_a_day_the_newest_version_that_has_a_code_holds(code: str, meaning: str) -> None:
    assert read('code | table("status")', {"code": code}) == meaning


def test_what_any_other_code_becomes_is_the_tables_to_say() -> None:
    scope = Scope()
    assert read('code | table("kept")', {"code": "7"}, scope) == "7"
    assert read('code | table("other")', {"code": "7"}, scope) == "PROXY"
    assert read('code | table("other")', {"code": "*"}, scope) == "PROXY"
    assert scope.gaps == []
    with pytest.raises(ValueProblem, match="strict"):
        read('code | table("strict")', {"code": "7"})


def test_requests_know_the_codes_of_every_version() -> None:
    assert read('$args.s | untable("status")', None, Scope({"args": {"s": "ACCEPTED"}})) == ["1"]
    assert read('$args.s | untable("other")', None, Scope({"args": {"s": "PROXY"}})) == []


def test_a_version_that_is_no_day_is_refused() -> None:
    with pytest.raises(ExpressionError, match="status@2018"):
        compile_expression('a | table("status")', CompileContext({"status@2018": {"1": "A"}}))
