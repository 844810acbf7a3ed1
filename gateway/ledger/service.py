"""The ledger of one process: its writer and recorder, and the tasks that seal, witness and send heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from gateway.database import Database, DatabaseUnavailable
from gateway.ledger.checkpoint import read_checkpoint
from gateway.ledger.errors import TrailRolledBack, WitnessRefused
from gateway.ledger.keys import LedgerKeys
from gateway.ledger.personal import Vault
from gateway.ledger.read import LedgerReader
from gateway.ledger.recorder import LookRecorder
from gateway.ledger.sealer import LEASE_S, Sealer
from gateway.ledger.tables import CHECKPOINT, COSIGNATURE
from gateway.ledger.tree_store import TreeStore
from gateway.ledger.witness import Witness
from gateway.ledger.writer import Writer

__all__ = ["Ledger", "LedgerMetrics"]

log = structlog.get_logger("gateway.ledger")

SEAL_S = 1.0
HEARTBEAT_S = 60.0
WITNESS_S = 10.0


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
    ) -> None:
        self.database, self.keys = database, keys
        self.vault = Vault(keys.master)
        self.writer = Writer(database, self.vault)
        self.reader = LedgerReader(database)
        self.recorder = LookRecorder(self.writer.append_looks)
        self.sealer = Sealer(database, keys.signer, self.writer.name, lease_s=lease_s)
        self._witnesses, self._metrics = tuple(witnesses), metrics
        self._periods = {"seal": seal_s, "heartbeat": heartbeat_s, "witness": witness_s}
        self._faults: dict[str, str] = {}
        self._witnessed = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.recorder.start()
        work = {"seal": self.seal_all, "heartbeat": self.writer.heartbeat}
        if self._witnesses:
            work["witness"] = self.witness_newest
        self._tasks = [
            asyncio.create_task(self._every(name, self._periods[name], what)) for name, what in work.items()
        ]

    async def stop(self) -> None:
        """What waits is written and sealed, and the writer says that it ends; where the database is away, not."""
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
            if done is not None and self._metrics is not None:
                self._metrics.sealed(done.checkpoint.size, done.checkpoint.size - done.start)

    async def witness_newest(self) -> None:
        """Shows the newest checkpoint to each witness and keeps what they sign."""
        note = await self.reader.newest_checkpoint()
        if note is None:
            return
        size = read_checkpoint(note, None).size
        if size == self._witnessed:
            return
        for witness in self._witnesses:
            line = await witness.see(note, self._consistency)
            await self._keep(size, witness.name, line)
        self._witnessed = size

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

    async def _every(self, name: str, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """Goes on after every fault; each is told once, and its end."""
        while True:
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
            await asyncio.sleep(period_s)


def _told(error: Exception) -> str:
    """Its code, where it has one, and its first line."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    code = getattr(error, "code", None)
    return f"{code}: {text}" if isinstance(code, str) and code.isupper() else text
