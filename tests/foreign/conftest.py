"""Each foreign server starts once a session, and only where a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.foreign.wrapped")

from tests.foreign.stacks import (  # noqa: E402
    gsoap_server,
    java_server,
    node_server,
    perl_server,
    php_server,
)


@pytest.fixture(scope="session")
def php() -> Iterator[str]:
    with php_server() as origin:
        yield origin


@pytest.fixture(scope="session")
def node() -> Iterator[str]:
    with node_server() as origin:
        yield origin


@pytest.fixture(scope="session")
def perl() -> Iterator[str]:
    with perl_server() as origin:
        yield origin


@pytest.fixture(scope="session")
def gsoap() -> Iterator[tuple[str, Path]]:
    with gsoap_server() as started:
        yield started


@pytest.fixture(scope="session")
def java() -> Iterator[str]:
    with java_server() as origin:
        yield origin
