"""Clocks and warnings of many open cases: how many a second one core scans, and how few a scan need visit.

python -m bench.clocks [--cases 100000] [--profile]

CPU time of this process, cases made beforehand. Every figure is checked against a second way: the scan's cards against
those of the event-by-event run.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import heapq
import pstats
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bench.machine import facts as machine_facts
from bench.machine import write_result
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.tracking.calendar.moments import moment_of
from gateway.tracking.clocks.facts import CaseEvent, CaseFacts
from gateway.tracking.clocks.follow import follow
from gateway.tracking.clocks.limits import CaseLimits
from gateway.tracking.warnings.evaluate import evaluate, scan
from gateway.tracking.warnings.rule_file import read_rules
from gateway.tracking.warnings.triggers import RuleBook
from schema.registry import TimeLimitRow
from schema.scalars import CHINA_STANDARD_TIME
from schema.vocabulary import CaseEventKind as K
from schema.vocabulary import SpecialProcedureKind, TimeUnit

TODAY = datetime(2018, 4, 2, 6, tzinfo=CHINA_STANDARD_TIME)
LIMITS = [
    CaseLimits(
        statutory=TimeLimitRow(statutory, unit),
        promised=TimeLimitRow(promised, TimeUnit.WORKDAY),
        steps={"初审": TimeLimitRow(2, TimeUnit.WORKDAY)},
    )
    for statutory, unit, promised in (
        (20, TimeUnit.WORKDAY, 5),
        (20, TimeUnit.WORKDAY, 10),
        (60, TimeUnit.CALENDAR_DAY, 20),
        (45, TimeUnit.WORKDAY, 30),
    )
]


def open_case(number: int, chance: random.Random) -> tuple[CaseFacts, CaseLimits]:
    """Begun in the last weeks, eight to twelve events, one in five with a special procedure."""
    at = TODAY - timedelta(minutes=chance.randrange(60 * 24 * 30))
    events: list[CaseEvent] = []

    def add(kind: K, after_h: float, **fields: object) -> None:
        nonlocal at
        at += timedelta(hours=after_h * chance.uniform(0.5, 1.5))
        if at < TODAY:
            received = at + timedelta(minutes=chance.randrange(30))
            events.append(CaseEvent(kind, at, f"e{len(events)}", received, **fields))  # type: ignore[arg-type]

    add(K.SUBMIT, 0.1)
    add(K.RECEIVE, 4)
    add(K.ACCEPT, 20)
    add(K.STEP_START, 1, step="初审")
    add(K.STEP_END, 30, step="初审")
    if number % 5 == 0:
        add(
            K.SPECIAL_START,
            2,
            special=SpecialProcedureKind.HEARING,
            stated=TimeLimitRow(10, TimeUnit.WORKDAY),
            notified_at=at,
        )
        add(K.SPECIAL_END, 100, special=SpecialProcedureKind.HEARING)
    for step in ("现场", "复核", "审定"):
        add(K.STEP_START, 4, step=step)
        add(K.STEP_END, 20, step=step)
    return CaseFacts(f"SYS-{number % 120}:{number}", tuple(events)), LIMITS[number % len(LIMITS)]


def least_cpu_s(work: Callable[[], object], rounds: int = 3) -> float:
    """CPU seconds of the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--profile", action="store_true")
    given = options.parse_args()
    machine = machine_facts()
    calendar, book = read_calendar(), RuleBook(read_rules())
    chance = random.Random(1)
    cases = [open_case(number, chance) for number in range(given.cases)]
    now, yesterday = moment_of(TODAY), moment_of(TODAY) - 86_400
    known = [
        (facts, limits, evaluate(follow(facts, limits, calendar), book, now=yesterday).cards)
        for facts, limits in cases
    ]
    tracks = [(follow(facts, limits, calendar), cards) for facts, limits, cards in known]
    next_checks = [evaluate(track, book, cards, now=yesterday).next_check_at for track, cards in tracks]
    gc.collect()
    gc.freeze()  # as `quanyu serve` does with what lives long

    def whole() -> int:
        return sum(len(one.changed) for one in scan(known, calendar=calendar, book=book, now=now))

    def kept() -> int:
        return sum(len(evaluate(track, book, cards, now=now).changed) for track, cards in tracks)

    def due_only() -> int:
        return sum(
            len(evaluate(track, book, cards, now=now).changed)
            for (track, cards), check in zip(tracks, next_checks, strict=True)
            if check is not None and check <= now
        )

    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(whole)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    raised = whole()
    if not raised == kept() == due_only():
        raise SystemExit(f"the ways disagree: {raised}, {kept()}, {due_only()}")
    visited = sum(check is not None and check <= now for check in next_checks)
    figures = {
        "cases": len(cases),
        "eventsPerCase": round(sum(len(facts.events) for facts, _ in cases) / len(cases), 1),
        "cardsStanding": sum(len(cards) for _, _, cards in known),
        "cardsRaisedToday": raised,
        "casesPerSecondFromEvents": round(len(cases) / least_cpu_s(whole)),
        "casesPerSecondClocksOnly": round(
            len(cases)
            / least_cpu_s(lambda: [follow(facts, limits, calendar) and None for facts, limits in cases])
        ),
        "casesPerSecondKeptTracks": round(len(cases) / least_cpu_s(kept)),
        "casesVisitedByNextCheck": visited,
        "scanByNextCheckS": round(least_cpu_s(due_only), 4),
        "nextCheckHeapS": round(least_cpu_s(lambda: _popped(next_checks, now)), 4),
    }
    for name, value in figures.items():
        print(f"{name:28}{value:>14}")
    print("written to", write_result("clocks", [figures], machine))


def _popped(next_checks: Sequence[int | None], now: int) -> int:
    """A heap of moments, from which those that are due are taken."""
    heap = [check for check in next_checks if check is not None]
    heapq.heapify(heap)
    count = 0
    while heap and heap[0] <= now:
        heapq.heappop(heap)
        count += 1
    return count


if __name__ == "__main__":
    main()
