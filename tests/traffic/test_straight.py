"""A plain query that goes straight ends as one that takes the whole way: shared, tried again, counted, cancelled."""

from __future__ import annotations

import asyncio

import pytest

from adapters.traffic.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from adapters.traffic.policy import BreakerPolicy, TrafficPolicy
from cache.freshness import Freshness
from tests.traffic.doubles import HeldSystem, ScriptedSystem, WritingObserver, traffic_of

PLAIN = TrafficPolicy(timeout_s=30, retries=0)


def in_s(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize(
    "policy",
    [
        TrafficPolicy(freshness=Freshness(ttl_s=60)),
        TrafficPolicy(hedge_after_s=0.1),
        TrafficPolicy(rate_per_s=10),
    ],
)
async def test_what_is_kept_hedged_or_metered_does_not_go_straight(policy: TrafficPolicy) -> None:
    assert not traffic_of(policy).goes_straight("k")
    assert traffic_of(PLAIN).goes_straight("k")


async def test_it_is_counted_as_any_other_call() -> None:
    straight, whole = WritingObserver(), WritingObserver()
    await traffic_of(PLAIN, observer=straight).call_straight(ScriptedSystem(), key="k", deadline=in_s(30))
    await traffic_of(PLAIN, observer=whole).call(ScriptedSystem(), key="k", deadline=in_s(30))
    assert straight == whole


@pytest.mark.parametrize("failure", [SourceUnavailable("registry"), SourceRefused("registry", "no")])
async def test_a_failure_is_counted_as_any_other_too(failure: SourceError) -> None:
    policy = TrafficPolicy(timeout_s=30, retries=1, backoff_s=0.0, backoff_max_s=0.0)
    found = []
    for name in ("call_straight", "call"):
        observer, system = WritingObserver(), ScriptedSystem(failure)
        traffic = traffic_of(policy, observer=observer)
        with pytest.raises(type(failure)):
            await getattr(traffic, name)(system, key="k", deadline=in_s(30))
        found.append((observer, system.attempts, traffic.snapshot()))
    assert found[0] == found[1]


async def test_it_is_tried_again_after_a_failure_that_may_pass() -> None:
    policy = TrafficPolicy(timeout_s=30, retries=1, backoff_s=0.0, backoff_max_s=0.0)
    system = ScriptedSystem(SourceUnavailable("registry"), None)
    answer = await traffic_of(policy).call_straight(system, key="k", deadline=in_s(30))
    assert answer.body == b"answer 2"


async def test_others_join_it_and_it_takes_one_place() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(timeout_s=30, retries=0, concurrency=1))
    leader = asyncio.create_task(traffic.call_straight(held, key="k", deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    assert not traffic.goes_straight("k")
    assert not traffic.goes_straight("another")  # no place is free
    others = [asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30))) for _ in range(3)]
    await asyncio.sleep(0)
    held.release()
    assert {answer.body for answer in await asyncio.gather(leader, *others)} == {b"held answer"}
    assert (held.attempts, traffic.snapshot().in_flight) == (1, 0)


async def test_a_leader_that_is_cancelled_leaves_the_call_to_one_of_the_others() -> None:
    held = HeldSystem()
    traffic = traffic_of(PLAIN)
    leader = asyncio.create_task(traffic.call_straight(held, key="k", deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    others = [asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30))) for _ in range(3)]
    await asyncio.sleep(0)
    leader.cancel()
    await held.until(lambda: held.attempts == 2)
    held.release()
    assert {answer.body for answer in await asyncio.gather(*others)} == {b"held answer"}
    assert (held.attempts, held.cancelled) == (2, 1)


async def test_the_time_of_a_hasty_leader_is_nobody_elses() -> None:
    seconds: list[float] = []

    async def hasty(timeout_s: float) -> bytes:
        seconds.append(timeout_s)
        await asyncio.sleep(timeout_s)
        raise SourceTimeout("registry")

    held = HeldSystem()
    traffic = traffic_of(PLAIN)
    leader = asyncio.create_task(traffic.call_straight(hasty, key="k", deadline=in_s(0.1)))
    await asyncio.sleep(0)
    patient = asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30)))
    with pytest.raises(SourceTimeout):
        await leader
    await held.until(lambda: held.inside == 1)
    held.release()
    assert (await patient).body == b"held answer"
    assert seconds[0] <= 0.1


async def test_failures_open_the_circuit_and_an_open_one_does_not_go_straight() -> None:
    breaker = BreakerPolicy(min_calls=2)
    traffic = traffic_of(TrafficPolicy(timeout_s=30, retries=0, breaker=breaker))
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            await traffic.call_straight(
                ScriptedSystem(SourceUnavailable("registry")), key="k", deadline=in_s(30)
            )
    assert not traffic.goes_straight("k")


async def test_a_deadline_that_has_passed_sends_nothing() -> None:
    system, observer = ScriptedSystem(), WritingObserver()
    traffic = traffic_of(PLAIN, observer=observer)
    with pytest.raises(SourceTimeout):
        await traffic.call_straight(system, key="k", deadline=in_s(-1))
    assert (system.attempts, observer.calls, traffic.goes_straight("k")) == (0, ["SOURCE_TIMEOUT"], True)
