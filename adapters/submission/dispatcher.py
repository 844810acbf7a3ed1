"""Works off the outbox: sends what is recorded, looks for what has no answer, frees what a dead process left.

Any number of dispatchers, in any number of processes, may share one outbox: whoever swaps a row first has it, for the
time of a lease. A row whose lease has ended while it was being sent is never sent again but looked for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any, Protocol

from adapters.submission import states
from adapters.submission.outbox import Outbox, OutboxUnavailable
from adapters.submission.row import Submission
from adapters.submission.seal import BodySeal, SealBroken
from adapters.submission.sides import NoNumbers, Numbers, args_of_case, numbered
from adapters.submission.states import Found, Kind, Verdict
from adapters.submission.writer import Writer
from adapters.write_model import Reconcile
from schema.vocabulary import SubmissionState

__all__ = ["Dispatcher", "Lend", "SubmissionObserver", "wall_ms"]

_log = logging.getLogger(__name__)
Lend = Callable[[], AbstractContextManager[Mapping[str, Writer]]]
"""The writers of the generation in service, which stays open while they are used."""
AT_ONCE = 16
PURGE_EVERY_S = 3600.0


class _NotYet(Exception):
    """What it needs will come from another row."""


class SubmissionObserver(Protocol):
    def submission_changed(self, system: str, operation: str, state: str) -> None: ...


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Dispatcher:
    """holder: names this process in leases. lease_s: slack beyond twice the time that a call may take.

    mask: what is left of a system's own words. keep_s: how long settled rows stay.
    """

    def __init__(
        self,
        outbox: Outbox,
        lend: Lend,
        seal: BodySeal,
        *,
        holder: str,
        lease_s: float = 30.0,
        poll_s: float = 2.0,
        keep_s: float = 365 * 86400.0,
        mask: Callable[[str], str] = str,
        observer: SubmissionObserver | None = None,
        now: Callable[[], int] = wall_ms,
        numbers: Numbers | None = None,
    ) -> None:
        self.outbox, self.seal, self.holder, self.now = outbox, seal, holder, now
        self._lend, self._lease_s, self._poll_s, self._keep_s = lend, lease_s, poll_s, keep_s
        self._mask, self._observer = mask, observer
        self._numbers: Numbers = numbers if numbers is not None else NoNumbers()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._purged_at = 0.0

    def start(self) -> None:
        self._loop = asyncio.create_task(self._forever(), name="outbox dispatcher")

    async def stop(self, grace_s: float = 10.0) -> None:
        """Waits for what is under way, then cancels it: its rows are taken up when their leases end."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
        if self._running:
            _, late = await asyncio.wait(self._running.values(), timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def push(self, token: str) -> asyncio.Task[None]:
        """Works on one row now, if it is its turn; the task ends when this step is done."""
        running = self._running.get(token)
        return running if running is not None else self._start(token, self._turn(token))

    def running(self, token: str) -> asyncio.Task[None] | None:
        return self._running.get(token)

    async def round(self) -> int:
        """One look at what is due; waits for it and for what is under way already. How many rows were taken up."""
        tasks = await self._take_up()
        await asyncio.gather(*self._running.values(), *tasks, return_exceptions=True)
        return len(tasks)

    # --- which rows ---

    async def _forever(self) -> None:
        while True:
            self._wake.clear()
            try:
                taken = await self._take_up()
                await self._purge()
            except OutboxUnavailable as error:
                taken = []
                _log.warning("the outbox does not answer: %s", error)
            except Exception:  # the loop must outlive a fault of ours
                taken = []
                _log.exception("looking for due submissions failed")
            if len(taken) < AT_ONCE:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._poll_s)
            else:
                await asyncio.wait(taken, return_when=asyncio.FIRST_COMPLETED)

    async def _take_up(self) -> list[asyncio.Task[None]]:
        free = AT_ONCE - len(self._running)
        if free <= 0:
            return []
        rows = await self.outbox.due(self.now(), free)
        return [self._start(row.token, self._work(row)) for row in rows if row.token not in self._running]

    async def _purge(self) -> None:
        clock = time.monotonic()
        if self._purged_at and clock - self._purged_at < PURGE_EVERY_S:
            return
        self._purged_at = clock
        gone = await self.outbox.purge(self.now() - int(self._keep_s * 1000))
        if gone:
            _log.info("%d receipts were older than they are kept, and are gone", gone)

    def _start(self, token: str, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"submission {token}")
        self._running[token] = task
        task.add_done_callback(lambda _done: self._ended(token))
        return task

    def _ended(self, token: str) -> None:
        self._running.pop(token, None)
        self._wake.set()  # the next of its lane, or its own next step

    async def _turn(self, token: str) -> None:
        for row in await self.outbox.due(self.now(), 1, token=token):
            await self._work(row)

    # --- one row ---

    async def _work(self, row: Submission) -> None:
        try:
            with self._lend() as writers:
                await self._step(row, writers.get(row.system))
        except OutboxUnavailable as error:
            # what was sent is told by its row when the lease ends
            _log.warning("submission %s: the outbox does not answer: %s", row.token, error)
        except Exception:
            _log.exception("submission %s failed in the gateway", row.token)

    async def _step(self, row: Submission, writer: Writer | None) -> None:
        declared = writer.declared(row.operation) if writer is not None else None
        if writer is None or declared is None:
            later = replace(row, next_at=self.now() + 60_000)
            await self.outbox.swap(row, later)
            _log.warning("submission %s: %s declares no %s now", row.token, row.system, row.operation)
            return
        if row.state is SubmissionState.DISPATCHING:
            freed = await self._swap(row, states.left_behind(row, self.now()))
            if freed is None:
                return
            row = freed
        if row.state is SubmissionState.RECORDED and not await self._is_its_turn(row):
            return
        rule = declared.reconcile
        resend = rule is not None and rule.style == "resend"
        mine = await self._swap(
            row, states.claimed(row, self.holder, self.now(), self._lease_ms(writer, row), resend=resend)
        )
        if mine is None:
            return
        try:
            args = await self._arguments(mine)
        except _NotYet:
            await self._swap(mine, states.without_number(mine, self.now()))
            return
        except SealBroken as error:
            await self._swap(mine, states.needs_person(mine, self.now(), str(error)))
            return
        if args is None:
            note = "what it belongs to has no case number: it was refused, or its system gives none"
            await self._settle(mine, states.given_up(mine, self.now(), "SUBMISSION_WITHOUT_CASE", note))
        elif mine.state is SubmissionState.DISPATCHING:
            await self._send(mine, writer, args, rule)
        elif rule is None:
            note = "sent, no answer, and no `reconcile` is declared"
            await self._swap(mine, states.needs_person(mine, self.now(), note))
        else:
            await self._look(mine, writer, args, rule)

    async def _send(
        self, row: Submission, writer: Writer, args: Mapping[str, Any], rule: Reconcile | None
    ) -> None:
        known: tuple[str, ...] = row.known
        asks_first = rule is not None and rule.style == "query" and rule.verb == "cases" and rule.baseline
        if row.operation == "submit" and asks_first:
            found = await self._found(row, writer, args)
            if not found.certain:
                verdict = Verdict(Kind.NOT_TAKEN, f"what is there already cannot be asked: {found.note}")
                await self._swap(row, states.after_answer(row, verdict, self.now(), rule))
                return
            if row.first_sent_at is not None and len(found.numbers) == 1:  # it came after all
                verdict = Verdict(Kind.FILED, "found before it was sent again", found.numbers[0])
                await self._settle(row, states.after_answer(row, verdict, self.now(), rule))
                return
            known = (*known, *found.numbers)
        current = row

        async def before() -> bool:
            nonlocal current
            now = self.now()
            marked = states.about_to_send(current, now, known, now + self._lease_ms(writer, row))
            swapped = await self.outbox.swap(current, marked)
            if swapped is None:
                return False
            current = swapped
            return True

        verdict = await writer.send(row.operation, args, before=before)
        if verdict.reason is not None:
            verdict = replace(verdict, reason=self._mask(verdict.reason)[:500])
        await self._settle(current, states.after_answer(current, verdict, self.now(), rule))

    async def _look(self, row: Submission, writer: Writer, args: Mapping[str, Any], rule: Reconcile) -> None:
        found = await self._found(row, writer, args)
        await self._settle(row, states.after_query(row, found, self.now(), rule))

    async def _found(self, row: Submission, writer: Writer, args: Mapping[str, Any]) -> Found:
        """Without the numbers that are other submissions' already."""
        deadline = asyncio.get_running_loop().time() + 2 * writer.source.traffic.policy.timeout_s
        found = await writer.find(row, args, deadline=deadline, among=row.known)
        if not found.numbers:
            return found
        others = await self.outbox.taken_numbers(row.system, found.numbers)
        return replace(found, numbers=tuple(one for one in found.numbers if one not in others))

    async def _arguments(self, row: Submission) -> dict[str, Any] | None:
        """`$args` of its request; None where the submission that it follows has no number. Raises SealBroken."""
        if row.sealed is None:
            raise SealBroken("its body is gone")
        args: dict[str, Any] = self.seal.open(row.sealed, row.token)
        if row.follows is not None:
            followed = await self.outbox.by_token(row.follows)
            if followed is None or followed.number is None:
                return None
            args["case"] = {"number": followed.number}
        elif row.under is not None:
            args["case"] = {"number": await self._number_there(row, args_of_case(args))}
        return args

    # --- of a system that is being replaced ---

    async def _is_its_turn(self, row: Submission) -> bool:
        """Whether what it comes after is settled; else it is put off. Given up where that came to nothing."""
        if row.after is None:
            return True
        before = await self.outbox.by_token(row.after)
        if before is None or before.state is SubmissionState.FILED:
            return True
        if not before.settled:
            wait = min(max((self.now() - row.recorded_at) // 4, 500), 60_000)
            await self.outbox.swap(row, replace(row, next_at=self.now() + wait))
            return False
        if not row.is_second:  # no number could be reserved: it goes without one
            return True
        mine = await self._swap(row, states.claimed(row, self.holder, self.now(), int(self._lease_s * 1000)))
        if mine is not None:
            note = "the side that has the word refused it"
            await self._settle(mine, states.given_up(mine, self.now(), "SUBMISSION_REFUSED", note))
        return False

    async def _number_there(self, row: Submission, named: str | None) -> str | None:
        """The case's number at the system that the row goes to. Raises _NotYet where that is still to come."""
        if row.operation == "submit" and row.after is not None:
            before = await self.outbox.by_token(row.after)
            return (before.public or before.number) if before is not None else None
        if named is None or not row.mapped or row.system == row.under:
            return named
        number = await self._numbers.new_number(row.under or "", named)
        if number is None and row.is_second:
            raise _NotYet
        return number or named

    async def _settle(self, old: Submission, new: Submission) -> None:
        """As `_swap`; before a row is settled its numbers are bound, after it what waits for it is woken."""
        new = await numbered(self.outbox, self._numbers, old, new, self.now())
        swapped = await self._swap(old, new)
        if swapped is None or not swapped.settled or swapped.before is None:
            return
        waiting = await self.outbox.by_token(swapped.before)
        if waiting is not None and waiting.state is SubmissionState.RECORDED:
            await self.outbox.swap(waiting, replace(waiting, next_at=self.now()))
            self._wake.set()

    def _lease_ms(self, writer: Writer, row: Submission) -> int:
        longest_s = max(writer.timeout_s(row.operation), writer.source.traffic.policy.timeout_s)
        return int((2 * longest_s + self._lease_s) * 1000)

    async def _swap(self, old: Submission, new: Submission) -> Submission | None:
        swapped = await self.outbox.swap(old, new)
        if swapped is None:
            _log.warning("submission %s: another process has changed it; %s is dropped", old.token, new.state)
        elif swapped.state is not old.state:
            _log.info("submission %s (%s %s) is %s", old.token, old.system, old.operation, new.state)
            if self._observer is not None:
                self._observer.submission_changed(new.system, new.operation, str(new.state))
        return swapped
