"""An outbox in this process: for tests and for trying out. Nothing of it survives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from adapters.submission.row import IN_FLIGHT, Submission
from schema.vocabulary import SubmissionState

__all__ = ["MemoryOutbox"]


class MemoryOutbox:
    """`adapters.submission.outbox.Outbox` over a dict."""

    def __init__(self) -> None:
        self.rows: dict[int, Submission] = {}

    async def record(self, new: Submission, *also: Submission) -> tuple[Submission, bool]:
        for row in self.rows.values():
            if (row.owner, row.key_hash) == (new.owner, new.key_hash):
                return row, False
        made = replace(new, id=len(self.rows) + 1, version=1)
        self.rows[made.id] = made
        for one in also:
            further = replace(one, id=len(self.rows) + 1, version=1)
            self.rows[further.id] = further
        return made, True

    async def swap(self, old: Submission, new: Submission) -> Submission | None:
        if self.rows[old.id].version != old.version:
            return None
        if new.state in IN_FLIGHT and any(
            row.lane == new.lane and row.state in IN_FLIGHT and row.id != new.id for row in self.rows.values()
        ):
            return None
        self.rows[old.id] = replace(new, id=old.id, version=old.version + 1)
        return self.rows[old.id]

    async def due(self, now: int, limit: int, *, token: str | None = None) -> Sequence[Submission]:
        rows = sorted(self.rows.values(), key=lambda row: row.id)
        found = [
            row
            for row in rows
            if not row.settled
            and token in (None, row.token)
            and row.state is not SubmissionState.NEEDS_PERSON
            and row.next_at <= now
            and row.lease_until <= now
            and not any(
                other.lane == row.lane
                and other.id != row.id
                and not other.settled
                and (other.id < row.id or other.state in IN_FLIGHT)
                for other in rows
            )
        ]
        return sorted(found, key=lambda row: row.next_at)[:limit]

    async def by_token(self, token: str) -> Submission | None:
        return next((row for row in self.rows.values() if row.token == token), None)

    async def filed_as(self, system: str, number: str) -> Submission | None:
        for row in self.rows.values():
            if (row.system, row.operation, row.number) == (system, "submit", number):
                return row
        return None

    async def taken_numbers(self, system: str, numbers: Collection[str]) -> frozenset[str]:
        return frozenset(
            row.number
            for row in self.rows.values()
            if row.system == system and row.operation == "submit" and row.number in numbers and row.number
        )

    async def last_in_lane(self, lane: str) -> Submission | None:
        rows = [row for row in self.rows.values() if row.lane == lane]
        return max(rows, key=lambda row: row.id) if rows else None

    async def listed(
        self, *, states: Collection[SubmissionState] = (), system: str | None = None, limit: int = 100
    ) -> Sequence[Submission]:
        rows = sorted(self.rows.values(), key=lambda row: -row.id)
        return [
            row
            for row in rows
            if (not states or row.state in states) and (system is None or row.system == system)
        ][:limit]

    async def purge(self, settled_before: int) -> int:
        gone = [
            row.id
            for row in self.rows.values()
            if row.settled_at is not None and row.settled_at < settled_before
        ]
        for one in gone:
            del self.rows[one]
        return len(gone)
