"""The systems of the farm: what each is, its cases, and its answers as ready bytes.

Three kinds: `rest` (60 %, JSON envelope, page and size), `xml` (25 %, XML over POST), `soap` (15 %, SOAP 1.1 with one
shared WSDL). Each knows the eight sample applicants, with two to four cases of each, and answers two questions: the
cases of an applicant, a case by its number.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samples.cases import Case, draft_case, served_items
from samples.lean_http import Handler, Request, response
from samples.register import Dialect
from samples.registry import load_registry
from samples.servers import fgw_invest, gsj_license, jt_permit
from samples.soap import SOAP_11, SoapFaultError, envelope, fault, tag

__all__ = ["FARM_NAMESPACE", "FarmSystem", "build_handler", "farm_cases", "farm_systems"]

FARM_NAMESPACE = "urn:farm"
DATE = "%Y-%m-%d %H:%M:%S"
KINDS_OF_TWENTY = ("rest",) * 12 + ("xml",) * 5 + ("soap",) * 3
ONLY_FILED: dict[str, frozenset[str]] = {
    "rest": gsj_license.ONLY_FILED,
    "xml": frozenset({"WITHDRAW"}),
    "soap": frozenset(),
}
"""Events that come of what a system is told; no generated case has them."""

DIALECTS: dict[str, Dialect] = {
    "rest": gsj_license.DIALECT,
    "xml": jt_permit.DIALECT,
    "soap": fgw_invest.DIALECT,
}
JSON_TYPE, XML_TYPE = "application/json; charset=utf-8", "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class FarmSystem:
    """code: FARM-001 and so on; kind: rest, xml or soap; department: key of departments.csv."""

    code: str
    kind: str
    department: str


def farm_systems(count: int, *, seed: int) -> tuple[FarmSystem, ...]:
    """The first `count` systems of a seed; more systems never change the ones before."""
    registry = load_registry()
    departments = [key for key in registry.departments if served_items(registry, key)]
    systems: list[FarmSystem] = []
    for block in range(0, count, len(KINDS_OF_TWENTY)):
        kinds = list(KINDS_OF_TWENTY)
        random.Random(f"{seed}:farm:{block}").shuffle(kinds)
        systems += [
            FarmSystem(f"FARM-{index + 1:03d}", kind, departments[index % len(departments)])
            for index, kind in enumerate(kinds, start=block)
        ]
    return tuple(systems[:count])


def farm_cases(system: FarmSystem, *, seed: int) -> tuple[Case, ...]:
    """The cases of one system, newest application first."""
    registry = load_registry()
    rng = random.Random(f"{seed}:{system.code}")
    items = served_items(registry, system.department)
    kinds = frozenset(DIALECTS[system.kind].events) - ONLY_FILED[system.kind]
    drafts = [
        draft_case(rng, registry, items, person, kinds=kinds)
        for person in registry.applicants
        if person.sample
        for _ in range(rng.randint(2, 4))
    ]
    drafts.sort(key=lambda case: case.applied_at)
    prefix = system.code.replace("-", "")
    numbered = [replace(case, number=f"{prefix}-{index:05d}") for index, case in enumerate(drafts, start=1)]
    return tuple(reversed(numbered))


def build_handler(system: FarmSystem, *, seed: int, address: str) -> Handler:
    """Render all answers of a system; `address` is its base URL."""
    cases = farm_cases(system, seed=seed)
    if system.kind == "rest":
        return _rest(_answers(cases, _json_row, _json_list, _json_case, _json_missing()))
    if system.kind == "xml":
        return _xml(_answers(cases, _xml_row, _xml_list, _xml_case, _xml_missing()))
    answers = _answers(cases, _soap_row, _soap_list, _soap_case, _soap_missing())
    wsdl = (Path(__file__).parent / "servers" / "farm.wsdl").read_text("utf-8")
    described = response(wsdl.replace("{address}", f"{address}/ws").encode(), content_type=XML_TYPE)
    return _soap(answers, described)


@dataclass(frozen=True, slots=True)
class Answers:
    """Ready responses. rows: rendered rows of each applicant; lists: all of them at once, for page 1."""

    rows: Mapping[bytes, Sequence[bytes]]
    lists: Mapping[bytes, bytes]
    cases: Mapping[bytes, bytes]
    missing: bytes
    wrap: Callable[[Sequence[bytes], int], bytes]

    def page(self, applicant: bytes, page: int, size: int) -> bytes:
        rows = self.rows.get(applicant, ())
        if page == 1 and size >= len(rows) and applicant in self.lists:
            return self.lists[applicant]
        return self.wrap(rows[(page - 1) * size : page * size], len(rows))

    def case(self, number: bytes) -> bytes:
        return self.cases.get(number, self.missing)


def _answers(
    cases: Sequence[Case],
    row: Callable[[Case, bool], bytes],
    wrap: Callable[[Sequence[bytes], int], bytes],
    single: Callable[[bytes], bytes],
    missing: bytes,
) -> Answers:
    rows: dict[bytes, list[bytes]] = {}
    for case in cases:
        rows.setdefault(case.applicant.id_number.encode(), []).append(row(case, False))
    return Answers(
        rows=rows,
        lists={applicant: wrap(found, len(found)) for applicant, found in rows.items()},
        cases={case.number.encode(): single(row(case, True)) for case in cases},
        missing=missing,
        wrap=wrap,
    )


def _rest(answers: Answers) -> Handler:
    applicant, number = re.compile(rb"[?&]idNumber=([^&]*)"), re.compile(rb"[?&]caseNo=([^&]*)")
    page, size = re.compile(rb"[?&]page=(\d+)"), re.compile(rb"[?&]size=(\d+)")

    def handle(request: Request) -> bytes:
        target = request.target
        if target.startswith(b"/api/cases"):
            return answers.page(_first(applicant, target), _whole(page, target, 1), _whole(size, target, 20))
        return answers.case(_first(number, target))

    return handle


def _xml(answers: Answers) -> Handler:
    applicant, number = re.compile(rb"<idNumber>([^<]*)"), re.compile(rb"<caseNo>([^<]*)")
    page, size = re.compile(rb"<page>(\d+)"), re.compile(rb"<size>(\d+)")

    def handle(request: Request) -> bytes:
        body = request.body
        if b"<trancode>LIST<" in body:
            return answers.page(_first(applicant, body), _whole(page, body, 1), _whole(size, body, 20))
        return answers.case(_first(number, body))

    return handle


def _soap(answers: Answers, described: bytes) -> Handler:
    # Prefixes differ between clients, so only local names are looked for.
    applicant, number = re.compile(rb"[:<]idNumber[^>]*>([^<]*)"), re.compile(rb"[:<]caseNo[^>]*>([^<]*)")
    page, size = re.compile(rb"[:<]page[^>]*>(\d+)"), re.compile(rb"[:<]size[^>]*>(\d+)")

    def handle(request: Request) -> bytes:
        body = request.body
        if request.method == b"GET":
            return described
        if b"QueryCaseList" in body:
            return answers.page(_first(applicant, body), _whole(page, body, 1), _whole(size, body, 20))
        return answers.case(_first(number, body))

    return handle


def _first(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    found = pattern.search(text)
    return found.group(1) if found else b""


def _whole(pattern: re.Pattern[bytes], text: bytes, default: int) -> int:
    found = pattern.search(text)
    return max(1, int(found.group(1))) if found else default


def _fields(case: Case, dialect: Dialect) -> dict[str, str]:
    accepted = case.time_of("ACCEPT")
    return {
        "caseNo": case.number,
        "title": case.title,
        "itemCode": case.item.base_code,
        "taskCode": case.implementation.task_code,
        "regionCode": case.implementation.region,
        "deptCode": case.implementation.department,
        "applicantType": "1" if case.applicant.kind == "NATURAL" else "2",
        "applicantName": case.applicant.name,
        "idNumber": case.applicant.id_number,
        "caseType": dialect.case_types[case.item.case_type],
        "status": dialect.status(case),
        "applyTime": case.applied_at.strftime(DATE),
        "acceptTime": accepted.strftime(DATE) if accepted else "",
    }


def _events(case: Case, dialect: Dialect) -> list[dict[str, str | int]]:
    return [
        {
            "seq": event.seq,
            "action": dialect.events[event.kind],
            "step": event.step,
            "officer": event.actor,
            "time": event.at.strftime(DATE),
        }
        for event in case.events
    ]


def _json_row(case: Case, full: bool) -> bytes:
    dialect = DIALECTS["rest"]
    row: dict[str, object] = dict(_fields(case, dialect))
    if full:
        row["events"] = _events(case, dialect)
    return json.dumps(row, ensure_ascii=False).encode()


def _json_list(rows: Sequence[bytes], total: int) -> bytes:
    body = b'{"code":0,"msg":"ok","data":{"total":%d,"rows":[%b]}}' % (total, b",".join(rows))
    return response(body, content_type=JSON_TYPE)


def _json_case(row: bytes) -> bytes:
    return response(b'{"code":0,"msg":"ok","data":%b}' % row, content_type=JSON_TYPE)


def _json_missing() -> bytes:
    return response('{"code":404,"msg":"办件不存在","data":null}'.encode(), content_type=JSON_TYPE)


def _xml_fragment(case: Case, kind: str, name: str, full: bool) -> bytes:
    dialect = DIALECTS[kind]
    fields = "".join(tag(key, value) for key, value in _fields(case, dialect).items())
    events = ""
    if full:
        events = "".join(
            f"<event>{''.join(tag(key, value) for key, value in event.items())}</event>"
            for event in _events(case, dialect)
        )
    return f"<{name}>{fields}{events}</{name}>".encode()


def _xml_row(case: Case, full: bool) -> bytes:
    return _xml_fragment(case, "xml", "row", full)


def _xml_list(rows: Sequence[bytes], total: int) -> bytes:
    return _xml_reply(b"<total>%d</total><rows>%b</rows>" % (total, b"".join(rows)), code=b"0000")


def _xml_case(row: bytes) -> bytes:
    return _xml_reply(row, code=b"0000")


def _xml_missing() -> bytes:
    return _xml_reply("<retmsg>办件不存在</retmsg>".encode(), code=b"9001")


def _xml_reply(body: bytes, *, code: bytes) -> bytes:
    text = b'<?xml version="1.0" encoding="UTF-8"?><response><retcode>%b</retcode>%b</response>' % (
        code,
        body,
    )
    return response(text, content_type=XML_TYPE)


def _soap_row(case: Case, full: bool) -> bytes:
    return _xml_fragment(case, "soap", "case", full)


def _soap_list(rows: Sequence[bytes], total: int) -> bytes:
    return _soap_reply("QueryCaseListResponse", f"<total>{total}</total>{b''.join(rows).decode()}")


def _soap_case(row: bytes) -> bytes:
    return _soap_reply("QueryCaseResponse", row.decode())


def _soap_reply(name: str, body: str) -> bytes:
    content = envelope(f'<{name} xmlns="{FARM_NAMESPACE}">{body}</{name}>', version=SOAP_11)
    return response(content, content_type=XML_TYPE)


def _soap_missing() -> bytes:
    problem = SoapFaultError("E404", "办件不存在")
    content = fault(problem, version=SOAP_11, namespace=FARM_NAMESPACE)
    return response(content, content_type=XML_TYPE, status="500 Internal Server Error")
