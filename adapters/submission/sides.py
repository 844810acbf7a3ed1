"""Writes to a system that is being replaced: which side has the word, what the other one gets, and whose numbers are whose.

One submission is up to three rows of the outbox: a number reserved with the old system, what goes to the side that has
the word (the citizen's receipt), and the same for the other side. A row that comes `after` another waits for it; each
is sent, looked for and settled by the outbox's own rules, so that the death of a process files nothing twice. Numbers
are bound before the row is settled: what was done before a crash is found and done again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from adapters.migration.placement import Phase
from adapters.migration.route import Route
from adapters.submission import states
from adapters.submission.outbox import Outbox
from adapters.submission.row import Submission
from adapters.submission.writer import Writer
from schema.vocabulary import SubmissionState

__all__ = [
    "NoNumbers",
    "NumberTaken",
    "Numbers",
    "Plan",
    "Sides",
    "args_of_case",
    "numbered",
    "reservation_owner",
    "second_owner",
]


class NumberTaken(Exception):
    """One of two numbers is bound to another one."""


class Numbers(Protocol):
    """The identifier map. Raises OutboxUnavailable where it cannot be read or written."""

    async def new_number(self, system: str, old: str) -> str | None: ...

    async def reserve(self, system: str, old: str) -> bool:
        """Takes an old number before there is a new one."""
        ...

    async def bind(self, system: str, old: str, new: str) -> None:
        """Raises NumberTaken."""
        ...

    async def free(self, system: str, old: str) -> None:
        """Gives back an old number that no new one came for."""
        ...


class NoNumbers:
    """Nothing is mapped."""

    async def new_number(self, _system: str, old: str) -> str | None:
        return old

    async def reserve(self, _system: str, _old: str) -> bool:
        return True

    async def bind(self, _system: str, _old: str, _new: str) -> None:
        return

    async def free(self, _system: str, _old: str) -> None:
        return


@dataclass(frozen=True, slots=True)
class Plan:
    """first: has the word; second: gets the same afterwards. reserves: the old number is asked for first."""

    under: str
    mapped: bool
    first: Writer
    second: Writer | None = None
    reserves: Writer | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """Of one system that takes something while it is being replaced. old: None where it is away for good."""

    route: Route
    old: Writer | None
    new: Writer

    @property
    def mapped(self) -> bool:
        return self.route.declared.numbers == "mapped"

    def plan(self, operation: str, *, at_old: bool = False) -> Plan | None:
        """None where neither side takes it. at_old: the case is known to be on the old side only."""
        phase = self.route.port.placement(self.route.system, operation).phase
        old = self.old if self.old is not None and operation in self.old.writes else None
        new = self.new if operation in self.new.writes else None
        if phase is Phase.RETIRED:
            return self._plan(new)
        begins_new = new is not None and (old is None or (phase is Phase.PRIMARY_NEW and not at_old))
        first, second = (new, old) if begins_new else (old, new)
        if str(phase) not in (self.route.declared.dual_write or ()):
            second = None
        reserves = None
        if first is not None and first is new and operation == "submit" and self.mapped:
            reserves = self.old if self.old is not None and "reserve" in self.old.writes else None
        return self._plan(first, second, reserves)

    def _plan(
        self, first: Writer | None, second: Writer | None = None, reserves: Writer | None = None
    ) -> Plan | None:
        return Plan(self.route.system, self.mapped, first, second, reserves) if first is not None else None


def second_owner(system: str) -> str:
    """Owner of rows for the other side: with the first row's token as key there is one of each, whatever happens."""
    return f"second:{system}"


def reservation_owner(system: str) -> str:
    return f"reservation:{system}"


async def numbered(
    outbox: Outbox, numbers: Numbers, old: Submission, new: Submission, now: int
) -> Submission:
    """`new`, about to be settled, after what its numbers mean for the map; or a row for a person where they contradict.

    Raises OutboxUnavailable.
    """
    if new.under is None or not new.settled:
        return new
    after = await outbox.by_token(new.after) if new.after is not None else None
    if new.is_second:
        first_is_filed = after is None or after.state is SubmissionState.FILED
        if new.state is SubmissionState.REFUSED and first_is_filed:
            asked = states.needs_person(old, now, f"the other side has it, {new.system} refused it")
            return replace(asked, code=new.code, reason=new.reason)
    try:
        return await _bound(numbers, new, after)
    except NumberTaken as error:
        return states.needs_person(replace(old, number=new.number), now, str(error))


async def _bound(numbers: Numbers, new: Submission, after: Submission | None) -> Submission:
    under, number = new.under or "", new.number
    if new.operation == "reserve" and number is not None:
        await numbers.reserve(under, number)
        return new
    if new.operation != "submit":
        return new
    reserved = after.number if after is not None and after.operation == "reserve" else None
    if reserved is not None and new.state is SubmissionState.REFUSED:
        await numbers.free(under, reserved)
    if new.state is SubmissionState.REFUSED or number is None:
        return new
    if new.is_second:
        theirs = (after.public or after.number) if after is not None else None
        if theirs is None:
            return new
        if new.mapped and new.system != under:
            await numbers.bind(under, theirs, number)
        elif theirs != number:
            raise NumberTaken(f"{new.system} filed it as {number}, the other side as {theirs}")
        return new
    if new.mapped and new.system == under and new.before is not None:
        await numbers.reserve(under, number)
    if reserved is not None:
        await numbers.bind(under, reserved, number)
        return replace(new, public=reserved)
    return new


def args_of_case(args: Mapping[str, object]) -> str | None:
    """The number of the case that a submission names."""
    case = args.get("case")
    number = case.get("number") if isinstance(case, Mapping) else None
    return str(number) if number is not None else None
