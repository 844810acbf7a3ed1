"""A small engine over graphql-core and a real server around it, for tests of the web.

`python -m tests.web.toy --port 0` prints its URL and serves until it is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationType,
    build_schema,
    execute,
    get_operation_ast,
    parse,
    subscribe,
    validate,
)

from adapters.fetch import RequestContext
from gateway.security.identity import load_tokens
from gateway.telemetry.metrics import Metrics
from gateway.web.admission import Admission
from gateway.web.entrance import Entrance
from gateway.web.graphiql import GraphiQLPage, load_assets, load_samples
from gateway.web.http_protocol import bounded_protocol
from gateway.web.lifecycle import Lifecycle
from gateway.web.ports import Authenticator, GraphQLAnswer, GraphQLRequest
from gateway.web.routes import WebLimits, build_web
from gateway.web.server import listen, serve

SCHEMA = build_schema(
    """
    type Query {
      hello(name: String = "全域"): String!
      caller: String!
      broken: String
      crash: String
      "Waits until `release` was sent."
      wait: String!
      list(n: Int!): [Int!]!
    }
    type Mutation { release: Boolean! }
    type Subscription {
      count(to: Int!): Int!
      "One event for each `release`."
      releases: Int!
      crashes: Int
    }
    """
)


@dataclass
class ToyEngine:
    """Answers the toy schema; `crash` raises from the engine itself."""

    ready: bool = True
    systems: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0
    streams: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLAnswer:
        if "crash" in request.query:
            raise RuntimeError("secret of the house: 500229197001010010")
        try:
            document = parse(request.query)
        except GraphQLError as error:
            return _refused(400, error)
        if problems := validate(SCHEMA, document):
            return _refused(400, *problems)
        operation = get_operation_ast(document, request.operation_name)
        if operation is None:
            return _refused(400, GraphQLError("Name one of the operations"))
        if request.read_only and operation.operation != OperationType.QUERY:
            return _refused(405, GraphQLError("Only queries by GET"))
        result = execute(
            SCHEMA,
            document,
            root_value=self._root(context),
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        errors = [dict(error.formatted) for error in result.errors or ()]
        refused = result.data is None and errors and "path" not in errors[0]
        return GraphQLAnswer(
            result.data,
            errors,
            status_hint=400 if refused else 200,
            operation=operation.operation.value,
        )

    def kind_of(self, request: GraphQLRequest, context: RequestContext) -> str | None:  # noqa: ARG002
        try:
            document = parse(request.query)
        except GraphQLError:
            return None
        operation = get_operation_ast(document, request.operation_name)
        return None if operation is None or validate(SCHEMA, document) else operation.operation.value

    async def stream(
        self,
        request: GraphQLRequest,
        context: RequestContext,
        *,
        event_timeout_s: float,  # noqa: ARG002
    ) -> AsyncGenerator[GraphQLAnswer, None]:
        if self.kind_of(request, context) != "subscription":
            yield await self.execute(request, context)
            return
        self.streams += 1
        try:
            outcome = subscribe(
                SCHEMA,
                parse(request.query),
                root_value={"count": self._count, "releases": self._releases, "crashes": self._crashes},
                variable_values=dict(request.variables),
            )
            results: Any = await outcome if inspect.isawaitable(outcome) else outcome
            if isinstance(results, ExecutionResult):
                errors = [dict(error.formatted) for error in results.errors or ()]
                yield GraphQLAnswer(errors=errors, status_hint=400, operation="subscription")
                return
            async for result in results:
                yield GraphQLAnswer(result.data, operation="subscription")
        finally:
            self.streams -= 1

    def readiness(self) -> Mapping[str, Any]:
        return {"ready": self.ready, "systems": self.systems}

    def _root(self, context: RequestContext) -> dict[str, Any]:
        return {
            "hello": lambda _info, name: f"hello {name}",
            "caller": lambda _info: f"{context.caller.name} {context.request_id} {context.client_name}",
            "broken": self._broken,
            "wait": self._wait,
            "list": lambda _info, n: list(range(n)),
            "release": self._release,
        }

    @staticmethod
    async def _count(_info: Any, to: int) -> AsyncGenerator[dict[str, int], None]:
        for number in range(to):
            yield {"count": number}

    async def _releases(self, _info: Any) -> AsyncGenerator[dict[str, int], None]:
        given = 0
        while True:
            await self.released.wait()
            self.released.clear()
            yield {"releases": given}
            given += 1

    @staticmethod
    async def _crashes(_info: Any) -> AsyncGenerator[dict[str, int], None]:
        yield {"crashes": 1}
        raise RuntimeError("secret of the house: 500229197001010010")

    @staticmethod
    def _broken(_info: Any) -> str:
        raise GraphQLError("down", extensions={"code": "SOURCE_UNAVAILABLE"})

    async def _wait(self, _info: Any) -> str:
        self.waiting += 1
        await self.released.wait()
        return "released"

    def _release(self, _info: Any) -> bool:
        self.released.set()
        return True


def _refused(status: int, *errors: GraphQLError) -> GraphQLAnswer:
    return GraphQLAnswer(errors=[dict(error.formatted) for error in errors], status_hint=status)


@dataclass
class RunningWeb:
    """A toy gateway on a real socket, served from a thread."""

    url: str
    engine: ToyEngine
    metrics: Metrics
    lifecycle: Lifecycle
    stop: Callable[[], None]
    """As SIGTERM does when the notice is over."""


@contextlib.contextmanager
def running_web(
    *,
    engine: ToyEngine | None = None,
    page: GraphiQLPage | None = None,
    limits: WebLimits | None = None,
    authenticator: Authenticator | None = None,
    cors_origins: tuple[str, ...] = (),
    entrance: Entrance | None = None,
    admission: Admission | None = None,
) -> Iterator[RunningWeb]:
    """Serves on a free port until the block ends."""
    engine, lifecycle, metrics = engine or ToyEngine(), Lifecycle(), Metrics(version="test")
    app = build_web(
        engine,
        authenticator or load_tokens(None),
        lifecycle=lifecycle,
        limits=limits,
        metrics=metrics,
        registry=metrics.registry,
        page=page,
        cors_origins=cors_origins,
        entrance=entrance,
        admission=admission,
    )
    listener = listen("127.0.0.1", 0)
    started = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            loops.append(asyncio.get_running_loop())
            started.set()

    def stop() -> None:
        server.should_exit = True
        loops[0].call_soon_threadsafe(lifecycle.stopping.set)

    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            http=bounded_protocol(head_timeout_s=10.0, max_connections=100, admission=admission),
            ws="websockets-sansio",
            proxy_headers=False,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    try:
        assert started.wait(10)
        yield RunningWeb(listener.url, engine, metrics, lifecycle, stop)
    finally:
        server.should_exit = True
        thread.join(20)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--drain-s", type=float, default=10.0)
    parser.add_argument("--notice-s", type=float, default=0.5)
    parser.add_argument("--token", default="")
    arguments = parser.parse_args()
    lifecycle, metrics = Lifecycle(), Metrics(version="toy")
    app = build_web(
        ToyEngine(),
        load_tokens(None),
        lifecycle=lifecycle,
        metrics=metrics,
        registry=metrics.registry,
        page=GraphiQLPage(load_assets(), load_samples(), token=arguments.token),
    )
    listener = listen("127.0.0.1", arguments.port)
    serve(
        app,
        listener,
        lifecycle=lifecycle,
        drain_s=arguments.drain_s,
        notice_s=arguments.notice_s,
        on_started=lambda: print(listener.url, flush=True),
    )


if __name__ == "__main__":
    main()
