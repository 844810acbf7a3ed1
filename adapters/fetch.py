"""What the executor asks of a subgraph and what comes back: the one seam between `gateway` and `adapters`.

A `Subgraph` compiles the operation of a Fetch node once (`prepare`) and answers it many times. Failure is a
value: a fetch never raises for what a source did, it returns errors beside whatever data could be had.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from graphql import DocumentNode

from adapters.seen import Seen

__all__ = [
    "Caller",
    "FetchError",
    "FetchOperation",
    "FetchResult",
    "PreparedFetch",
    "PreparedSubscription",
    "RequestContext",
    "StreamingSubgraph",
    "Subgraph",
]

OperationKind = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    subject: the applicant's own identity number, department and region: where a clerk works, each where the token
    says so. expires_at: seconds since 1970 up to which the token is good; None for ever.
    """

    name: str = "anonymous"
    scopes: frozenset[str] = frozenset()
    subject: str | None = field(default=None, repr=False)
    department: str | None = None
    region: str | None = None
    expires_at: float | None = None


@dataclass(slots=True)
class RequestContext:
    """What one client request carries through the house.

    deadline: event-loop time (`loop.time()`) after which nothing more is worth starting.
    request_id: shown in errors and logs; trace_headers: W3C trace context to send on.
    headers: those of the client's request, found by name in lower case; no subgraph sees one that its declaration
    does not name.
    seen: what those who answer have seen of cases and people; they add to it.
    fresh_since: Unix seconds of the event that is being completed: what is older does not show it. None for others.
    address: the client's on the network; never logged, never sent on.
    """

    deadline: float
    caller: Caller = field(default_factory=Caller)
    request_id: str = ""
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    client_name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seen: Seen = field(default_factory=Seen, repr=False)
    fresh_since: float | None = None
    address: str = field(default="", repr=False)
    kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What adapters make of this request once for all its fetches; a copy of the context begins with none."""

    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class FetchOperation:
    """One operation against one subgraph, parsed. Entity fetches use `_entities(representations: ...)`."""

    subgraph: str
    kind: OperationKind
    text: str
    document: DocumentNode
    variable_names: tuple[str, ...] = ()
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class FetchError:
    """A GraphQL error of a subgraph. `path` is relative to the fetch's own data."""

    message: str
    path: tuple[str | int, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """`data`: response-shaped object of the subgraph operation, or None where nothing could be had."""

    data: dict[str, Any] | None
    errors: tuple[FetchError, ...] = ()


class PreparedFetch(Protocol):
    """A fetch compiled for one operation. Never raises for what the source did; may raise CancelledError."""

    async def __call__(self, variables: Mapping[str, Any], context: RequestContext) -> FetchResult: ...


class Subgraph(Protocol):
    """A schema with a way to reach it."""

    @property
    def name(self) -> str: ...

    @property
    def sdl(self) -> str:
        """Federation v2 SDL, with its `@link`."""
        ...

    def prepare(self, operation: FetchOperation) -> PreparedFetch: ...


class PreparedSubscription(Protocol):
    """A subscription compiled for one operation. Ends when the subgraph ends it; closing it unsubscribes.

    Failure is a value here too: a result without data is the last thing that a lost stream gives.
    """

    def __call__(
        self, variables: Mapping[str, Any], context: RequestContext
    ) -> AsyncGenerator[FetchResult, None]: ...


@runtime_checkable
class StreamingSubgraph(Protocol):
    """A subgraph that has events."""

    def subscribe(self, operation: FetchOperation) -> PreparedSubscription: ...
