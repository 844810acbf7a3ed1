"""The `quanyu` command as its users run it; its output is read, nothing inside is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from samples.city import city_environment, running_city
from samples.servers.ghj_plan import DELAY_VARIABLE
from tests.e2e.gateways import ROOT

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def city_environ() -> Iterator[dict[str, str]]:
    with running_city(environment={DELAY_VARIABLE: "0.005"}) as urls:
        yield city_environment(urls)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `quanyu WORDS...` in the project's folder; `environ`: further variables. Nothing may raise."""
    monkeypatch.chdir(ROOT)
    for name in [one for one in os.environ if one.startswith("QUANYU_") or one.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)

    def run(*words: str | Path, environ: dict[str, str] | None = None, width: int = 160) -> Result:
        result = CliRunner().invoke(
            main, [str(word) for word in words], env={"COLUMNS": str(width)} | (environ or {})
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return run
