"""What a migration costs: routing a question, comparing everything, comparing alone. `python -m bench.migration`."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from typing import Any

from adapters.migration.compare import compare_records
from adapters.migration.placement import Phase, Placement, share_of_lot
from adapters.migration_model import CompareRule

EVENTS = 10
RULES: Mapping[str, CompareRule] = {
    "appliedAt": CompareRule(round="minute"),
    "title": CompareRule(text="folded"),
    "rawStatus": CompareRule(codes={"SB": "SUBMIT"}),
    "events": CompareRule(by_key=("id",)),
    "events[].actor": CompareRule(ignore=True),
}


def record(side: str) -> dict[str, Any]:
    events = [
        {
            "id": f"{n:02d}",
            "kind": "STEP_START",
            "step": "受理",
            "actor": f"{side} officer",
            "occurredAt": f"2017-06-{n + 1:02d}T09:00:00+08:00",
            "opinion": "同意",
        }
        for n in range(EVENTS)
    ]
    return {
        "localNo": "JT2017-000001",
        "title": "渝北区 超限运输" if side == "new" else "渝北区超限运输",
        "state": "ACCEPTED",
        "rawStatus": "SUBMIT" if side == "new" else "SB",
        "appliedAt": "2017-06-01T09:00:00+08:00" if side == "new" else "2017-06-01T09:00:41+08:00",
        "applicant": {"idNumber": "500229197001010010", "name": "王小明", "kind": "NATURAL"},
        "events": list(reversed(events)) if side == "new" else events,
    }


def per_call_us(work: Any, turns: int) -> float:
    """Median of seven rounds, in microseconds a call. Any: a callable without arguments."""
    rounds = []
    for _ in range(7):
        started = time.perf_counter()
        for _ in range(turns):
            work()
        rounds.append((time.perf_counter() - started) / turns * 1e6)
    return statistics.median(rounds)


async def main() -> None:
    key, canary = b"k" * 32, Placement(Phase.CANARY, 20)
    old, new = record("old"), record("new")
    fields = list(old)
    print(
        f"choose a side (HMAC and threshold)   {per_call_us(lambda: canary.is_new(share_of_lot(key, 'JT-PERMIT', 'JT2017-000001')), 20_000):8.2f} us"
    )
    equal = per_call_us(lambda: compare_records(old, old, RULES, fields), 5_000)
    unlike = per_call_us(lambda: compare_records(old, new, RULES, fields), 2_000)
    print(f"compare two equal cases, {EVENTS} events     {equal:8.2f} us  {1e6 / equal:10,.0f} /s")
    print(f"compare two unlike cases, {EVENTS} events    {unlike:8.2f} us  {1e6 / unlike:10,.0f} /s")


if __name__ == "__main__":
    asyncio.run(main())
