"""A check never ends in a traceback, and what it lets through can be built."""

from __future__ import annotations

import pytest

from adapters.build import build_source
from tests.adapters.doubles import checked, problems, rest_yaml, surroundings

MAP = "{localNo: no, state: 'state | table(\"status\")', appliedAt: at}"
CASE = f"case: {{path: /c, map: {MAP}}}"


def test_a_wrong_key_does_not_hide_the_mistakes_elsewhere() -> None:
    text = rest_yaml(CASE.replace("appliedAt: at", "appliedAt: 'at |'"), head="traffic: {timeout: 5}")
    # regression: one problem of the model ends the check; expressions and maps are looked at only in the next run
    assert {one.code for one in problems(text)} == {"UNKNOWN_KEY", "EXPRESSION"}


@pytest.mark.parametrize("offset", ["+99:00", "+24:00", "-23:99"])
def test_an_offset_that_no_clock_has_is_a_problem(offset: str) -> None:
    text = rest_yaml(CASE).replace("owner:", f"utcOffset: '{offset}', owner:")
    # regression: ValueError from timezone() leaves check_document
    assert [one.code for one in problems(text)] == ["BAD_VALUE"]


@pytest.mark.parametrize(
    "expression",
    [
        'at | date("yyyy-MM-dd yyyy")',  # re.error: the group stands twice
        'at | split("")',  # passes the check, then ValueError at the first record
        'at | match("a", -1)',  # passes the check, then IndexError at the first record
    ],
)
def test_an_expression_that_cannot_work_is_a_problem(expression: str) -> None:
    text = rest_yaml(CASE.replace("appliedAt: at", f"appliedAt: at, title: '{expression}'"))
    # regression: see beside each
    assert [one.code for one in problems(text)] == ["EXPRESSION"]


@pytest.mark.parametrize("expression", ["a??" * 600 + "a", "a" + "|trim" * 390, "not " * 400 + "a"])
def test_an_expression_of_many_parts_is_read_or_refused(expression: str) -> None:
    text = rest_yaml(CASE.replace("appliedAt: at", f"appliedAt: at, title: '{expression}'"))
    # regression: what `parse` takes (2,000 characters) may still overflow the stack in `paths_of` and the compiler
    assert {one.code for one in problems(text)} <= {"EXPRESSION"}


@pytest.mark.parametrize(
    ("base", "source"),
    [
        ("http://127.0.0.1:9", "charset: gbk18"),  # ExpressionError for a body, silently utf-8 without one
        ("127.0.0.1:9/api", ""),  # every call is refused
        ("ftp://127.0.0.1/api", ""),  # UrlRefused while the gateway starts
        ("http://user@127.0.0.1/api", ""),
        ("http://127.0.0.1:9 9", ""),
    ],
)
def test_an_address_or_charset_that_cannot_be_used_is_a_problem(base: str, source: str) -> None:
    text = rest_yaml(
        f"case: {{method: POST, path: /c, body: {{a: 1}}, map: {MAP}}}", base=base, source=source
    )
    # regression: `check` finds nothing; `build_source` raises, or no call can ever be made
    assert [one.code for one in problems(text)] != []


def test_a_token_address_that_cannot_be_used_is_a_problem() -> None:
    auth = "auth: {oauth2: {tokenUrl: 'localhost:80', clientId: i, clientSecret: '${env:S:-s}'}}"
    # regression: as above
    assert [one.code for one in problems(rest_yaml(CASE, source=auth))] != []


@pytest.mark.parametrize("name", ["1a", "a b", "a:b", "<x>"])
def test_an_xml_body_has_names_that_xml_allows(name: str) -> None:
    text = rest_yaml(
        f"case: {{method: POST, path: /c, body: {{root: {{'{name}': x}}}}, map: {MAP}}}", source="format: xml"
    )
    # regression: ValueError from lxml at every call
    assert [one.code for one in problems(text)] == ["XML_BODY"]


def test_a_path_starts_with_a_slash() -> None:
    text = rest_yaml(CASE.replace("/c", "c"), base="http://127.0.0.1:9/api")
    # regression: it is glued to the base: http://127.0.0.1:9/apic
    assert [one.code for one in problems(text)] != []


def test_what_passes_can_be_built() -> None:
    one = checked(rest_yaml(f"{CASE}\ncases: {{path: /l, paging: {{style: page}}, records: rows}}"))
    assert one.declaration is not None
    source = build_source(one.declaration, None, surroundings())
    assert sorted(source.connectors) == ["case", "cases"]
