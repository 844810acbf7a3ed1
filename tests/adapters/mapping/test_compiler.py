"""Expressions and maps run: conditions, what a missing thing is, and records that hold only what was asked for."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.compiler import compile_condition, compile_expression, compile_map
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Gap, Scope, Trouble
from schema.canonical import CASE, CHANGE, ITEM

CONTEXT = CompileContext({"status": {"A": "ACCEPTED"}, "kind": {"1": "SUBMIT"}, "type": {"1": "INSTANT"}})


def value(text: str, node: Any, roots: dict[str, Any] | None = None) -> Any:
    return compile_expression(text, CONTEXT)(node, Scope(roots or {}))


def holds(text: str, node: Any) -> bool:
    return compile_condition(text, CONTEXT)(node, Scope())


@pytest.mark.parametrize(
    ("text", "node", "result"),
    [
        ("a.b", {"a": {"b": 1}}, 1),
        ("a.b", {"a": None}, None),
        ("a.b", {"a": ""}, None),
        ("a.b", {"a": "text"}, None),
        ("a.b", {}, None),
        ("a[0].b", {"a": [{"b": 1}, {"b": 2}]}, 1),
        ("a[-1].b", {"a": [{"b": 1}, {"b": 2}]}, 2),
        ("a[5].b", {"a": [{"b": 1}]}, None),
        ("a[0].b", {"a": {"b": 1}}, 1),
        ("a[1].b", {"a": {"b": 1}}, None),
        (".", {"a": 1}, {"a": 1}),
        ("$args.n", {}, 7),
        ("$none.n", {}, None),
        ("a ?? b ?? 'c'", {"a": "", "b": None}, "c"),
        ("a ?? b", {"a": 0, "b": 1}, 0),
        ("a ?? b", {"a": False, "b": 1}, False),
        ("[a, 'x']", {"a": 1}, [1, "x"]),
    ],
)
def test_a_path_that_leads_nowhere_is_null(text: str, node: Any, result: Any) -> None:
    assert value(text, node, {"args": {"n": 7}}) == result


def test_the_last_of_one_is_that_one() -> None:
    # regression: XML gives one child for a list of one: `Step[-1]` is null with one step and right with two
    assert value("a[-1].b", {"a": {"b": 1}}) == 1


def test_a_list_in_the_way_is_told() -> None:
    with pytest.raises(ValueProblem, match=r"a list stands before 'b': take \[0\] or use `each`"):
        value("a.b", {"a": [{"b": 1}]})


@pytest.mark.parametrize(
    ("text", "node", "result"),
    [
        ("c == '0'", {"c": 0}, True),
        ("c == 0", {"c": "0"}, True),
        ("c == 0", {"c": " 0 "}, True),
        ("c != 0", {"c": "0"}, False),
        ("c == null", {}, True),
        ("c != null", {"c": ""}, True),
        ("c == true", {"c": "true"}, True),
        ("c == false", {"c": False}, True),
        ("c == 1", {"c": True}, False),
        ("c in ['1', 2]", {"c": "2"}, True),
        ("c in ['1', 2]", {"c": None}, False),
        ("c in d", {"c": 1, "d": None}, False),
        ("c in d", {"c": 1, "d": ["1"]}, True),
        ("c < 10", {"c": "9"}, True),
        ("c < '10'", {"c": "b"}, False),
        ("c > 'a'", {"c": "b"}, True),
        ("c < 10", {}, False),
        ("c", {"c": "0"}, True),
        ("c", {"c": ""}, False),
        ("not c", {}, True),
        ("c and d", {"c": 1}, False),
        ("c or d", {"d": 1}, True),
        ("c == d", {"c": [1], "d": [1]}, True),
    ],
)
def test_conditions(text: str, node: Any, result: bool) -> None:
    assert holds(text, node) is result


@pytest.mark.parametrize("there", [5, True, 1.5])
def test_a_search_in_what_is_no_list_is_no_crash(there: Any) -> None:
    # regression: TypeError ('int' object is not iterable) is no ValueProblem and ends the whole request
    with contextlib.suppress(ValueProblem):
        assert holds("c in d", {"c": 5, "d": there}) in (True, False)


def test_a_text_is_a_list_of_one_and_not_of_letters() -> None:
    # regression: XML gives the text of an only child; `in` then looks at its characters
    assert holds("c in d", {"c": "AB", "d": "AB"}) is True
    assert holds("c in d", {"c": "A", "d": "AB"}) is False


MAP: dict[str, Any] = {
    "localNo": "no",
    "title": "title | trim",
    "state": 'state | table("status")',
    "appliedAt": "at",
    "closedAt": 'end | date("yyyyMMdd")',
    "caseType": 'type | table("type")',
    "applicant": {"idNumber": "who.id", "name": "who.name", "kind": '"NATURAL"'},
    "externalRefs": {"a": "ref", "b": "$args.n"},
    "events": {"each": "steps", "occurredAt": "at", "kind": 'k | table("kind")', "step": "name"},
}


def record(node: Any, *, wanted: list[str] | None = None, scope: Scope | None = None) -> dict[str, Any]:
    return compile_map(MAP, CASE, CONTEXT, wanted=wanted)(node, scope or Scope({"args": {"n": 1}}))


NODE = {
    "no": 17,
    "title": " 标题 ",
    "state": "A",
    "at": "2017-05-01 10:00:00",
    "end": "20170601",
    "type": "1",
    "who": {"id": "500229197001010010", "name": "陈某"},
    "ref": "X",
    "steps": [{"at": "2017-05-01", "k": 1, "name": "受理"}],
}


def test_a_map_gives_the_canonical_record() -> None:
    assert record(NODE) == {
        "localNo": "17",
        "title": "标题",
        "state": "ACCEPTED",
        "rawStatus": "A",
        "appliedAt": "2017-05-01T10:00:00+08:00",
        "closedAt": "2017-06-01T00:00:00+08:00",
        "caseType": "INSTANT",
        "applicant": {"kind": "NATURAL", "name": "陈某", "idNumber": "500229197001010010"},
        "externalRefs": {"a": "X", "b": 1},
        "events": [
            {"kind": "SUBMIT", "rawKind": "1", "step": "受理", "occurredAt": "2017-05-01T00:00:00+08:00"}
        ],
    }


def test_nothing_gives_nulls_and_no_troubles() -> None:
    scope = Scope()
    found = record({}, scope=scope)
    assert (scope.troubles, scope.gaps) == ([], [])
    assert found.pop("events") == []
    assert found.pop("applicant") == {"kind": "NATURAL", "name": None, "idNumber": None}
    assert set(found.values()) == {None}


def test_an_unmapped_code_is_unknown_and_noted() -> None:
    scope = Scope()
    found = record(NODE | {"state": "Z", "type": "9"}, scope=scope)
    assert (found["state"], found["rawStatus"], found["caseType"]) == ("UNKNOWN", "Z", "UNKNOWN")
    assert set(scope.gaps) == {Gap("status", "Z"), Gap("type", "9")}
    assert scope.troubles == []


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"end": "秘密"}, "closedAt", "not a date of the form yyyyMMdd"),
        ({"at": "秘密"}, "appliedAt", "not an ISO 8601 date"),
        ({"title": ["秘密"]}, "title", "an object or a list stands where one value was expected"),
        ({"state": {"秘密": 1}}, "state", "an object or a list stands where one value was expected"),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_told_without_the_value(
    change: dict[str, Any], field: str, message: str
) -> None:
    scope = Scope()
    found = record(NODE | change, scope=scope)
    assert found[field] is None
    assert Trouble(field, message) in scope.troubles
    assert found["localNo"] == "17"


def test_a_trouble_says_which_step_it_was() -> None:
    scope = Scope()
    record(NODE | {"steps": [{"at": "2017-05-01"}, {"at": "soon"}]}, scope=scope)
    # regression: Trouble.field is documented as dotted with list positions; it is the bare name, so that a wrong
    # `departmentCode` or `kind` of a step reads as one of the case
    assert [trouble.field for trouble in scope.troubles] == ["events[1].occurredAt"]


@pytest.mark.parametrize(
    ("text", "result", "trouble"),
    [
        ("12", 12, None),
        (12, 12, None),
        (" 12 ", 12, None),
        ("x", None, "not a whole number"),
        ("", None, None),
    ],
)
def test_whole_numbers(text: Any, result: Any, trouble: str | None) -> None:
    scope = Scope()
    read = compile_map({"promisedDays": "d", "enabled": "e"}, ITEM, CONTEXT)
    assert read({"d": text}, scope)["promisedDays"] == result
    assert [one.message for one in scope.troubles] == ([trouble] if trouble else [])


@pytest.mark.parametrize(
    ("given_", "result"), [("1", True), (0, False), (True, True), ("false", False), ("Y", None)]
)
def test_truth(given_: Any, result: Any) -> None:
    scope = Scope()
    assert compile_map({"enabled": "e"}, ITEM, CONTEXT)({"e": given_}, scope)["enabled"] is result
    assert bool(scope.troubles) is (given_ == "Y")


def test_a_raw_field_that_is_mapped_is_what_it_is_mapped_to() -> None:
    read = compile_map({"state": 's | table("status")', "rawStatus": "label"}, CHANGE, CONTEXT)
    assert read({"s": "A", "label": "已受理"}, Scope()) == {"state": "ACCEPTED", "rawStatus": "已受理"}


LEAVES = st.one_of(
    st.none(), st.text(max_size=5), st.integers(-9, 9), st.booleans(), st.just("A"), st.just("20170501")
)
STEPS = st.dictionaries(st.sampled_from(["at", "k", "name"]), LEAVES, max_size=3)
NODES = st.fixed_dictionaries(
    {},
    optional={
        "no": LEAVES,
        "title": LEAVES | st.lists(LEAVES, max_size=2),
        "state": LEAVES,
        "at": LEAVES | st.just("2017-05-01T10:00:00"),
        "end": LEAVES,
        "type": LEAVES,
        "who": LEAVES | st.dictionaries(st.sampled_from(["id", "name"]), LEAVES),
        "ref": LEAVES,
        "steps": LEAVES | STEPS | st.lists(STEPS, max_size=3),
    },
)


@given(NODES, st.sets(st.sampled_from([field.name for field in CASE.fields])))
def test_reading_some_fields_gives_what_reading_all_gives(node: dict[str, Any], wanted: set[str]) -> None:
    whole = record(node)
    assert record(node, wanted=sorted(wanted)) == {name: one for name, one in whole.items() if name in wanted}


@given(NODES)
def test_any_record_is_read(node: dict[str, Any]) -> None:
    found = record(node)
    assert list(found) == [field.name for field in CASE.fields if field.name in (*MAP, "rawStatus")]
