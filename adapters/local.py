"""A subgraph in this process: a Strawberry or graphql-core schema, executed by graphql-core.

An exception that is no GraphQLError is not for clients: it is logged and becomes INTERNAL_SERVER_ERROR with the
request's id.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, cast

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute, subscribe, validate

from adapters.fetch import (
    FetchError,
    FetchOperation,
    FetchResult,
    PreparedFetch,
    PreparedSubscription,
    RequestContext,
)

__all__ = ["LocalSubgraph", "StrawberrySchema"]

_log = logging.getLogger(__name__)

_NULL_VIOLATION = "Cannot return null for non-nullable field"  # graphql-core's own, raised as a TypeError

ContextFactory = Callable[[RequestContext], Any]


class StrawberrySchema(Protocol):
    """What is used of `strawberry.federation.Schema`: the graphql-core schema in it, and its SDL."""

    @property
    def _schema(self) -> GraphQLSchema: ...

    def as_str(self) -> str: ...


class LocalSubgraph:
    """`schema`: must answer `_entities` if its SDL has keys. `sdl`: left out, a Strawberry schema prints its own.

    context_value_factory: RequestContext -> the context that resolvers get, may be async; by default
    resolvers get the RequestContext itself.
    """

    def __init__(
        self,
        name: str,
        schema: GraphQLSchema | StrawberrySchema,
        sdl: str | None = None,
        context_value_factory: ContextFactory | None = None,
    ) -> None:
        self._name = name
        self._schema = schema if isinstance(schema, GraphQLSchema) else schema._schema
        if sdl is None and isinstance(schema, GraphQLSchema):
            raise TypeError(f"subgraph {name}: a graphql-core schema keeps no federation SDL; pass `sdl`")
        self._sdl = sdl if sdl is not None else cast(StrawberrySchema, schema).as_str()
        self._make_context = context_value_factory or _same

    @property
    def name(self) -> str:
        """The subgraph's name."""
        return self._name

    @property
    def sdl(self) -> str:
        """Federation SDL."""
        return self._sdl

    def prepare(self, operation: FetchOperation) -> PreparedFetch:
        """Validated once; an operation that the schema refuses answers with its errors, each time."""
        problems = validate(self._schema, operation.document)
        if problems:
            errors = tuple(
                FetchError(problem.message, (), {"code": "GRAPHQL_VALIDATION_FAILED"}) for problem in problems
            )
            return _Refused(FetchResult(None, errors))
        return _LocalFetch(self._schema, operation, self._make_context)

    def subscribe(self, operation: FetchOperation) -> PreparedSubscription:
        """The event stream of the schema's own Subscription."""
        problems = validate(self._schema, operation.document)
        errors = tuple(FetchError(one.message, (), {"code": "GRAPHQL_VALIDATION_FAILED"}) for one in problems)
        return _LocalStream(self._schema, operation, self._make_context, errors)


@dataclass(frozen=True, slots=True)
class _Refused:
    result: FetchResult

    async def __call__(self, variables: Mapping[str, Any], context: RequestContext) -> FetchResult:  # noqa: ARG002
        return self.result


@dataclass(frozen=True, slots=True)
class _LocalFetch:
    schema: GraphQLSchema
    operation: FetchOperation
    make_context: ContextFactory

    async def __call__(self, variables: Mapping[str, Any], context: RequestContext) -> FetchResult:
        try:
            value = self.make_context(context)
            if inspect.isawaitable(value):
                value = await value
            outcome = execute(
                self.schema,
                self.operation.document,
                context_value=value,
                variable_values=dict(variables),
                operation_name=self.operation.operation_name,
            )
            result = await cast(Awaitable[Any], outcome) if inspect.isawaitable(outcome) else outcome
        except Exception as error:
            return FetchResult(None, (_masked(error, (), context),))
        assert isinstance(result, ExecutionResult)  # noqa: S101 - no incremental delivery is asked for
        return _result(result, context)


@dataclass(frozen=True, slots=True)
class _LocalStream:
    schema: GraphQLSchema
    operation: FetchOperation
    make_context: ContextFactory
    errors: tuple[FetchError, ...]

    async def __call__(
        self, variables: Mapping[str, Any], context: RequestContext
    ) -> AsyncGenerator[FetchResult, None]:
        if self.errors:
            yield FetchResult(None, self.errors)
            return
        try:
            value = self.make_context(context)
            if inspect.isawaitable(value):
                value = await value
            outcome = subscribe(
                self.schema,
                self.operation.document,
                context_value=value,
                variable_values=dict(variables),
                operation_name=self.operation.operation_name,
            )
            results = await outcome if inspect.isawaitable(outcome) else outcome
            if isinstance(results, ExecutionResult):
                yield _result(results, context)
                return
            async with aclosing(cast("AsyncGenerator[ExecutionResult, None]", results)) as events:
                async for event in events:
                    yield _result(event, context)
        except Exception as error:
            yield FetchResult(None, (_told(error, context),))


def _result(outcome: ExecutionResult, context: RequestContext) -> FetchResult:
    return FetchResult(outcome.data, tuple(_fetch_error(error, context) for error in outcome.errors or ()))


def _same(context: RequestContext) -> Any:
    return context


def _fetch_error(error: GraphQLError, context: RequestContext) -> FetchError:
    path = tuple(error.path or ())
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return FetchError(error.message, path, dict(error.extensions or {}))
    if isinstance(original, TypeError) and error.message.startswith(_NULL_VIOLATION):
        return FetchError(error.message, path, {"code": "NULL_FOR_NON_NULL"})
    code = getattr(original, "code", None)
    if isinstance(code, str):  # an error class of the house: its message is meant for clients
        return FetchError(error.message, path, {"code": code, **dict(error.extensions or {})})
    return _masked(original, path, context)


def _told(error: Exception, context: RequestContext) -> FetchError:
    """What ends a stream: an error class of the house speaks for itself."""
    extensions = getattr(error, "extensions", None)
    code = getattr(error, "code", None)
    if isinstance(code, str):
        further = extensions if isinstance(extensions, Mapping) else {}
        return FetchError(str(error), (), {"code": code, **further})
    return _masked(error, (), context)


def _masked(error: BaseException, path: tuple[str | int, ...], context: RequestContext) -> FetchError:
    _log.error(
        "resolver failed at %s (request %s)", ".".join(map(str, path)), context.request_id, exc_info=error
    )
    message = "Something went wrong inside the gateway; the log has the cause."
    extensions = {"code": "INTERNAL_SERVER_ERROR"}
    if context.request_id:
        extensions["requestId"] = context.request_id
    return FetchError(message, path, extensions)
