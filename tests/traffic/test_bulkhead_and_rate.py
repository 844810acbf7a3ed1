"""Places and rate: bounded, in order, and nothing lost when callers leave."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.traffic.bulkhead import Bulkhead
from adapters.traffic.deadline import Deadline
from adapters.traffic.rate import Rate
from tests.traffic.doubles import until


def within(seconds: float) -> Deadline:
    now = asyncio.get_running_loop().time()
    return Deadline(now + seconds, now)


async def waiting(bulkhead: Bulkhead, count: int) -> None:
    await until(lambda: bulkhead.waiting == count)


async def test_waiters_get_their_place_in_the_order_of_asking() -> None:
    bulkhead, order = Bulkhead(1, 10), []

    async def caller(number: int) -> None:
        assert await bulkhead.wait(within(30))
        order.append(number)
        bulkhead.give_back()

    assert bulkhead.take()
    callers = []
    for number in range(10):
        callers.append(asyncio.create_task(caller(number)))
        await waiting(bulkhead, number + 1)
    bulkhead.give_back()
    await asyncio.gather(*callers)
    assert order == list(range(10))


async def test_a_place_given_to_a_waiter_that_is_cancelled_in_the_same_moment_goes_to_the_next() -> None:
    bulkhead = Bulkhead(1, 10)
    assert bulkhead.take()
    first = asyncio.create_task(bulkhead.wait(within(30)))
    await waiting(bulkhead, 1)
    second = asyncio.create_task(bulkhead.wait(within(30)))
    await waiting(bulkhead, 2)
    bulkhead.give_back()  # given to `first`, which has not run yet
    first.cancel()
    assert await second
    assert first.cancelled()
    assert (bulkhead.in_flight, bulkhead.waiting) == (1, 0)


async def test_more_places_let_waiters_in_and_fewer_let_nobody_in() -> None:
    bulkhead = Bulkhead(1, 10)
    assert bulkhead.take()
    waiters = [asyncio.create_task(bulkhead.wait(within(30))) for _ in range(3)]
    await waiting(bulkhead, 3)
    bulkhead.resize(3, 10)
    await waiting(bulkhead, 1)
    bulkhead.resize(1, 10)
    bulkhead.give_back()
    bulkhead.give_back()
    assert (bulkhead.in_flight, bulkhead.waiting) == (1, 1)
    bulkhead.give_back()
    assert all(await asyncio.gather(*waiters))


@pytest.mark.parametrize("seed", range(20))
async def test_no_place_is_lost_whatever_callers_do(seed: int) -> None:
    """Callers hold a place for some turns, run out of time or are cancelled; at the end every place is free."""
    chance, bulkhead = random.Random(seed), Bulkhead(3, 20)
    most = 0

    async def caller() -> None:
        nonlocal most
        if await bulkhead.wait(within(chance.choice([0.0001, 30]))):
            most = max(most, bulkhead.in_flight)
            try:
                for _ in range(chance.randrange(5)):
                    await asyncio.sleep(0)
            finally:
                bulkhead.give_back()

    callers = [asyncio.create_task(caller()) for _ in range(60)]
    for _ in range(30):
        chance.choice(callers).cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*callers, return_exceptions=True)
    assert (bulkhead.in_flight, bulkhead.waiting) == (0, 0)
    assert most <= 3
    assert all(bulkhead.take() for _ in range(3))
    assert not bulkhead.take()


@given(
    per_s=st.sampled_from([0.5, 1, 3, 10, 50]),
    gaps_s=st.lists(st.floats(0, 2), min_size=1, max_size=60),
    patience_s=st.sampled_from([0.0, 0.5, 5.0]),
)
def test_no_window_holds_more_calls_than_its_rate_and_one_burst(
    per_s: float, gaps_s: list[float], patience_s: float
) -> None:
    rate, now, sent = Rate(per_s), 0.0, []
    for gap_s in gaps_s:
        now += gap_s
        wait_s = rate.reserve(now, at_most_s=patience_s)
        if wait_s is not None:
            assert 0 <= wait_s <= patience_s
            sent.append(now + wait_s)
    assert sent == sorted(sent)
    burst = max(1.0, per_s)
    for start in range(len(sent)):
        for end in range(start, len(sent)):
            assert end - start + 1 <= burst + (sent[end] - sent[start]) * per_s + 1e-6


def test_a_call_that_cannot_wait_takes_nothing() -> None:
    rate = Rate(1)
    assert rate.reserve(0.0, at_most_s=0) == 0
    assert rate.reserve(0.0, at_most_s=0.5) is None
    assert rate.reserve(1.0, at_most_s=0) == 0


def test_a_reload_is_no_second_burst() -> None:
    old, new = Rate(1), Rate(1)
    assert old.reserve(0.0, at_most_s=0) == 0
    new.adopt(old)
    assert new.reserve(0.0, at_most_s=0.5) is None
