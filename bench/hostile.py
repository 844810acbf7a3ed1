"""What a refused hostile request costs: time as one client sees it, and CPU time of the gateway.

One client, one request after the other, over HTTP to `quanyu serve` with two systems' worth of schema; beside them an
answered query, to compare with. Texts are new each time, so nothing is answered from the cache of operations.

python -m bench.hostile [--rounds 300]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from bench.gateway_process import TOKEN, running_gateway
from bench.machine import LOAD_CORE, facts, pin, print_table, write_result
from samples.city import city_environment, running_city

SYSTEMS = Path(__file__).parents[1] / "systems"
REGION = 'region(code: "500107")'
WARM_UP = 20


def _doubling(levels: int) -> str:
    links = " ".join(f"fragment F{one} on Query {{...F{one + 1} ...F{one + 1}}}" for one in range(levels))
    return f"{{...F0}} {links} fragment F{levels} on Query {{__typename}}"


def _query(make: Callable[[int], str], **headers: str) -> Callable[[int], tuple[bytes, Mapping[str, str]]]:
    return lambda number: (json.dumps({"query": make(number)}).encode(), headers)


KINDS: Mapping[str, tuple[int, Callable[[int], tuple[bytes, Mapping[str, str]]]]] = {
    "answered: one region, plan kept": (200, _query(lambda _n: f"{{{REGION} {{name}}}}")),
    "answered: one region, text new": (200, _query(lambda n: f"query Q{n} {{{REGION} {{name}}}}")),
    "not UTF-8": (400, lambda _n: (b'{"query":"\xff"}', {})),
    "a list of 5,000 operations": (400, lambda _n: (b"[" + b'{"query":"{a}"},' * 4999 + b"{}]", {})),
    "a megabyte of blanks": (400, _query(lambda n: f"query Q{n} {{__typename" + " " * 1_000_000 + "}")),
    "3,000 tokens": (400, _query(lambda n: f"query Q{n} {{" + "a " * 3000 + "}")),
    "600 levels": (400, _query(lambda n: f"query Q{n} " + "{a" * 600 + "}" * 600)),
    "40 levels of a field": (
        400,
        _query(lambda n: f"query Q{n} {{{REGION} {{{'parent {' * 40}code{'}' * 42}"),
    ),
    "300 aliases": (
        400,
        _query(lambda n: f"query Q{n} {{{REGION} {{{' '.join(f'a{i}: name' for i in range(300))}}}}}"),
    ),
    "300 times the same objects": (
        400,
        _query(lambda n: f"query Q{n} {{{REGION} {{{'parent{name code}' * 300}}}}}"),
    ),
    "900 directives": (400, _query(lambda n: f"query Q{n} {{__typename {'@aa' * 900}}}")),
    "2^60 fields by fragments": (400, _query(lambda n: f"# {n}\n" + _doubling(60))),
    "600 unknown fields": (
        400,
        _query(lambda n: f"query Q{n} {{{REGION} {{{' '.join(f'x{i}' for i in range(600))}}}}}"),
    ),
    "pages within pages": (
        400,
        _query(
            lambda n: (
                f"query Q{n} {{serviceItems(first: 100) {{nodes {{implementations(first: 100) {{nodes {{region {{parent {{parent {{parent {{parent {{name}}}}}}}}}}}}}}}}}}}}"
            )
        ),
    ),
    "50,000 values in variables": (
        400,
        lambda _n: (
            json.dumps(
                {
                    "query": "query ($s: [CaseState!]) {cases(states: $s) {totalCount}}",
                    "variables": {"s": ["ACCEPTED"] * 50_000},
                }
            ).encode(),
            {},
        ),
    ),
    "a hash that is not known": (
        400,
        lambda n: (
            json.dumps(
                {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": f"{n:064x}"}}}
            ).encode(),
            {},
        ),
    ),
    "a wrong token": (401, _query(lambda _n: "{__typename}", authorization="Bearer wrong")),
    "a request over the rate": (429, _query(lambda _n: "{__typename}")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="of each kind")
    options = parser.parse_args()
    machine = facts()
    pin(LOAD_CORE)
    rows = []
    with tempfile.TemporaryDirectory(prefix="quanyu-bench-") as work, running_city(["JT-PERMIT"]) as urls:
        folder = Path(work)
        # a machine that is busy with other work is no reason to shed what is measured
        environment = {**city_environment(urls), "QUANYU_MAX_LOOP_LAG_MS": "0"}
        chosen = folder / "systems"
        chosen.mkdir()
        for file in SYSTEMS.glob("jt*"):
            (chosen / file.name).symlink_to(file.resolve())
        with running_gateway(chosen, folder, environment) as gateway:
            rows = [_measure(gateway.url, gateway.pid, kind, options.rounds) for kind in list(KINDS)[:-1]]
        second = folder / "second"
        second.mkdir()
        limited = environment | {"QUANYU_RATE_PER_CALLER": "1"}
        with running_gateway(chosen, second, limited) as gateway:
            httpx.post(f"{gateway.url}/graphql", json={"query": "{a}"}, headers=_headers({}), trust_env=False)
            rows.append(_measure(gateway.url, gateway.pid, list(KINDS)[-1], options.rounds))
    print_table("what a refused request costs", rows)
    print(f"written: {write_result('hostile', rows, machine)}")


def _headers(more: Mapping[str, str]) -> dict[str, str]:
    accept = "application/graphql-response+json"
    return {"accept": accept, "content-type": "application/json", "authorization": f"Bearer {TOKEN}", **more}


def _measure(url: str, pid: int, kind: str, rounds: int) -> dict[str, Any]:
    status, make = KINDS[kind]
    took: list[float] = []
    with httpx.Client(trust_env=False, timeout=30) as client:
        cpu = 0.0
        for number in range(WARM_UP + rounds):
            if number == WARM_UP:
                cpu = _cpu_s(pid)
            content, more = make(number)
            started = time.perf_counter()
            reply = client.post(f"{url}/graphql", content=content, headers=_headers(more))
            took.append(time.perf_counter() - started)
            assert reply.status_code == status, (kind, reply.status_code, reply.text[:300])
        cpu = _cpu_s(pid) - cpu
    took = sorted(took[WARM_UP:])
    return {
        "request": kind,
        "status": status,
        "p50_ms": round(statistics.median(took) * 1000, 2),
        "p99_ms": round(took[int(len(took) * 0.99) - 1] * 1000, 2),
        "cpu_ms": round(cpu / rounds * 1000, 2),
    }


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
