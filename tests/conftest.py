"""Servers shared by all tests of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.services import RedisServer, ServiceUnavailable, redis_server


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


# examples are bounded in number, not in time: the machines that run them are shared
settings.register_profile("quanyu", deadline=None)
settings.load_profile("quanyu")
