"""One system's traffic as its callers see it."""

from __future__ import annotations

import asyncio

import pytest

from adapters.traffic.breaker import BreakerState
from adapters.traffic.errors import (
    SourceBadData,
    SourceCircuitOpen,
    SourceError,
    SourceNotFound,
    SourceOverloaded,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from adapters.traffic.policy import BreakerPolicy, TrafficPolicy
from adapters.traffic.traffic import Answer, AnswerStatus
from cache.embedded import EmbeddedStore
from cache.freshness import Freshness
from tests.traffic.doubles import (
    HeldSystem,
    ManualTime,
    ScriptedSystem,
    WritingObserver,
    in_s,
    traffic_of,
    until,
)

QUICK = TrafficPolicy(backoff_s=0.0)
ONCE = TrafficPolicy(retries=0)
KEPT = TrafficPolicy(retries=0, freshness=Freshness(ttl_s=60, stale_if_error_s=600))
DOWN = SourceUnavailable("registry")


# Kept answers


async def test_a_fresh_answer_is_served_without_asking_the_system() -> None:
    time, system = ManualTime(), ScriptedSystem()
    traffic = traffic_of(KEPT, time=time)
    first = await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(59)
    second = await traffic.call(system, key="k", deadline=in_s(5))
    assert (first.status, second.status) == (AnswerStatus.FRESH, AnswerStatus.CACHED)
    assert (second.body, system.attempts) == (b"answer 1", 1)
    assert second.as_of == first.as_of


async def test_an_answer_past_its_freshness_is_asked_for_again() -> None:
    time, system = ManualTime(), ScriptedSystem()
    traffic = traffic_of(KEPT, time=time)
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(61)
    again = await traffic.call(system, key="k", deadline=in_s(5))
    assert (again.body, again.status, again.as_of) == (b"answer 2", AnswerStatus.FRESH, time.now)


@pytest.mark.parametrize("failure", [DOWN, SourceTimeout("registry"), SourceBadData("registry")])
async def test_an_older_answer_is_served_with_the_error_when_the_system_fails(failure: SourceError) -> None:
    time, system = ManualTime(), ScriptedSystem(None, failure)
    observer = WritingObserver()
    traffic = traffic_of(KEPT, time=time, observer=observer)
    asked_at = time.now
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(300)
    stale = await traffic.call(system, key="k", deadline=in_s(5))
    assert (stale.body, stale.as_of, stale.status) == (b"answer 1", asked_at, AnswerStatus.STALE)
    assert stale.error is failure
    assert observer.cache == ["miss", "stale"]
    assert observer.calls == [None, failure.code]


async def test_an_answer_past_stale_if_error_is_not_served() -> None:
    time, system = ManualTime(), ScriptedSystem(None, DOWN)
    traffic = traffic_of(KEPT, time=time)
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(661)
    with pytest.raises(SourceUnavailable):
        await traffic.call(system, key="k", deadline=in_s(5))


async def test_an_open_circuit_still_serves_the_older_answer() -> None:
    time, system = ManualTime(), ScriptedSystem(None, DOWN)
    traffic = traffic_of(KEPT, time=time)
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(300)
    while traffic.snapshot().breaker_state is BreakerState.CLOSED:
        await traffic.call(system, key="k", deadline=in_s(5))
    asked = system.attempts
    stale = await traffic.call(system, key="k", deadline=in_s(5))
    assert isinstance(stale.error, SourceCircuitOpen)
    assert system.attempts == asked


async def test_a_refusal_is_an_answer_and_is_never_covered_by_an_older_one() -> None:
    time, system = ManualTime(), ScriptedSystem(None, SourceRefused("registry"))
    traffic = traffic_of(KEPT, time=time)
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(300)
    with pytest.raises(SourceRefused):
        await traffic.call(system, key="k", deadline=in_s(5))


async def test_a_record_that_is_gone_at_the_source_does_not_come_back_when_the_source_fails() -> None:
    time, system = ManualTime(), ScriptedSystem(None, SourceNotFound("registry"), DOWN)
    traffic = traffic_of(KEPT, time=time)
    await traffic.call(system, key="k", deadline=in_s(5))
    time.advance(300)
    with pytest.raises(SourceNotFound):
        await traffic.call(system, key="k", deadline=in_s(5))
    with pytest.raises(SourceUnavailable):
        await traffic.call(system, key="k", deadline=in_s(5))


async def test_failures_are_not_kept() -> None:
    system = ScriptedSystem(DOWN, None)
    traffic = traffic_of(KEPT)
    with pytest.raises(SourceUnavailable):
        await traffic.call(system, key="k", deadline=in_s(5))
    assert (await traffic.call(system, key="k", deadline=in_s(5))).body == b"answer 2"


async def test_stale_while_revalidate_serves_at_once_and_renews_once_behind() -> None:
    time, held = ManualTime(), HeldSystem()
    freshness = Freshness(ttl_s=60, stale_while_revalidate_s=60)
    store = EmbeddedStore(clock=time, monotonic=time)
    traffic = traffic_of(TrafficPolicy(freshness=freshness), time=time, store=store)
    await traffic.call(ScriptedSystem(), key="k", deadline=in_s(5))
    time.advance(90)
    answers = [await traffic.call(held, key="k", deadline=in_s(5)) for _ in range(5)]
    assert {(answer.body, answer.status) for answer in answers} == {(b"answer 1", AnswerStatus.CACHED)}
    await held.until(lambda: held.attempts == 1)
    held.release()
    async with asyncio.timeout(10):
        while (await traffic.call(held, key="k", deadline=in_s(5))).body == b"answer 1":  # noqa: ASYNC110
            await asyncio.sleep(0)  # that it was renewed is only seen by asking
    assert held.attempts == 1
    await traffic.close()


async def test_the_caller_can_turn_keeping_off() -> None:
    system = ScriptedSystem()
    traffic = traffic_of(KEPT)
    for _ in range(2):
        await traffic.call(system, key="k", deadline=in_s(5), freshness=None)
    assert system.attempts == 2


# Sharing


async def test_a_hundred_identical_cold_calls_ask_the_system_once() -> None:
    held = HeldSystem()
    traffic = traffic_of(KEPT)
    calls = [asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30))) for _ in range(100)]
    await held.until(lambda: held.attempts == 1)
    held.release()
    assert {answer.body for answer in await asyncio.gather(*calls)} == {b"held answer"}
    assert held.attempts == 1


async def test_a_caller_that_comes_while_the_answer_is_being_kept_does_not_ask_again() -> None:
    traffic, attempts = traffic_of(KEPT), 0
    late: list[asyncio.Task[Answer]] = []

    async def send(timeout_s: float) -> bytes:
        nonlocal attempts
        attempts += 1
        if not late:
            late.append(asyncio.create_task(traffic.call(send, key="k", deadline=in_s(30))))
        return b"answer"

    await traffic.call(send, key="k", deadline=in_s(30))
    assert (await late[0]).body == b"answer"
    assert attempts == 1


async def test_a_caller_out_of_time_leaves_the_shared_call_to_the_others() -> None:
    held = HeldSystem()
    traffic = traffic_of(ONCE)
    patient = asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    with pytest.raises(SourceTimeout):
        await traffic.call(held, key="k", deadline=in_s(0.05))
    held.release()
    assert (await patient).body == b"held answer"
    assert (held.attempts, held.cancelled) == (1, 0)


async def test_a_shared_call_gets_the_time_of_the_most_patient_caller() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(timeout_s=30, retries=0))
    hasty = asyncio.create_task(traffic.call(held, key="k", deadline=in_s(0.2)))
    await held.until(lambda: held.inside == 1)
    patient = asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30)))
    with pytest.raises(SourceTimeout):
        await hasty
    held.release()
    assert (await patient).body == b"held answer"
    assert (held.attempts, held.cancelled) == (1, 0)


async def test_the_call_is_cancelled_when_the_last_caller_has_gone() -> None:
    held = HeldSystem()
    traffic = traffic_of(ONCE)
    calls = [asyncio.create_task(traffic.call(held, key="k", deadline=in_s(30))) for _ in range(3)]
    await held.until(lambda: held.inside == 1)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await until(lambda: not traffic.snapshot().in_flight)
    assert held.cancelled == 1


async def test_a_caller_out_of_time_gets_the_older_answer_where_there_is_one() -> None:
    time, held = ManualTime(), HeldSystem()
    traffic = traffic_of(KEPT, time=time)
    await traffic.call(ScriptedSystem(), key="k", deadline=in_s(5))
    time.advance(300)
    stale = await traffic.call(held, key="k", deadline=in_s(0.05))
    assert (stale.body, stale.status) == (b"answer 1", AnswerStatus.STALE)
    assert isinstance(stale.error, SourceTimeout)


# Second attempts


async def test_a_read_is_tried_again_after_a_failure_that_may_pass() -> None:
    system, observer = ScriptedSystem(DOWN, DOWN, None), WritingObserver()
    traffic = traffic_of(QUICK, observer=observer)
    answer = await traffic.call(system, key=None, deadline=in_s(5))
    assert answer.body == b"answer 3"
    assert observer.retries == ["SOURCE_UNAVAILABLE", "SOURCE_UNAVAILABLE"]
    assert observer.attempts == ["SOURCE_UNAVAILABLE", "SOURCE_UNAVAILABLE", None]
    assert observer.calls == [None]


async def test_a_read_gives_up_after_its_retries_with_the_last_error() -> None:
    last = SourceTimeout("registry")
    system = ScriptedSystem(DOWN, DOWN, last)
    with pytest.raises(SourceTimeout) as caught:
        await traffic_of(QUICK).call(system, key=None, deadline=in_s(5))
    assert caught.value is last
    assert system.attempts == 3


async def test_a_write_is_sent_once_and_neither_shared_nor_kept() -> None:
    system = ScriptedSystem(DOWN, None, None)
    traffic = traffic_of(TrafficPolicy(backoff_s=0.0, freshness=Freshness(60)))
    with pytest.raises(SourceUnavailable):
        await traffic.call(system, key="k", deadline=in_s(5), read=False)
    assert system.attempts == 1
    bodies = {(await traffic.call(system, key="k", deadline=in_s(5), read=False)).body for _ in range(2)}
    assert bodies == {b"answer 2", b"answer 3"}


@pytest.mark.parametrize(
    "final", [SourceRefused("registry"), SourceNotFound("registry"), SourceBadData("registry")]
)
async def test_an_error_that_would_come_again_is_not_retried(final: SourceError) -> None:
    system = ScriptedSystem(final, None)
    with pytest.raises(type(final)):
        await traffic_of(QUICK).call(system, key=None, deadline=in_s(5))
    assert system.attempts == 1


async def test_no_retry_is_made_when_the_wait_that_the_system_asks_for_is_past_the_deadline() -> None:
    system = ScriptedSystem(SourceUnavailable("registry", retry_after_s=60), None)
    with pytest.raises(SourceUnavailable):
        await traffic_of(QUICK).call(system, key=None, deadline=in_s(5))
    assert system.attempts == 1


async def test_an_error_of_ours_is_not_taken_for_the_systems() -> None:
    system = ScriptedSystem(*[KeyError("a bug")] * 50)
    traffic = traffic_of(QUICK)
    for _ in range(50):
        with pytest.raises(KeyError):
            await traffic.call(system, key=None, deadline=in_s(5))
    snapshot = traffic.snapshot()
    assert (snapshot.breaker_state, snapshot.in_flight) == (BreakerState.CLOSED, 0)


async def test_when_the_circuit_opens_before_a_retry_the_systems_own_error_is_told() -> None:
    system = ScriptedSystem(DOWN)
    traffic = traffic_of(TrafficPolicy(backoff_s=0.0, retries=9, breaker=BreakerPolicy(min_calls=3)))
    with pytest.raises(SourceUnavailable) as caught:
        await traffic.call(system, key=None, deadline=in_s(5))
    assert isinstance(caught.value.__cause__, SourceCircuitOpen)
    assert system.attempts == 3


# A dead system


async def test_a_dead_system_is_left_alone() -> None:
    system = ScriptedSystem(DOWN)
    traffic = traffic_of(QUICK)
    codes = set()
    for _ in range(1000):
        with pytest.raises(SourceError) as caught:
            await traffic.call(system, key=None, deadline=in_s(5))
        codes.add(caught.value.code)
    assert system.attempts == QUICK.breaker.min_calls
    assert codes == {"SOURCE_UNAVAILABLE", "SOURCE_CIRCUIT_OPEN"}


async def test_retries_stay_within_the_budget_even_without_a_breaker() -> None:
    """10 % of the calls, and the ten that are saved up; the clock stands, so the 3 a second add nothing."""
    never = BreakerPolicy(min_calls=10_000, window_calls=10_000)
    system = ScriptedSystem(DOWN)
    traffic = traffic_of(TrafficPolicy(backoff_s=0.0, breaker=never))
    for _ in range(500):
        with pytest.raises(SourceUnavailable):
            await traffic.call(system, key=None, deadline=in_s(5))
    assert 500 * 1.1 - 1 <= system.attempts <= 500 * 1.1 + 10


async def test_a_hung_system_opens_the_circuit() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(timeout_s=0.05, retries=0))
    async with asyncio.timeout(30):
        while traffic.snapshot().breaker_state is BreakerState.CLOSED:
            with pytest.raises(SourceTimeout):
                await traffic.call(held, key=None, deadline=in_s(5))
    with pytest.raises(SourceCircuitOpen):
        await traffic.call(held, key=None, deadline=in_s(5))


async def test_callers_in_a_hurry_do_not_open_the_circuit_of_a_system_that_may_take_longer() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(timeout_s=30, retries=0))
    for _ in range(20):
        with pytest.raises(SourceTimeout):
            await traffic.call(held, key=None, deadline=in_s(0.01))
    assert traffic.snapshot().breaker_state is BreakerState.CLOSED


async def test_refusals_never_open_the_circuit() -> None:
    system = ScriptedSystem(SourceRefused("registry"))
    traffic = traffic_of(QUICK)
    for _ in range(100):
        with pytest.raises(SourceRefused):
            await traffic.call(system, key=None, deadline=in_s(5))
    assert (system.attempts, traffic.snapshot().failures) == (100, 0)


async def test_exactly_one_probe_is_sent_when_fifty_callers_wait_for_a_recovering_system() -> None:
    time, held, observer = ManualTime(), HeldSystem(), WritingObserver()
    traffic = traffic_of(TrafficPolicy(retries=0, concurrency=50), time=time, observer=observer)
    while traffic.snapshot().breaker_state is BreakerState.CLOSED:
        with pytest.raises(SourceUnavailable):
            await traffic.call(ScriptedSystem(DOWN), key=None, deadline=in_s(5))
    time.advance(60)
    barrier = asyncio.Barrier(50)

    async def caller() -> Answer:
        await barrier.wait()
        return await traffic.call(held, key=None, deadline=in_s(30))

    callers = [asyncio.create_task(caller()) for _ in range(50)]
    await held.until(lambda: held.inside == 1)
    await until(lambda: sum(call.done() for call in callers) == 49)
    assert (held.attempts, held.inside) == (1, 1)
    held.release()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(isinstance(result, Answer) for result in results) == 1
    assert sum(isinstance(result, SourceCircuitOpen) for result in results) == 49
    assert observer.breaker == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


async def test_a_cancelled_probe_makes_room_for_the_next() -> None:
    time, held = ManualTime(), HeldSystem()
    traffic = traffic_of(ONCE, time=time)
    while traffic.snapshot().breaker_state is BreakerState.CLOSED:
        with pytest.raises(SourceUnavailable):
            await traffic.call(ScriptedSystem(DOWN), key=None, deadline=in_s(5))
    time.advance(60)
    probe = asyncio.create_task(traffic.call(held, key=None, deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (await traffic.call(ScriptedSystem(), key=None, deadline=in_s(5))).body == b"answer 1"
    assert traffic.snapshot().breaker_state is BreakerState.CLOSED


# Bounds


async def test_no_more_attempts_than_allowed_are_inside_the_system_at_once() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(concurrency=4, queue=100, retries=0))
    calls = [asyncio.create_task(traffic.call(held, key=f"k{n}", deadline=in_s(30))) for n in range(40)]
    await held.until(lambda: held.inside == 4)
    await until(lambda: traffic.snapshot().waiting == 36)
    held.release()
    await asyncio.gather(*calls)
    assert (held.attempts, held.most_inside) == (40, 4)


async def test_a_caller_that_finds_the_queue_full_is_told_at_once() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(concurrency=1, queue=1, retries=0))
    first = asyncio.create_task(traffic.call(held, key=None, deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    second = asyncio.create_task(traffic.call(held, key=None, deadline=in_s(30)))
    await until(lambda: traffic.snapshot().waiting == 1)
    with pytest.raises(SourceOverloaded):
        await traffic.call(held, key=None, deadline=in_s(30))
    held.release()
    await asyncio.gather(first, second)


async def test_a_caller_whose_deadline_passes_in_the_queue_is_told_and_the_system_is_not_blamed() -> None:
    held = HeldSystem()
    traffic = traffic_of(TrafficPolicy(concurrency=1, retries=0, timeout_s=30))
    first = asyncio.create_task(traffic.call(held, key=None, deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    with pytest.raises(SourceOverloaded):
        await traffic.call(held, key=None, deadline=in_s(0.02))
    held.release()
    await first
    snapshot = traffic.snapshot()
    assert (snapshot.calls, snapshot.failures, snapshot.waiting, snapshot.in_flight) == (1, 0, 0, 0)


async def test_calls_over_the_rate_are_refused_when_their_turn_is_past_the_deadline() -> None:
    system = ScriptedSystem()
    traffic = traffic_of(TrafficPolicy(rate_per_s=2, retries=0, concurrency=100))
    for _ in range(2):
        await traffic.call(system, key=None, deadline=in_s(0.1))
    with pytest.raises(SourceOverloaded):
        await traffic.call(system, key=None, deadline=in_s(0.1))
    assert system.attempts == 2


async def test_a_deadline_that_has_passed_sends_nothing() -> None:
    system = ScriptedSystem()
    with pytest.raises(SourceTimeout):
        await traffic_of(QUICK).call(system, key=None, deadline=in_s(-1))
    assert system.attempts == 0


# Views and reloads


async def test_the_snapshot_tells_calls_failures_and_latency() -> None:
    time = ManualTime()
    traffic = traffic_of(ONCE, time=time)
    started = time.now

    async def slow(timeout_s: float) -> bytes:
        time.advance(0.2)
        return b""

    for _ in range(3):
        await traffic.call(slow, key=None, deadline=in_s(5))
    with pytest.raises(SourceUnavailable):
        await traffic.call(ScriptedSystem(DOWN), key=None, deadline=in_s(5))
    snapshot = traffic.snapshot()
    assert (snapshot.system, snapshot.calls, snapshot.failures) == ("registry", 4, 1)
    assert (snapshot.last_error_code, snapshot.last_error_at) == ("SOURCE_UNAVAILABLE", time.now)
    assert snapshot.last_success_at == pytest.approx(started + 0.6)
    assert snapshot.p50_s == pytest.approx(0.2)
    assert snapshot.p95_s == pytest.approx(0.2)


async def test_a_reload_keeps_the_open_circuit_the_counts_and_the_places_taken() -> None:
    time, held = ManualTime(), HeldSystem()
    old = traffic_of(ONCE, time=time)
    under_way = asyncio.create_task(old.call(held, key=None, deadline=in_s(30)))
    await held.until(lambda: held.inside == 1)
    while old.snapshot().breaker_state is BreakerState.CLOSED:
        with pytest.raises(SourceUnavailable):
            await old.call(ScriptedSystem(DOWN), key=None, deadline=in_s(5))
    observer = WritingObserver()
    new = traffic_of(TrafficPolicy(retries=0, concurrency=1, queue=0), time=time, observer=observer)
    new.adopt(old)
    with pytest.raises(SourceCircuitOpen):
        await new.call(ScriptedSystem(), key=None, deadline=in_s(5))
    time.advance(60)
    with pytest.raises(SourceOverloaded):
        await new.call(ScriptedSystem(), key=None, deadline=in_s(5))
    held.release()
    await under_way
    await new.call(ScriptedSystem(), key=None, deadline=in_s(5))
    assert new.snapshot().calls == old.snapshot().calls == 7
    assert observer.breaker[-1] is BreakerState.CLOSED


async def test_another_systems_traffic_is_not_adopted() -> None:
    traffic = traffic_of(ONCE)
    traffic.system = "licences"
    with pytest.raises(ValueError, match="licences"):
        traffic.adopt(traffic_of(ONCE))
