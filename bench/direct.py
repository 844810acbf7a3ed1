"""The systems of the farm asked without a gateway: what a fan-out cannot be faster than."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.wire import UrlGuard, Wire, WireLimits, WireRequest
from samples.farm_declarations import FarmAddress

__all__ = ["BareFanOut", "bare_fan_out", "slowest_alone_s"]

TIMEOUT_S = 10.0
_XML = "<request><trancode>LIST</trancode><idNumber>{}</idNumber><page>1</page><size>20</size></request>"
_SOAP = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><QueryCaseList xmlns="urn:farm">'
    "<idNumber>{}</idNumber><page>1</page><size>20</size></QueryCaseList></e:Body></e:Envelope>"
)


@dataclass(frozen=True, slots=True)
class BareFanOut:
    """wall_s: median time to the last answer of all systems asked at once. cpu_us: this process's, a call."""

    wall_s: float
    cpu_us: float


async def slowest_alone_s(farm: Sequence[FarmAddress], applicant: str, *, rounds: int) -> float:
    """The greatest of the systems' median latencies, each asked alone, one call at a time."""
    wire = _wire(farm)
    medians = []
    for address in farm:
        request = _request(wire, address, applicant)
        await wire.send(request, timeout_s=TIMEOUT_S)  # opens the connection
        took = []
        for _ in range(rounds):
            began = time.perf_counter()
            await wire.send(request, timeout_s=TIMEOUT_S)
            took.append(time.perf_counter() - began)
        medians.append(statistics.median(took))
    await wire.close()
    return max(medians)


async def bare_fan_out(farm: Sequence[FarmAddress], applicant: str, *, rounds: int) -> BareFanOut:
    """Prepared requests to all systems at once, nothing read but the bytes: the floor of wall time and CPU."""
    wire = _wire(farm)
    requests = [_request(wire, address, applicant) for address in farm]
    await asyncio.gather(*(wire.send(one, timeout_s=TIMEOUT_S) for one in requests))
    walls = []
    cpu = time.process_time()
    for _ in range(rounds):
        began = time.perf_counter()
        await asyncio.gather(*(wire.send(one, timeout_s=TIMEOUT_S) for one in requests))
        walls.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    await wire.close()
    return BareFanOut(statistics.median(walls), round(1e6 * cpu / rounds / len(farm), 1))


def _wire(farm: Sequence[FarmAddress]) -> Wire:
    return Wire(guard=UrlGuard([address.url for address in farm]), limits=WireLimits(max_connections=1))


def _request(wire: Wire, address: FarmAddress, applicant: str) -> WireRequest:
    """The first page of an applicant's cases, as the declarations of the farm ask for it."""
    if address.kind == "rest":
        url = f"{address.url}/api/cases?idNumber={applicant}&page=1&size=20"
        return wire.prepare(WireRequest("GET", url)).request()
    path, text = ("/xml", _XML) if address.kind == "xml" else ("/ws", _SOAP)
    head = wire.prepare(
        WireRequest("POST", address.url + path, (("Content-Type", "text/xml"),), idempotent=True)
    )
    return head.request(text.format(applicant).encode())
