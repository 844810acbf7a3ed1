"""A SOAP system for benchmarks: the farm's WSDL, and one list of many records for whoever is asked for, as ready bytes.

`python -m bench.soap_list --records 500` serves it until its standard input closes; prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import uvloop

from bench.machine import ROOT
from samples.farm_declarations import FarmAddress, declaration_texts
from samples.lean_http import LeanProtocol, Request, response
from samples.registry import load_registry
from samples.serve import bind, follow_parent, run_protocols
from samples.soap import SOAP_11, envelope, tag

__all__ = ["CODE", "declaration", "list_envelope", "running_soap_list", "wsdl_text"]

CODE = "FARM-500"
XML_TYPE = "text/xml; charset=utf-8"
FIRST_APPLIED = datetime(2017, 1, 3, 9, 0, 0)


def declaration(url: str, records: int) -> str:
    """As the farm's, with pages of `records`."""
    text = declaration_texts([FarmAddress(CODE, "soap", url)])[CODE]
    return text.replace("size: 20", f"size: {records}")


def wsdl_text(url: str) -> str:
    text = (ROOT / "samples" / "servers" / "farm.wsdl").read_text(encoding="utf-8")
    return text.replace("{address}", f"{url}/ws")


def list_envelope(records: int, number: str = "") -> bytes:
    """The reply of QueryCaseList with so many cases of one applicant, newest first. number: of which of the samples."""
    registry = load_registry()
    person = next(one for one in registry.applicants if one.sample and number in ("", one.id_number))
    made = registry.implementations[: records or 1]
    rows = []
    for index in range(records, 0, -1):
        task = made[index % len(made)]
        fields = {
            "caseNo": f"FARM500-{index:05d}",
            "title": f"{registry.regions[task.region]}{registry.items[task.base_code].name}",
            "itemCode": task.base_code,
            "taskCode": task.task_code,
            "regionCode": task.region,
            "deptCode": task.department,
            "applicantType": "1" if person.kind == "NATURAL" else "2",
            "applicantName": person.name,
            "idNumber": person.id_number,
            "caseType": "1",
            "status": ("1", "3", "8", "11")[index % 4],
            "applyTime": str(FIRST_APPLIED + timedelta(hours=index)),
            "acceptTime": str(FIRST_APPLIED + timedelta(hours=index + 5)),
        }
        rows.append(f"<case>{''.join(tag(name, value) for name, value in fields.items())}</case>")
    body = f'<QueryCaseListResponse xmlns="urn:farm"><total>{records}</total>{"".join(rows)}</QueryCaseListResponse>'
    return envelope(body, version=SOAP_11)


@contextlib.contextmanager
def running_soap_list(records: int) -> Iterator[str]:
    """The system in a process of its own; yields its base URL."""
    command = [sys.executable, "-m", "bench.soap_list", "--records", str(records)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as system:
        try:
            assert system.stdout is not None
            yield system.stdout.readline().strip()
        finally:
            system.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500)
    records = parser.parse_args().records
    follow_parent()
    listener = bind(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    described = response(wsdl_text(url).encode(), content_type=XML_TYPE)
    numbers = [one.id_number for one in load_registry().applicants if one.sample]
    listed = {one.encode(): response(list_envelope(records, one), content_type=XML_TYPE) for one in numbers}

    def handle(request: Request) -> bytes:
        if request.method == b"GET":
            return described
        return next(reply for number, reply in listed.items() if number in request.body)

    print(url, flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_protocols([(lambda: LeanProtocol(handle), listener)]))


if __name__ == "__main__":
    main()
