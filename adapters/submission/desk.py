"""The counter at which submissions are handed in: recorded durably under their idempotency key, then pushed, and the
receipt given at once. One for all generations of declarations."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.submission.dispatcher import Dispatcher
from adapters.submission.form import FormProblem, SubmissionRefused
from adapters.submission.outbox import Outbox
from adapters.submission.row import Step, Submission
from adapters.submission.seal import BodySeal
from adapters.submission.sides import Plan, reservation_owner, second_owner
from schema.vocabulary import SubmissionState

__all__ = ["Desk", "Order", "new_token"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as another over the telephone."""

LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done. args: `$args` of its request; asked: what the client said, for the comparison of bodies;
    who, key: under which it is known again; plan: of a system that is being replaced; alone: submissions of one lane are done one after the other."""

    operation: str
    system: str
    department: str
    args: Mapping[str, Any]
    asked: Mapping[str, Any]
    who: str
    key: str
    echo: Mapping[str, Any]
    lane: tuple[str, ...] | str | None = None
    item_code: str | None = None
    applicant_ref: str | None = None
    follows: str | None = None
    plan: Plan | None = None


def new_token() -> str:
    """20 characters, 90 random bits: short enough for the reference field of an old system."""
    return "QY" + "".join(secrets.choice(_ALPHABET) for _ in range(18))


@dataclass(frozen=True, slots=True)
class Desk:
    outbox: Outbox
    seal: BodySeal
    dispatcher: Dispatcher

    async def take(self, order: Order, *, wait_s: float) -> Submission:
        """The submission, after at most `wait_s`; the same one for the same key and body, whoever asks, however often.

        Raises SubmissionRefused for a key that was used for something else, OutboxUnavailable if nothing was kept.
        """
        token, now = new_token(), self.dispatcher.now()
        fingerprint = self.seal.hash("body", order.operation, order.system, order.asked)
        new = Submission(
            token=token,
            owner=self.seal.hash("owner", order.who),
            key_hash=self.seal.hash("key", order.key),
            fingerprint=fingerprint,
            operation=order.operation,
            system=order.system,
            department=order.department,
            lane=self._lane(order, token),
            recorded_at=now,
            item_code=order.item_code,
            applicant_ref=order.applicant_ref,
            follows=order.follows,
            sealed=self.seal.close({**order.args, "reference": token}, token),
            echo=order.echo,
            next_at=now,
            history=(Step(now, "RECORDED"),),
        )
        new, also = await self._sides(new, order)
        row, is_new = await self.outbox.record(new, *also)
        if row.fingerprint != fingerprint:
            message = "this idempotencyKey was used for something else; take a new key for a new submission"
            raise SubmissionRefused(FormProblem("IDEMPOTENCY_KEY_REUSED", "idempotencyKey", message))
        if is_new:
            for one in also:
                if one.after is None:
                    self.dispatcher.push(one.token)
        task = self.dispatcher.push(row.token) if is_new else self.dispatcher.running(row.token)
        return await self._waited(row, task, wait_s)

    async def _sides(self, new: Submission, order: Order) -> tuple[Submission, list[Submission]]:
        """The row with what it waits for and what comes after it: see `adapters.submission.sides`."""
        plan = order.plan
        if plan is None:
            return new, []
        also: list[Submission] = []
        new = replace(new, under=plan.under, mapped=plan.mapped)
        if plan.reserves is not None:
            token = new_token()
            new = replace(new, after=token)
            lane = self.seal.hash("lane", "reserve", token)
            also.append(
                replace(
                    self._beside(new, order, token, reservation_owner(plan.under)),
                    operation="reserve",
                    system=plan.reserves.code,
                    lane=lane,
                    after=None,
                    before=new.token,
                )
            )
        if plan.second is None:
            return new, also
        follows: str | None = None
        if order.follows is not None:
            followed = await self.outbox.by_token(order.follows)
            if followed is None or followed.before is None:
                return new, also  # the other side does not have what it belongs to
            follows = followed.before
        token = new_token()
        new = replace(new, before=token)
        second = replace(
            self._beside(new, order, token, second_owner(plan.under)),
            system=plan.second.code,
            lane=self.seal.hash("lane", "second", new.lane),
            follows=follows,
            after=new.token,
            before=None,
        )
        return new, [*also, second]

    def _beside(self, new: Submission, order: Order, token: str, owner: str) -> Submission:
        sealed = self.seal.close({**order.args, "reference": token}, token)
        return replace(new, token=token, owner=owner, key_hash=new.token, sealed=sealed)

    async def _waited(self, row: Submission, task: asyncio.Task[None] | None, wait_s: float) -> Submission:
        """The row as it is after at most `wait_s`: sooner once it has been sent. Its turn in its lane is waited for."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            left_s = until - loop.time()
            if task is not None and left_s > 0:
                await asyncio.wait({task}, timeout=left_s)
            row = await self.outbox.by_token(row.token) or row
            left_s = until - loop.time()
            if row.state != SubmissionState.RECORDED or left_s <= 0:
                return row
            await asyncio.sleep(min(LOOK_EVERY_S, left_s))
            task = self.dispatcher.push(row.token)

    def _lane(self, order: Order, token: str) -> str:
        if isinstance(order.lane, str):
            return order.lane  # that of the submission which it follows
        return self.seal.hash("lane", order.system, *(order.lane or (token,)))
