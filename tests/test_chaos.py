"""A short chaos run: real systems behind a proxy that breaks some of them, a real gateway, many users at once.

Behaviour only; `python -m bench.chaos` has the long run and its times.
"""

from __future__ import annotations

from bench.chaos import Options, measure


def test_healthy_systems_answer_while_others_hang_reset_and_send_garbage() -> None:
    row = measure(
        Options(
            systems=12,
            users=8,
            seconds=60,
            deadline_ms=3000,
            timeout_ms=2500,
            most=80,
            processes=1,
            heal=False,
        )
    )
    assert row["failedQuestions"] == 0
    assert row["questions"] == 80
    assert set(row["healthyStatuses"]) == {"OK"}
    assert row["healthyFields"] > 100
    assert row["healthyOpened"] == []
    ill = row["illStatuses"]
    assert sum(ill.values()) > 0
    # with three seconds the slow ones do answer; what hangs, resets or sends garbage never does
    assert (
        ill.get("TIMEOUT", 0)
        + ill.get("UNAVAILABLE", 0)
        + ill.get("BAD_DATA", 0)
        + ill.get("CIRCUIT_OPEN", 0)
        > 0
    )
