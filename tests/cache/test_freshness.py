"""RFC 5861 and RFC 9111 section 4.2 as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.freshness import CLOCK_TOLERANCE_S, Entry, Freshness, Verdict, judge

SECONDS = st.integers(0, 10_000).map(float)
FRESHNESS = st.builds(Freshness, SECONDS, SECONDS, SECONDS)
ORDER = [Verdict.FRESH, Verdict.STALE_WHILE_REVALIDATE, Verdict.STALE_IF_ERROR, Verdict.EXPIRED]


def at_age(freshness: Freshness, age_s: float) -> Verdict:
    return judge(Entry(b"", 1_000_000.0), freshness, 1_000_000.0 + age_s)


@given(FRESHNESS, SECONDS)
def test_fresh_exactly_while_younger_than_its_time_to_live(freshness: Freshness, age_s: float) -> None:
    assert (at_age(freshness, age_s) is Verdict.FRESH) == (age_s < freshness.ttl_s)


@given(FRESHNESS, SECONDS, SECONDS)
def test_a_verdict_never_gets_better_with_age(freshness: Freshness, age_s: float, more_s: float) -> None:
    younger, older = at_age(freshness, age_s), at_age(freshness, age_s + more_s)
    assert ORDER.index(younger) <= ORDER.index(older)


@given(FRESHNESS, SECONDS)
def test_grace_times_count_from_the_end_of_freshness(freshness: Freshness, past_s: float) -> None:
    verdict = at_age(freshness, freshness.ttl_s + past_s)
    if past_s < freshness.stale_while_revalidate_s:
        assert verdict is Verdict.STALE_WHILE_REVALIDATE
    elif past_s < freshness.stale_if_error_s:
        assert verdict is Verdict.STALE_IF_ERROR
    else:
        assert verdict is Verdict.EXPIRED


@given(FRESHNESS, SECONDS)
def test_expired_exactly_from_keep_s_on(freshness: Freshness, age_s: float) -> None:
    assert (at_age(freshness, age_s) is Verdict.EXPIRED) == (age_s >= freshness.keep_s)


@given(FRESHNESS, st.floats(CLOCK_TOLERANCE_S + 0.001, 1e9))
def test_an_entry_from_another_clocks_future_is_never_fresh(freshness: Freshness, ahead_s: float) -> None:
    assert at_age(freshness, -ahead_s) is not Verdict.FRESH


def test_a_small_difference_between_workers_clocks_is_no_age() -> None:
    assert at_age(Freshness(1.0), -CLOCK_TOLERANCE_S) is Verdict.FRESH


def test_negative_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="freshness"):
        Freshness(-1.0)
