"""One request on one screen: find or prepare the operation, withhold what the caller may not see, execute, record the
look, answer.

An engine holds the current generation (declarations, network, schema, plans) and swaps it whole: a request finishes
on the generation that it began with, and a generation is closed when its last request has left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from adapters.fetch import RequestContext
from adapters.files import CaseFile
from adapters.source import Source
from adapters.submission.writer import Writer
from gateway.admission import Admission
from gateway.answering import answered, without_persons
from gateway.as_subgraph import asks_as_router, entity_question, federation_sdl
from gateway.in_parts import answer_in_parts
from gateway.in_service import Generation
from gateway.labels import LabelRules
from gateway.looks import Looks
from gateway.migration.usage import UsageBook
from gateway.operation import (
    OperationError,
    PreparedOperation,
)
from gateway.preparing import Preparing
from gateway.request import AnswerPart, FileRefused, GraphQLAnswer, GraphQLRequest
from gateway.security.allowances import Allowances
from gateway.security.authorise import Denied
from gateway.security.limits import OperationLimits, VariableLimits
from gateway.security.policies import PolicyRules
from gateway.sharing import SharedQueries, sharing_key
from schema.identifiers import parse_case_id

__all__ = ["GraphQLEngine"]

_SEEN = "query FileOfCase($id: ID!) { case(id: $id) { id } }"


class GraphQLEngine:
    """`gateway.web.ports.Engine` over generations."""

    def __init__(
        self,
        limits: OperationLimits,
        labels: LabelRules | None = None,
        policies: PolicyRules | None = None,
        *,
        share: bool = False,
        on_shared: Callable[[], None] | None = None,
        variables: VariableLimits | None = None,
        allowances: Allowances | None = None,
    ) -> None:
        """share: identical queries under way are run once (`gateway.sharing`); on_shared counts them."""
        self._preparing = Preparing(limits, labels or LabelRules(), policies or PolicyRules())
        self._admission = Admission(limits.cost, variables or VariableLimits(), allowances or Allowances())
        self._current: Generation | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._looks: Looks | None = None
        self._usage: UsageBook | None = None
        self._share = share
        self._shared = SharedQueries(on_shared)

    def record_looks(self, looks: Looks) -> None:
        """From now on no answer that tells of cases or people leaves without its record."""
        self._looks = looks

    def count_usage(self, usage: UsageBook) -> None:
        """From now on who asks for which field, and which systems answered, is counted."""
        self._usage = usage

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLAnswer:
        generation = self._current
        if generation is None:
            return _refused([OperationError("STARTING", "The gateway is still loading its systems.")], 503)
        generation.in_flight += 1
        try:
            router = asks_as_router(request.query)
            if router is not None:
                question = entity_question(
                    router,
                    request.variables,
                    generation.composition.api_schema,
                    self._sdl_for(generation, context) if self._preparing.limits.introspection else None,
                )
                return await question.respond(lambda one: self._run(generation, one, context))
            return await self._run(generation, request, context, share=self._share)
        finally:
            generation.in_flight -= 1
            self._close_if_done(generation)

    @asynccontextmanager
    async def fetch_file(
        self, kind: str, case: str, file: str | None, context: RequestContext
    ) -> AsyncIterator[CaseFile]:
        """A document of a case that the caller may see: the case itself is asked for first, by the same rules.

        Raises FileRefused, SourceError. The generation stays until the file has been passed on.
        """
        generation = self._current
        if generation is None:
            raise FileRefused("STARTING", "The gateway is still loading its systems.")
        generation.in_flight += 1
        try:
            answer = await self._run(generation, GraphQLRequest(_SEEN, {"id": case}), context)
            seen = (answer.data or {}).get("case")
            if not seen:
                raise _refused_file(answer)
            named = parse_case_id(str(seen["id"]))
            desk = generation.files.get(named.system)
            if desk is None or kind not in desk.rules:
                raise FileRefused("FILE_NOT_FOUND", "The case's system gives out no such file.")
            async with desk.fetch(kind, named.local_no, file) as found:
                yield found
        finally:
            generation.in_flight -= 1
            self._close_if_done(generation)

    def _sdl_for(self, generation: Generation, context: RequestContext) -> str:
        """What another router may know of us: the SDL of what it may use."""
        assert generation.views is not None  # noqa: S101 - those that are built have them
        return federation_sdl(generation.views.of(self._preparing.scopes(generation, context)).schema)

    async def sees_case(self, case: str, context: RequestContext) -> str | None:
        """None where the caller is shown the case by its own system; else the code of why not."""
        answer = await self.execute(GraphQLRequest(_SEEN, {"id": case}), context)
        if (answer.data or {}).get("case"):
            return None
        codes = [(error.get("extensions") or {}).get("code") for error in answer.errors]
        return str(next((code for code in codes if code), "CASE_NOT_FOUND"))

    async def _run(
        self, generation: Generation, request: GraphQLRequest, context: RequestContext, *, share: bool = False
    ) -> GraphQLAnswer:
        """One operation on one generation. share: the answer is only read."""
        prepared = self._preparing.prepare(generation, request, context)
        if isinstance(prepared, list):
            return _refused(prepared, 400)
        operation, denied = prepared
        if request.read_only and operation.kind != "query":
            return _refused([OperationError("GET_IS_FOR_QUERIES", "Send a mutation by POST.")], 405)

        admitted = await self._admission.admit(operation, request, context)
        if isinstance(admitted, GraphQLAnswer):
            return admitted

        async def run(context: RequestContext) -> GraphQLAnswer:
            answer = await self._execute(operation, denied, request, context)
            self._count(operation, context, answer)
            return answer

        if self._looks is not None and operation.footprint is not None:  # each look has its own record
            answer = await self._looks.around(operation.footprint, request, context, run, kind=operation.kind)
        elif not share or operation.kind != "query":
            answer = await run(context)
        else:
            answer = await self._run_once(generation, operation, request, context, run)
        return admitted.told(answer)

    async def _run_once(
        self,
        generation: Generation,
        operation: PreparedOperation,
        request: GraphQLRequest,
        context: RequestContext,
        run: Callable[[RequestContext], Awaitable[GraphQLAnswer]],
    ) -> GraphQLAnswer:
        """Shared with the same question under way, if there is one."""
        first = False

        async def once() -> GraphQLAnswer:
            nonlocal first
            first = True
            return await run(context)

        key = sharing_key(operation, request, context, generation.client_headers)
        answer = await self._shared.run(key, context.deadline, once)
        if not first:  # whoever joined another's question has asked all the same
            self._count(operation, context, answer)
        return answer

    def _count(self, operation: PreparedOperation, context: RequestContext, answer: GraphQLAnswer) -> None:
        if self._usage is None:
            return
        self._usage.note(
            client=context.client_name,
            version=context.headers.get("graphql-client-version", ""),
            operation=operation.name or ",".join(operation.root_fields),
            fields=operation.coordinates,
            systems=context.seen.systems,
            failed=bool(answer.errors),
        )

    async def _execute(
        self,
        operation: PreparedOperation,
        denied: tuple[Denied, ...],
        request: GraphQLRequest,
        context: RequestContext,
    ) -> GraphQLAnswer:
        answer = await operation.execute(request.variables, context)
        return answered(answer, operation, denied, request, context)

    async def parts(
        self, request: GraphQLRequest, context: RequestContext
    ) -> AsyncGenerator[AnswerPart, None]:
        """An answer in parts where fragments of a query are deferred, else one part. Close it to stop.

        It stays on the generation that it began with.
        """
        generation = self._current
        prepared = self._in_parts(generation, request, context) if generation is not None else None
        if generation is None or prepared is None:
            yield AnswerPart(await self.execute(request, context))
            return
        admitted = await self._admission.admit(prepared[0], request, context)
        if isinstance(admitted, GraphQLAnswer):
            yield AnswerPart(admitted)
            return
        generation.in_flight += 1
        errors: list[Mapping[str, Any]] = []
        try:
            async with aclosing(answer_in_parts(*prepared, request, context, self._looks)) as parts:
                async for part in parts:
                    errors += part.answer.errors if part.answer is not None else ()
                    errors += [error for one in part.later for error in one.errors]
                    if not part.has_next:
                        self._count(prepared[0], context, GraphQLAnswer(errors=errors))
                    yield part if part.answer is None else replace(part, answer=admitted.told(part.answer))
        finally:
            generation.in_flight -= 1
            self._close_if_done(generation)

    def _in_parts(
        self, generation: Generation, request: GraphQLRequest, context: RequestContext
    ) -> tuple[PreparedOperation, tuple[Denied, ...]] | None:
        """None for what has one answer, refused or not."""
        if "@defer" not in request.query or asks_as_router(request.query) is not None:
            return None
        whole = self._preparing.prepare(generation, request, context)
        if isinstance(whole, list) or whole[0].defers_by is None:
            return None
        variables = whole[0].coerce(request.variables)
        if isinstance(variables, list):
            return None
        deferring = frozenset(name for name in whole[0].defers_by if variables.get(name, True))
        found = self._preparing.prepare(generation, request, context, deferring=deferring)
        return None if isinstance(found, list) or found[0].parts is None else found

    def kind_of(self, request: GraphQLRequest, context: RequestContext) -> str | None:
        """query, mutation or subscription; None for what would be refused."""
        generation = self._current
        if generation is None or asks_as_router(request.query) is not None:
            return None
        prepared = self._preparing.prepare(generation, request, context)
        return None if isinstance(prepared, list) else prepared[0].kind

    async def stream(
        self, request: GraphQLRequest, context: RequestContext, *, event_timeout_s: float
    ) -> AsyncGenerator[GraphQLAnswer, None]:
        """One answer for each event of a subscription, one in all for anything else. Close it to unsubscribe.

        event_timeout_s: time to complete an event. A stream stays on the generation that it began with.
        """
        generation = self._current
        if generation is None or self.kind_of(request, context) != "subscription":
            yield await self.execute(request, context)
            return
        prepared = self._preparing.prepare(generation, request, context)
        assert not isinstance(prepared, list)  # noqa: S101 - it has a kind
        operation, denied = prepared
        admitted = await self._admission.admit(operation, request, context)
        if isinstance(admitted, GraphQLAnswer):
            yield admitted
            return
        generation.in_flight += 1
        try:
            events = operation.subscribe(request.variables, context, event_timeout_s=event_timeout_s)
            async with aclosing(events):
                async for event in events:
                    answer = answered(event, operation, denied, request, context)
                    cursor, context.seen.cursor = context.seen.cursor, None
                    recorded = await self._recorded(answer, operation, request, context)
                    if cursor is not None and recorded.status_hint == 200:
                        recorded = replace(recorded, extensions={**recorded.extensions, "cursor": cursor})
                    yield recorded
                    if recorded.status_hint != 200:  # an event that was withheld must not be passed over
                        return
        finally:
            generation.in_flight -= 1
            self._close_if_done(generation)

    async def _recorded(
        self,
        answer: GraphQLAnswer,
        operation: PreparedOperation,
        request: GraphQLRequest,
        context: RequestContext,
    ) -> GraphQLAnswer:
        """One event of a stream, once its look is recorded."""

        async def told(own: RequestContext) -> GraphQLAnswer:
            own.seen.take(context.seen)
            return answer

        if self._looks is None:
            context.seen.clear()  # a stream has no end, and nobody reads this
            return answer
        return await self._looks.around(operation.footprint, request, context, told, kind=operation.kind)

    @contextmanager
    def lend_writers(self) -> Iterator[Mapping[str, Writer]]:
        """Those of the generation in service, which is not closed while they are used; none before the first."""
        with self._lent() as generation:
            yield generation.writers if generation is not None else {}

    @contextmanager
    def lend_sources(self) -> Iterator[Mapping[str, Source]]:
        """In the same way."""
        with self._lent() as generation:
            yield generation.sources if generation is not None else {}

    @contextmanager
    def _lent(self) -> Iterator[Generation | None]:
        generation = self._current
        if generation is None:
            yield None
            return
        generation.in_flight += 1
        try:
            yield generation
        finally:
            generation.in_flight -= 1
            self._close_if_done(generation)

    def readiness(self) -> Mapping[str, Any]:
        generation = self._current
        if generation is None:
            return {"ready": False}
        return {"ready": True, "generation": generation.number, "systems": dict(generation.states())}

    @property
    def current(self) -> Generation | None:
        return self._current

    def warm(self, generation: Generation) -> int:
        """Prepares for it what the one in service is asked most; how many. Blocking: for a thread, before `swap`."""
        former = self._current
        return 0 if former is None else self._preparing.warm(generation, former)

    def swap(self, generation: Generation) -> None:
        """New requests go to `generation`; the former one is closed when its requests have finished."""
        former, self._current = self._current, generation
        if former is not None:
            former.retired = True
            self._close_if_done(former)

    async def close(self) -> None:
        """Closes the current generation and waits for those that are closing."""
        former, self._current = self._current, None
        if former is not None:
            await former.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _close_if_done(self, generation: Generation) -> None:
        if generation.retired and generation.in_flight == 0:
            generation.retired = False  # once
            task = asyncio.get_running_loop().create_task(_closing(generation))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _refused_file(answer: GraphQLAnswer) -> FileRefused:
    """What kept the case from the caller keeps its files from them too."""
    for error in answer.errors:
        extensions = error.get("extensions") or {}
        code = str(extensions.get("code") or "CASE_NOT_FOUND")
        return FileRefused(code, str(error.get("message", "")), answer.headers)
    return FileRefused("CASE_NOT_FOUND", "There is no such case, or it is not yours to see.")


async def _closing(generation: Generation) -> None:
    await generation.close()


def _refused(errors: list[OperationError], status: int) -> GraphQLAnswer:
    return GraphQLAnswer(errors=[without_persons(error.formatted()) for error in errors], status_hint=status)
