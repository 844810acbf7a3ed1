"""What the web needs of the engine: the seam between HTTP and GraphQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from adapters.fetch import Caller, RequestContext
from adapters.files import CaseFile
from gateway.request import AnswerPart, GraphQLAnswer, GraphQLRequest, LaterAnswer

__all__ = ["AnswerPart", "Authenticator", "Engine", "GraphQLAnswer", "GraphQLRequest", "LaterAnswer"]


class Engine(Protocol):
    """Answers requests. May change behind the same object (a new generation); never raises for what sources did."""

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLAnswer: ...

    def kind_of(self, request: GraphQLRequest, context: RequestContext) -> str | None:
        """query, mutation or subscription; None for what would be refused."""
        ...

    def stream(
        self, request: GraphQLRequest, context: RequestContext, *, event_timeout_s: float
    ) -> AsyncGenerator[GraphQLAnswer, None]:
        """One answer for each event of a subscription, one in all for anything else. Close it to unsubscribe."""
        ...

    def parts(self, request: GraphQLRequest, context: RequestContext) -> AsyncGenerator[AnswerPart, None]:
        """A query with deferred fragments, part by part; anything else is one part. Close it to stop."""
        ...

    def fetch_file(
        self, kind: str, case: str, file: str | None, context: RequestContext
    ) -> AbstractAsyncContextManager[CaseFile]:
        """A document of a case that the caller may see. Raises FileRefused, SourceError."""
        ...

    def readiness(self) -> Mapping[str, Any]:
        """`ready` (bool): requests can be answered; `systems` ({code: "up" | "degraded" | "down" | "unknown"}); more is passed on."""
        ...


class Authenticator(Protocol):
    async def authenticate(self, authorization: str | None) -> Caller:
        """Raises UnauthenticatedError (`gateway.security.identity`) for a token that is not known."""
        ...
