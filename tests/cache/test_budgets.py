"""Budgets that refill: in the process, on a real Redis, and the same in both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.budgets import Allowance, EmbeddedBudgets, spend_at
from cache.redis_budgets import RedisBudgets
from tests.services import RedisServer

TEN = Allowance(10, 60.0)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_window_may_be_spent_at_once_and_comes_back_steadily() -> None:
    clock = Clock()
    budgets = EmbeddedBudgets(clock=clock)
    spent = [await budgets.spend("a", 1, TEN) for _ in range(11)]
    assert [one.granted for one in spent] == [True] * 10 + [False]
    assert [round(one.remaining) for one in spent] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert spent[-1].wait_s == pytest.approx(6.0)
    clock.now += 5.9
    assert not (await budgets.spend("a", 1, TEN)).granted
    clock.now += 0.2
    assert (await budgets.spend("a", 1, TEN)).granted
    assert (await budgets.spend("b", 10, TEN)).granted  # another's budget is whole


async def test_what_is_refused_takes_nothing_and_too_much_takes_all() -> None:
    clock = Clock()
    budgets = EmbeddedBudgets(clock=clock)
    assert (await budgets.spend("a", 8, TEN)).granted
    assert not (await budgets.spend("a", 3, TEN)).granted
    assert (await budgets.spend("a", 2, TEN)).granted
    clock.now += 60
    assert (await budgets.spend("a", 1000, TEN)).remaining == 0


async def test_a_flood_of_names_holds_no_more_than_it_may() -> None:
    budgets = EmbeddedBudgets(most_names=100)
    for number in range(1000):
        await budgets.spend(str(number), 1, TEN)
    assert len(budgets) == 100


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0.1, 10)), max_size=40),
)
def test_no_window_ever_grants_more_than_twice_its_limit(steps: list[tuple[float, float]]) -> None:
    """At once a whole budget, and what came back meanwhile."""
    now, full_at, granted = 0.0, 0.0, []
    for pause, amount in steps:
        now += pause
        full_at, spent = spend_at(full_at, now, amount, TEN)
        assert 0 <= spent.remaining <= TEN.limit + 1e-6
        if spent.granted:
            granted.append((now, amount))
    for start, _ in granted:
        within = sum(amount for at, amount in granted if start <= at <= start + TEN.window_s)
        assert within <= 2 * TEN.limit + 1e-6


@pytest.fixture
async def shared(shared_redis: RedisServer) -> AsyncIterator[tuple[RedisBudgets, RedisBudgets]]:
    prefix = f"test:{uuid.uuid4().hex}:"
    two = (
        RedisBudgets(shared_redis.url, prefix, op_timeout_s=5),
        RedisBudgets(shared_redis.url, prefix, op_timeout_s=5),
    )
    yield two
    for one in two:
        await one.close()


async def test_two_processes_count_together(shared: tuple[RedisBudgets, RedisBudgets]) -> None:
    one, other = shared
    spent = await asyncio.gather(*((one, other)[number % 2].spend("a", 1, TEN) for number in range(14)))
    assert sum(one.granted for one in spent) == 10
    refused = next(one for one in spent if not one.granted)
    assert 0 < refused.wait_s <= 6.0
    assert (await other.spend("b", 3, TEN)).remaining == pytest.approx(7, abs=0.1)


async def test_without_its_server_each_process_counts_for_itself() -> None:
    budgets = RedisBudgets("redis://127.0.0.1:1", op_timeout_s=0.5)
    try:
        spent = [await budgets.spend("a", 1, TEN) for _ in range(11)]
        assert [one.granted for one in spent] == [True] * 10 + [False]
    finally:
        await budgets.close()
