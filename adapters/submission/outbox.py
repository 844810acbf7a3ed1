"""The port to where submissions are kept. Durable: what a method has returned from survives the death of the process.

`gateway/outbox` keeps them in SQL, `memory.py` in this process for tests. Every change is a compare-and-swap on the
row's version, so any number of processes may work on one outbox.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from adapters.submission.row import Submission
from schema.vocabulary import SubmissionState

__all__ = ["Outbox", "OutboxUnavailable"]


class OutboxUnavailable(Exception):
    """The outbox cannot be written or read now; nothing is sent that it does not hold."""

    code = "OUTBOX_UNAVAILABLE"


class Outbox(Protocol):
    """All methods raise OutboxUnavailable."""

    async def record(self, new: Submission, *also: Submission) -> tuple[Submission, bool]:
        """The row of this owner and key, and whether it is new: of two at once one is, whatever the process. also:
        recorded with it, all or none."""
        ...

    async def swap(self, old: Submission, new: Submission) -> Submission | None:
        """`new` in place of `old`, with the next version; None where the row has changed since, or where another row of
        its lane is in flight and this one would be too."""
        ...

    async def due(self, now: int, limit: int, *, token: str | None = None) -> Sequence[Submission]:
        """Rows with something to do: not settled, their time come, no lease running, none before them in their lane.

        token: only that row, if it is one of them."""
        ...

    async def by_token(self, token: str) -> Submission | None: ...

    async def filed_as(self, system: str, number: str) -> Submission | None:
        """The application that became this case."""
        ...

    async def taken_numbers(self, system: str, numbers: Collection[str]) -> frozenset[str]:
        """Those that are some application's already."""
        ...

    async def last_in_lane(self, lane: str) -> Submission | None: ...

    async def listed(
        self, *, states: Collection[SubmissionState] = (), system: str | None = None, limit: int = 100
    ) -> Sequence[Submission]:
        """Newest first."""
        ...

    async def purge(self, settled_before: int) -> int:
        """Removes rows that were settled before; how many."""
        ...
