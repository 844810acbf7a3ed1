"""Each test of the wire runs on both event loops; its servers live in that loop, on free loopback ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest_asyncio
import uvloop

from tests.wire.servers import RawServer


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def raw() -> AsyncIterator[RawServer]:
    """A server that speaks exactly the bytes it is told to."""
    async with RawServer() as server:
        yield server
