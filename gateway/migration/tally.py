"""Counts of one process, added to the database in batches. What is lost with a process is at most one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.mapping.dates import NETWORK_OFFSET
from gateway.database import Database, DatabaseUnavailable
from gateway.migration.tables import COUNT, SAMPLE, USAGE

__all__ = ["DAY_US", "LATENCIES_MS", "OFFSET_US", "OTHER", "Tally", "latency_name"]

Key = tuple[str, str, int, str, str]
"""system, mapping, bucket_us, scope, name."""
UsageKey = tuple[str, str, str, str, str, str]
"""day, system, field, client, version, operation."""
AnswerKey = tuple[int, str, str, str, tuple[str, ...], tuple[tuple[str, str], ...], bool]
"""day (number since 1970), client, version, operation, fields, (system, how it answered), failed."""

LATENCIES_MS = (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
OTHER = "(other)"
"""Stands for callers beyond MOST_KEYS: a client that changes its name with each request must not fill the memory."""

DAY_US = 86_400_000_000
OFFSET_US = int(NETWORK_OFFSET.utcoffset(None).total_seconds()) * 1_000_000
"""A day is one of the network's clock."""
LONGEST = 80
MOST_ANSWERS = 500
MOST_KEYS = 20_000
ROWS_AT_ONCE = 500


def latency_name(ms: float) -> str:
    """The bucket of a latency: "ms:20" for what took up to 20 ms."""
    return next((f"ms:{limit}" for limit in LATENCIES_MS if ms <= limit), "ms:inf")


@dataclass(slots=True)
class Tally:
    """One event loop; `flush` by one task."""

    database: Database
    counts: dict[Key, list[int]] = field(default_factory=dict)
    """Key -> n, first_us, last_us."""
    samples: dict[tuple[str, str, str, int], dict[str, Any]] = field(default_factory=dict)
    usage: dict[UsageKey, list[int]] = field(default_factory=dict)
    """Key -> calls, errors, last_us."""
    answers: dict[AnswerKey, list[int]] = field(default_factory=dict)
    """Key -> n, last_us; one entry an answer, in place of one for each of its fields, until it is written."""

    def add(self, key: Key, at_us: int, n: int = 1) -> None:
        found = self.counts.get(key)
        if found is None:
            if len(self.counts) >= MOST_KEYS:
                return
            self.counts[key] = [n, at_us, at_us]
        else:
            found[0] += n
            found[2] = at_us

    def add_answer(self, key: AnswerKey, at_us: int) -> None:
        found = self.answers.get(key)
        if found is not None:
            found[0] += 1
            found[1] = at_us
            return
        if len(self.answers) >= MOST_ANSWERS:
            self._spread_answers()
        self.answers[key] = [1, at_us]

    def _spread_answers(self) -> None:
        """To the fields and systems that they are counted by."""
        answers, self.answers = self.answers, {}
        for (number, client, version, operation, fields, systems, failed), (n, at_us) in answers.items():
            day = (date(1970, 1, 1) + timedelta(days=number)).isoformat()
            who = (_short(client) or "(unnamed)", _short(version), _short(operation))
            for name in fields:
                self.add_usage((day, "", name, *who), at_us, failed=failed, n=n)
            for system, status in systems:
                bad = status not in ("OK", "CACHED", "STALE")
                self.add_usage((day, system, "", *who), at_us, failed=bad, n=n)

    def add_usage(self, key: UsageKey, at_us: int, *, failed: bool, n: int = 1) -> None:
        found = self.usage.get(key)
        if found is None:
            if len(self.usage) >= MOST_KEYS:
                key = (*key[:3], OTHER, "", "")
            found = self.usage.setdefault(key, [0, 0, at_us])
        found[0] += n
        found[1] += n if failed else 0
        found[2] = at_us

    def keep_sample(self, place: tuple[str, str, str, int], row: Mapping[str, Any]) -> None:
        self.samples[place] = dict(row)

    async def flush(self) -> None:
        """Writes what there is. Raises DatabaseUnavailable, and then keeps it for the next time."""
        self._spread_answers()
        if not (self.counts or self.samples or self.usage):
            return
        counts, self.counts = self.counts, {}
        samples, self.samples = self.samples, {}
        usage, self.usage = self.usage, {}
        try:
            async with self.database.write() as connection:
                await self._write(connection, counts, samples, usage)
        except DatabaseUnavailable:
            self._take_back(counts, samples, usage)
            raise

    async def _write(
        self,
        connection: AsyncConnection,
        counts: Mapping[Key, list[int]],
        samples: Mapping[tuple[str, str, str, int], Mapping[str, Any]],
        usage: Mapping[UsageKey, list[int]],
    ) -> None:
        named = ("system", "mapping", "bucket_us", "scope", "name")
        rows = [
            dict(zip(named, key, strict=True)) | {"n": n, "first_us": first, "last_us": last}
            for key, (n, first, last) in sorted(counts.items())
        ]
        await self._upsert(connection, COUNT, rows, added=("n",), newest=("last_us",))
        rows = [
            dict(zip(("day", "system", "field", "client", "version", "operation"), key, strict=True))
            | {"calls": calls, "errors": errors, "last_us": last}
            for key, (calls, errors, last) in sorted(usage.items())
        ]
        await self._upsert(connection, USAGE, rows, added=("calls", "errors"), newest=("last_us",))
        rows = [
            dict(zip(("system", "mapping", "path", "slot"), place, strict=True)) | dict(row)
            for place, row in sorted(samples.items())
        ]
        await self._upsert(connection, SAMPLE, rows, newest=("outcome", "number", "old", "new", "at_us"))

    async def _upsert(
        self,
        connection: AsyncConnection,
        table: Table,
        rows: list[dict[str, Any]],
        *,
        added: tuple[str, ...] = (),
        newest: tuple[str, ...] = (),
    ) -> None:
        """Any: the two dialects' inserts have no common type. Rows in the order of their keys, so that two processes
        never wait for each other in a circle."""
        dialect: Any = postgresql.insert if self.database.kind == "postgresql" else sqlite.insert
        for start in range(0, len(rows), ROWS_AT_ONCE):
            statement = dialect(table).values(rows[start : start + ROWS_AT_ONCE])
            fresh = statement.excluded
            changed: dict[str, Any] = {name: table.c[name] + fresh[name] for name in added}
            changed |= {name: fresh[name] for name in newest}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
            )

    def _take_back(
        self,
        counts: Mapping[Key, list[int]],
        samples: Mapping[tuple[str, str, str, int], dict[str, Any]],
        usage: Mapping[UsageKey, list[int]],
    ) -> None:
        for key, (n, first, last) in counts.items():
            found = self.counts.setdefault(key, [0, first, last])
            found[0] += n
        for place, row in samples.items():
            self.samples.setdefault(place, row)
        for one, (calls, errors, last) in usage.items():
            held = self.usage.setdefault(one, [0, 0, last])
            held[0] += calls
            held[1] += errors


def _short(text: str) -> str:
    return "".join(sign for sign in text[:LONGEST] if sign.isprintable())
