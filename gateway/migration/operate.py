"""What an operator does: checked against phase, gates and a second person, then moved. The command line and GraphQL
both come here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.migration.placement import Placement
from gateway.ledger import Writer
from gateway.ledger.writer import now_us
from gateway.migration.errors import GatesShut, SecondPersonNeeded, TransitionRefused
from gateway.migration.gates import Gate
from gateway.migration.phases import Wish, step
from gateway.migration.store import MigrationStore, Proposal, State

__all__ = ["AskGates", "Operator", "move"]

AskGates = Callable[[State, Placement], Awaitable[Sequence[Gate]]]
"""(where it stands, where it is to go) -> the gates on the way."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who moves it, and why. force: over shut gates; which ones is recorded."""

    actor: str
    reason: str
    force: bool = False


async def move(
    store: MigrationStore,
    writer: Writer,
    system: str,
    wish: Wish,
    by: Operator,
    *,
    part: str = "",
    gates: AskGates | None = None,
    four_eyes: bool = False,
) -> State:
    """The state after it. A rollback asks no gate and no second person.

    Raises TransitionRefused, GatesShut, SecondPersonNeeded (it is kept and waits), MigrationConflict,
    DatabaseUnavailable.
    """
    if not by.reason.strip():
        raise TransitionRefused("A reason is needed; it is kept for good.")
    now = await store.state(system, part)
    to = step(now.placement, wish)
    shut: tuple[str, ...] = ()
    # a phase may be entered without a greater share: CANARY at 100 %, PRIMARY_NEW and RETIRED all have the whole
    if gates is not None and (wish.kind == "advance" or to.share > now.placement.share):
        shut = tuple(gate.name for gate in await gates(now, to) if not gate.ok)
    if shut and not by.force:
        raise GatesShut(f"{system} is not ready for {to.phase}: {', '.join(shut)}. `gates` says why.")
    second = None
    if four_eyes and wish.kind not in ("rollback", "freeze"):
        second = await _second_person(store, writer, now, wish, by)
    return await store.move(
        writer,
        now,
        to,
        kind=wish.kind,
        actor=second or by.actor,
        reason=by.reason.strip(),
        second=by.actor if second else None,
        forced=shut,
    )


async def _second_person(
    store: MigrationStore, writer: Writer, now: State, wish: Wish, by: Operator
) -> str | None:
    """Who asked for the same before. Raises SecondPersonNeeded where nobody, or only the same person, has."""
    waiting = await store.proposal(now.system, now.part)
    if (
        waiting is not None
        and waiting.version == now.version
        and waiting.wish == wish
        and waiting.actor != by.actor
    ):
        return waiting.actor
    if waiting is None or waiting.wish != wish or waiting.version != now.version:
        await store.propose(
            writer, Proposal(now.system, now.part, now.version, wish, by.actor, by.reason, now_us())
        )
    raise SecondPersonNeeded(
        f"The {wish.kind} of {now.system} waits for a second person: somebody other than {by.actor} must ask for the same."
    )
