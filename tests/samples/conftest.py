"""One city for all tests of this folder, with the slow system hurried."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from samples.city import running_city
from samples.servers.ghj_plan import DELAY_VARIABLE
from tests.samples.readers import Reader, readers


@pytest.fixture(scope="session")
def city() -> Iterator[dict[str, str]]:
    """System -> base URL."""
    with running_city(environment={DELAY_VARIABLE: "0.01"}) as urls:
        yield urls


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def read(city: dict[str, str], http: httpx.Client) -> dict[str, Reader]:
    """System -> a reader that speaks its protocol."""
    return readers(city, http)
