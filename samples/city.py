"""The whole city: the eight systems and the migrated department as separate processes on free ports."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence

from samples.catalogue import SUBGRAPHS, SYSTEMS, url_variable
from samples.children import running_children
from samples.credentials import credential_environment
from samples.serve import DEFAULT_SEED
from samples.stopping import stop_signals

__all__ = ["city_environment", "print_city", "running_city"]


@contextlib.contextmanager
def running_city(
    systems: Sequence[str] | None = None,
    *,
    seed: int = DEFAULT_SEED,
    environment: Mapping[str, str] | None = None,
) -> Iterator[dict[str, str]]:
    """Run some, or all systems and subgraphs; yields system -> base URL once every port takes connections.

    environment: further variables of the servers, e.g. {"QUANYU_SAMPLE_GHJ_PLAN_DELAY_S": "0.05"}. The children are
    stopped on exit, also after an exception. Raises ChildFailedError where a server does not start.
    """
    chosen = list(systems or SYSTEMS | SUBGRAPHS)
    commands = [("serve", system, "--seed", str(seed)) for system in chosen]
    with running_children(commands, os.environ | dict(environment or {})) as lines:
        yield {line["system"]: line["url"] for line in lines}


def city_environment(urls: Mapping[str, str]) -> dict[str, str]:
    """Variables that the declarations in `systems/` read: the URL of each system and the credentials."""
    return {url_variable(system): url for system, url in urls.items()} | credential_environment(os.environ)


def print_city(*, seed: int, as_json: bool) -> None:
    """Run the city until SIGTERM or Ctrl-C; prints a JSON map system -> URL, then `NAME=value` lines."""
    with stop_signals() as wait, running_city(seed=seed) as urls:
        print(json.dumps(urls), flush=True)
        if not as_json:
            for name, value in city_environment(urls).items():
                print(f"{name}={value}", flush=True)
        wait()
