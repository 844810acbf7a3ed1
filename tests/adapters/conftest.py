"""One sample city for all tests of this folder, with the slow system hurried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samples.city import running_city
from samples.servers.ghj_plan import DELAY_VARIABLE


@pytest.fixture(scope="session")
def city() -> Iterator[dict[str, str]]:
    """System -> base URL."""
    with running_city(environment={DELAY_VARIABLE: "0.01"}) as urls:
        yield urls
