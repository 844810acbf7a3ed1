"""Appends records: one writer a process, each of its streams a chain without gaps.

Appending is idempotent for events (by their key) and safe to repeat for all: after a commit whose answer was lost the
writer looks at what is there before it writes again. What it returns from is durable.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database, DatabaseUnavailable
from gateway.ledger.personal import Vault
from gateway.ledger.records import (
    NO_RECORD,
    Change,
    Look,
    NewEvent,
    RecordRef,
    Sealed,
    Stream,
    change_fields,
    columns_of,
    content_digest,
    event_fields,
    links_of,
    look_fields,
    read_body,
    write_body,
)
from gateway.ledger.tables import ACCESS_ABOUT, CASE_EVENT, RECORDS, WRITER

__all__ = ["Appended", "Writer", "now_us"]

log = structlog.get_logger("gateway.ledger")

ATTEMPTS = 3
"""Of one append, where another writer is faster with the same events; a lost connection is tried once again."""

BREATH = 50
"""Records made ready before the event loop may turn to others."""

Fields = dict[str, Any]
AppendState = Literal["new", "repeated", "changed"]


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of an event. state: new; repeated (it is there already); changed (the system tells the same event
    otherwise: appended beside the first, which it supersedes)."""

    key: str
    state: AppendState
    ref: RecordRef | None = None


@dataclass(slots=True)
class _Chain:
    """Where a stream ends. seen: false after a commit that may or may not have happened."""

    stream: Stream
    seq: int = 0
    leaf: str = NO_RECORD
    seen: bool = True
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_Write = Callable[[AsyncConnection, _Chain], Awaitable[list[Sealed]]]
"""Looks, in the transaction, at what is to be written, and gives it ready, in the chain's order."""
_Prepare = Callable[[_Chain], Awaitable[None]]
"""What can be done for it before the transaction, at each try."""


class Writer:
    """All records of one process. Not shared between event loops."""

    def __init__(
        self,
        database: Database,
        vault: Vault | None = None,
        *,
        name: str | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self.name = name or secrets.token_hex(8)
        self.database, self._vault, self._clock = database, vault, clock
        self._chains = {stream: _Chain(stream) for stream in Stream}
        self._started = False
        self._starting = asyncio.Lock()
        self.on_events: Callable[[], Awaitable[None]] | None = None
        """Called when new events are durable."""

    @property
    def heads(self) -> dict[str, int]:
        """Stream -> number of its last record."""
        return {chain.stream.table: chain.seq for chain in self._chains.values()}

    async def append_events(self, events: Sequence[NewEvent]) -> list[Appended]:
        """In their order, one result each, all or none. Raises DatabaseUnavailable, NotCanonicalError."""
        contents = [content_digest(event) for event in events]
        results: list[Appended] = []
        sealed: list[Sealed] = []
        personal: list[NewEvent] = []

        async def prepare(chain: _Chain) -> None:
            """Before the transaction, as looks wait for SQLite's one write lock meanwhile. An event that another writer
            appends in between breaks the key's uniqueness, and all of it is done again."""
            for kept in (results, sealed, personal):
                kept.clear()
            async with self.database.read() as connection:
                known = await _known(connection, events, contents)
            for number, (event, content) in enumerate(zip(events, contents, strict=True), 1):
                if number % BREATH == 0:
                    await asyncio.sleep(0)
                key, state, fields = _placed(event, content, known)
                if fields is None:
                    results.append(Appended(key, state))
                    continue
                sealed.append(self._sealed(chain, sealed, fields))
                results.append(Appended(key, state, sealed[-1].ref))
                if event.subject and event.personal:
                    personal.append(event)

        async def write(connection: AsyncConnection, _chain: _Chain) -> list[Sealed]:
            if self._vault is not None:
                for event in personal:
                    await self._vault.put(connection, event.subject or "", event.personal)
            return sealed

        if events and await self._append(Stream.CASE_EVENT, write, prepare) and self.on_events is not None:
            await self.on_events()
        return results

    async def append_looks(self, looks: Sequence[Look]) -> list[RecordRef]:
        """All or none. Raises DatabaseUnavailable, NotCanonicalError."""
        return await self._append_all(Stream.ACCESS_RECORD, [look_fields(look) for look in looks])

    async def append_changes(self, changes: Sequence[Change]) -> list[RecordRef]:
        """All or none. Raises DatabaseUnavailable, NotCanonicalError."""
        return await self._append_all(Stream.CHANGE_RECORD, [change_fields(change) for change in changes])

    async def append_with(self, work: Callable[[AsyncConnection], Awaitable[Change]]) -> RecordRef:
        """Does something and records it as a change, in one transaction. `work` may be called again."""

        async def one(connection: AsyncConnection) -> list[Change]:
            return [await work(connection)]

        return (await self.append_all_with(one))[0]

    async def append_all_with(
        self, work: Callable[[AsyncConnection], Awaitable[Sequence[Change]]]
    ) -> list[RecordRef]:
        """As `append_with`, for any number of changes, none as well."""

        async def write(connection: AsyncConnection, chain: _Chain) -> list[Sealed]:
            sealed: list[Sealed] = []
            for change in await work(connection):
                sealed.append(self._sealed(chain, sealed, change_fields(change)))
            return sealed

        return [one.ref for one in await self._append(Stream.CHANGE_RECORD, write)]

    async def heartbeat(self) -> None:
        """Says that this writer lives and where its streams end, so that a cut tail is noticed."""
        await self.append_changes(
            [Change("writer.heartbeat", target=self.name, detail={"heads": self.heads})]
        )
        async with self.database.write() as connection:
            await connection.execute(
                update(WRITER).where(WRITER.c.writer == self.name).values(seen_us=self._clock(), ended=False)
            )

    async def end(self) -> None:
        """The writer's last record: whatever follows is not its own."""
        if not self._started:
            return
        await self.append_changes([Change("writer.ended", target=self.name, detail={"heads": self.heads})])
        async with self.database.write() as connection:
            await connection.execute(update(WRITER).where(WRITER.c.writer == self.name).values(seen_us=0))

    # --- one append ---

    async def _append_all(self, stream: Stream, rows: Sequence[Fields]) -> list[RecordRef]:
        async def write(_connection: AsyncConnection, chain: _Chain) -> list[Sealed]:
            sealed: list[Sealed] = []
            for fields in rows:
                sealed.append(self._sealed(chain, sealed, fields))
            return sealed

        return [one.ref for one in await self._append(stream, write)] if rows else []

    async def _append(self, stream: Stream, write: _Write, prepare: _Prepare | None = None) -> list[Sealed]:
        await self._start()
        chain = self._chains[stream]
        async with chain.turn:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await self._try(chain, write, prepare)
                except DatabaseUnavailable:
                    if attempt > 1 or not chain.seen:
                        raise
                except IntegrityError:
                    # another writer appended one of these events in between: the next look finds it
                    if attempt == ATTEMPTS:
                        raise
        raise AssertionError("unreachable")

    async def _try(self, chain: _Chain, write: _Write, prepare: _Prepare | None = None) -> list[Sealed]:
        if not chain.seen:
            await self._look_again(chain)
        if prepare is not None:
            await prepare(chain)
        sealed: list[Sealed] = []
        try:
            urgent = chain.stream is Stream.ACCESS_RECORD  # an answer waits for it
            async with self.database.write(urgent=urgent) as connection:
                sealed = await write(connection, chain)
                chain.seen = not sealed
                await _insert(connection, chain.stream, sealed)
        except IntegrityError:
            chain.seen = True  # refused whole: nothing of it is there
            raise
        except DatabaseUnavailable:
            if chain.seen:
                raise
            await self._look_again(chain)
            if (chain.seq, chain.leaf) == (sealed[-1].ref.seq, sealed[-1].leaf.hex()):
                return sealed
            raise
        if sealed:
            chain.seq, chain.leaf, chain.seen = sealed[-1].ref.seq, sealed[-1].leaf.hex(), True
        return sealed

    async def _look_again(self, chain: _Chain) -> None:
        """After a commit that may have happened: where the stream really ends."""
        table = RECORDS[chain.stream]
        last = select(table.c.seq, table.c.leaf).where(table.c.writer == self.name)
        async with self.database.read() as connection:
            row = (await connection.execute(last.order_by(table.c.seq.desc()).limit(1))).first()
        if row is not None and row.seq >= chain.seq:
            chain.seq, chain.leaf = row.seq, row.leaf.hex()
        elif chain.seq:
            # never number a second record like one that was acknowledged: the gap is what a check will find
            log.error("records of this writer are gone", writer=self.name, stream=chain.stream.table)
        chain.seen = True

    def _sealed(self, chain: _Chain, before: Sequence[Sealed], fields: Fields) -> Sealed:
        seq = chain.seq + len(before) + 1
        previous = before[-1].leaf.hex() if before else chain.leaf
        return write_body(RecordRef(chain.stream, self.name, seq), self._clock(), previous, fields)

    async def _start(self) -> None:
        """Once: the sealer learns of this writer, and the trail of its beginning."""
        if self._started:
            return
        async with self._starting:
            if self._started:
                return
            chain = self._chains[Stream.CHANGE_RECORD]

            async def write(connection: AsyncConnection, chain: _Chain) -> list[Sealed]:
                await self._enter(connection)
                fields = change_fields(Change("writer.started", target=self.name))
                return [self._sealed(chain, [], fields)] if chain.seq == 0 else []

            await self._try(chain, write)
            self._started = True

    async def _enter(self, connection: AsyncConnection) -> None:
        there = await connection.scalar(select(WRITER.c.writer).where(WRITER.c.writer == self.name))
        if there is None:
            row = {"writer": self.name, "seen_us": self._clock(), "ended": False}
            await connection.execute(insert(WRITER).values(row))


async def _insert(connection: AsyncConnection, stream: Stream, sealed: Sequence[Sealed]) -> None:
    if not sealed:
        return
    rows: list[Fields] = []
    links: list[Fields] = []
    for one in sealed:
        rows.append({**columns_of(stream, one.value), "leaf": one.leaf, "body": one.body})
        if stream is Stream.ACCESS_RECORD:
            place = {"at_us": one.value["at"], "writer": one.ref.writer, "seq": one.ref.seq}
            links += [{"kind": kind, "ref": ref, **place} for kind, ref in links_of(one.value["record"])]
    await connection.execute(insert(RECORDS[stream]), rows)
    if links:
        await connection.execute(insert(ACCESS_ABOUT), links)


async def _known(
    connection: AsyncConnection, events: Sequence[NewEvent], contents: Sequence[str]
) -> dict[tuple[str, str], str]:
    """(system, key) -> content of those of these events that are there, under either of their keys."""
    wanted: dict[str, set[str]] = {}
    for event, content in zip(events, contents, strict=True):
        wanted.setdefault(event.system, set()).update(_keys(event, content))
    known: dict[tuple[str, str], str] = {}
    for system, keys in wanted.items():
        rows = await connection.execute(
            select(CASE_EVENT.c.event_key, CASE_EVENT.c.body).where(
                CASE_EVENT.c.system == system, CASE_EVENT.c.event_key.in_(sorted(keys))
            )
        )
        known |= {(system, row.event_key): read_body(row.body)["record"]["content"] for row in rows}
    return known


def _keys(event: NewEvent, content: str) -> tuple[str, str]:
    """The key of an event, and the one it has where it corrects what is there under the first."""
    key = event.key or content
    return key, f"{key}~{content[:16]}"


def _placed(
    event: NewEvent, content: str, known: dict[tuple[str, str], str]
) -> tuple[str, AppendState, Fields | None]:
    """Its key, what becomes of it, and its fields where it is to be written. Enters it into `known`."""
    first, other = _keys(event, content)
    there = known.get((event.system, first))
    if there is None:
        known[event.system, first] = content
        return first, "new", event_fields(event, key=first, content=content)
    if there == content:
        return first, "repeated", None
    if (event.system, other) in known:
        return other, "repeated", None
    known[event.system, other] = content
    return other, "changed", event_fields(event, key=other, content=content, supersedes=first)
