"""A load client that costs little: prepared requests over `adapters.wire`, one connection a worker, bounded.

An answer is checked by comparing its bytes with one that was looked at before the clock ran.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.wire import UrlGuard, Wire, WireHead, WireLimits, WireRequest
from bench.gateway_process import TOKEN
from bench.machine import cpu_s, quantile_ms

__all__ = ["Client", "Load", "WrongAnswerError"]

TIMEOUT_S = 15.0


class WrongAnswerError(RuntimeError):
    """An answer is not the one expected, so that its time says nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """latencies_s: of each request; gateway_cpu_s: of the gateway's process over the same time."""

    latencies_s: tuple[float, ...]
    elapsed_s: float
    gateway_cpu_s: float

    @property
    def requests(self) -> int:
        return len(self.latencies_s)

    def row(self) -> dict[str, float]:
        """The figures of a table's row."""
        return {
            "requests": self.requests,
            "p50Ms": round(quantile_ms(self.latencies_s, 0.5), 3),
            "p99Ms": round(quantile_ms(self.latencies_s, 0.99), 3),
            "requestsPerS": round(self.requests / self.elapsed_s, 1),
            "gatewayCpuUs": round(1e6 * self.gateway_cpu_s / self.requests, 1),
            "requestsPerCpuS": round(self.requests / self.gateway_cpu_s, 1),
            "gatewayCpuShare": round(self.gateway_cpu_s / self.elapsed_s, 3),
        }


class Client:
    """Asks one gateway. Bodies are made once by `question`; `expect` keeps the answer that each must have."""

    def __init__(self, url: str, pid: int, *, connections: int = 8) -> None:
        self.pid = pid
        self._wire = Wire(guard=UrlGuard([url]), limits=WireLimits(max_connections=connections))
        headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {TOKEN}"))
        self._head: WireHead = self._wire.prepare(WireRequest("POST", f"{url}/graphql", headers))
        self._expected: dict[bytes, bytes] = {}

    async def close(self) -> None:
        await self._wire.close()

    @staticmethod
    def question(query: str, variables: Mapping[str, Any]) -> bytes:
        return orjson.dumps({"query": query, "variables": variables})

    async def ask(self, body: bytes) -> dict[str, Any]:
        """One answer's `data`. Raises WrongAnswerError for any error."""
        answer: dict[str, Any] = orjson.loads(await self._post(body))
        if answer.get("errors") or not answer.get("data"):
            raise WrongAnswerError(f"the gateway answered {answer.get('errors')}")
        data: dict[str, Any] = answer["data"]
        return data

    async def expect(self, body: bytes) -> dict[str, Any]:
        """The answer's data, kept as what this question must be answered with from now on."""
        first = await self.ask(body)
        self._expected[body] = await self._post(body)
        return first

    async def run(
        self, bodies: Sequence[bytes], *, connections: int, seconds: float, most: int = 1_000_000
    ) -> Load:
        """Workers that ask one after the other, each beginning at another body, until time or count is up.

        Raises WrongAnswerError where an answer differs from what `expect` kept.
        """
        latencies: list[float] = []
        share = max(1, most // connections)
        clock = time.perf_counter

        async def worker(offset: int) -> None:
            for turn in range(share):
                body = bodies[(offset + turn * connections) % len(bodies)]
                asked = clock()
                answer = await self._post(body)
                now = clock()
                latencies.append(now - asked)
                if answer != self._expected[body]:
                    raise WrongAnswerError(f"another answer than before: {answer[:300]!r}")
                if now >= until:
                    return

        cpu, began = cpu_s(self.pid), clock()
        until = began + seconds
        async with asyncio.TaskGroup() as group:
            for offset in range(connections):
                group.create_task(worker(offset))
        return Load(tuple(latencies), clock() - began, cpu_s(self.pid) - cpu)

    async def _post(self, body: bytes) -> bytes:
        answer = await self._wire.send(self._head.request(body), timeout_s=TIMEOUT_S)
        if answer.status != 200:
            raise WrongAnswerError(f"HTTP status {answer.status}: {answer.body[:300]!r}")
        return answer.body
