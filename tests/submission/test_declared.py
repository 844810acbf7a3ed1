"""What `quanyu check` says of writes: every mistake, with its place, before anything is ever sent."""

from __future__ import annotations

import pytest

from tests.adapters.doubles import problems, rest_yaml

READS = """
case:
  path: /case
  query: {no: $args.number}
  map: {localNo: no, state: 'state | table("status")', appliedAt: at, itemCode: item}
cases:
  path: /cases
  query: {who: $args.applicant.idNumber}
"""
GOOD = """
submit:
  path: /submit
  body: {item: $args.itemCode, who: $args.applicant.idNumber, plate: $args.fields.plate, ref: $args.reference}
  accepts: {fields: {plate: {required: true}}}
  answer: {number: no}
  reconcile: {match: itemCode == $args.itemCode}
"""


def told(text: str) -> list[str]:
    return [one.code for one in problems(rest_yaml(READS + text))]


def test_a_good_write_has_no_problem() -> None:
    assert told(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("$args.fields.plate", "$args.fields.plat", "UNKNOWN_NAME"),
        ("$args.applicant.idNumber", "$args.applicant.number", "UNKNOWN_NAME"),
        ("$args.itemCode,", "$args.case.no,", "UNKNOWN_NAME"),
        ("$args.itemCode,", "$page.size,", "UNKNOWN_NAME"),
        ("$args.itemCode,", "'$args.itemCode | nothing',", "EXPRESSION"),
        ("plate: $args.fields.plate, ", "", "NOT_SENT"),
        ("{required: true}", "{type: choice}", "BAD_FORM_FIELD"),
        ("{required: true}", "{least: 2, most: 1}", "BAD_FORM_FIELD"),
        ("{required: true}", "{pattern: '['}", "BAD_PATTERN"),
        ("{required: true}", "{need: true}", "UNKNOWN_KEY"),
        ("answer: {number: no}", "answer: {}", "NO_ANSWER_RULE"),
        ("answer: {number: no}", "answer: {number: no, place: p}", "UNKNOWN_KEY"),
        ("answer: {number: no}", "answer: {number: 'no |'}", "EXPRESSION"),
        ("answer: {number: no}", "answer: {number: no}\n  failure: {refused: $fault.cod}", "UNKNOWN_NAME"),
        ("itemCode == $args", "title == $args", "UNKNOWN_FIELD"),
        ("{match: itemCode == $args.itemCode}", "{verb: case}", "BAD_VALUE"),
        ("{match: itemCode == $args.itemCode}", "{verb: changes, match: a}", "BAD_VALUE"),
        ("{match: itemCode == $args.itemCode}", "{}", "BAD_VALUE"),
        ("path: /submit", "path: submit", "BAD_PATH"),
        ("path: /submit", "operation: Submit", "WRONG_PROTOCOL"),
    ],
)
def test_a_mistake_is_found(old: str, new: str, code: str) -> None:
    assert old in GOOD
    assert code in told(GOOD.replace(old, new))


def test_what_is_found_by_our_reference_must_send_it() -> None:
    by_reference = GOOD.replace(", ref: $args.reference", "").replace("$args.itemCode}", "$args.reference}")
    assert told(by_reference) == ["REFERENCE_NOT_SENT"]
    resend = GOOD.replace(", ref: $args.reference", "").replace(
        "{match: itemCode == $args.itemCode}", "{style: resend}"
    )
    assert told(resend) == ["REFERENCE_NOT_SENT"]


def test_what_it_is_looked_for_by_must_be_declared() -> None:
    assert [
        one.code for one in problems(rest_yaml(GOOD + "\nitems: {path: /i, map: {localCode: c, name: n}}"))
    ] == ["RECONCILE_VERB"]


def test_a_supplement_is_looked_for_in_its_case() -> None:
    text = """
supplement:
  path: /more
  body: {no: $args.case.number}
  answer: {filed: code == 0}
  reconcile: {verb: cases, match: itemCode == $args.itemCode}
"""
    assert told(text) == ["RECONCILE_VERB"]


def test_a_problem_has_its_line() -> None:
    found = problems(rest_yaml(READS + GOOD.replace("$args.fields.plate", "$args.fields.plat")))
    problem = next(one for one in found if one.code == "UNKNOWN_NAME")
    lines = rest_yaml(READS + GOOD.replace("$args.fields.plate", "$args.fields.plat")).splitlines()
    assert "plat" in lines[problem.line - 1]
    assert "did you mean 'plate'" in problem.allowed
