"""The breaker as a state machine, against a plain model of the rules."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from adapters.traffic.breaker import Breaker, BreakerState, Pass
from adapters.traffic.policy import BreakerPolicy

POLICY = BreakerPolicy(
    window_s=10, window_calls=8, min_calls=3, failure_ratio=0.5, open_min_s=1, open_max_s=8, jitter=0
)


class BreakerMachine(RuleBasedStateMachine):
    """Calls come, end in every way and in any order, and time goes by."""

    passes: Bundle[Pass] = Bundle("passes")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.states: list[BreakerState] = []
        self.breaker = Breaker(POLICY, clock=lambda: self.now, on_change=self.states.append)
        self.probe: Pass | None = None
        self.opened_at = 0.0
        self.failed_probes = 0
        self.may_probe = False
        self.samples: list[tuple[float, bool]] = []
        self.expected = BreakerState.CLOSED
        self.era = 0

    def pause_s(self) -> float:
        return min(8.0, 2.0**self.failed_probes)

    def turn(self, state: BreakerState) -> None:
        self.expected = state
        self.samples.clear()
        self.era += 1

    def open(self) -> None:
        self.opened_at, self.may_probe, self.probe = self.now, False, None
        self.turn(BreakerState.OPEN)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0, 9.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=passes)
    def call_comes(self) -> Pass | MultipleResults[Pass]:
        leave = self.breaker.admit()
        if self.expected is BreakerState.CLOSED:
            assert leave is not None
            assert not leave.probe
            return leave
        due = self.may_probe or self.now >= self.opened_at + self.pause_s()
        if self.expected is BreakerState.OPEN and due:
            assert leave is not None
            assert leave.probe
            self.turn(BreakerState.HALF_OPEN)
            self.probe = leave
            return leave
        assert leave is None
        return multiple()

    @rule(leave=consumes(passes))
    def call_succeeds(self, leave: Pass) -> None:
        self.breaker.succeed(leave, 0.01)
        self._result(leave, failed=False)

    @rule(leave=consumes(passes))
    def call_fails(self, leave: Pass) -> None:
        self.breaker.fail(leave, 0.01)
        self._result(leave, failed=True)

    @rule(leave=consumes(passes))
    def system_refuses(self, leave: Pass) -> None:
        self.breaker.answer(leave)
        if leave is self.probe:
            self.failed_probes, self.probe = 0, None
            self.turn(BreakerState.CLOSED)

    @rule(leave=consumes(passes))
    def caller_cancels(self, leave: Pass) -> None:
        self.breaker.release(leave)
        if leave is self.probe:
            self.probe, self.may_probe = None, True
            self.turn(BreakerState.OPEN)

    @invariant()
    def state_is_as_the_rules_say(self) -> None:
        assert self.breaker.state is self.expected
        assert (self.probe is not None) == (self.expected is BreakerState.HALF_OPEN)

    @invariant()
    def a_refusal_is_foreseen(self) -> None:
        if self.expected is BreakerState.CLOSED:
            assert not self.breaker.closed_to_all()
        if self.expected is BreakerState.HALF_OPEN:
            assert self.breaker.closed_to_all()
        assert 0.0 <= self.breaker.opens_in_s() <= POLICY.open_max_s + 1e-6

    def _result(self, leave: Pass, *, failed: bool) -> None:
        if leave is self.probe:
            if failed:
                self.failed_probes += 1
                self.open()
            else:
                self.failed_probes, self.probe = 0, None
                self.turn(BreakerState.CLOSED)
            return
        if self.expected is not BreakerState.CLOSED or leave.era != self.era:
            return
        self.samples.append((self.now, failed))
        seen = [bad for at, bad in self.samples if at >= self.now - POLICY.window_s][-POLICY.window_calls :]
        if len(seen) >= POLICY.min_calls and sum(seen) >= POLICY.failure_ratio * len(seen):
            self.open()


TestBreakerMachine = BreakerMachine.TestCase


def opened(policy: BreakerPolicy, *, draw: float = 0.0) -> Breaker:
    breaker = Breaker(policy, clock=lambda: 0.0, draw=lambda: draw)
    for _ in range(policy.min_calls):
        leave = breaker.admit()
        assert leave is not None
        breaker.fail(leave, 0.01)
    return breaker


def test_calls_that_are_slow_open_it_where_the_policy_says_so() -> None:
    breaker = Breaker(BreakerPolicy(slow_call_s=1.0, min_calls=5), clock=lambda: 0.0)
    for _ in range(5):
        leave = breaker.admit()
        assert leave is not None
        breaker.succeed(leave, 1.5)
    assert breaker.state is BreakerState.OPEN


def test_the_pause_is_lengthened_by_a_random_share() -> None:
    assert opened(BreakerPolicy(jitter=0.2), draw=0.5).opens_in_s() == pytest.approx(1.1)


def test_a_reload_with_a_shorter_pause_shortens_the_pause_under_way() -> None:
    breaker = opened(BreakerPolicy(open_min_s=30, open_max_s=30, jitter=0))
    breaker.reconfigure(BreakerPolicy(open_min_s=1, open_max_s=2, jitter=0))
    assert breaker.opens_in_s() == pytest.approx(2)


@pytest.mark.parametrize(
    "values",
    [
        {"window_s": 0},
        {"min_calls": 0},
        {"min_calls": 21},
        {"failure_ratio": 0},
        {"open_min_s": 31},
        {"jitter": 2},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="breaker"):
        BreakerPolicy(**values)  # type: ignore[arg-type]  # the values are what is tested
