"""Identical queries of the same caller that are under way at the same time are run once 在途查询合并.

Never across callers, scopes or anything else that an answer may hang on (`sharing_key`), never a mutation, and never
an answer that tells of cases or people: each look at one has a record of its own. Decision 0023.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import replace
from typing import Final

import orjson

from adapters.fetch import RequestContext
from gateway.request import Encoded, GraphQLAnswer, GraphQLRequest

__all__ = ["SharedQueries", "sharing_key"]

_EARLIER_S: Final = 0.25
"""How much earlier than a caller's own deadline the one may lie under which its answer is made."""


def sharing_key(
    operation: object, request: GraphQLRequest, context: RequestContext, headers: Collection[str]
) -> Hashable | None:
    """All that an answer hangs on; None where it cannot be told.

    operation: the prepared one; what is withheld and which override labels hold belongs to it. headers: of the
    client's request, in lower case, that anyone behind the gateway is shown.
    """
    try:
        variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    caller, get = context.caller, context.headers.get
    who = (caller.name, caller.scopes, caller.subject, caller.department, caller.region)
    return id(operation), request.operation_name, variables, who, tuple(get(name) for name in headers)


class _Flight:
    __slots__ = ("deadline", "waiters")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.waiters: list[asyncio.Future[GraphQLAnswer | None]] = []


class SharedQueries:
    """Those under way. The first to ask runs the query itself, and no task is made: alone it costs 1.5 us."""

    def __init__(self, on_shared: Callable[[], None] | None = None) -> None:
        """on_shared: called for each answer that another request has made."""
        self._flights: dict[Hashable, _Flight] = {}
        self._on_shared = on_shared

    async def run(
        self, key: Hashable | None, deadline: float, make: Callable[[], Awaitable[GraphQLAnswer]]
    ) -> GraphQLAnswer:
        """The answer of `make`, or of the same query under way. deadline: of this request, in loop time.

        An answer with errors is nobody else's (they may be its own: its time was up, it was cancelled), and so is
        none: who waited for it then asks alone.
        """
        if key is None:
            return await make()
        flight = self._flights.get(key)
        if flight is not None and flight.deadline >= deadline - _EARLIER_S:
            waiter: asyncio.Future[GraphQLAnswer | None] = asyncio.get_running_loop().create_future()
            flight.waiters.append(waiter)
            answer = await waiter
            if answer is None:
                return await make()
            if self._on_shared is not None:
                self._on_shared()
            return answer
        return await self._lead(key, _Flight(deadline), make)

    async def _lead(
        self, key: Hashable, flight: _Flight, make: Callable[[], Awaitable[GraphQLAnswer]]
    ) -> GraphQLAnswer:
        self._flights[key] = flight
        shared: GraphQLAnswer | None = None
        try:
            answer = await make()
            if flight.waiters and not answer.errors and answer.status_hint == 200:
                answer = shared = replace(answer, encoded=Encoded())
            return answer
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            for waiter in flight.waiters:
                if not waiter.done():
                    waiter.set_result(shared)
