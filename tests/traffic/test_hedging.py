"""A slow read is asked a second time beside the first, where the declaration says so and there is room for it."""

# ruff: noqa: ARG002 - doubles ignore what their protocol tells them
from __future__ import annotations

import asyncio

import pytest

from adapters.traffic.errors import SourceBadData, SourceError, SourceTimeout, SourceUnavailable
from adapters.traffic.policy import TrafficPolicy
from adapters.traffic.traffic import Traffic
from tests.traffic.doubles import HeldSystem, WritingObserver, in_s, traffic_of, until


class Attempts:
    """Each attempt waits until its own event is set, then answers or raises what is said for it."""

    def __init__(self, *outcomes: SourceError | None) -> None:
        self.events = [asyncio.Event() for _ in outcomes]
        self.outcomes = outcomes
        self.begun = self.cancelled = 0

    async def __call__(self, timeout_s: float) -> bytes:
        number = self.begun
        self.begun += 1
        try:
            await self.events[number].wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        outcome = self.outcomes[number]
        if outcome is not None:
            raise outcome
        return f"attempt {number + 1}".encode()


def hedging(observer: WritingObserver | None = None, **more: int) -> Traffic:
    return traffic_of(TrafficPolicy(timeout_s=30, hedge_after_s=0.01, retries=0, **more), observer=observer)


async def test_the_second_attempt_answers_where_the_first_hangs() -> None:
    observer = WritingObserver()
    traffic, system = hedging(observer), Attempts(None, None)
    asked = asyncio.create_task(traffic.call(system, key="k", deadline=in_s(20)))
    await until(lambda: system.begun == 2)
    system.events[1].set()
    assert (await asked).body == b"attempt 2"
    assert (system.cancelled, observer.hedges, traffic.snapshot().in_flight) == (1, 1, 0)


async def test_the_first_attempt_still_counts_once_the_second_is_under_way() -> None:
    traffic, system = hedging(), Attempts(None, None)
    asked = asyncio.create_task(traffic.call(system, key="k", deadline=in_s(20)))
    await until(lambda: system.begun == 2)
    system.events[0].set()
    assert (await asked).body == b"attempt 1"
    assert (system.cancelled, traffic.snapshot().in_flight) == (1, 0)


async def test_an_answer_in_time_is_not_hedged() -> None:
    observer = WritingObserver()
    traffic, system = hedging(observer), Attempts(None)
    system.events[0].set()
    assert (await traffic.call(system, key="k", deadline=in_s(20))).body == b"attempt 1"
    assert (system.begun, observer.hedges) == (1, 0)


async def test_a_failure_of_one_waits_for_the_other() -> None:
    for failing, answering in ((0, 1), (1, 0)):
        outcomes: list[SourceError | None] = [None, None]
        outcomes[failing] = SourceUnavailable("registry")
        traffic, system = hedging(), Attempts(*outcomes)
        asked = asyncio.create_task(traffic.call(system, key="k", deadline=in_s(20)))
        await until(lambda system=system: system.begun == 2)
        system.events[failing].set()
        await until(lambda traffic=traffic: traffic.snapshot().in_flight == 1)
        system.events[answering].set()
        assert (await asked).body == f"attempt {answering + 1}".encode()


async def test_two_failures_are_the_first_ones() -> None:
    traffic, system = hedging(), Attempts(SourceBadData("registry"), SourceUnavailable("registry"))
    asked = asyncio.create_task(traffic.call(system, key="k", deadline=in_s(20)))
    await until(lambda: system.begun == 2)
    for event in system.events:
        event.set()
    with pytest.raises(SourceBadData):
        await asked


async def test_changes_are_never_sent_twice() -> None:
    traffic, system = hedging(), HeldSystem()
    with pytest.raises(SourceTimeout):
        await traffic.call(system, key=None, deadline=in_s(0.2), read=False)
    assert system.attempts == 1


async def test_a_hedge_takes_no_place_from_others() -> None:
    """With one place, which the first attempt holds, there is none for the second."""
    observer = WritingObserver()
    traffic, system = hedging(observer, concurrency=1), HeldSystem()
    with pytest.raises(SourceTimeout):
        await traffic.call(system, key="k", deadline=in_s(0.2))
    assert (system.attempts, observer.hedges) == (1, 0)


async def test_hedges_have_a_budget_so_that_a_slow_system_is_not_asked_twice_as_often_for_long() -> None:
    observer = WritingObserver()
    traffic, system = hedging(observer, concurrency=200), HeldSystem()
    calls = [
        asyncio.create_task(traffic.call(system, key=f"k{number}", deadline=in_s(0.3)))
        for number in range(60)
    ]
    await asyncio.gather(*calls, return_exceptions=True)
    assert 1 <= observer.hedges <= 16  # ten kept, and a tenth of sixty earned on the way


async def test_cancelling_the_caller_cancels_both() -> None:
    traffic, system = hedging(), Attempts(None, None)
    asked = asyncio.create_task(traffic.call(system, key=None, deadline=in_s(20)))
    await until(lambda: system.begun == 2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until(lambda: traffic.snapshot().in_flight == 0)
    assert system.cancelled == 2
