"""FGW-INVEST, 市发展和改革委员会 投资项目: SOAP 1.2 rpc/literal behind a WS-Security UsernameToken.

Work-order codes 1, 3, 4, 6, 8, 9, 10, 11; times as `yyyy-MM-dd HH:mm:ss` without a zone; paging by first row, counted
from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from samples.cases import SHANGHAI, Case, Event, served_items
from samples.credentials import credential
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry
from samples.soap import SOAP_12, SoapCall, SoapFaultError, envelope, fault, read_call, tag, wss_user

__all__ = ["DIALECT", "PATH", "build"]

SYSTEM = "FGW-INVEST"
PATH = "/tzxm/InvestProjectService"
NAMESPACE = "urn:fgw:invest"
MODEL = "urn:fgw:invest:model"
DATE = "%Y-%m-%d %H:%M:%S"
LARGEST_PAGE = 100
CHANGES_AT_ONCE = 200
MEDIA_TYPE = "application/soap+xml; charset=utf-8"

DIALECT = Dialect(
    events={
        "RECEIVE": "1",
        "ACCEPT": "3",
        "REFUSE_ACCEPTANCE": "4",
        "REQUEST_CORRECTION": "6",
        "STEP_START": "8",
        "SPECIAL_START": "9",
        "SPECIAL_END": "10",
        "CLOSE": "11",
    },
    statuses={},
    case_types={"COMMITTED": "1", "INSTANT": "2", "TRANSFERRED": "3", "REPORTED_UP": "4"},
    channels={"ONLINE": "在线平台", "WINDOW": "大厅窗口", "MOBILE": "手机端", "PROXY": "代办"},
    stray="77",
)


def build(seed: int, environment: Mapping[str, str]) -> Starlette:
    register = open_cases(SYSTEM, seed=seed, dialect=DIALECT, summary=_summary, detail=_detail)
    user = credential("QUANYU_SAMPLE_FGW_INVEST_USERNAME", environment)
    passwords = {user: credential("QUANYU_SAMPLE_FGW_INVEST_PASSWORD", environment)}
    operations: dict[str, Callable[[SoapCall], str]] = {
        "getProject": lambda call: _get_project(register, call),
        "listProjects": lambda call: _list_projects(register, call),
        "listCatalog": lambda _call: _list_catalog(),
        "getModifications": lambda call: _get_modifications(register, call),
    }

    async def post(request: Request) -> Response:
        try:
            call = read_call(await request.body(), version=SOAP_12)
            wss_user(call.wsse, passwords)
            if call.operation not in operations:
                raise SoapFaultError("E405", f"没有操作{call.operation}")
            body = operations[call.operation](call)
        except SoapFaultError as problem:
            content = fault(problem, version=SOAP_12, namespace=MODEL)
            return Response(content, status_code=400, media_type=MEDIA_TYPE)
        name = f"{call.operation}Response"
        content = envelope(f'<r:{name} xmlns:r="{NAMESPACE}">{body}</r:{name}>', version=SOAP_12)
        return Response(content, media_type=MEDIA_TYPE)

    return Starlette(routes=[Route(PATH, _describe, methods=["GET"]), Route(PATH, post, methods=["POST"])])


async def _describe(request: Request) -> Response:
    """The WSDL at `?wsdl`, its XSD at `?xsd=model.xsd`; both open to everyone."""
    folder = Path(__file__).parent
    if request.url.query.lower() == "wsdl":
        text = (folder / "invest.wsdl").read_text("utf-8")
        return Response(
            text.replace("{address}", str(request.url.replace(query=""))),
            media_type="text/xml; charset=utf-8",
        )
    if request.query_params.get("xsd") == "model.xsd":
        return Response((folder / "invest.xsd").read_text("utf-8"), media_type="text/xml; charset=utf-8")
    return PlainTextResponse("InvestProjectService: ?wsdl\n", status_code=404)


def _get_project(register: Register[str], call: SoapCall) -> str:
    number = call.text("workOrderNo")
    if number not in register.details:
        raise SoapFaultError("PROJECT_NOT_FOUND", f"工单号{number}不存在")
    return register.details[number]


def _list_projects(register: Register[str], call: SoapCall) -> str:
    start, size = call.number("startRow", 1), call.number("rowCount", 20)
    if start < 1 or not 1 <= size <= LARGEST_PAGE:
        raise SoapFaultError("ROW_COUNT", f"startRow从1开始，rowCount不超过{LARGEST_PAGE}")
    selection = register.select(
        start=start - 1,
        size=size,
        applicant=call.text("ownerCertNo"),
        since=_read_date(call.text("beginTime")),
        until=_read_date(call.text("endTime")),
    )
    return f"<page>{tag('totalRows', selection.total)}{''.join(selection.rows)}</page>"


def _list_catalog() -> str:
    entries = "".join(
        f"<entry><code>TZ-{index:03d}</code>{tag('name', item.name)}{tag('baseCode', item.base_code)}"
        f"{tag('handleType', DIALECT.case_types[item.case_type])}{tag('workdays', item.promised_days)}"
        "<enabled>true</enabled></entry>"
        for index, item in enumerate(served_items(load_registry(), "FGW"), start=1)
    )
    return f"<catalog>{entries}</catalog>"


def _get_modifications(register: Register[str], call: SoapCall) -> str:
    size = min(call.number("maxCount", CHANGES_AT_ONCE), CHANGES_AT_ONCE)
    changes, more = register.changes_since(_read_date(call.text("afterTime")), size)
    rows = "".join(
        f"<modification>{tag('id', change.id)}{tag('workOrderNo', change.case.number)}"
        f"{tag('nodeCode', DIALECT.events[change.event.kind])}{tag('workStatus', DIALECT.events[change.event.kind])}"
        f"{tag('modifyTime', change.event.at.strftime(DATE))}</modification>"
        for change in changes
    )
    return f"<modifications><hasMore>{str(more).lower()}</hasMore>{rows}</modifications>"


def _summary(case: Case) -> str:
    return f"<project>{_fields(case)}</project>"


def _detail(case: Case) -> str:
    logs = "".join(_log(case, event) for event in case.events)
    return f"<project>{_fields(case)}{logs}</project>"


def _fields(case: Case) -> str:
    person = case.applicant
    owner = (
        tag("name", person.name)
        + tag("certType", "111" if person.kind == "NATURAL" else "001")
        + tag("certNo", person.id_number)
        + tag("legalPerson", person.representative)
        + tag("phone", person.mobile)
    )
    return (
        tag("workOrderNo", case.number)
        + tag("projectCode", case.project_code)
        + tag("projectName", case.title)
        + tag("catalogCode", case.item.base_code)
        + tag("taskNo", case.implementation.task_code)
        + tag("division", case.implementation.region)
        + f"<owner>{owner}</owner>"
        + tag("handleType", DIALECT.case_types[case.item.case_type])
        + tag("source", DIALECT.channels[case.channel])
        + tag("workStatus", DIALECT.status(case))
        + tag("submitTime", _date(case.applied_at))
        + tag("acceptTime", _date(case.time_of("ACCEPT")))
        + tag("limitTime", _date(case.promised_at))
        + tag("finishTime", _date(case.time_of("CLOSE")))
    )


def _log(case: Case, event: Event) -> str:
    return (
        f"<log>{tag('logId', f'{case.number}{event.seq:02d}')}{tag('nodeCode', DIALECT.events[event.kind])}"
        f"{tag('nodeName', event.step)}{tag('operator', event.actor)}{tag('operateTime', _date(event.at))}"
        f"{tag('remark', event.opinion)}{tag('replyNo', f'渝发改投{event.document}' if event.document else '')}</log>"
    )


def _date(value: datetime | None) -> str:
    return value.strftime(DATE) if value else ""


def _read_date(text: str) -> datetime | None:
    """Raises SoapFaultError for anything but `yyyy-MM-dd HH:mm:ss` or nothing."""
    if not text:
        return None
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=SHANGHAI)
    except ValueError as problem:
        raise SoapFaultError("BAD_TIME", f"时间格式须为yyyy-MM-dd HH:mm:ss：{text}") from problem
