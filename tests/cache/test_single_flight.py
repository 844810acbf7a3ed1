"""Identical calls at once are one; leaving, failing and ending as documented."""

from __future__ import annotations

import asyncio

import pytest

from cache.single_flight import SingleFlight


class Work:
    """A call that is held until `finish`."""

    def __init__(self) -> None:
        self.started = self.cancelled = 0
        self.running = asyncio.Event()
        self.result: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.started += 1
        self.running.set()
        try:
            return await asyncio.shield(self.result)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def joined(flights: SingleFlight[str], work: Work, count: int) -> list[asyncio.Task[str]]:
    waiters = [asyncio.create_task(flights.run("k", work)) for _ in range(count)]
    await work.running.wait()
    await asyncio.sleep(0)  # one turn: the last waiter is in
    return waiters


async def test_many_waiters_share_one_call() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    waiters = await joined(flights, work, 50)
    work.result.set_result("done")
    assert await asyncio.gather(*waiters) == ["done"] * 50
    assert (work.started, len(flights)) == (1, 0)


async def test_other_keys_are_other_calls() -> None:
    flights: SingleFlight[str] = SingleFlight()

    async def make() -> str:
        return "x"

    work = Work()
    waiters = await joined(flights, work, 1)
    assert await flights.run("other", make) == "x"
    work.result.set_result("done")
    assert await waiters[0] == "done"


async def test_a_result_is_not_kept() -> None:
    flights: SingleFlight[str] = SingleFlight()
    made = iter(["first", "second"])

    async def make() -> str:
        return next(made)

    assert [await flights.run("k", make), await flights.run("k", make)] == ["first", "second"]


@pytest.mark.parametrize("leaver", [0, 1])
async def test_one_waiter_leaving_does_not_disturb_the_others(leaver: int) -> None:
    """Neither the one who started the call nor one who joined it."""
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    waiters = await joined(flights, work, 3)
    waiters.pop(leaver).cancel()
    await asyncio.sleep(0)
    work.result.set_result("done")
    assert await asyncio.gather(*waiters) == ["done", "done"]
    assert work.cancelled == 0


async def test_the_call_is_cancelled_when_the_last_waiter_leaves() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    waiters = await joined(flights, work, 3)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    await asyncio.sleep(0)
    assert (work.cancelled, len(flights)) == (1, 0)


async def test_who_comes_after_the_last_has_left_gets_a_call_of_their_own() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    (waiter,) = await joined(flights, work, 1)
    waiter.cancel()

    async def make() -> str:
        return "new"

    async def comes_in_the_same_moment() -> str:
        await asyncio.gather(waiter, return_exceptions=True)
        return await flights.run("k", make)

    assert await comes_in_the_same_moment() == "new"


async def test_an_exception_reaches_every_waiter() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    waiters = await joined(flights, work, 3)
    failure = RuntimeError("no")
    work.result.set_exception(failure)
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert all(result is failure for result in results)
    assert len(flights) == 0


async def test_a_waiter_with_a_deadline_leaves_the_call_to_the_others() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    (patient,) = await joined(flights, work, 1)
    with pytest.raises(TimeoutError):
        await flights.run("k", work, until=asyncio.get_running_loop().time())
    work.result.set_result("done")
    assert await patient == "done"
    assert (work.started, work.cancelled) == (1, 0)


async def test_the_last_waiter_whose_deadline_passes_cancels_the_call() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work = Work()
    with pytest.raises(TimeoutError):
        await flights.run("k", work, until=asyncio.get_running_loop().time() + 0.01)
    await asyncio.sleep(0)
    assert (work.cancelled, len(flights)) == (1, 0)


async def test_a_call_that_its_first_caller_makes_is_shared_by_all_who_come_meanwhile() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work, led = Work(), flights.lead("k")
    waiters = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    await asyncio.gather(waiters[0], return_exceptions=True)
    assert flights.running("k")
    led.landed("answer")
    assert await asyncio.gather(*waiters[1:]) == ["answer", "answer"]
    assert (work.started, len(flights)) == (0, 0)


async def test_an_exception_of_a_led_call_reaches_all_who_joined() -> None:
    flights: SingleFlight[str] = SingleFlight()
    led = flights.lead("k")
    waiters = [asyncio.create_task(flights.run("k", Work())) for _ in range(2)]
    await asyncio.sleep(0)
    led.failed(error := ValueError("no"))
    assert await asyncio.gather(*waiters, return_exceptions=True) == [error, error]


async def test_where_the_leader_leaves_those_who_joined_make_one_call_among_them() -> None:
    flights: SingleFlight[str] = SingleFlight()
    work, led = Work(), flights.lead("k")
    waiters = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
    await asyncio.sleep(0)
    led.left()
    await work.running.wait()
    work.result.set_result("late")
    assert await asyncio.gather(*waiters) == ["late"] * 3
    assert work.started == 1


async def test_who_joined_a_led_call_leaves_it_at_its_own_deadline() -> None:
    flights: SingleFlight[str] = SingleFlight()
    led = flights.lead("k")
    with pytest.raises(TimeoutError):
        await flights.run("k", Work(), until=asyncio.get_running_loop().time() + 0.02, ends_itself=True)
    assert flights.running("k")
    led.landed("nobody waits")
    assert not flights.running("k")
