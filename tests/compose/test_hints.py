"""Every hint: its code and its place, and that the graph composes all the same."""

from __future__ import annotations

import pytest

from schema.compose import SubgraphSchema, compose
from schema.compose.codes import HINT_CODES
from tests.compose.error_cases import Case
from tests.compose.hint_cases import HINT_CASES


@pytest.mark.parametrize("case", HINT_CASES, ids=lambda case: case.code)
def test_hints_and_composes(case: Case) -> None:
    found = compose([SubgraphSchema(name, None, sdl) for name, sdl in case.sdls.items()])
    assert found.errors == ()
    assert (case.code, case.coordinate) in [(hint.code, hint.coordinate) for hint in found.hints]


def test_every_hint_has_a_case_and_a_level() -> None:
    assert {case.code for case in HINT_CASES} == set(HINT_CODES)
    assert {level for level, _ in HINT_CODES.values()} == {"WARN", "INFO", "DEBUG"}
