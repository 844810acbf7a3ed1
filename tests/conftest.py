"""Servers shared by all tests of a run."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import settings

from gateway.database import Database, open_database, upgrade
from tests.services import (
    PostgresServer,
    RedisServer,
    ServiceUnavailable,
    postgres_server,
    redis_server,
)


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One real Redis-compatible server; do not stop it (start your own with `redis_server()` for that)."""
    try:
        with redis_server() as server:
            yield server
    except ServiceUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    """One real PostgreSQL with an up-to-date `template_quanyu`; do not stop it (start your own for that)."""
    with postgres_server() as server:
        execute_on(server, "CREATE DATABASE template_quanyu")
        make_tables(server.url("template_quanyu"))
        yield server


def make_tables(url: str) -> None:
    async def run() -> None:
        database = open_database(url, Path())
        await upgrade(database)
        await database.close()

    run_apart(run)


def execute_on(server: PostgresServer, *statements: str) -> None:
    """Each on its own, in the server's `postgres` database."""

    async def run() -> None:
        connection = await asyncpg.connect(server.url())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    run_apart(run)


def run_apart(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """In a loop of its own, whether or not one runs here."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An up-to-date database of the test's own, once of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'records.db'}"
        make_tables(url)
        yield url
        return
    server: PostgresServer = request.getfixturevalue("shared_postgres")
    name = f"test_{uuid.uuid4().hex[:12]}"
    execute_on(server, f"CREATE DATABASE {name} TEMPLATE template_quanyu")
    yield server.url(name)
    execute_on(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """`database_url`, opened."""
    opened = open_database(database_url, tmp_path)
    yield opened
    await opened.close()


# examples are bounded in number, not in time: the machines that run them are shared
settings.register_profile("quanyu", deadline=None)
settings.load_profile("quanyu")
