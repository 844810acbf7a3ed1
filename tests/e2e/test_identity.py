"""Tokens of the local issuer and of an OpenID Connect issuer at a running gateway."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from gateway.security.oidc.local_issuer import issue
from tests.e2e.gateways import ROOT, clean_environment, here
from tests.e2e.services import Service, declare
from tests.e2e.test_live import SIGHTED, SSE, Sightings, boat, boats


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quanyu", "token", *arguments],
        cwd=ROOT,
        env=clean_environment() | {"QUANYU_DATA_DIR": str(data), "QUANYU_LOCAL_ISSUER": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def joined(systems_dir: Path, running: Service) -> Path:
    declare(systems_dir, running, more=SSE)
    return systems_dir


def test_a_token_of_the_command_opens_what_its_scopes_say(systems_dir: Path, tmp_path: Path) -> None:
    with (
        boats(Sightings()) as running,
        here(
            tmp_path, joined(systems_dir, running), {}, token=None, local_issuer=True, watch=False
        ) as client,
    ):
        data = next(tmp_path.rglob("issuer")).parent
        made = command(data, "--name", "counter-3", "--scope", "cases:read")
        assert (made.returncode, made.stderr) == (0, "")
        asked = client.ask("{ cases(first: 1) { nodes { id } } }", token=made.stdout.strip())
        assert "UNAUTHENTICATED" not in asked.codes
        assert "FORBIDDEN" not in asked.codes
        other = command(data, "--name", "citizen", "--scope", "cases:own")
        assert client.ask("{ cases(first: 1) { nodes { id } } }", token=other.stdout.strip()).codes == [
            "FORBIDDEN"
        ]
        assert client.ask("{ regions { nodes { code } } }", token="a.b.c").status == 401


def test_a_subscription_ends_with_its_token(systems_dir: Path, tmp_path: Path) -> None:
    sightings = Sightings()
    with boats(sightings) as running:
        declare(systems_dir, running, more=SSE)
        with here(tmp_path, systems_dir, {}, token=None, local_issuer=True, watch=False) as client:
            data = next(tmp_path.rglob("issuer")).parent
            # good for as long as the leeway and the two seconds that a slow machine may need to subscribe
            client.token = issue(data, "x", ["cases:read"], hours=(2 - 30) / 3600)
            begun = time.time()
            with client.events(SIGHTED) as events:
                sightings.show()
                assert next(events) == boat(1)
                last = next(events)
                assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
                assert list(events) == []
            assert time.time() - begun < 20
            assert client.ask("{ __typename }").status == 401
