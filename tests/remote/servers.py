"""A scripted HTTP server in the test's own event loop, and subgraphs that ask it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import parse

from adapters.fetch import Caller, FetchOperation, OperationKind, RequestContext
from adapters.remote.build import RemoteSurroundings, build_remote
from adapters.remote.declaration import SubgraphDeclaration
from adapters.remote.subgraph import RemoteSubgraph
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight

__all__ = ["SDL", "Reply", "Scripted", "Seen", "answer", "context", "operation", "scripted", "subgraph"]

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { lift(code: ID): Lift lifts: [Lift!] deep: [[Lift]] }
type Mutation { book(code: ID): Lift }
type Subscription { booked: Lift }
type Lift @key(fields: "code") { code: ID! make: String case: Case }
type Case @key(fields: "id") { id: ID! lifts: [Lift!] }
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:  # JSON
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/graphql-response+json"
    headers: tuple[tuple[str, str], ...] = ()


Behave = Callable[[Seen], Awaitable[Reply]]


@dataclass(slots=True)
class Scripted:
    """behave: what is answered; may be changed between requests."""

    behave: Behave
    port: int = 0
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                seen = Seen(first.split(" ")[1], headers, body)
                self.seen.append(seen)
                reply = await self.behave(seen)
                more = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
                writer.write(
                    f"HTTP/1.1 {reply.status} Said\r\nContent-Type: {reply.content_type}\r\n{more}"
                    f"Content-Length: {len(reply.body)}\r\n\r\n".encode("latin-1")
                    + reply.body
                )
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def scripted(behave: Behave | Reply) -> AsyncIterator[Scripted]:
    async def always(_seen: Seen) -> Reply:
        assert isinstance(behave, Reply)
        return behave

    server = Scripted(always if isinstance(behave, Reply) else behave)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def answer(value: Any, *, status: int = 200, **how: Any) -> Reply:
    return Reply(status, json.dumps(value).encode(), **how)


@contextlib.asynccontextmanager
async def subgraph(
    url: str, *, sdl: str = SDL, traffic: Mapping[str, Any] | None = None, **info: Any
) -> AsyncIterator[RemoteSubgraph]:
    declaration = SubgraphDeclaration.model_validate(
        {"subgraph": {"name": "zjj", "url": url, **info}, "traffic": {"retries": 2, **(traffic or {})}}
    )
    around = RemoteSurroundings(EmbeddedStore(), SingleFlight(), secret=b"of tests")
    built = build_remote(declaration, sdl, around)
    try:
        yield built
    finally:
        await built.close()


def operation(text: str, kind: OperationKind = "query", name: str | None = None) -> FetchOperation:
    return FetchOperation("zjj", kind, text, parse(text), operation_name=name)


def context(*, timeout_s: float = 5, caller: Caller | None = None, **how: Any) -> RequestContext:
    deadline = asyncio.get_running_loop().time() + timeout_s
    return RequestContext(deadline, caller or Caller(), **how)
