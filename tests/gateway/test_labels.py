"""Override labels: what holds for everyone, what a trusted header names, what the operator's hook decides; sticky lots."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from adapters.fetch import Caller, RequestContext
from gateway.labels import (
    CHOOSE_SCOPE,
    LabelHookError,
    LabelRequest,
    LabelRules,
    load_label_hook,
    sticky_by,
)
from gateway.settings import SettingsError, load_settings


def asked(caller: Caller | None = None, request_id: str = "r1", **headers: str) -> RequestContext:
    return RequestContext(float("inf"), caller or Caller(), request_id, headers=headers)


CLERK = Caller("clerk", frozenset({CHOOSE_SCOPE}))


def test_a_listed_label_holds_for_everyone_and_another_for_nobody() -> None:
    holds = LabelRules(frozenset({"moved"})).of(asked(), {})
    assert holds("moved")
    assert not holds("other")


def test_a_header_names_labels_for_trusted_callers_only() -> None:
    rules = LabelRules(header="x-try")
    headers = {"x-try": "moved, half"}
    assert [rules.of(asked(CLERK, **headers), {})(one) for one in ("moved", "half", "x")] == [
        True,
        True,
        False,
    ]
    assert not rules.of(asked(Caller("citizen"), **headers), {})("moved")
    assert not LabelRules().of(asked(CLERK, **headers), {})("moved")


def test_a_header_does_not_move_percentages() -> None:
    holds = LabelRules(header="x-try").of(asked(CLERK, **{"x-try": "percent(0)"}), {})
    assert not holds("percent(0)")


def test_a_hook_decides_by_caller_headers_and_variables() -> None:
    seen: list[LabelRequest] = []

    def hook(label: str, request: LabelRequest) -> bool:
        seen.append(request)
        return label == "night" and request.variables.get("at") == "23:00"

    rules = LabelRules(hook=hook)
    holds = rules.of(asked(CLERK, **{"x-a": "1"}), {"at": "23:00"})
    assert (holds("night"), holds("day")) == (True, False)
    assert (seen[0].caller, seen[0].headers["x-a"], seen[0].lot) == (CLERK, "1", "clerk")


def test_a_hook_that_fails_leaves_the_field_where_it_was(caplog: pytest.LogCaptureFixture) -> None:
    def hook(label: str, request: LabelRequest) -> bool:
        raise RuntimeError("no flags today")

    with caplog.at_level(logging.ERROR):
        assert not LabelRules(hook=hook).of(asked(), {})("moved")
    assert "no flags today" in caplog.text


@pytest.mark.parametrize(
    ("sticky", "context", "variables", "lot"),
    [
        ("caller", asked(Caller("name", subject="who")), {}, "who"),
        ("caller", asked(Caller("name")), {}, "name"),
        ("caller", asked(), {}, "r1"),
        ("variable:id", asked(CLERK), {"id": "JT:1"}, "JT:1"),
        ("variable: id", asked(CLERK), {"id": 7}, "7"),
        ("variable:id", asked(CLERK), {"id": ["a"]}, "clerk"),
        ("header:X-Case", asked(CLERK, **{"x-case": "C1"}), {}, "C1"),
        ("header:X-Case", asked(CLERK), {}, "clerk"),
    ],
)
def test_percentages_hang_on_the_caller_the_case_or_a_header(
    sticky: str, context: RequestContext, variables: dict[str, Any], lot: str
) -> None:
    lots: list[str] = []

    def hook(_label: str, request: LabelRequest) -> bool:
        lots.append(request.lot)
        return True

    LabelRules(hook=hook, sticky=sticky_by(sticky)).of(context, variables)("any")
    assert lots == [lot]


def test_a_hook_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "our_flags.py").write_text("def holds(label, request): return label == 'a'\nnumber = 1\n")
    (tmp_path / "bad_flags.py").write_text("raise ValueError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    hook = load_label_hook("our_flags:holds")
    assert hook is not None
    assert hook("a", LabelRequest(Caller(), "", {}, {}))
    assert load_label_hook("") is None
    for text, said in [
        ("our_flags", "is wanted"),
        ("our_flags:number", "is wanted"),
        ("our_flags:gone", "has no attribute"),
        ("no_such_module:f", "No module named"),
        ("bad_flags:f", "broken"),
    ]:
        with pytest.raises(LabelHookError, match=said):
            load_label_hook(text)


def test_settings_say_what_a_lot_may_hang_on() -> None:
    with pytest.raises(SettingsError, match="override_sticky"):
        load_settings({}, override_sticky="case")
    with pytest.raises(ValueError, match="is wanted"):
        sticky_by("case")
