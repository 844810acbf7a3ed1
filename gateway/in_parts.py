"""One query answered in parts (@defer): each part with its own errors, none before its look is recorded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.fetch import RequestContext
from adapters.seen import Seen
from gateway.answering import answered, asked_of, without_persons
from gateway.executor import LaterPart, Payload
from gateway.looks import Looks
from gateway.operation import ExecutionAnswer, PreparedOperation
from gateway.planner.deferrals import Deferral, is_later
from gateway.request import AnswerPart, GraphQLAnswer, GraphQLRequest, LaterAnswer
from gateway.security.authorise import Denied

__all__ = ["answer_in_parts"]


async def answer_in_parts(
    operation: PreparedOperation,
    denied: tuple[Denied, ...],
    request: GraphQLRequest,
    context: RequestContext,
    looks: Looks | None,
) -> AsyncGenerator[AnswerPart, None]:
    """The parts of an operation that has some. A record that cannot be written takes its part's data with it."""
    own = replace(context, seen=Seen())
    giving = _Giving(operation, denied, request, context)
    recording = _Recording(operation, request, context, looks, own.seen)
    async with aclosing(operation.execute_in_parts(request.variables, own)) as payloads:
        has_next = False

        async def first(around: RequestContext) -> GraphQLAnswer:
            nonlocal has_next
            payload = await anext(payloads)
            has_next = payload.has_next
            recording.move_to(around)
            return giving.first(payload)

        answer = await recording.around(first)
        if answer.status_hint != 200:
            yield AnswerPart(answer)
            return
        yield AnswerPart(answer, has_next=has_next)
        async for payload in payloads:
            parts = giving.later(payload)
            refusal = await recording.refusal(parts)
            later = giving.refuse(payload, refusal.errors) if refusal is not None else parts
            yield AnswerPart(later=later, has_next=payload.has_next)


@dataclass(slots=True)
class _Giving:
    """Payloads as answers. refused: parts whose record failed, so that nothing stands where they would have been."""

    operation: PreparedOperation
    denied: tuple[Denied, ...]
    request: GraphQLRequest
    context: RequestContext
    refused: list[Deferral] = field(default_factory=list)
    told: dict[int, Deferral | None] = field(default_factory=dict)
    """With which part each withheld field is told of."""
    asked: list[Denied] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = self.operation.parts.later if self.operation.parts is not None else ()
        self.asked = asked_of(self.denied, self.operation, self.request)
        self.told = {id(one): _part_of(one, [part.deferral for part in parts]) for one in self.asked}

    def first(self, payload: Payload) -> GraphQLAnswer:
        now = tuple(one for one in self.asked if self.told[id(one)] is None)
        answer = ExecutionAnswer(payload.data, list(payload.errors))
        return answered(answer, self.operation, now, self.request, self.context)

    def later(self, payload: Payload) -> list[LaterAnswer]:
        return [
            LaterAnswer(part.path, part.data, part.deferral.label, self._errors_of(part))
            for part in self._standing(payload)
        ]

    def refuse(self, payload: Payload, errors: Sequence[Mapping[str, Any]]) -> list[LaterAnswer]:
        """The same places without data; nothing will be added below them."""
        parts = self._standing(payload)
        self.refused += [part.deferral for part in parts]
        return [
            LaterAnswer(part.path, None, part.deferral.label, () if number else errors)
            for number, part in enumerate(parts)
        ]

    def _standing(self, payload: Payload) -> list[LaterPart]:
        return [
            part for part in payload.parts if not any(is_later(part.deferral, one) for one in self.refused)
        ]

    def _errors_of(self, part: LaterPart) -> list[Mapping[str, Any]]:
        anonymous = self.context.caller.name == "anonymous"
        mine = [one for one in self.asked if self.told[id(one)] == part.deferral]
        for one in mine:
            self.asked.remove(one)  # told once, as in an answer to the whole
        said = [*(one.formatted(anonymous=anonymous) for one in mine), *part.errors]
        return [without_persons(error) for error in said]


def _part_of(denied: Denied, deferrals: Iterable[Deferral]) -> Deferral | None:
    """The innermost part that a withheld field belongs to."""
    known = [
        item
        for item in deferrals
        if item.start in denied.deferred_at and denied.path[: len(item.path)] == item.path
    ]
    return max(known, key=lambda item: denied.deferred_at.index(item.start), default=None)


@dataclass(frozen=True, slots=True)
class _Recording:
    """A record for each part. seen: what the run notes, moved to the part that leaves next."""

    operation: PreparedOperation
    request: GraphQLRequest
    context: RequestContext
    looks: Looks | None
    seen: Seen

    def move_to(self, around: RequestContext) -> None:
        """What was seen up to now belongs to the record of the part that leaves; the request keeps who was asked."""
        self.context.seen.systems |= self.seen.systems
        around.seen.take(self.seen)

    async def around(self, run: Callable[[RequestContext], Awaitable[GraphQLAnswer]]) -> GraphQLAnswer:
        if self.looks is None:
            return await run(self.context)
        return await self.looks.around(
            self.operation.footprint, self.request, self.context, run, kind=self.operation.kind
        )

    async def refusal(self, parts: Sequence[LaterAnswer]) -> GraphQLAnswer | None:
        """None once the record of these parts is durable."""
        data: dict[str, Any] | None = {} if any(part.data is not None for part in parts) else None
        answer = GraphQLAnswer(data, [error for part in parts for error in part.errors])

        async def told(around: RequestContext) -> GraphQLAnswer:
            self.move_to(around)
            return answer

        found = await self.around(told)
        return found if found.status_hint != 200 else None
