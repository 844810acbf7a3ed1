"""A system is not asked in a window in which it is known to be down; what is kept stands in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.traffic.breaker import BreakerState
from adapters.traffic.errors import SourceMaintenance
from adapters.traffic.maintenance import Maintenance, Once, Weekly
from adapters.traffic.policy import TrafficPolicy
from adapters.traffic.traffic import AnswerStatus
from cache.freshness import Freshness
from tests.traffic.doubles import ManualTime, ScriptedSystem, in_s, traffic_of

CHINA = timezone(timedelta(hours=8))
ALL_DAYS = frozenset(range(7))


def at(text: str) -> float:
    """Unix seconds of a Chinese local time."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def windows(*rules: Weekly | Once) -> Maintenance:
    return Maintenance(rules, timedelta(hours=8))


NIGHT = Weekly(ALL_DAYS, 22 * 60, 6 * 60)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-24T21:59:59", None),
        ("2026-11-24T22:00:00", "2026-11-25T06:00"),
        ("2026-11-25T00:30:00", "2026-11-25T06:00"),
        ("2026-11-25T05:59:59", "2026-11-25T06:00"),
        ("2026-11-25T06:00:00", None),
    ],
)
def test_a_window_over_midnight_ends_on_the_next_day(moment: str, end: str | None) -> None:
    assert windows(NIGHT).ends_at(at(moment)) == (at(end) if end else None)


def test_a_window_counts_on_the_day_on_which_it_begins() -> None:
    saturday = windows(Weekly(frozenset({5}), 22 * 60, 6 * 60))
    assert saturday.ends_at(at("2026-11-28T23:00")) == at("2026-11-29T06:00")
    assert saturday.ends_at(at("2026-11-29T01:00")) == at("2026-11-29T06:00")
    assert saturday.ends_at(at("2026-11-29T23:00")) is None
    assert saturday.ends_at(at("2026-11-28T01:00")) is None


def test_windows_that_touch_are_one() -> None:
    weekend = windows(
        Weekly(frozenset({5, 6}), 0, 1440), Once(datetime(2026, 11, 30), datetime(2026, 11, 30, 8))
    )
    assert weekend.ends_at(at("2026-11-28T12:00")) == at("2026-11-30T08:00")


def test_a_system_that_is_always_in_its_window_has_an_end_all_the_same() -> None:
    assert windows(Weekly(ALL_DAYS, 0, 0)).ends_at(at("2026-11-28T12:00")) is not None


@given(
    st.integers(0, 7 * 1440 - 1),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.sets(st.integers(0, 6), min_size=1),
)
def test_a_moment_is_in_a_weekly_window_just_where_minutes_counted_by_hand_say(
    minute: int, start: int, end: int, days: set[int]
) -> None:
    length = (end - start) % 1440 or 1440
    begins = [day * 1440 + start for day in days]
    inside = any((minute - begin) % (7 * 1440) < length for begin in begins)
    monday = datetime(2026, 11, 23, tzinfo=CHINA)
    rule = windows(Weekly(frozenset(days), start, end))
    assert (rule.ends_at((monday + timedelta(minutes=minute)).timestamp()) is not None) is inside


async def test_nothing_is_sent_in_a_window_and_the_error_says_until_when() -> None:
    time = ManualTime()
    time.now = at("2026-11-24T23:00")
    system = ScriptedSystem()
    traffic = traffic_of(TrafficPolicy(maintenance=windows(NIGHT)), time=time)
    for read in (True, False):
        with pytest.raises(SourceMaintenance, match=r"until 2026-11-25T06:00\+08:00") as caught:
            await traffic.call(system, key="k", deadline=in_s(5), read=read)
        assert caught.value.retry_after_s == 7 * 3600
    assert system.attempts == 0
    assert traffic.snapshot().breaker_state is BreakerState.CLOSED
    time.now = at("2026-11-25T06:00")
    assert (await traffic.call(system, key="k", deadline=in_s(5))).body == b"answer 1"


async def test_a_kept_answer_stands_in_during_a_window() -> None:
    time = ManualTime()
    time.now = at("2026-11-24T21:59")
    policy = TrafficPolicy(maintenance=windows(NIGHT), freshness=Freshness(30, stale_if_error_s=12 * 3600))
    system = ScriptedSystem()
    traffic = traffic_of(policy, time=time)
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(300)
    answer = await traffic.call(system, key="k", deadline=in_s(5))
    assert (answer.body, answer.status, system.attempts) == (b"answer 1", AnswerStatus.STALE, 1)
    assert isinstance(answer.error, SourceMaintenance)


def test_the_window_is_in_the_systems_own_time() -> None:
    utc = Maintenance((Weekly(ALL_DAYS, 0, 60),), timedelta(0))
    assert utc.ends_at(datetime(2026, 11, 24, 0, 30, tzinfo=UTC).timestamp()) is not None
    assert utc.ends_at(at("2026-11-24T00:30")) is None
