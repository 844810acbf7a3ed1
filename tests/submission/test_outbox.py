"""The outbox's promises, the same for both databases and for the one in memory."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.submission.memory import MemoryOutbox
from adapters.submission.outbox import Outbox, OutboxUnavailable
from adapters.submission.row import Step, Submission
from gateway.database import Database, open_database
from gateway.outbox import SqlOutbox
from schema.vocabulary import SubmissionState as S
from tests.conftest import execute_on, make_tables
from tests.services import PostgresServer


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Outbox]:
    if request.param == "memory":
        yield MemoryOutbox()
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'outbox.db'}"
        make_tables(url)
    else:
        server: PostgresServer = request.getfixturevalue("shared_postgres")
        name = f"outbox_{uuid.uuid4().hex[:12]}"
        execute_on(server, f"CREATE DATABASE {name} TEMPLATE template_quanyu")
        url = server.url(name)
    opened = open_database(url, tmp_path)
    yield SqlOutbox(opened)
    await opened.close()


def new(name: str = "QY1", *, key: str = "key", lane: str = "", **more: object) -> Submission:
    given = {
        "token": name,
        "owner": "owner",
        "key_hash": key,
        "fingerprint": "print",
        "operation": "submit",
        "system": "T-ONE",
        "department": "D",
        "lane": lane or name,
        "recorded_at": 1000,
        "sealed": b"\x01sealed",
        "echo": {"fields": ["a"], "applicant": {"displayName": "王**"}},
        "history": (Step(1000, "RECORDED"),),
    }
    return Submission(**(given | more))  # type: ignore[arg-type]  # names are the row's own


async def test_a_row_comes_back_as_it_was_kept(outbox: Outbox) -> None:
    made, is_new = await outbox.record(new(known=("a", "b")))
    assert is_new
    assert await outbox.by_token("QY1") == made
    assert replace(made, id=0, version=0) == new(known=("a", "b"))


async def test_of_the_same_key_at_once_one_is_recorded(outbox: Outbox) -> None:
    rows = await asyncio.gather(*(outbox.record(new(f"QY{index}")) for index in range(8)))
    assert sum(is_new for _, is_new in rows) == 1
    assert len({row.token for row, _ in rows}) == 1


async def test_the_same_key_of_another_owner_is_another(outbox: Outbox) -> None:
    await outbox.record(new("QY1"))
    _, is_new = await outbox.record(new("QY2", owner="somebody else"))
    assert is_new


async def test_of_two_who_swap_one_row_one_wins(outbox: Outbox) -> None:
    row, _ = await outbox.record(new())
    won = await asyncio.gather(*(outbox.swap(row, replace(row, lease=f"{index}")) for index in range(5)))
    assert sum(one is not None for one in won) == 1
    left = await outbox.by_token("QY1")
    assert left in won


async def test_of_one_lane_one_row_is_in_flight(outbox: Outbox) -> None:
    one, _ = await outbox.record(new("QY1", key="1", lane="lane"))
    other, _ = await outbox.record(new("QY2", key="2", lane="lane"))
    sent = await outbox.swap(one, replace(one, state=S.DISPATCHING))
    assert sent is not None
    assert await outbox.swap(other, replace(other, state=S.DISPATCHING)) is None
    assert await outbox.swap(sent, replace(sent, state=S.FILED, settled_at=5)) is not None
    assert await outbox.swap(other, replace(other, state=S.DISPATCHING)) is not None


async def test_a_row_is_due_in_its_time_and_turn(outbox: Outbox) -> None:
    first, _ = await outbox.record(new("QY1", key="1", lane="lane"))
    await outbox.record(new("QY2", key="2", lane="lane"))
    await outbox.record(new("QY3", key="3", next_at=900))
    await outbox.record(new("QY4", key="4", lease_until=900, state=S.DISPATCHING))
    await outbox.record(new("QY5", key="5", state=S.NEEDS_PERSON))

    async def due(now: int, **how: str) -> list[str]:
        return [row.token for row in await outbox.due(now, 10, **how)]

    assert await due(500) == ["QY1"]
    assert sorted(await due(1000)) == ["QY1", "QY3", "QY4"]
    assert await due(1000, token="QY2") == []
    assert await due(1000, token="QY3") == ["QY3"]
    await outbox.swap(first, replace(first, state=S.FILED, settled_at=1000))
    assert "QY2" in await due(1000)


async def test_cases_are_found_by_their_number(outbox: Outbox) -> None:
    await outbox.record(new("QY1", key="1", number="N1", state=S.FILED, settled_at=1))
    await outbox.record(new("QY2", key="2", number="N1", operation="withdraw", state=S.FILED, settled_at=1))
    filed = await outbox.filed_as("T-ONE", "N1")
    assert filed is not None
    assert filed.token == "QY1"
    assert await outbox.filed_as("T-TWO", "N1") is None
    assert await outbox.taken_numbers("T-ONE", ["N1", "N2"]) == {"N1"}


async def test_lists_are_newest_first_and_old_rows_leave(outbox: Outbox) -> None:
    for index in range(4):
        state = S.FILED if index < 2 else S.UNKNOWN
        settled = 100 * index if index < 2 else None
        await outbox.record(new(f"QY{index}", key=str(index), state=state, settled_at=settled))
    assert [row.token for row in await outbox.listed()] == ["QY3", "QY2", "QY1", "QY0"]
    assert [row.token for row in await outbox.listed(states=[S.FILED], limit=1)] == ["QY1"]
    assert await outbox.listed(system="T-TWO") == []
    assert await outbox.purge(50) == 1
    assert [row.token for row in await outbox.listed()] == ["QY3", "QY2", "QY1"]


# --- of the databases alone ---


@pytest.fixture
async def another(database_url: str, tmp_path: Path) -> AsyncIterator[SqlOutbox]:
    """The same outbox as a second process has it."""
    opened = open_database(database_url, tmp_path)
    yield SqlOutbox(opened)
    await opened.close()


async def test_two_processes_record_one_key_once(database: Database, another: SqlOutbox) -> None:
    here = SqlOutbox(database)
    rows = await asyncio.gather(
        *(box.record(new(f"QY{index}")) for index, box in enumerate([here, another] * 6))
    )
    assert sum(is_new for _, is_new in rows) == 1
    assert len({row.token for row, _ in rows}) == 1


async def test_two_processes_do_not_send_one_lane_at_once(database: Database, another: SqlOutbox) -> None:
    here = SqlOutbox(database)
    rows = [(await here.record(new(f"QY{index}", key=str(index), lane="lane")))[0] for index in range(6)]
    won = await asyncio.gather(
        *(
            box.swap(row, replace(row, state=S.DISPATCHING))
            for row, box in zip(rows, [here, another] * 3, strict=True)
        )
    )
    assert sum(one is not None for one in won) == 1


async def test_a_database_without_the_tables_is_an_unavailable_outbox(tmp_path: Path) -> None:
    opened = open_database("", tmp_path)
    with pytest.raises(OutboxUnavailable):
        await SqlOutbox(opened).record(new())
    await opened.close()
