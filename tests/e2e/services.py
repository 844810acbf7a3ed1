"""Small federated GraphQL services on free ports, whose schema and data a test may change while they run."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from graphql import ExecutionResult, GraphQLSchema, graphql_sync, parse, subscribe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.connector import connector_schema
from tests.e2e.waiting import until

__all__ = ["Service", "declare", "service"]

MEDIA_TYPE = "application/graphql-response+json"


@dataclass(slots=True)
class Service:
    """root: root field -> value or function(info, **arguments); entity: representation -> object."""

    name: str
    sdl: str
    root: Mapping[str, Any] = field(default_factory=dict)
    entity: Callable[[dict[str, Any]], Any] = lambda representation: representation
    port: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _schema: tuple[str, GraphQLSchema] | None = None
    _server: tuple[uvicorn.Server, threading.Thread] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def start(self) -> None:
        """Again on the same port, after a stop."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app = Starlette(routes=[Route("/graphql", self._answer, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until(lambda: server.started, what=f"{self.name} starts")
        self._server = server, thread

    def stop(self) -> None:
        if self._server is not None:
            server, thread = self._server
            server.should_exit = server.force_exit = True
            thread.join(20)
            self._server = None

    async def _answer(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        if request.headers.get("accept", "").startswith("text/event-stream"):
            return StreamingResponse(self._events(asked), media_type="text/event-stream")
        if "_service" not in asked["query"]:
            self.headers.append(dict(request.headers))
            self.asked.append(asked["query"])
        found = await asyncio.to_thread(self._execute, asked)  # a resolver may wait for the test
        return JSONResponse(found.formatted, media_type=MEDIA_TYPE)

    async def _events(self, asked: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        """`root` has an async generator function for a field of Subscription."""
        self.asked.append(asked["query"])
        found = subscribe(connector_schema(self.sdl), parse(asked["query"]), self.root)
        results: Any = await found if inspect.isawaitable(found) else found
        async for one in results:
            yield f"event: next\ndata: {json.dumps(one.formatted)}\n\n"
        yield "event: complete\ndata:\n\n"

    def _execute(self, asked: Mapping[str, Any]) -> ExecutionResult:
        sdl = self.sdl
        if self._schema is None or self._schema[0] != sdl:
            self._schema = sdl, connector_schema(sdl)
        own = {
            "_service": {"sdl": sdl},
            "_entities": lambda _info, representations: [self.entity(one) for one in representations],
        }
        return graphql_sync(
            self._schema[1],
            asked["query"],
            {**self.root, **own},
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        )


@contextlib.contextmanager
def service(name: str, sdl: str, **how: Any) -> Iterator[Service]:
    running = Service(name, sdl, **how)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def declare(
    systems: Path, of: Service, *, file: bool = False, more: str = "", timeout_ms: int = 1000
) -> None:
    """The subgraph file of a service. file: with its SDL beside it. more: further lines of `subgraph`."""
    folder = systems / "subgraphs"
    folder.mkdir(exist_ok=True)
    if file:
        (folder / f"{of.name}.graphql").write_text(of.sdl, encoding="utf-8")
        more = f"sdl: {{file: {of.name}.graphql}}\n" + more
    lines = "".join(f"  {line}\n" for line in more.splitlines())
    text = f"subgraph:\n  name: {of.name}\n  url: {of.url}\n{lines}traffic: {{timeoutMs: {timeout_ms}, retries: 0}}\n"
    (folder / f"{of.name}.yaml").write_text(text, encoding="utf-8")
