"""The database of a gateway: short transactions over SQLite (WAL) or PostgreSQL, with faults translated once.

Two ways in, the same on both: `read()` and `write()`. On SQLite a write takes the one write lock at its beginning,
so that it never fails half-way for a lock; on PostgreSQL it is an ordinary transaction. It keeps no state but a pool:
after a fault the next use connects anew.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.database.address import Address, Kind, address_of
from gateway.database.errors import DatabaseUnavailable
from gateway.database.write_turn import WriteTurn

__all__ = ["Database", "DatabaseHealth", "open_database"]

log = structlog.get_logger("gateway.database")

BUSY_MS = 5000
"""How long a SQLite writer waits for another one."""
CONNECT_S = 3.0
COMMAND_S = 10.0
PING_S = 1.0

_SQLITE_FAULTS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_POSTGRES_FAULTS = ("08", "25006", "28", "3D", "53", "57P", "58", "55P03", "57014")
"""SQLSTATE classes and codes: connection, read-only, login, no such database, resources, operator, system, lock."""


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """up: the last use went well and it answers now; fault: why not; ms: how long the answer took."""

    kind: Kind
    up: bool
    fault: str | None = None
    ms: float | None = None

    def report(self) -> dict[str, Any]:
        """For /health/ready."""
        found: dict[str, Any] = {"status": "up" if self.up else "down", "kind": self.kind}
        if self.fault:
            found |= {"code": DatabaseUnavailable.code, "fault": self.fault}
        if self.ms is not None:
            found["ms"] = self.ms
        return found


class Database:
    """One pool. Made by `open_database`, closed by `close`; needs a running event loop only when used."""

    def __init__(self, address: Address, engine: AsyncEngine, writing: AsyncEngine | None = None) -> None:
        """writing: a pool of its own for writes."""
        self.address = address
        self.engine = engine
        self._writers = writing or engine
        self._writing = self._writers.execution_options(quanyu_begin="BEGIN IMMEDIATE")
        self._write_fault: str | None = None
        self._turn = WriteTurn(address.file, BUSY_MS / 1000) if address.file is not None else None

    @property
    def kind(self) -> Kind:
        return self.address.kind

    @property
    def fault(self) -> str | None:
        """Why the last write failed, None where it went well."""
        return self._write_fault

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees one state. Raises DatabaseUnavailable."""
        async with self._translated(), self.engine.begin() as connection:
            if self.kind == "postgresql":
                await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @asynccontextmanager
    async def write(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction, durable when the block has been left; rolled back where it raises. urgent: an answer waits
        for it, so on SQLite it goes before others of this process.

        Raises DatabaseUnavailable. A commit whose answer was lost raises it too: what was written may be there, so
        writers use keys that make a second try harmless.
        """
        try:
            turn = self._turn.take(urgent=urgent) if self._turn is not None else nullcontext()
            async with self._translated(), turn, self._writing.begin() as connection:
                yield connection
        except DatabaseUnavailable as error:
            if self._write_fault is None:
                log.warning("database cannot be written", database=self.address.shown, fault=str(error))
            self._write_fault = str(error)
            raise
        if self._write_fault is not None:
            log.info("database can be written again", database=self.address.shown)
            self._write_fault = None

    async def health(self) -> DatabaseHealth:
        """Asks it for one value, within a second. A write that failed keeps it down until one goes well."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PING_S), self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except TimeoutError:
            return DatabaseHealth(self.kind, up=False, fault=f"no answer within {PING_S:g} s")
        except DatabaseUnavailable as error:
            return DatabaseHealth(self.kind, up=False, fault=str(error))
        ms = round((time.perf_counter() - started) * 1000, 1)
        return DatabaseHealth(self.kind, self._write_fault is None, self._write_fault, ms)

    async def close(self) -> None:
        await self.engine.dispose()
        await self._writers.dispose()
        if self._turn is not None:
            self._turn.close()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout, OSError) as error:
            fault = _fault(error)
            if fault is None:
                raise
            raise DatabaseUnavailable(f"{self.address.shown}: {fault}") from error


def open_database(database_url: str, data_dir: Path, *, pool: int = 5) -> Database:
    """Opens nothing yet: the first use connects. pool: most connections at once. Raises DatabaseUrlInvalid."""
    address = address_of(database_url, data_dir)
    if address.kind == "sqlite":
        # writes come one at a time, and must not wait for a connection behind readers
        return Database(address, _sqlite_engine(address, pool), _sqlite_engine(address, 1))
    engine = create_async_engine(
        address.url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=CONNECT_S,
        pool_pre_ping=True,  # a server that was restarted costs nobody an error
        connect_args={"timeout": CONNECT_S, "command_timeout": COMMAND_S},
    )
    return Database(address, engine)


def _sqlite_engine(address: Address, pool: int) -> AsyncEngine:
    engine = create_async_engine(
        address.url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=CONNECT_S,
        # the driver's own transactions are off: `_begin_sqlite` below says when one starts, and how
        connect_args={"isolation_level": None, "timeout": BUSY_MS / 1000},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "invalidate", _let_go)
    return engine


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL may lose the last commits with the power; what was acknowledged must stay
        "foreign_keys = ON",
        "recursive_triggers = ON",  # or INSERT OR REPLACE would delete past the triggers that refuse it
        f"busy_timeout = {BUSY_MS}",
        "cache_size = -16384",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _let_go(connection: Any, _entry: ConnectionPoolEntry, _error: BaseException | None) -> None:
    """Ends the transaction of a connection that is thrown away, as after a cancelled statement.

    Closing is not enough: SQLite keeps a closed connection, and its write lock, for as long as any cursor of it has
    rows to give (sqlite.org/c3ref/close.html), and a cancelled task's traceback may hold one for a long time.
    """
    # cancelled once more: the driver's thread has the rollback in its queue, before the close that follows
    with suppress(DBAPIError, sqlite3.Error, ValueError, asyncio.CancelledError):
        connection.rollback()


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("quanyu_begin", "BEGIN"))


def _fault(error: BaseException) -> str | None:
    """In a few words, where it is the database's state that is at fault; None where it is what was asked of it."""
    if isinstance(error, PoolTimeout):
        return "no connection became free in time"
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if not isinstance(error, DBAPIError):
        return None
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        return str(cause) if code & 0xFF in _SQLITE_FAULTS else None
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return f"{state} {_first_line(cause)}" if state.startswith(_POSTGRES_FAULTS) else None
    # no code at all: the driver itself lost the connection
    lost = error.connection_invalidated or isinstance(error, InterfaceError | OperationalError)
    return _first_line(cause) if lost else None


def _first_line(cause: BaseException | None) -> str:
    lines = str(cause).splitlines()
    # SQLAlchemy's shim puts the driver's class before the text: "<class 'asyncpg...'>: connection is closed"
    return lines[0].rpartition(">: ")[2] if lines else "connection lost"
