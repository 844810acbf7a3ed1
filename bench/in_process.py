"""The gateway's engine in this process, without HTTP: for profiles, and for what HTTP adds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.fetch import Caller, RequestContext
from bench.load import WrongAnswerError
from bench.machine import ROOT
from gateway.app import Gateway, build_gateway
from gateway.request import GraphQLRequest
from gateway.settings import Settings

__all__ = ["Ask", "open_engine"]

Ask = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
DEADLINE_S = 10.0
CALLER = Caller(name="bench", scopes=frozenset({"cases:read", "systems:read"}))


@asynccontextmanager
async def open_engine(systems: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Ask]:
    """Yields a function from a query and its variables to the answer's data; any error is a WrongAnswerError."""
    settings = Settings(
        systems_dir=systems,
        registry_dir=ROOT / "samples" / "data",
        secret_key="0" * 64,
        watch=False,
        graphiql=False,
        log_level="error",
    )
    gateway = build_gateway(settings, environ=environment or {})

    async def ask(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        context = RequestContext(
            deadline=asyncio.get_running_loop().time() + DEADLINE_S,
            caller=CALLER,
            request_id="bench",
            trace_headers={},
        )
        answer = await gateway.engine.execute(GraphQLRequest(query, dict(variables)), context)
        if answer.errors or answer.data is None:
            raise WrongAnswerError(f"the engine answered {answer.errors}")
        return dict(answer.data)

    async with started(gateway):
        yield ask


@asynccontextmanager
async def started(gateway: Gateway) -> AsyncIterator[None]:
    """Drives the application's ASGI lifespan, as a server would."""
    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def run() -> None:
        await gateway.app(scope, received.get, sent.put)

    running = asyncio.create_task(run())
    await received.put({"type": "lifespan.startup"})
    if (await sent.get())["type"] != "lifespan.startup.complete":
        raise RuntimeError("the gateway did not start; `quanyu check` tells why")
    try:
        yield
    finally:
        await received.put({"type": "lifespan.shutdown"})
        await running
