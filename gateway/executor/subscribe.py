"""Subscriptions: the events of one subgraph, each completed by the other subgraphs and answered like a query."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from adapters.fetch import FetchError, FetchResult, RequestContext, StreamingSubgraph, Subgraph
from gateway.executor.compile import compile_node, operation_of
from gateway.executor.merge import Aliases
from gateway.executor.representations import PossibleTypes
from gateway.executor.run import RunState, nothing, take_root
from gateway.planner.errors import UnsupportedOperation
from gateway.planner.nodes import QueryPlan, SubscriptionNode

__all__ = ["EventStream", "compile_subscription"]

_log = logging.getLogger(__name__)


EventStream = Callable[
    [Mapping[str, Any], RequestContext, Callable[[], RequestContext]], AsyncGenerator[RunState, None]
]
"""(coerced variables, context of the stream, maker of each event's context) -> a finished run for each event."""


def compile_subscription(
    plan: QueryPlan, subgraphs: Mapping[str, Subgraph], possible_types: PossibleTypes
) -> EventStream | None:
    """The stream of a subscription's plan; None for other plans. Raises UnsupportedOperation if the subgraph has none."""
    node = plan.node
    if not isinstance(node, SubscriptionNode):
        return None
    primary = node.primary
    subgraph = subgraphs[primary.subgraph]
    if not isinstance(subgraph, StreamingSubgraph):
        raise UnsupportedOperation(
            f"the subgraph {primary.subgraph} gives no event streams; ask it for a query instead"
        )
    names = primary.variable_usages
    source = subgraph.subscribe(operation_of(primary))
    rest = compile_node(node.rest, subgraphs, possible_types) if node.rest is not None else nothing
    aliases = Aliases(primary.rewrites)

    async def stream(
        variables: Mapping[str, Any], context: RequestContext, of_event: Callable[[], RequestContext]
    ) -> AsyncGenerator[RunState, None]:
        own = {name: variables[name] for name in names if name in variables}
        async with aclosing(_guarded(source(own, context), primary.subgraph, context)) as events:
            async for event in events:
                state = RunState(variables, of_event())
                take_root(event, primary.subgraph, aliases, state)
                if event.data is not None:
                    await rest(state)
                yield state

    return stream


async def _guarded(
    events: AsyncGenerator[FetchResult, None], subgraph: str, context: RequestContext
) -> AsyncGenerator[FetchResult, None]:
    """The events; a source that raises ends with an error for the client and the cause in the log."""
    async with aclosing(events):
        try:
            async for event in events:
                yield event
        except Exception:
            _log.exception("events from %s raised (request %s)", subgraph, context.request_id)
            error = FetchError(
                "the gateway lost the subgraph's events", (), {"code": "INTERNAL_SERVER_ERROR"}
            )
            yield FetchResult(None, (error,))
