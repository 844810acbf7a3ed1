"""What it costs to know who asks and what they may: authentication, permission, reach, the whole request.

    .venv/bin/python -m bench.security [--rounds 2000]

In the process, one core, no network but the loopback between the systems and the gateway. p50 of each step alone; then
one case by its id through the engine, by callers with less and less in reach, over one stub system.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from adapters.fetch import Caller, RequestContext
from adapters.reach import reach_of
from bench.in_process import started
from bench.machine import ROOT
from gateway.app import Gateway, build_gateway
from gateway.directory import read_registry
from gateway.request import GraphQLRequest
from gateway.security.identity import load_tokens
from gateway.security.oidc.authenticator import Identity
from gateway.security.oidc.declaration import Issuer
from gateway.settings import Settings
from schema.roles import with_roles
from tests.e2e.stubs import answering, declaration, row, stub

ISSUER = "https://id.example"
CASE = '{ case(id: "AA:AA-1") { id title state applicant { displayName } } }'
JT = "115000000090001627"
CALLERS = {
    "auditor (everything)": Caller("auditor", with_roles(["role:auditor", "public"])),
    "clerk of a department": Caller("clerk", with_roles(["role:clerk", "public"]), department=JT),
    "clerk of the whole city": Caller(
        "clerk", with_roles(["role:clerk", "public"]), department=JT, region="500000"
    ),
    "applicant": Caller("citizen", with_roles(["role:applicant", "public"]), subject="500241198808151235"),
    "nobody (refused)": Caller(scopes=frozenset({"public"})),
}


async def main(rounds: int) -> None:
    print("| Step | p50 |\n| --- | --- |")
    await _steps(rounds)
    await _requests(rounds)


async def _steps(rounds: int) -> None:
    tokens = load_tokens(ROOT / "samples/tokens.yaml")
    await _told("static token, 9 known", rounds, lambda: tokens.authenticate("Bearer demo-auditor"))
    for name, algorithm, key in (
        ("RS256 (2048 bits)", "RS256", RSAKey.generate_key(2048, {"kid": "a"})),
        ("ES256", "ES256", ECKey.generate_key("P-256", {"kid": "a"})),
        ("Ed25519", "Ed25519", OKPKey.generate_key("Ed25519", {"kid": "a"})),
    ):
        identity, header = _issuer(algorithm, key)
        await identity.authenticate(header)
        await _told(f"OIDC token, {name}", rounds, partial(identity.authenticate, header))
    registry = read_registry(ROOT / "samples/data")
    for name, caller in CALLERS.items():
        await _told(f"reach: {name}", rounds, partial(_now, partial(reach_of, caller, registry)))


async def _requests(rounds: int) -> None:
    with TemporaryDirectory() as folder, stub(answering([row("AA-1")])) as server:
        systems = Path(folder) / "systems"
        systems.mkdir()
        text = declaration("AA", server.url, ttl_s=3600)
        (systems / "aa.yaml").write_text(text, "utf-8")
        gateway = build_gateway(_settings(Path(folder), systems))
        async with started(gateway):
            for name, caller in CALLERS.items():
                await _told(f"one kept case: {name}", rounds, partial(_ask, gateway, caller))


def _settings(folder: Path, systems: Path) -> Settings:
    """Without access records: `bench.ledger` has what those cost."""
    return Settings(
        systems_dir=systems,
        registry_dir=ROOT / "samples/data",
        data_dir=folder / "data",
        secret_key="0" * 64,
        access_records=False,
        watch=False,
        graphiql=False,
        log_level="error",
    )


def _context(caller: Caller) -> RequestContext:
    return RequestContext(asyncio.get_running_loop().time() + 10, caller, "bench")


def _issuer(algorithm: str, key: Any) -> tuple[Identity, str]:
    keys = KeySet([key])

    async def load() -> KeySet:
        return keys

    claims = {
        "iss": ISSUER,
        "aud": "quanyu",
        "sub": "clerk",
        "scope": "role:clerk",
        "exp": time.time() + 3600,
    }
    token = jwt.encode({"alg": algorithm, "kid": "a", "typ": "JWT"}, claims, key, algorithms=[algorithm])
    issuer = Issuer(issuer=ISSUER, audience=("quanyu",), algorithms=(algorithm,))  # type: ignore[arg-type]
    return Identity(load_tokens(None), (issuer,), loader=lambda _issuer: load), f"Bearer {token}"


async def _now(make: Callable[[], object]) -> object:
    return make()


async def _ask(gateway: Gateway, caller: Caller) -> object:
    return await gateway.engine.execute(GraphQLRequest(CASE), _context(caller))


async def _told(name: str, rounds: int, run: Callable[[], Awaitable[object]]) -> None:
    for _ in range(min(rounds, 50)):
        await run()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        await run()
        taken.append(time.perf_counter_ns() - began)
    print(f"| {name} | {statistics.median(taken) / 1000:.1f} µs |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2000)
    asyncio.run(main(parser.parse_args().rounds))
