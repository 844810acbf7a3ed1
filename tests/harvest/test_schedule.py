"""The harvest on its task engine: within the process and over Redis, by the same tests."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from gateway.harvest.schedule import HarvestSchedule
from gateway.harvest.tasks import EMBEDDED
from gateway.ledger.writer import now_us
from tests.e2e.waiting import until_async
from tests.harvest.conftest import Field, case_record, change
from tests.services import RedisServer


@pytest.fixture(params=["embedded", "redis"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "embedded":
        yield EMBEDDED
        return
    server: RedisServer = request.getfixturevalue("shared_redis")
    yield server.url


async def test_changes_arrive_again_and_again(field_: Field, url: str) -> None:
    field_.source.changes = [change(number) for number in range(6)]
    field_.source.cases = {f"JT{case:04d}": case_record(f"JT{case:04d}") for case in range(3)}
    schedule = HarvestSchedule(
        field_.harvester(),
        field_.store,
        field_.files,
        None,
        lambda: {"JT-PERMIT": 0.1},
        now_us,
        url=url,
        plan_s=0.1,
    )
    schedule.start()
    try:
        await until_async(lambda: len(field_.told) == 6)
        field_.source.changes.append(change(6))
        await until_async(lambda: len(field_.told) == 7)
    finally:
        await schedule.stop()
    assert len(await field_.events()) == 7


async def test_several_processes_harvest_each_event_once(field_: Field, shared_redis: RedisServer) -> None:
    field_.source.changes = [change(number) for number in range(12)]
    other = Field(field_.database, field_.source)
    schedules = [
        HarvestSchedule(
            one.harvester(f"worker-{number}"),
            one.store,
            one.files,
            None,
            lambda: {"JT-PERMIT": 0.1},
            now_us,
            url=shared_redis.url,
            plan_s=0.1,
        )
        for number, one in enumerate((field_, other))
    ]
    for schedule in schedules:
        schedule.start()
    try:
        await until_async(lambda: len(field_.told) + len(other.told) >= 12)
        field_.source.changes += [change(number) for number in range(12, 20)]
        await until_async(lambda: len(field_.told) + len(other.told) >= 20)
    finally:
        for schedule in schedules:
            await schedule.stop()
    assert len(field_.told) + len(other.told) == 20
    assert len(await field_.events()) == 20


async def test_without_redis_it_pauses_says_so_and_goes_on(field_: Field) -> None:
    schedule = HarvestSchedule(
        field_.harvester(),
        field_.store,
        field_.files,
        None,
        lambda: {"JT-PERMIT": 0.1},
        now_us,
        url="redis://127.0.0.1:1/0",
        plan_s=0.1,
    )
    schedule.start()
    try:
        await until_async(lambda: schedule.fault is not None)
    finally:
        await schedule.stop()


async def test_a_pickle_in_redis_is_never_opened(
    field_: Field, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """Whoever can write to Redis must not be able to run code here."""
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (trap,)

    field_.source.changes = [change(0)]
    schedule = HarvestSchedule(
        field_.harvester(),
        field_.store,
        field_.files,
        None,
        lambda: {"JT-PERMIT": 0.1},
        now_us,
        url=shared_redis.url,
        plan_s=0.1,
        lease_s=0.5,
    )
    schedule.start()
    client = redis.asyncio.Redis.from_url(shared_redis.url)
    trapped: set[bytes] = set()

    async def gone(message: bytes) -> None:
        [group] = await client.xinfo_groups("quanyu:stream")
        async with asyncio.timeout(30):
            while await client.xpending_range("quanyu:stream", group["name"], message, message, 1):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    try:
        await until_async(lambda: len(field_.told) == 1)
        for at in range(3):
            packed = pickle.dumps(Trap())
            message = {
                "key": f"trap{at}",
                "when": "2026-01-01T00:00:00+00:00",
                "function": "_run",
                "attempt": "1",
            }
            fields = {**message, "args": packed, "kwargs": packed, "generation": "0"}
            trapped.add(await client.xadd("quanyu:stream", fields))
        field_.source.changes.append(change(1))
        await until_async(lambda: len(field_.told) == 2)
        # they fail, once and for all: none is left to be tried by the next worker
        for at in trapped:
            await gone(at)
        assert schedule.fault is None
    finally:
        await schedule.stop()
        await client.aclose()
    assert not trap.exists()
