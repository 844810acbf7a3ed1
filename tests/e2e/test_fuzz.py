"""schemathesis asks whatever the schema allows, and what it does not: never an error of the server's own, never a hang,
and no more memory than before. Longer on demand: QUANYU_TEST_FUZZ_S=600."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from samples.city import city_environment, running_city
from samples.servers.ghj_plan import DELAY_VARIABLE
from samples.servers.zjj_lift import BETWEEN_REPORTS
from tests.e2e.gateways import CLERK, ROOT, child_gateway, clean_environment

SECONDS = int(os.environ.get("QUANYU_TEST_FUZZ_S", "20"))
MOST_GROWTH_KB = 200_000


def resident_kb(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def test_whatever_the_schema_allows_is_answered(tmp_path: Path) -> None:
    """A city of its own: mutations are asked too."""
    with (
        running_city(environment={DELAY_VARIABLE: "0.005", BETWEEN_REPORTS: "0.01"}) as urls,
        child_gateway(tmp_path, ROOT / "systems", city_environment(urls)) as child,
    ):
        for _ in range(3):
            child.client.ask(
                "{ regions(first: 100) { nodes { name } } cases(first: 100) { nodes { id state } } }"
            )
        before = resident_kb(child.process.pid)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", child.client.url + "/graphql"),
                *("--phases", "fuzzing", "--checks", "not_a_server_error", "--max-time", str(SECONDS)),
                *("--request-timeout", "15", "--seed", "1", "--continue-on-failure", "--no-color"),
                *("-H", f"Authorization: Bearer {CLERK}", "--suppress-health-check", "all"),
            ],
            cwd=tmp_path,
            env=clean_environment() | {"NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=SECONDS + 120,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "not_a_server_error" in done.stdout or "passed" in done.stdout, done.stdout[-3000:]
        assert child.client.http.get("/health/live").status_code == 200
        assert resident_kb(child.process.pid) - before < MOST_GROWTH_KB
        assert child.lines("unhandled") == []
        assert child.lines("engine failed") == []
