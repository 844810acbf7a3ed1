"""Who follows the trail gets each sealed event once, in the trail's order, whatever comes between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.pubsub import EmbeddedPubSub
from gateway.database import Database, open_database
from gateway.ledger import SEALED, Writer
from gateway.ledger.sealer import Sealer
from gateway.live.errors import CursorRefused, LiveUnavailable, StreamTooSlow
from gateway.live.events import Cursor, LiveEvent
from gateway.live.hub import LiveHub
from gateway.live.reader import LiveReader, Narrow
from tests.conftest import make_tables
from tests.ledger.conftest import KEYS, Trail, event, look

NEVER_S = 3600.0


def everything(_event: LiveEvent) -> bool:
    return True


def hub_of(database: Database, bell: EmbeddedPubSub, **limits: int) -> LiveHub:
    """Hears only the bell: it does not look by itself within a test."""
    return LiveHub(LiveReader(database), bell, shared=False, poll_s=NEVER_S, **limits)


async def taken(events: AsyncGenerator[LiveEvent, None], count: int) -> list[str]:
    async with asyncio.timeout(20):
        return [(await anext(events)).key for _ in range(count)]


async def seal(trail: Trail, bell: EmbeddedPubSub) -> None:
    await trail.sealer.seal()
    await bell.publish(SEALED, b"")


async def test_a_follower_gets_what_is_sealed_after_it_came_in_order(trail: Trail) -> None:
    bell = EmbeddedPubSub()
    hub = hub_of(trail.database, bell)
    await trail.fill(6)
    async with aclosing(hub.follow(None, everything)) as events:
        first = asyncio.create_task(anext(events))
        while hub._task is None:  # noqa: ASYNC110 - it has come when the hub reads
            await asyncio.sleep(0)
        await trail.writer.append_events([event(10), event(11)])
        await seal(trail, bell)
        assert (await first).key == "E10"
        assert await taken(events, 1) == ["E11"]


async def test_a_cursor_goes_on_after_its_event_on_another_hub_with_looks_and_changes_between(
    trail: Trail,
) -> None:
    await trail.fill(9)
    async with aclosing(
        hub_of(trail.database, EmbeddedPubSub(), page=2).follow(Cursor(0), everything)
    ) as one:
        async with asyncio.timeout(20):
            seen = [await anext(one) for _ in range(4)]
    later = Cursor.parse(seen[-1].cursor.text())
    async with aclosing(hub_of(trail.database, EmbeddedPubSub(), page=2).follow(later, everything)) as other:
        assert [one.key for one in seen] + await taken(other, 5) == [f"E{number}" for number in range(9)]


async def test_what_is_narrowed_down_is_the_same_as_what_is_chosen(trail: Trail) -> None:
    await trail.fill(12)
    case = "JT-PERMIT:JT2017-000002"

    def keep(one: LiveEvent) -> bool:
        return one.case_id == case

    for narrow in (None, Narrow(case_id=case), Narrow(subject=f"{2:064x}")):
        hub = hub_of(trail.database, EmbeddedPubSub(), page=2)
        async with aclosing(hub.follow(Cursor(0), keep, narrow)) as events:
            assert await taken(events, 3) == ["E6", "E7", "E8"]


async def test_a_follower_that_takes_nothing_is_ended_with_where_to_go_on(trail: Trail) -> None:
    bell = EmbeddedPubSub()
    hub = hub_of(trail.database, bell, window=5, page=3)
    async with aclosing(hub.follow(Cursor(0), everything)) as slow:
        await trail.writer.append_events([event(0)])
        await seal(trail, bell)
        assert await taken(slow, 1) == ["E0"]
        await trail.writer.append_events([event(1)])
        await seal(trail, bell)
        assert await taken(slow, 1) == ["E1"]
        for start in (2, 7, 12):
            await trail.writer.append_events([event(number) for number in range(start, start + 5)])
            await seal(trail, bell)
        while len(hub._events) < 5 or hub._events[-1].key != "E16":  # noqa: ASYNC110 - it reads on by itself
            await asyncio.sleep(0)
        with pytest.raises(StreamTooSlow) as ended:
            await taken(slow, 15)
    assert ended.value.code == "STREAM_TOO_SLOW"
    assert len(hub._events) == 5, "what waits is bounded"
    assert ended.value.resume is not None
    async with aclosing(hub.follow(Cursor.parse(ended.value.resume), everything)) as again:
        rest = await taken(again, 1)
        assert rest == ["E2"], "it goes on after what it was given"


@pytest.mark.parametrize("text", ["", "L1.", "bm8", "TDEyMzQ1Njc4OTAuYWJjZA", "你好", "TC0xLg", "x" * 500])
async def test_what_is_no_cursor_of_this_trail_is_refused(trail: Trail, text: str) -> None:
    await trail.fill(3)
    with pytest.raises(CursorRefused):
        async with aclosing(
            hub_of(trail.database, EmbeddedPubSub()).follow(Cursor.parse(text), everything)
        ) as events:
            await anext(events)


async def test_a_cursor_of_a_trail_that_was_rolled_back_is_refused(trail: Trail) -> None:
    await trail.fill(3)
    known = await LiveReader(trail.database).head()
    with pytest.raises(CursorRefused):
        await LiveReader(trail.database).check(Cursor(known.position, "00000000"))
    await LiveReader(trail.database).check(known)


async def test_without_a_bell_the_ledger_is_polled(trail: Trail) -> None:
    hub = LiveHub(LiveReader(trail.database), EmbeddedPubSub(), shared=False, poll_s=0.01)
    async with aclosing(hub.follow(Cursor(0), everything)) as events:
        await trail.writer.append_events([event(1)])
        await trail.sealer.seal()
        assert await taken(events, 1) == ["E1"]
        await trail.writer.append_events([event(2)])
        await trail.sealer.seal()
        assert await taken(events, 1) == ["E2"]


async def test_a_ledger_that_cannot_be_read_refuses_new_followers_and_says_so(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/none/there.db", tmp_path)
    (tmp_path / "none").write_text("no folder")
    hub = hub_of(database, EmbeddedPubSub())
    with pytest.raises(LiveUnavailable):
        async with aclosing(hub.follow(None, everything)) as events:
            await anext(events)
    await database.close()


# --- any order of things ---


@dataclass(slots=True)
class Follower:
    keep: Callable[[LiveEvent], bool]
    narrow: Narrow | None
    at: Cursor
    events: AsyncGenerator[LiveEvent, None] | None = None
    got: list[int] = field(default_factory=list)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 1), st.integers(1, 7)),
        st.tuples(st.just("look"), st.integers(0, 1), st.integers(1, 2)),
        st.tuples(st.just("seal"), st.integers(0, 1), st.integers(1, 8)),
        st.tuples(st.just("pull"), st.integers(0, 2), st.integers(1, 6)),
        st.tuples(st.just("drop"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("join"), st.integers(0, 2), st.integers(0, 1)),
    ),
    max_size=40,
)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    make_tables(url)
    return url


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_nothing_is_lost_or_repeated_in_any_order_of_appends_seals_pulls_and_reconnects(
    sqlite_url: str, tmp_path: Path, steps: Sequence[tuple[str, int, int]]
) -> None:
    asyncio.run(_interleaved(sqlite_url, tmp_path, steps))


async def _interleaved(url: str, folder: Path, steps: Sequence[tuple[str, int, int]]) -> None:
    """Two writers, two sealers, two hubs (as of two processes that hear one bell), three followers."""
    database = open_database(url, folder)
    bell = EmbeddedPubSub()
    writers = [Writer(database), Writer(database)]
    sealers = [Sealer(database, KEYS.signer, name, lease_s=0.0) for name in ("one", "two")]
    hubs = [hub_of(database, bell, window=6, page=3), hub_of(database, bell, window=6, page=2)]
    reader = LiveReader(database)
    begin = await reader.head()
    case = f"JT-PERMIT:P{begin.position}"
    followers = [
        Follower(everything, None, begin),
        Follower(lambda one: one.case_id == case, Narrow(case_id=case), begin),
        Follower(everything, None, begin),
    ]
    count = 0
    try:
        for what, which, number in steps:
            if what == "append":
                made = [
                    event(0, key=f"{begin.position}/{count + at}", case_id=case if at % 2 else f"{case}x")
                    for at in range(number)
                ]
                count += number
                await writers[which].append_events(made)
            elif what == "look":
                await writers[which].append_looks([look(number)])
            elif what == "seal":
                await sealers[which].seal(at_once=number)
                await bell.publish(SEALED, b"")
            elif what == "drop":
                await _leave(followers[which])
            elif what == "join":
                await _leave(followers[which])
                one = followers[which]
                one.events = hubs[number].follow(one.at, one.keep, one.narrow)
            else:
                await _pull(followers[which], hubs, await _expected(reader, begin), number)
        expected = await _expected(reader, begin)
        for one in followers:
            await _pull(one, hubs, expected, len(expected))
            assert one.got == [each.leaf for each in expected if one.keep(each)]
    finally:
        for one in followers:
            await _leave(one)
        for hub in hubs:
            await hub.close()
        await database.close()


async def _expected(reader: LiveReader, begin: Cursor) -> list[LiveEvent]:
    return (await reader.page(begin.position, limit=1000))[0]


async def _leave(one: Follower) -> None:
    if one.events is not None:
        await one.events.aclose()
        one.events = None


async def _pull(one: Follower, hubs: Sequence[LiveHub], expected: Sequence[LiveEvent], number: int) -> None:
    """As many as there are for it, up to `number`; who is told that it is too slow comes again."""
    wanted = min(number, sum(map(one.keep, expected)) - len(one.got))
    while wanted > 0:
        if one.events is None:
            one.events = hubs[0].follow(one.at, one.keep, one.narrow)
        try:
            async with asyncio.timeout(20):
                came = await anext(one.events)
        except StreamTooSlow as slow:
            one.events, one.at = None, Cursor.parse(slow.resume or "")
        else:
            one.got.append(came.leaf)
            one.at = came.cursor
            wanted -= 1
