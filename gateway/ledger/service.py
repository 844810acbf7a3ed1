"""The ledger of one process: its writer and recorder, and the tasks that seal, witness and send heartbeats.

New events are told of twice, by a bell that carries no data: when they are durable, so that whichever process seals does
so at once, and when they are sealed, so that whoever follows the trail reads on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from cache.pubsub import EmbeddedPubSub, PubSub
from gateway.database import Database, DatabaseUnavailable
from gateway.ledger.checkpoint import read_checkpoint
from gateway.ledger.errors import TrailRolledBack, WitnessRefused
from gateway.ledger.keys import LedgerKeys
from gateway.ledger.personal import Vault
from gateway.ledger.read import LedgerReader
from gateway.ledger.recorder import WAIT_S, LookRecorder
from gateway.ledger.sealer import LEASE_S, Sealer
from gateway.ledger.tables import CHECKPOINT, COSIGNATURE
from gateway.ledger.tree_store import TreeStore
from gateway.ledger.witness import Witness
from gateway.ledger.writer import Writer

__all__ = ["APPENDED", "SEALED", "Ledger", "LedgerMetrics"]

log = structlog.get_logger("gateway.ledger")

SEAL_S = 1.0
HEARTBEAT_S = 60.0
WITNESS_S = 10.0
SOONEST_S = 0.1
"""Between two seals, however many events come."""
SHARE = 5
"""A seal that took long is followed by this many times as long a pause, as far as the bell goes."""
APPENDED, SEALED = "ledger.appended", "ledger.sealed"
"""Channels of the bell."""


class LedgerMetrics(Protocol):
    def sealed(self, size: int, records: int) -> None: ...


class Ledger:
    """Use: `start()`, then `writer.append_events`, `recorder.record`, `reader`; `stop()`."""

    def __init__(
        self,
        database: Database,
        keys: LedgerKeys,
        *,
        witnesses: Sequence[Witness] = (),
        metrics: LedgerMetrics | None = None,
        seal_s: float = SEAL_S,
        heartbeat_s: float = HEARTBEAT_S,
        witness_s: float = WITNESS_S,
        lease_s: float = LEASE_S,
        bell: PubSub | None = None,
        look_wait_s: float = WAIT_S,
    ) -> None:
        self.bell = bell or EmbeddedPubSub()
        self._appended = asyncio.Event()
        self._stop_listening: Callable[[], None] = lambda: None
        self.database, self.keys = database, keys
        self.vault = Vault(keys.master)
        self.writer = Writer(database, self.vault)
        self.reader = LedgerReader(database)
        self.recorder = LookRecorder(self.writer.append_looks, wait_s=look_wait_s)
        self.sealer = Sealer(database, keys.signer, self.writer.name, lease_s=lease_s)
        self._witnesses, self._metrics = tuple(witnesses), metrics
        self._periods = {"seal": seal_s, "heartbeat": heartbeat_s, "witness": witness_s}
        self._faults: dict[str, str] = {}
        self._witnessed: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.recorder.start()
        self.writer.on_events = self._ring
        self._stop_listening = self.bell.listen(APPENDED, lambda _message: self._appended.set())
        work = {"heartbeat": self.writer.heartbeat}
        if self._witnesses:
            work["witness"] = self.witness_newest
        self._tasks = [
            asyncio.create_task(self._every(name, self._periods[name], what)) for name, what in work.items()
        ]
        self._tasks.append(asyncio.create_task(self._sealing()))

    async def stop(self) -> None:
        """What waits is written and sealed, and the writer says that it ends; where the database is away, not."""
        self._stop_listening()
        await self.recorder.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self.writer.end()
            await self.seal_all()
            await self.sealer.give_up()
        except (DatabaseUnavailable, TrailRolledBack, DBAPIError) as error:
            log.warning("the ledger ended without its last record", fault=str(error))

    async def seal_all(self) -> None:
        """Checkpoints until nothing new is left."""
        more = True
        while more:
            done = await self.sealer.seal()
            more = done is not None and done.more
            if done is None:
                continue
            await self.bell.publish(SEALED, b"%d" % done.checkpoint.size)
            if self._metrics is not None:
                self._metrics.sealed(done.checkpoint.size, done.checkpoint.size - done.start)

    async def witness_newest(self) -> None:
        """Shows the newest checkpoint to each witness and keeps what they sign. One that fails costs the others nothing.

        Raises the first fault, when all have been asked."""
        note = await self.reader.newest_checkpoint()
        if note is None:
            return
        size = read_checkpoint(note, None).size
        faults: list[Exception] = []
        for witness in self._witnesses:
            if self._witnessed.get(witness.name) == size:
                continue
            try:
                line = await witness.see(note, self._consistency)
            except (WitnessRefused, OSError) as error:
                faults.append(error)
                continue
            await self._keep(size, witness.name, line)
            self._witnessed[witness.name] = size
        if faults:
            raise faults[0]

    async def health(self) -> Mapping[str, Any]:
        """For /health/ready."""
        if self._faults:
            return {"status": "down", "fault": "; ".join(self._faults.values())}
        return {"status": "up", "queue": self.recorder.depth}

    async def _consistency(self, old: int, new: int) -> list[bytes]:
        async with self.database.read() as connection:
            return await TreeStore(connection).consistency(old, new)

    async def _keep(self, size: int, witness: str, line: str) -> None:
        row = {"size": size, "witness": witness, "line": line}
        async with self.database.write() as connection:
            there = await connection.scalar(
                select(CHECKPOINT.c.size)
                .join(COSIGNATURE, COSIGNATURE.c.size == CHECKPOINT.c.size)
                .where(COSIGNATURE.c.size == size, COSIGNATURE.c.witness == witness)
            )
            if there is None:
                await connection.execute(insert(COSIGNATURE).values(row))

    async def _ring(self) -> None:
        await self.bell.publish(APPENDED, b"")

    async def _sealing(self) -> None:
        """Each period, and soon after new events were appended, by whichever process."""
        loop = asyncio.get_running_loop()
        while True:
            self._appended.clear()
            started = loop.time()
            await self._guarded("seal", self.seal_all)
            took_s = loop.time() - started
            with suppress(TimeoutError):
                async with asyncio.timeout(self._periods["seal"]):
                    await self._appended.wait()
                    await asyncio.sleep(max(SOONEST_S, SHARE * took_s))

    async def _every(self, name: str, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._guarded(name, work)
            await asyncio.sleep(period_s)

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever goes wrong is told, once, and its end; the task goes on."""
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except (
            DatabaseUnavailable,
            TrailRolledBack,
            WitnessRefused,
            OSError,
            LookupError,
            DBAPIError,
        ) as error:
            fault = _told(error)
            if name not in self._faults:
                log.error("ledger task fails", task=name, fault=fault)
            self._faults[name] = f"{name}: {fault}"
        except Exception as error:  # a task of the ledger must not end silently
            log.exception("ledger task failed", task=name)
            self._faults[name] = f"{name}: {type(error).__name__}"
        else:
            if self._faults.pop(name, None) is not None:
                log.info("ledger task works again", task=name)


def _told(error: Exception) -> str:
    """Its code, where it has one, and its first line."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    code = getattr(error, "code", None)
    return f"{code}: {text}" if isinstance(code, str) and code.isupper() else text
