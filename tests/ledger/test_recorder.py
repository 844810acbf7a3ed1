"""Group commit: durable before it returns, bounded, closed where it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from gateway.database import DatabaseUnavailable
from gateway.ledger import AuditUnavailable, Look
from gateway.ledger.recorder import LookRecorder
from tests.ledger.conftest import look


class Store:
    """What looks are appended to; a test holds it up or breaks it."""

    def __init__(self) -> None:
        self.batches: list[list[Look]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.bad: Look | None = None

    async def append(self, looks: Sequence[Look]) -> None:
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        if self.bad in looks:
            raise ValueError("a look that cannot be written")
        self.batches.append(list(looks))


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_looks_that_come_during_a_commit_go_out_together() -> None:
    store = Store()
    store.open.clear()
    recorder = LookRecorder(store.append)
    recorder.start()
    first = asyncio.create_task(recorder.record(look(0)))
    await settled()
    others = [asyncio.create_task(recorder.record(look(number))) for number in range(1, 9)]
    await settled()
    assert not first.done()
    store.open.set()
    await asyncio.gather(first, *others)
    assert [len(batch) for batch in store.batches] == [1, 8]
    await recorder.stop()


async def test_a_store_that_fails_fails_every_look_and_is_tried_again() -> None:
    store = Store()
    recorder = LookRecorder(store.append)
    recorder.start()
    store.fault = DatabaseUnavailable("gone")
    with pytest.raises(AuditUnavailable):
        await recorder.record(look(0))
    assert recorder.failing
    store.fault = None
    await recorder.record(look(1))
    assert not recorder.failing
    await recorder.stop()


async def test_one_look_that_cannot_be_written_costs_no_other() -> None:
    store = Store()
    store.open.clear()
    recorder = LookRecorder(store.append)
    recorder.start()
    store.bad = look(2)
    waiting = [asyncio.create_task(recorder.record(look(number))) for number in range(5)]
    await settled()
    store.open.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results].count(AuditUnavailable) == 1
    assert isinstance(results[2], AuditUnavailable)
    await recorder.stop()


async def test_a_full_queue_holds_queries_back_and_then_refuses_them() -> None:
    store = Store()
    store.open.clear()
    recorder = LookRecorder(store.append, queue=2, wait_s=0.05)
    recorder.start()
    results = await asyncio.gather(
        *(recorder.record(look(number)) for number in range(6)), return_exceptions=True
    )
    assert [type(result) for result in results] == [AuditUnavailable] * 6
    assert recorder.depth <= 2
    store.open.set()
    await recorder.record(look(9))
    await recorder.stop()


async def test_room_in_the_queue_lets_the_next_in() -> None:
    store = Store()
    store.open.clear()
    recorder = LookRecorder(store.append, queue=2, at_once=1)
    recorder.start()
    waiting = [asyncio.create_task(recorder.record(look(number))) for number in range(8)]
    await settled()
    store.open.set()
    await asyncio.gather(*waiting)
    assert sum(len(batch) for batch in store.batches) == 8
    await recorder.stop()


async def test_stopping_writes_what_waits() -> None:
    store = Store()
    recorder = LookRecorder(store.append)
    recorder.start()
    waiting = asyncio.create_task(recorder.record(look(0)))
    await asyncio.sleep(0)
    await recorder.stop()
    await waiting
    assert [len(batch) for batch in store.batches] == [1]


async def test_a_process_that_stands_still_itself_does_not_blame_its_store() -> None:
    """The event loop is held for longer than a look may wait, while its commit is under way."""

    async def append(_looks: Sequence[Look]) -> None:
        time.sleep(0.6)  # noqa: ASYNC251 - another step of the loop that takes too long
        await asyncio.to_thread(lambda: None)

    recorder = LookRecorder(append, wait_s=0.5)
    recorder.start()
    await recorder.record(look(0))
    await recorder.stop()
