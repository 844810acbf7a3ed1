"""From the farm's addresses to declarations: one YAML text a system, by its kind.

Every system is asked anew each time (`ttlS: 0`) and takes 16 calls at once, so that a benchmark measures calls and
not a cache. Owners go round the city's 34 departments.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from samples.registry import load_registry

__all__ = ["FarmAddress", "declaration_texts", "declared_addresses", "write_declarations"]


class FarmAddress(NamedTuple):
    """code: FARM-001 and so on; kind: rest, xml or soap; url: base URL without a path."""

    code: str
    kind: str
    url: str


def declared_addresses(addresses: Iterable[FarmAddress]) -> list[tuple[str, str, str]]:
    """(system code, kind, base URL) triples in order of the codes."""
    return sorted((address.code, address.kind, address.url) for address in addresses)


def declaration_texts(addresses: Iterable[FarmAddress]) -> dict[str, str]:
    """System code -> declaration, in order of the codes."""
    owners = list(load_registry().departments.values())
    return {
        code: _declaration(FarmAddress(code, kind, url), owners[index % len(owners)])
        for index, (code, kind, url) in enumerate(declared_addresses(addresses))
    }


def write_declarations(addresses: Iterable[FarmAddress], folder: Path) -> list[Path]:
    """One file a system, `farm-001.yaml` and so on; the folder is made, other files in it stay."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for code, text in declaration_texts(addresses).items():
        path = folder / f"{code.lower()}.yaml"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


class _Kind(NamedTuple):
    """Parts of a declaration text. each: where the steps stand in a case; case, cases: how they are asked for."""

    source: str
    tables: str
    case: str
    cases: str
    each: str


def _declaration(address: FarmAddress, owner: str) -> str:
    kind = _KINDS[address.kind]
    number = address.code.removeprefix("FARM-")
    return f"""\
# A system of the benchmark farm ({address.kind}).
system:
  code: {address.code}
  name: 样例系统{number}
  nameEn: Farm system {number}
  owner: "{owner}"

source:
{kind.source.replace("URL", address.url)}
traffic:
  timeoutMs: 2000
  concurrency: 16
  cache: {{ttlS: 0}}

tables:
{kind.tables}\
  applicantKind: {{1: NATURAL, 2: LEGAL}}
  certificate: {{1: RESIDENT_ID, 2: USCC}}

connectors:
  case:
    numbers: FARM{number}-\\d{{5}}
{kind.case}\
    map: &case
{_RECORD}\
      events:
        each: {kind.each}
{_EVENT}
  cases:
{kind.cases}\
    map:
      <<: *case
      events: ~ # the list has no steps
"""


_RECORD = """\
      localNo: caseNo
      title: title
      itemCode: itemCode
      taskCode: taskCode
      regionCode: regionCode
      departmentCode: deptCode
      applicant:
        kind: applicantType | table("applicantKind")
        name: applicantName
        idType: applicantType | table("certificate")
        idNumber: idNumber
      caseType: caseType | table("caseType")
      state: status | table("status")
      appliedAt: applyTime | date("yyyy-MM-dd HH:mm:ss")
      acceptedAt: acceptTime | date("yyyy-MM-dd HH:mm:ss")
"""

_EVENT = """\
        id: seq
        kind: action | table("event")
        step: step
        actor: officer
        occurredAt: time | date("yyyy-MM-dd HH:mm:ss")
"""

_REST = _Kind(
    source="  rest:\n    baseUrl: URL/api\n",
    tables="""\
  status:
    {1: ACCEPTED, 2: NOT_ACCEPTED, 3: CORRECTION_REQUIRED, 4: DECIDED, 5: CLOSED, 7: VOIDED, 9: SUBMITTED, 10: PRE_ACCEPTED, 12: UNDER_REVIEW}
  event:
    {1: ACCEPT, 2: REFUSE_ACCEPTANCE, 3: REQUEST_CORRECTION, 4: DECIDE, 5: CLOSE, 7: VOID, 9: SUBMIT, 10: PRE_ACCEPT, 12: STEP_START}
  caseType: {1: INSTANT, 2: COMMITTED}
""",
    case="""\
    path: /case
    query: {caseNo: $args.number}
    failure: &failure {notFound: code == 404, when: code != 0, message: msg}
    records: data
""",
    cases="""\
    path: /cases
    query: {idNumber: $args.applicant.idNumber, page: $page.number, size: $page.size}
    paging: {style: page, size: 20, total: data.total}
    failure: *failure
    records: data.rows
""",
    each="events",
)

_XML = _Kind(
    source="  rest:\n    baseUrl: URL\n    format: xml\n",
    tables="""\
  status:
    {SB: SUBMITTED, WSYSL: PRE_ACCEPTED, SL: ACCEPTED, SPCL: UNDER_REVIEW, BZGZ: CORRECTION_REQUIRED, BZSL: RECEIVED, TBCXSQ: SPECIAL_PROCEDURE, TBCXJG: UNDER_REVIEW, BJ: CLOSED, LQDJ: DELIVERED}
  event:
    {SB: SUBMIT, WSYSL: PRE_ACCEPT, SL: ACCEPT, SPCL: STEP_START, BZGZ: REQUEST_CORRECTION, BZSL: CORRECTION_RECEIVED, TBCXSQ: SPECIAL_START, TBCXJG: SPECIAL_END, BJ: CLOSE, LQDJ: DELIVER}
  caseType: {0: INSTANT, 1: COMMITTED, 2: REPORTED_UP, 3: JOINT}
""",
    case="""\
    method: POST
    path: /xml
    body: {request: {trancode: CASE, caseNo: $args.number}}
    failure: &failure {notFound: retcode == "9001", when: retcode != "0000", message: retmsg}
    records: row
""",
    cases="""\
    method: POST
    path: /xml
    body: {request: {trancode: LIST, idNumber: $args.applicant.idNumber, page: $page.number, size: $page.size}}
    paging: {style: page, size: 20, total: total}
    failure: *failure
    records: rows.row
""",
    each="event",
)

_SOAP = _Kind(
    source="  soap:\n    wsdl: URL/ws?wsdl\n",
    tables="""\
  status:
    {1: RECEIVED, 3: ACCEPTED, 4: NOT_ACCEPTED, 6: CORRECTION_REQUIRED, 8: UNDER_REVIEW, 9: SPECIAL_PROCEDURE, 10: UNDER_REVIEW, 11: CLOSED}
  event:
    {1: RECEIVE, 3: ACCEPT, 4: REFUSE_ACCEPTANCE, 6: REQUEST_CORRECTION, 8: STEP_START, 9: SPECIAL_START, 10: SPECIAL_END, 11: CLOSE}
  caseType: {1: COMMITTED, 2: INSTANT, 3: TRANSFERRED, 4: REPORTED_UP}
""",
    case="""\
    operation: QueryCase
    body: {caseNo: $args.number}
    failure: &failure {notFound: $fault.detail.ServiceFault.Code == "E404", message: $fault.message}
    records: case
""",
    cases="""\
    operation: QueryCaseList
    body: {idNumber: $args.applicant.idNumber, page: $page.number, size: $page.size}
    paging: {style: page, size: 20, total: total}
    failure: *failure
    records: case
""",
    each="event",
)

_KINDS = {"rest": _REST, "xml": _XML, "soap": _SOAP}
