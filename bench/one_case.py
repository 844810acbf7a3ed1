"""One case from a SOAP system, through the whole gateway over HTTP; and what a long SOAP reply costs to read.

`case(id:)` of the sample system JT-PERMIT with its cache off, other cases in turn so that nothing is shared;
`cases` of a SOAP system that answers with 500 records at once; and the same 500 records read by our reader and by
zeep's own in this process.

python -m bench.one_case [--seconds 5] [--records 500] [--rounds 7]
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvloop
from lxml import etree

from adapters.build import Surroundings, build_source, load_declarations
from adapters.references import Lookup
from adapters.soap.wsdl import SoapService
from adapters.source import Source
from adapters.validate import Known
from adapters.wire import UrlGuard, Wire, WireHeaders, WireLimits, WireRequest, WireResponse
from bench.gateway_process import running_gateway
from bench.load import Client, Load, WrongAnswerError
from bench.machine import GATEWAY_CORE, LOAD_CORE, ROOT, facts, pin, print_table, write_result
from bench.soap_list import CODE, declaration, list_envelope, running_soap_list, wsdl_text
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight
from samples.city import city_environment, running_city
from samples.registry import load_registry

SYSTEM = "JT-PERMIT"
CASE = """query Case($id: ID!) {
  case(id: $id) { id title state rawStatus appliedAt acceptedAt timeline { nodes { kind step occurredAt } } }
}"""
LIST = """query Cases($number: String!) {
  cases(applicant: {number: $number}, systems: ["%s"], first: 20) {
    nodes { id title state appliedAt }
    sources { system status }
  }
}"""
CONNECTIONS = (1, 8)
WARM_UP = 20
FEW = frozenset({"localNo", "appliedAt", "title", "state"})
APPLICANTS = tuple(person.id_number for person in load_registry().applicants if person.sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--records", type=int, default=500, help="of the long reply")
    parser.add_argument("--rounds", type=int, default=7, help="of reading the long reply")
    options = parser.parse_args()
    machine = facts()
    pin(LOAD_CORE)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        served = _serve(runner, options)
        pin(GATEWAY_CORE)
        read = runner.run(_read_long(options.records, options.rounds))
    print_table("one case from a SOAP system, and a long SOAP list", served)
    print_table(f"reading {options.records} SOAP records, CPU of this process", read)
    print(f"written: {write_result('one-case', [*served, *read], machine)}")


# --- over HTTP ---


def _serve(runner: asyncio.Runner, options: argparse.Namespace) -> list[dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory(prefix="quanyu-bench-") as work,
        running_city([SYSTEM]) as urls,
        running_soap_list(options.records) as list_url,
    ):
        folder = Path(work) / "systems"
        folder.mkdir()
        permit = (ROOT / "systems" / "jt-permit.yaml").read_text(encoding="utf-8")
        (folder / "jt-permit.yaml").write_text(_uncached(permit), encoding="utf-8")
        (folder / "list.yaml").write_text(declaration(list_url, options.records), encoding="utf-8")
        with running_gateway(folder, Path(work), city_environment(urls)) as gateway:
            client = Client(gateway.url, gateway.pid, connections=max(CONNECTIONS))
            return runner.run(_over_http(client, options))


def _uncached(text: str) -> str:
    """The declaration with its cache off. Raises WrongAnswerError if it has no such line any more."""
    changed, times = re.subn(r"(?m)^  cache: .*$", "  cache: {ttlS: 0}", text)
    if times != 1:
        raise WrongAnswerError(f"the declaration of {SYSTEM} has no line `cache:` to turn off")
    return changed


async def _over_http(client: Client, options: argparse.Namespace) -> list[dict[str, Any]]:
    listing = LIST % SYSTEM
    found = [await client.ask(client.question(listing, {"number": number})) for number in APPLICANTS]
    ids = [node["id"] for data in found for node in data["cases"]["nodes"]]
    singles = [client.question(CASE, {"id": one}) for one in ids]
    lists = [client.question(LIST % CODE, {"number": number}) for number in APPLICANTS]
    rows = []
    for name, bodies in (("one case", singles), (f"list of {options.records}", lists)):
        for body in bodies:
            _check(await client.expect(body))
        for connections in CONNECTIONS:
            await client.run(bodies, connections=connections, seconds=1.0, most=WARM_UP)
            load: Load = await client.run(bodies, connections=connections, seconds=options.seconds)
            rows.append({"question": f"{name}, {connections} conn", "connections": connections, **load.row()})
    await client.close()
    return rows


def _check(data: dict[str, Any]) -> None:
    """Raises WrongAnswerError unless there is a case with its steps, or a full page from an answering system."""
    if "case" in data:
        good = len(data["case"]["timeline"]["nodes"]) >= 1
    else:
        good = len(data["cases"]["nodes"]) == 20 and data["cases"]["sources"][0]["status"] == "OK"
    if not good:
        raise WrongAnswerError(f"not the answer expected: {str(data)[:300]}")


# --- reading ---


class _CannedWire(Wire):
    """Answers every request with the same bytes, so that what is measured is all but the network."""

    body = b""

    async def send(
        self, request: WireRequest, *, timeout_s: float, connect_timeout_s: float | None = None
    ) -> WireResponse:
        del request, timeout_s, connect_timeout_s
        return WireResponse(
            200, WireHeaders([(b"content-type", b"text/xml; charset=utf-8")]), self.body, "1.1"
        )


async def _read_long(records: int, rounds: int) -> list[dict[str, Any]]:
    reply = list_envelope(records)
    source, service = await _canned_source(reply, records)
    operation = service.operations["QueryCaseList"].binding_operation
    every = source.connectors["cases"].mapped
    args = {"applicant": {"idNumber": APPLICANTS[0]}}

    async def ours(fields: frozenset[str]) -> int:
        deadline = asyncio.get_running_loop().time() + 60
        return len((await source.ask("cases", args, fields=fields, deadline=deadline)).records)

    async def zeeps() -> int:
        return len(operation.process_reply(etree.fromstring(reply)).case)

    async def parsed() -> int:
        return len(etree.fromstring(reply)[0][0]) - 1

    ways: dict[str, Callable[[], Any]] = {
        "zeep, objects": zeeps,
        "ours, all fields": lambda: ours(every),
        "ours, 4 fields": lambda: ours(FEW),
        "lxml parse alone": parsed,
    }
    taken = await _cpu_ms(ways, records, rounds)
    await source.wire.close()
    return [
        {"way": name, "cpuMs": round(ms, 2), "usPerRecord": round(1000 * ms / records, 2), "timesZeep": ratio}
        for name, ms in taken.items()
        for ratio in [round(taken["zeep, objects"] / ms, 1)]
    ]


async def _cpu_ms(ways: dict[str, Callable[[], Any]], records: int, rounds: int) -> dict[str, float]:
    """Median CPU milliseconds of each way, the ways in turn in every round; the first round warms up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            found = await way()
            took_ms = 1000 * (time.process_time() - began)
            if found != records:
                raise WrongAnswerError(f"{name} read {found} records of {records}")
            if turn:
                taken[name].append(took_ms)
    return {name: statistics.median(values) for name, values in taken.items()}


async def _canned_source(reply: bytes, records: int) -> tuple[Source, SoapService]:
    url = "http://127.0.0.1:9"  # discard: nothing is sent
    with tempfile.TemporaryDirectory(prefix="quanyu-bench-") as work:
        folder = Path(work)
        _write(folder, {"list.wsdl": wsdl_text(url), "list.yaml": declaration(url, records)})
        text = (folder / "list.yaml").read_text(encoding="utf-8")
        _write(folder, {"list.yaml": text.replace(f"{url}/ws?wsdl", "list.wsdl")})
        loaded = await load_declarations([folder], Lookup({}, lambda _path: ""), Known())
    loaded.raise_if_bad()

    def wire_for(limits: WireLimits, guard: UrlGuard, _tls: object) -> Wire:
        wire = _CannedWire(guard=guard, limits=limits)
        wire.body = reply
        return wire

    around = Surroundings(EmbeddedStore(), SingleFlight(), None, secret=b"bench", wire_for=wire_for)
    service = loaded.services[CODE]
    return build_source(loaded.declarations[0], service, around), service


def _write(folder: Path, texts: dict[str, str]) -> Sequence[Path]:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


if __name__ == "__main__":
    main()
