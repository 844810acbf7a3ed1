"""One request on one screen: find or prepare the operation, withhold what the caller may not see, execute, record the
look, answer.

An engine holds the current generation (declarations, network, schema, plans) and swaps it whole: a request finishes
on the generation that it began with, and a generation is closed when its last request has left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode

from adapters.fetch import RequestContext, Subgraph
from adapters.files import CaseFile, FileDesk
from adapters.source import Source
from adapters.submission.writer import Writer
from gateway.as_subgraph import asks_as_router, entity_question, federation_sdl
from gateway.executor import compile_introspection
from gateway.labels import LabelRules
from gateway.looks import Looks
from gateway.operation import (
    ExecutionAnswer,
    OperationCache,
    OperationError,
    PreparedOperation,
    prepare,
)
from gateway.planner import QueryGraph
from gateway.request import FileRefused, GraphQLAnswer, GraphQLRequest
from gateway.security.authorise import Denied, Permissions, denied_fields, withhold
from gateway.security.declared import granted
from gateway.security.footprint import footprint_of
from gateway.security.limits import OperationLimits
from gateway.security.policies import PolicyRules
from gateway.security.visible import View, Views
from gateway.telemetry.logs import mask_personal_data
from schema.compose import Composition
from schema.identifiers import parse_case_id
from schema.permissions import PERMISSIONS, RECORDED

__all__ = ["Generation", "GraphQLEngine"]

_SEEN = "query FileOfCase($id: ID!) { case(id: $id) { id } }"
LONGEST_KEPT = 32_768
"""Characters of a query up to which its plan is kept: a thousand padded ones must not fill the memory."""


@dataclass(slots=True)
class Generation:
    """Everything that one set of declarations gives. `close` is called once, when nothing uses it any more."""

    number: int
    fingerprint: str
    composition: Composition
    graph: QueryGraph
    subgraphs: Mapping[str, Subgraph]
    states: Callable[[], Mapping[str, str]]
    close: Callable[[], Awaitable[None]]
    operations: OperationCache
    permissions: Permissions = field(default_factory=lambda: PERMISSIONS)
    files: Mapping[str, FileDesk] = field(default_factory=dict)
    writers: Mapping[str, Writer] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    in_flight: int = 0
    retired: bool = False
    views: Views | None = None
    policies: frozenset[str] = frozenset()
    denials: dict[tuple[str, str | None, frozenset[str]], tuple[tuple[Denied, ...], str]] = field(
        default_factory=dict
    )
    """By text, operation name and scopes: what is withheld, and the text under which the rest is kept."""


class GraphQLEngine:
    """`gateway.web.ports.Engine` over generations."""

    def __init__(
        self, limits: OperationLimits, labels: LabelRules | None = None, policies: PolicyRules | None = None
    ) -> None:
        self._limits = limits
        self._policies = policies or PolicyRules()
        self._labels = labels or LabelRules()
        self._current: Generation | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._looks: Looks | None = None

    def record_looks(self, looks: Looks) -> None:
        """From now on no answer that tells of cases or people leaves without its record."""
        self._looks = looks

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
                    self._sdl_for(generation, context) if self._limits.introspection else None,
                )
                return await question.respond(lambda one: self._run(generation, one, context))
            return await self._run(generation, request, context)
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
        return federation_sdl(generation.views.of(self._scopes(generation, context)).schema)

    def _scopes(self, generation: Generation, context: RequestContext) -> frozenset[str]:
        scopes = granted(context.caller)
        if generation.policies:
            scopes |= self._policies.granted(context.caller, generation.policies)
        return scopes

    async def sees_case(self, case: str, context: RequestContext) -> str | None:
        """None where the caller is shown the case by its own system; else the code of why not."""
        answer = await self.execute(GraphQLRequest(_SEEN, {"id": case}), context)
        if (answer.data or {}).get("case"):
            return None
        codes = [(error.get("extensions") or {}).get("code") for error in answer.errors]
        return str(next((code for code in codes if code), "CASE_NOT_FOUND"))

    async def _run(
        self, generation: Generation, request: GraphQLRequest, context: RequestContext
    ) -> GraphQLAnswer:
        """One operation on one generation."""
        prepared = self._prepare(generation, request, context)
        if isinstance(prepared, list):
            return _refused(prepared, 400)
        operation, denied = prepared
        if request.read_only and operation.kind != "query":
            return _refused([OperationError("GET_IS_FOR_QUERIES", "Send a mutation by POST.")], 405)

        async def run(context: RequestContext) -> GraphQLAnswer:
            return await self._execute(operation, denied, request, context)

        if self._looks is None:
            return await run(context)
        return await self._looks.around(operation.footprint, request, context, run, kind=operation.kind)

    async def _execute(
        self,
        operation: PreparedOperation,
        denied: tuple[Denied, ...],
        request: GraphQLRequest,
        context: RequestContext,
    ) -> GraphQLAnswer:
        answer = await operation.execute(request.variables, context)
        return _answered(answer, operation, denied, request, context)

    def kind_of(self, request: GraphQLRequest, context: RequestContext) -> str | None:
        """query, mutation or subscription; None for what would be refused."""
        generation = self._current
        if generation is None or asks_as_router(request.query) is not None:
            return None
        prepared = self._prepare(generation, request, context)
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
        prepared = self._prepare(generation, request, context)
        assert not isinstance(prepared, list)  # noqa: S101 - it has a kind
        operation, denied = prepared
        generation.in_flight += 1
        try:
            events = operation.subscribe(request.variables, context, event_timeout_s=event_timeout_s)
            async with aclosing(events):
                async for event in events:
                    answer = _answered(event, operation, denied, request, context)
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

    # --- preparing ---

    def _prepare(
        self, generation: Generation, request: GraphQLRequest, context: RequestContext
    ) -> tuple[PreparedOperation, tuple[Denied, ...]] | list[OperationError]:
        """With what of it is withheld. Cached by text, name, override labels and what of it is withheld; scopes that
        the operation does not touch make no difference to the cache."""
        labels = generation.graph.active_labels(self._labels.of(context, request.variables))
        scopes = self._scopes(generation, context)
        key = (request.query, request.operation_name, scopes)
        known = generation.denials.get(key)
        if known is not None:
            denied, marked = known
            found = generation.operations.peek(marked, request.operation_name, labels=labels)
            if found is not None:
                return found, denied
        made = self._make(generation, request, context, scopes, labels)
        if isinstance(made, list):
            return made
        operation, denied = made
        if len(generation.denials) > 4 * max(1, generation.operations.max_entries):
            generation.denials.clear()
        if len(request.query) <= LONGEST_KEPT:
            seen = generation.views.of(scopes) if operation.introspect and generation.views else None
            marked = _marked(request.query, denied, seen)
            generation.denials[key] = denied, marked
            generation.operations.put(marked, request.operation_name, operation, labels=labels)
        return operation, denied

    def _make(
        self,
        generation: Generation,
        request: GraphQLRequest,
        context: RequestContext,
        scopes: frozenset[str],
        labels: frozenset[str],
    ) -> tuple[PreparedOperation, tuple[Denied, ...]] | list[OperationError]:
        schema = generation.composition.api_schema
        supergraph = generation.composition.supergraph
        assert schema is not None and supergraph is not None  # noqa: S101, PT018 - a generation composed
        denied: list[Denied] = []

        def strip(document: DocumentNode, operation: OperationDefinitionNode) -> DocumentNode:
            denied.extend(denied_fields(document, operation, schema, generation.permissions, scopes))
            return withhold(document, schema, denied) if denied else document

        made = prepare(
            schema,
            supergraph,
            generation.subgraphs,
            request.query,
            request.operation_name,
            graph=generation.graph,
            limits=self._limits,
            planned=strip,
            labels=labels,
        )
        if isinstance(made, list):
            return _withheld_stream(denied, context) or made
        footprint = footprint_of(
            made.document,
            made.operation,
            schema,
            RECORDED,
            text=request.query,
            denied=[one.path for one in denied],
        )
        introspect = made.introspect
        if introspect is not None and generation.views is not None:
            seen = generation.views.of(scopes).schema
            introspect = compile_introspection(seen, made.document, made.operation)
        return replace(made, footprint=footprint, introspect=introspect), tuple(denied)

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
        return FileRefused(str(extensions.get("code") or "CASE_NOT_FOUND"), str(error.get("message", "")))
    return FileRefused("CASE_NOT_FOUND", "There is no such case, or it is not yours to see.")


async def _closing(generation: Generation) -> None:
    await generation.close()


def _answered(
    answer: ExecutionAnswer,
    operation: PreparedOperation,
    denied: tuple[Denied, ...],
    request: GraphQLRequest,
    context: RequestContext,
) -> GraphQLAnswer:
    if not answer.executed:
        errors = [_without_persons(error) for error in answer.errors]
        return GraphQLAnswer(errors=errors, status_hint=400, operation=operation.kind)
    said = _denials(denied, operation, request, context) + answer.errors if denied else answer.errors
    return GraphQLAnswer(
        answer.data,
        [_without_persons(error) for error in said],
        answer.extensions,
        operation=operation.kind,
        operation_name=operation.name,
    )


def _denials(
    denied: tuple[Denied, ...], operation: PreparedOperation, request: GraphQLRequest, context: RequestContext
) -> list[dict[str, Any]]:
    """Errors of the withheld fields that are asked for with these variables."""
    coerced = operation.coerce(request.variables)
    variables = coerced if isinstance(coerced, dict) else {}
    anonymous = context.caller.name == "anonymous"
    return [one.formatted(anonymous=anonymous) for one in denied if one.applies(variables)]


def _withheld_stream(denied: list[Denied], context: RequestContext) -> list[OperationError]:
    """A subscription has one root field; where that is withheld there is nothing to subscribe to."""
    roots = [one for one in denied if one.type_name == "Subscription"]
    told = [one.formatted(anonymous=context.caller.name == "anonymous") for one in roots]
    return [OperationError(one["extensions"]["code"], one["message"]) for one in told]


def _without_persons(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Messages quote what was sent; an identity number that was put in a wrong place must not come back."""
    message = str(error.get("message", ""))
    safe = mask_personal_data(message)
    return error if safe == message else {**error, "message": safe}


def _marked(text: str, denied: tuple[Denied, ...], seen: View | None) -> str:
    """Cache key of a text with what is withheld from it. seen: what it may introspect."""
    if denied:
        text += "\x00" + ",".join(sorted(f"{one.type_name}.{one.field_name}" for one in denied))
    return text if seen is None else text + "\x01" + ",".join(sorted(seen.key))


def _refused(errors: list[OperationError], status: int) -> GraphQLAnswer:
    return GraphQLAnswer(errors=[_without_persons(error.formatted()) for error in errors], status_hint=status)
