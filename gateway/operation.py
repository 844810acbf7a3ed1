"""The text of an operation -> all that can be known without its variables: plan, closures, projection. Cached by text.

Bad documents and bad variables are values (`OperationError`), never exceptions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from adapters.fetch import RequestContext, Subgraph
from gateway.executor import (
    EventStream,
    Payload,
    PlanInParts,
    RunState,
    Step,
    compile_first_part,
    compile_introspection,
    compile_parts,
    compile_plan,
    compile_projection,
    compile_subscription,
    shared_paths,
)
from gateway.executor.compile import LaterStep
from gateway.executor.projection import Projection
from gateway.executor.run import nothing
from gateway.planner import PlanError, QueryGraph, QueryPlan, plan_operation
from gateway.planner.deferrals import defer_variables
from gateway.planner.nodes import OperationKind
from gateway.planner.selections import Fragment, Selection, read_selections
from gateway.security.cost import OperationCost
from gateway.security.footprint import Footprint
from gateway.security.limits import OperationLimits, over_limits
from schema.compose import Supergraph

__all__ = ["ExecutionAnswer", "OperationError", "PreparedOperation", "prepare"]

BASE_BYTES = 24_000
BYTES_A_CHARACTER = 100
"""Of a query and of its fetches' operations: 0.9 to 2.6 times what tracemalloc found for eight queries of the store graph (20 to 220
KB each), their projections written."""
MOST_ERRORS = 20
"""Of one document that are told."""

Introspect = Callable[[Mapping[str, Any], list[dict[str, Any]]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class OperationError:
    """Why an operation does not run. Codes: GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED,
    OPERATION_NAME_REQUIRED, OPERATION_NAME_UNKNOWN, BAD_USER_INPUT, and those of PlanError."""

    code: str
    message: str
    locations: tuple[tuple[int, int], ...] = ()

    def formatted(self) -> dict[str, Any]:
        """The GraphQL response form."""
        error: dict[str, Any] = {"message": self.message}
        if self.locations:
            error["locations"] = [{"line": line, "column": column} for line, column in self.locations]
        return {**error, "extensions": {"code": self.code}}


@dataclass(slots=True)
class ExecutionAnswer:
    """What goes to the client. `data` is None if the operation did not run or null bubbled to the root.

    executed: false if it was refused before any fetch (then a response has no `data` at all).
    """

    data: dict[str, Any] | None
    errors: list[dict[str, Any]] = field(default_factory=list)
    extensions: dict[str, Any] = field(default_factory=dict)
    executed: bool = True


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation that is ready to run with variables."""

    text: str
    document: DocumentNode
    operation: OperationDefinitionNode
    kind: OperationKind
    name: str | None
    api_schema: GraphQLSchema
    plan: QueryPlan
    run: Step
    projection: Projection
    introspect: Introspect | None
    root_fields: tuple[str, ...]
    events: EventStream | None = None
    footprint: Footprint | None = None
    cost: OperationCost | None = None
    suggestions: bool = True
    max_age_s: int = 0
    """How long others may keep its answer; 0 for not at all."""
    coordinates: tuple[str, ...] = ()
    defers_by: frozenset[str] | None = None
    """Variables that decide what is deferred; None where nothing ever is."""
    parts: PlanInParts | None = None
    """In place of `run` where the operation was prepared to be answered in parts, and has some."""

    @property
    def estimated_bytes(self) -> int:
        """What it takes in memory, by the length of what was made of it (`gateway.kept_operations`)."""
        fetched = sum(len(fetch.operation) for fetch in self.plan.fetches())
        return BASE_BYTES + BYTES_A_CHARACTER * (len(self.text) + fetched)

    def coerce(self, variables: Mapping[str, Any]) -> dict[str, Any] | list[OperationError]:
        """Coerced variables with defaults, or BAD_USER_INPUT errors."""
        definitions = self.operation.variable_definitions or ()
        if not definitions:
            return {}
        found = get_variable_values(
            self.api_schema,
            definitions,
            dict(variables),
            max_errors=MOST_ERRORS,
            hide_suggestions=not self.suggestions,
        )
        if isinstance(found, list):
            return [_from_graphql(error, "BAD_USER_INPUT") for error in found]
        return dict(found.coerced)  # JSON values: an API schema built from SDL has no other inner values

    async def execute(self, variables: Mapping[str, Any], context: RequestContext) -> ExecutionAnswer:
        """Runs the plan. Never raises for what a subgraph or the client did. A subscription is refused: `subscribe`."""
        coerced = self.coerce(variables)
        if isinstance(coerced, list):
            return _refused(coerced)
        if self.events is not None:
            return _refused(
                [OperationError("SUBSCRIPTION_NEEDS_STREAM", "a subscription answers with a stream")]
            )
        state = RunState(coerced, context)
        await self.run(state)
        if self.introspect is not None:
            state.data |= self.introspect(variables, state.errors)
        data = self.projection(state.data, coerced, state.errors)
        return ExecutionAnswer(data, state.errors)

    async def execute_in_parts(
        self, variables: Mapping[str, Any], context: RequestContext
    ) -> AsyncGenerator[Payload, None]:
        """For an operation with `parts`, and variables that `coerce` takes. Close the iterator to stop."""
        coerced = self.coerce(variables)
        assert self.parts is not None and isinstance(coerced, dict)  # noqa: S101, PT018 - said above
        asked = self.introspect
        introspect = partial(asked, variables) if asked is not None else None
        async with aclosing(self.parts.run(coerced, context, introspect)) as payloads:
            async for payload in payloads:
                yield payload

    async def subscribe(
        self, variables: Mapping[str, Any], context: RequestContext, *, event_timeout_s: float = 10.0
    ) -> AsyncGenerator[ExecutionAnswer, None]:
        """One answer for each event, in order; a single refused one for bad variables or no subscription.

        event_timeout_s: time to complete an event; the context's deadline is for the stream as a whole. Close the
        iterator (`aclose`) to unsubscribe.
        """
        coerced = self.coerce(variables)
        if isinstance(coerced, list):
            yield _refused(coerced)
            return
        if self.events is None:
            yield _refused(
                [OperationError("SUBSCRIPTION_EXPECTED", "only a subscription answers with a stream")]
            )
            return
        loop = asyncio.get_running_loop()

        def of_event() -> RequestContext:
            return replace(context, deadline=loop.time() + event_timeout_s)

        async with aclosing(self.events(coerced, context, of_event)) as states:
            async for state in states:
                data = self.projection(state.data, coerced, state.errors)
                yield ExecutionAnswer(data, state.errors)


def prepare(
    api_schema: GraphQLSchema,
    supergraph: Supergraph,
    subgraphs: Mapping[str, Subgraph],
    text: str,
    operation_name: str | None = None,
    *,
    graph: QueryGraph | None = None,
    limits: OperationLimits | None = None,
    planned: Callable[[DocumentNode, OperationDefinitionNode], DocumentNode] | None = None,
    labels: frozenset[str] = frozenset(),
    deferring: frozenset[str] | None = None,
) -> PreparedOperation | list[OperationError]:
    """Parse, check limits, validate, plan and compile.

    graph: the supergraph's query graph, if it is at hand (build it once). planned: the document that is planned in
    place of the client's own, where fields are withheld; the answer keeps the client's shape, with null for them.
    labels: those of progressive overrides that hold (`QueryGraph.active_labels`); they belong to the cache key.
    deferring: variables by which fragments are deferred, for an answer in parts; None for a whole one. It belongs to the
    cache key too.
    """
    if limits is not None and len(text) > limits.characters:
        message = f"the query has {len(text)} characters; {limits.characters} are allowed"
        return [OperationError("LIMIT_EXCEEDED", message)]
    try:
        document = parse(text, max_tokens=limits.tokens if limits else None)
    except GraphQLSyntaxError as error:
        return [_from_graphql(error, "GRAPHQL_PARSE_FAILED")]
    operation = _choose(document, operation_name)
    if isinstance(operation, OperationError):
        return [operation]
    too_large = over_limits(document, operation, limits) if limits is not None else None
    if too_large is not None:
        return [OperationError(too_large.code, too_large.message)]
    silent = limits is not None and not limits.suggestions
    invalid = validate(api_schema, document, max_errors=MOST_ERRORS, hide_suggestions=silent)
    if invalid:
        return [_from_graphql(error, "GRAPHQL_VALIDATION_FAILED") for error in invalid]
    graph = (graph or QueryGraph(supergraph)).under(labels)
    to_plan = planned(document, operation) if planned else document
    try:
        plan = plan_operation(
            graph, to_plan, operation.name.value if operation.name else None, deferring=deferring
        )
        events = compile_subscription(plan, subgraphs, graph.objects)
        in_parts = compile_parts(plan, subgraphs, graph.objects)
        is_whole = events is None and in_parts is None
        run = compile_plan(plan, subgraphs, graph.objects) if is_whole else nothing
    except PlanError as error:
        return [OperationError(error.code, str(error))]
    made = _assemble(api_schema, text, document, operation, plan, run)
    made = replace(made, events=events, suggestions=not silent)
    return _in_parts(made, *in_parts, deferring) if in_parts and deferring is not None else made


def _in_parts(
    made: PreparedOperation, first: Step, later: Sequence[LaterStep], deferring: frozenset[str]
) -> PreparedOperation:
    root = made.api_schema.get_root_type(made.operation.operation)
    assert root is not None  # noqa: S101 - it was assembled
    selections = read_selections(made.operation.selection_set, _fragments(made.document), deferring=deferring)
    project = compile_first_part(made.api_schema, root, selections, [part.deferral for part in later])
    return replace(made, parts=PlanInParts(first, later, project))


def _assemble(
    api_schema: GraphQLSchema,
    text: str,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    plan: QueryPlan,
    run: Step,
) -> PreparedOperation:
    selections = read_selections(operation.selection_set, _fragments(document))
    root = api_schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - validation refuses operations without a root type
    return PreparedOperation(
        text=text,
        document=document,
        operation=operation,
        kind=operation.operation.value,
        name=operation.name.value if operation.name else None,
        api_schema=api_schema,
        plan=plan,
        run=run,
        projection=compile_projection(api_schema, root, selections, shared_paths(plan)),
        introspect=compile_introspection(api_schema, document, operation),
        root_fields=tuple(dict.fromkeys(_names(selections))),
        defers_by=defer_variables(document),
    )


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)
    }


def _refused(errors: Sequence[OperationError]) -> ExecutionAnswer:
    return ExecutionAnswer(None, [error.formatted() for error in errors], executed=False)


def _choose(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode | OperationError:
    operations = [item for item in document.definitions if isinstance(item, OperationDefinitionNode)]
    names = [item.name.value for item in operations if item.name]
    if operation_name is None:
        if len(operations) == 1:
            return operations[0]
        if not operations:
            return OperationError("GRAPHQL_VALIDATION_FAILED", "the document has no operation")
        message = (
            f"the document has {len(operations)} operations; say which with operationName: {', '.join(names)}"
        )
        return OperationError("OPERATION_NAME_REQUIRED", message)
    for item in operations:
        if item.name and item.name.value == operation_name:
            return item
    message = (
        f'the document has no operation "{operation_name}"; it has {", ".join(names) or "none with a name"}'
    )
    return OperationError("OPERATION_NAME_UNKNOWN", message)


def _names(selections: Sequence[Selection]) -> list[str]:
    found: list[str] = []
    for item in selections:
        found += _names(item.children) if isinstance(item, Fragment) else [item.name]
    return found


def _from_graphql(error: GraphQLError, code: str) -> OperationError:
    locations = tuple((item.line, item.column) for item in error.locations or ())
    return OperationError(code, error.message, locations)
