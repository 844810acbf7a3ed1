"""What counts as a difference of two answers, and what a rule makes nothing of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.migration.compare import Outcome, compare_records
from adapters.migration_model import CompareRule


def compared(old: Any, new: Any, **rules: CompareRule) -> Outcome:
    return compare_records({"f": old}, {"f": new}, rules, ["f"]).verdict


EXPLAINED = [
    ("2017-06-01T09:00:00+08:00", "2017-06-01T01:00:00+00:00", CompareRule(same_instant=True)),
    ("2017-06-01T09:00:00+08:00", "2017-06-01T23:59:59+08:00", CompareRule(round="day")),
    ("2017-06-01T09:00:10+08:00", "2017-06-01T01:00:50+00:00", CompareRule(round="minute")),
    (12.49, 12.51, CompareRule(round=0.1)),
    ("SB", "SUBMITTED", CompareRule(codes={"SB": "SUBMITTED"})),
    ("", None, CompareRule(null_is_empty=True)),
    (None, [], CompareRule(null_is_empty=True)),
    ("（渝北）道路 运输", "(渝北)道路运输", CompareRule(text="folded")),
    ("http://old/1", "http://new/1", CompareRule(ignore=True)),
]


@pytest.mark.parametrize(("old", "new", "rule"), EXPLAINED)
def test_a_rule_explains_what_would_be_a_difference_without_it(old: Any, new: Any, rule: CompareRule) -> None:
    assert compared(old, new) is Outcome.DIFFERENT
    assert compared(old, new, f=rule) is Outcome.EXPLAINED


STILL_DIFFERENT = [
    ("2017-06-01T09:00:00+08:00", "2017-06-01T09:00:00+00:00", CompareRule(same_instant=True)),
    ("2017-06-01T23:59:59+08:00", "2017-06-02T00:00:00+08:00", CompareRule(round="day")),
    (12.4, 12.6, CompareRule(round=0.1)),
    ("SB", "ACCEPTED", CompareRule(codes={"SB": "SUBMITTED"})),
    ("", "x", CompareRule(null_is_empty=True)),
    ("渝北", "渝中", CompareRule(text="folded")),
    (0, None, CompareRule(null_is_empty=True)),
    (False, None, CompareRule(null_is_empty=True)),
]


@pytest.mark.parametrize(("old", "new", "rule"), STILL_DIFFERENT)
def test_a_rule_explains_no_more_than_it_says(old: Any, new: Any, rule: CompareRule) -> None:
    assert compared(old, new, f=rule) is Outcome.DIFFERENT


def test_a_list_in_no_order_is_matched_by_its_key_and_its_elements_are_compared_below() -> None:
    old = {"events": [{"id": "1", "opinion": "同意"}, {"id": "2", "opinion": "不同意"}]}
    new = {"events": [{"id": "2", "opinion": "同意"}, {"id": "1", "opinion": "同意"}]}
    found = compare_records(old, new, {"events": CompareRule(by_key=("id",))}, ["events"])
    assert found.outcomes == {
        "events": Outcome.EXPLAINED,
        "events[].id": Outcome.SAME,
        "events[].opinion": Outcome.DIFFERENT,
    }
    assert (found.differences["events[].opinion"].old, found.differences["events[].opinion"].new) == (
        "不同意",
        "同意",
    )


def test_an_element_that_one_side_lacks_is_a_difference_of_the_list() -> None:
    rules = {"events": CompareRule(by_key=("id",))}
    found = compare_records(
        {"events": [{"id": "1"}]}, {"events": [{"id": "1"}, {"id": "2"}]}, rules, ["events"]
    )
    assert set(found.differences) == {"events"}


def test_the_key_of_a_list_is_compared_by_its_own_rule() -> None:
    rules = {
        "events": CompareRule(by_key=("occurredAt",)),
        "events[].occurredAt": CompareRule(same_instant=True),
    }
    old = {"events": [{"occurredAt": "2017-06-01T09:00:00+08:00", "step": "受理"}]}
    new = {"events": [{"occurredAt": "2017-06-01T01:00:00+00:00", "step": "受理"}]}
    assert compare_records(old, new, rules, ["events"]).verdict is Outcome.EXPLAINED


def test_a_path_that_differs_once_is_different_whatever_its_other_elements_are() -> None:
    old = {"events": [{"step": "a"}, {"step": "b"}, {"step": "c"}]}
    new = {"events": [{"step": "a"}, {"step": "x"}, {"step": "c"}]}
    assert compare_records(old, new, {}, ["events"]).outcomes["events[].step"] is Outcome.DIFFERENT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)
RULE = st.builds(
    CompareRule,
    same_instant=st.booleans(),
    round=st.none() | st.just("day") | st.just(0.5),
    codes=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    by_key=st.just(()) | st.just(("a",)),
    null_is_empty=st.booleans(),
    text=st.sampled_from(["exact", "folded"]),
)


@given(JSON, RULE)
def test_what_is_the_same_is_the_same_under_every_rule(value: Any, rule: CompareRule) -> None:
    assert compared(value, value, f=rule) is Outcome.SAME


@given(JSON, JSON)
def test_without_rules_only_what_is_equal_is_the_same(old: Any, new: Any) -> None:
    same = compared(old, new) is Outcome.SAME
    assert same is (_told(old) == _told(new))


def _told(value: Any) -> Any:
    """A field that is not there is null, as it is for whoever asks."""
    if isinstance(value, dict):
        return {name: _told(one) for name, one in value.items() if one is not None}
    return [_told(one) for one in value] if isinstance(value, list) else value
