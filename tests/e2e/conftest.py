"""One city for each worker, with the slow system hurried, and one gateway over it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.city import city_environment, running_city
from samples.servers.ghj_plan import DELAY_VARIABLE
from samples.servers.zjj_lift import BETWEEN_REPORTS
from tests.e2e.gateways import ROOT, Client, here


@pytest.fixture(scope="session")
def city() -> Iterator[dict[str, str]]:
    """System -> base URL."""
    with running_city(environment={DELAY_VARIABLE: "0.005", BETWEEN_REPORTS: "0.01"}) as urls:
        yield urls


@pytest.fixture(scope="session")
def city_environ(city: dict[str, str]) -> dict[str, str]:
    """What the declarations in `systems/` need to find the city."""
    return city_environment(city)


@pytest.fixture(scope="session")
def gateway(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The clerk's client of a gateway over the whole city; tests of one worker share it and change nothing."""
    with here(tmp_path_factory.mktemp("gateway"), ROOT / "systems", city_environ, watch=False) as client:
        yield client


@pytest.fixture
def systems_dir(tmp_path: Path) -> Path:
    """An empty folder for declarations."""
    folder = tmp_path / "systems"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _no_proxy_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here is on loopback."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
