"""Which phase follows which, and on which side of a share a case falls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.migration.placement import Phase, Placement, share_of_lot
from gateway.migration.errors import TransitionRefused
from gateway.migration.phases import ORDER, Wish, step

KEY = b"k" * 32
IDS = [f"JT2017-{number:06d}" for number in range(100_000)]


def test_a_migration_goes_through_every_phase_in_order() -> None:
    now = Placement()
    seen = [now.phase]
    while now.phase is not Phase.RETIRED:
        now = step(now, Wish("advance"))
        seen.append(now.phase)
    assert tuple(seen) == ORDER
    with pytest.raises(TransitionRefused, match="no further phase"):
        step(now, Wish("advance"))


def test_no_phase_can_be_leapt_over() -> None:
    with pytest.raises(TransitionRefused, match="CANARY does not follow on LEGACY; SHADOW does"):
        step(Placement(), Wish("advance", Phase.CANARY))


@pytest.mark.parametrize("phase", [Phase.SHADOW, Phase.CANARY, Phase.PRIMARY_NEW])
def test_one_step_back_to_the_old_system_is_possible_from_every_phase_before_the_last(phase: Phase) -> None:
    back = step(Placement(phase, 20, 50), Wish("rollback", Phase.LEGACY))
    assert (back.phase, back.share, back.compares) == (Phase.LEGACY, 0, False)


def test_a_frozen_migration_can_only_be_thawed_or_rolled_back() -> None:
    frozen = step(Placement(Phase.CANARY, 20, 5), Wish("freeze"))
    assert frozen.share == 20
    for wish in (Wish("advance"), Wish("percent", percent=50), Wish("sample", sample=1)):
        with pytest.raises(TransitionRefused, match="frozen at CANARY"):
            step(frozen, wish)
    assert step(frozen, Wish("thaw")) == Placement(Phase.CANARY, 20, 5)
    assert step(frozen, Wish("rollback", Phase.SHADOW)).share == 0


def test_a_retired_system_comes_back_only_as_the_fallback_first() -> None:
    retired = Placement(Phase.RETIRED, 100)
    with pytest.raises(TransitionRefused, match="PRIMARY_NEW first"):
        step(retired, Wish("rollback", Phase.LEGACY))
    assert step(retired, Wish("rollback")).phase is Phase.PRIMARY_NEW


@given(
    st.lists(
        st.builds(
            Wish,
            st.sampled_from(["advance", "percent", "sample", "rollback", "freeze", "thaw"]),
            st.none() | st.sampled_from(list(Phase)),
            st.none() | st.floats(-10, 200),
            st.none() | st.floats(-10, 200),
        ),
        max_size=30,
    )
)
def test_whatever_is_asked_for_a_placement_stays_sound(wishes: list[Wish]) -> None:
    now = Placement()
    for wish in wishes:
        try:
            after = step(now, wish)
        except TransitionRefused:
            continue
        assert 0 <= after.sample <= 100
        assert 0 <= after.share <= 100
        assert (after.phase is Phase.CANARY) or after.share in (0, 100)
        # forward goes one phase at a time; what is frozen goes no further
        assert ORDER.index(after.phase) <= ORDER.index(now.phase) + 1
        assert not (now.frozen and ORDER.index(after.phase) > ORDER.index(now.phase))
        now = after


def test_a_percent_takes_over_that_share_of_a_hundred_thousand_cases_and_a_greater_one_keeps_them() -> None:
    lots = {number: share_of_lot(KEY, "JT-PERMIT", number) for number in IDS}
    before: set[str] = set()
    for percent in (1.0, 5.0, 20.0, 50.0, 99.0, 100.0):
        over = {number for number, lot in lots.items() if Placement(Phase.CANARY, percent).is_new(lot)}
        assert before <= over
        assert abs(len(over) / len(IDS) * 100 - percent) < 1
        before = over
    assert len(before) == len(IDS)


@given(st.text(min_size=1), st.floats(0, 100), st.floats(0, 100))
def test_a_case_that_is_over_stays_over_while_the_percent_grows(
    number: str, one: float, other: float
) -> None:
    lot = share_of_lot(KEY, "JT-PERMIT", number)
    low, high = sorted((one, other))
    assert Placement(Phase.CANARY, high).is_new(lot) or not Placement(Phase.CANARY, low).is_new(lot)


def test_two_migrations_and_two_keys_draw_different_cases() -> None:
    def over(key: bytes, system: str) -> set[str]:
        return {number for number in IDS[:20_000] if share_of_lot(key, system, number) < 10}

    mine = over(KEY, "JT-PERMIT")
    for other in (over(KEY, "GSJ-LICENSE"), over(b"other" * 8, "JT-PERMIT")):
        assert abs(len(mine & other) / len(mine) - 0.1) < 0.05
