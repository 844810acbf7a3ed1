"""JT-PERMIT, 市交通委员会 超限运输许可: SOAP 1.1 document/literal wrapped, Guangdong event codes, yyyyMMddHHmmss.

A known weakness of the real thing is kept: one case in twenty lists its steps newest first and one of them twice.
It takes applications and gives a receipt; the case with its number comes some time after
(QUANYU_SAMPLE_JT_PERMIT_NUMBER_AFTER_S, default 1 s) and bears the sender's own number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from samples.cases import SHANGHAI, Case, Change, served_items
from samples.filing import Application, FilingError, Intake
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry
from samples.servers.permit_routes import TransportRoute, render, routes_of
from samples.soap import SOAP_11, SoapCall, SoapFaultError, envelope, fault, read_call, tag

__all__ = ["DIALECT", "PATH", "build"]

SYSTEM = "JT-PERMIT"
PATH = "/services/PermitService"
TYPES = "http://jtw.example/permit/types"
DATE = "%Y%m%d%H%M%S"
LARGEST_PAGE = 50
CHANGES_AT_ONCE = 100
OUT_OF_ORDER_EVERY = 20
RECEIPTS = count(1)

DIALECT = Dialect(
    events={
        "SUBMIT": "SB",
        "PRE_ACCEPT": "WSYSL",
        "ACCEPT": "SL",
        "STEP_START": "SPCL",
        "REQUEST_CORRECTION": "BZGZ",
        "CORRECTION_RECEIVED": "BZSL",
        "SPECIAL_START": "TBCXSQ",
        "SPECIAL_END": "TBCXJG",
        "CLOSE": "BJ",
        "DELIVER": "LQDJ",
        "WITHDRAW": "CXSQ",
    },
    statuses={},
    case_types={"INSTANT": "0", "COMMITTED": "1", "REPORTED_UP": "2", "JOINT": "3"},
    channels={"ONLINE": "WS", "WINDOW": "CK", "MOBILE": "SJ", "PROXY": "DB"},
    stray="GQZT",
)


NUMBER_AFTER_VARIABLE = "QUANYU_SAMPLE_JT_PERMIT_NUMBER_AFTER_S"
REFUSALS = {"item": "E422", "missing": "E404", "state": "E409"}


def build(seed: int, environment: Mapping[str, str]) -> Starlette:
    register = open_cases(
        SYSTEM,
        seed=seed,
        dialect=DIALECT,
        summary=_case,
        detail=_case_with_steps,
        only_filed=frozenset({"WITHDRAW"}),
    )
    routes = routes_of(register.cases)
    intake = Intake(SYSTEM, register, _case, _case_with_steps)
    number_after_s = float(environment.get(NUMBER_AFTER_VARIABLE, "1"))
    operations: dict[str, Callable[[SoapCall], str]] = {
        "QueryCase": lambda call: _query_case(intake.register, call),
        "QueryCaseList": lambda call: _query_case_list(intake.register, call),
        "QueryItems": lambda _call: _query_items(),
        "SubmitApplication": lambda call: _submit(intake, call, number_after_s),
        "SupplementApplication": lambda call: _add_step(intake, call, "CORRECTION_RECEIVED", "note"),
        "WithdrawApplication": lambda call: _add_step(intake, call, "WITHDRAW", "reason"),
        "BookInspection": lambda call: _book(intake, call),
        "QueryChanges": lambda call: _query_changes(intake.register, call),
        "QueryRoutes": lambda call: _query_routes(routes, call),
        "QueryRouteList": lambda call: _query_route_list(routes, call),
    }

    async def post(request: Request) -> Response:
        try:
            call = read_call(await request.body(), version=SOAP_11)
            if call.operation not in operations:
                raise SoapFaultError("E405", f"没有操作{call.operation}")
            body = operations[call.operation](call)
        except FilingError as refused:
            problem = SoapFaultError(REFUSALS[refused.kind], refused.message)
            content = fault(problem, version=SOAP_11, namespace=TYPES)
            return Response(content, status_code=500, media_type="text/xml; charset=utf-8")
        except SoapFaultError as problem:
            content = fault(problem, version=SOAP_11, namespace=TYPES)
            return Response(content, status_code=500, media_type="text/xml; charset=utf-8")
        content = envelope(
            f'<{call.operation}Response xmlns="{TYPES}">{body}</{call.operation}Response>', version=SOAP_11
        )
        return Response(content, media_type="text/xml; charset=utf-8")

    return Starlette(routes=[Route(PATH, _describe, methods=["GET"]), Route(PATH, post, methods=["POST"])])


async def _describe(request: Request) -> Response:
    """The WSDL at `?wsdl`, its XSD at `?xsd=PermitTypes.xsd`."""
    folder = Path(__file__).parent
    if request.url.query.lower() == "wsdl":
        text = (folder / "permit.wsdl").read_text("utf-8")
        address = str(request.url.replace(query=""))
        return Response(text.replace("{address}", address), media_type="text/xml; charset=utf-8")
    if request.query_params.get("xsd") == "PermitTypes.xsd":
        return Response((folder / "permit.xsd").read_text("utf-8"), media_type="text/xml; charset=utf-8")
    return PlainTextResponse("PermitService: 请用 ?wsdl\n", status_code=404)


def _query_case(register: Register[str], call: SoapCall) -> str:
    number = call.text("caseNo")
    if number not in register.details:
        raise SoapFaultError("E404", f"未找到办件：{number}")
    return register.details[number]


def _query_case_list(register: Register[str], call: SoapCall) -> str:
    page, size = call.number("pageNo", 1), call.number("pageSize", 20)
    if not 1 <= size <= LARGEST_PAGE or page < 1:
        raise SoapFaultError("E413", f"每页条数须在1至{LARGEST_PAGE}之间")
    selection = register.select(
        start=(page - 1) * size,
        size=size,
        applicant=call.text("applicantId"),
        since=_read_date(call.text("from")),
        until=_read_date(call.text("to")),
    )
    rows = "".join(selection.rows)
    return f"<Total>{selection.total}</Total><PageNo>{page}</PageNo><CaseList>{rows}</CaseList>"


def _query_items() -> str:
    registry = load_registry()
    return "".join(
        f"<Item><LocalCode>JTXK{index:02d}</LocalCode>{tag('ItemName', item.name)}{tag('ItemCode', item.base_code)}"
        f"{tag('BusinessType', DIALECT.case_types[item.case_type])}{tag('PromiseDays', item.promised_days)}"
        "<InUse>Y</InUse></Item>"
        for index, item in enumerate(served_items(registry, "JTW"), start=1)
    )


def _query_routes(routes: Sequence[TransportRoute], call: SoapCall) -> str:
    """Many at once, by number of the case or of the route; numbers that nobody has are passed over."""
    cases, numbers = set(call.texts("caseNo")), set(call.texts("routeNo"))
    if not 1 <= len(cases) + len(numbers) <= LARGEST_PAGE:
        raise SoapFaultError("E413", f"每次查询1至{LARGEST_PAGE}个编号")
    return "".join(render(one) for one in routes if one.case_no in cases or one.no in numbers)


def _query_route_list(routes: Sequence[TransportRoute], call: SoapCall) -> str:
    page, size, tier = call.number("pageNo", 1), call.number("pageSize", 20), call.text("tier")
    if not 1 <= size <= LARGEST_PAGE or page < 1:
        raise SoapFaultError("E413", f"每页条数须在1至{LARGEST_PAGE}之间")
    found = [one for one in routes if not tier or one.tier == tier]
    rows = "".join(render(one) for one in found[(page - 1) * size : page * size])
    return f"<Total>{len(found)}</Total>{rows}"


def _query_changes(register: Register[str], call: SoapCall) -> str:
    since = _read_date(call.text("since"))
    changes, more = register.changes_since(since, CHANGES_AT_ONCE)
    return f"<More>{str(more).lower()}</More>" + "".join(_change(change) for change in changes)


def _submit(intake: Intake[str], call: SoapCall, number_after_s: float) -> str:
    application = Application(
        item=call.text("itemCode"),
        title=call.text("caseName"),
        kind="NATURAL" if call.text("applicantType") == "1" else "LEGAL",
        name=call.text("applicantName"),
        number=call.text("certNo"),
        mobile=call.text("mobile"),
        representative=call.text("legalMan"),
        region=call.text("areaCode"),
        reference=call.text("outerNo"),
    )
    if not call.text("plateNo"):
        raise SoapFaultError("E422", f"车牌号不能为空（{application.name} {application.number}）")
    if number_after_s > 0:
        asyncio.get_running_loop().call_later(number_after_s, intake.submit, application)
    else:
        intake.submit(application)
    return f"{tag('ReceiptNo', f'SLD{next(RECEIPTS):06d}')}<Accepted>true</Accepted>"


def _add_step(intake: Intake[str], call: SoapCall, kind: str, word: str) -> str:
    case = intake.add_step(call.text("caseNo"), kind, call.text(word))
    return f"{tag('CaseNo', case.number)}{tag('StatusCode', DIALECT.status(case))}"


def _book(intake: Intake[str], call: SoapCall) -> str:
    """The same outer number again is answered with the same appointment."""
    slot = {"time": call.text("wantedTime"), "place": call.text("place") or "市交通执法总队检测站"}
    number, booked = intake.book(call.text("outerNo"), slot)
    return f"{tag('BookNo', number)}{tag('BookTime', booked['time'])}{tag('Place', booked['place'])}"


def _change(change: Change) -> str:
    code = DIALECT.events[change.event.kind]
    return (
        f"<Change>{tag('ChangeId', change.id)}{tag('CaseNo', change.case.number)}{tag('EventCode', code)}"
        f"{tag('StatusCode', code)}{tag('ChangeTime', change.event.at.strftime(DATE))}</Change>"
    )


def _case(case: Case) -> str:
    return f"<Case>{_fields(case)}</Case>"


def _case_with_steps(case: Case) -> str:
    steps = [_step(case, index) for index in range(len(case.events))]
    if int(case.number[-6:]) % OUT_OF_ORDER_EVERY == 0:
        steps = [*reversed(steps), steps[0]]
    return f"<Case>{_fields(case)}<Steps>{''.join(steps)}</Steps></Case>"


def _fields(case: Case) -> str:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    values = {
        "CaseNo": case.number,
        "CaseName": case.title,
        "ItemCode": case.item.base_code,
        "TaskCode": case.implementation.task_code,
        "AreaCode": case.implementation.region,
        "DeptCode": case.implementation.department,
        "ApplicantType": "1" if natural else "2",
        "ApplicantName": person.name,
        "CertType": "SFZ" if natural else "TYDM",
        "CertNo": person.id_number,
        "LegalMan": person.representative,
        "Mobile": person.mobile,
        "BusinessType": DIALECT.case_types[case.item.case_type],
        "ApplyWay": DIALECT.channels[case.channel],
        "StatusCode": DIALECT.status(case),
        "ApplyTime": _date(case.applied_at),
        "AcceptTime": _date(case.time_of("ACCEPT")),
        "PromiseTime": _date(case.promised_at),
        "FinishTime": _date(case.time_of("CLOSE")),
        "ProjectCode": case.project_code,
        "OuterNo": case.reference,
    }
    return "".join(tag(name, value) for name, value in values.items())


def _step(case: Case, index: int) -> str:
    event = case.events[index]
    values = {
        "StepNo": f"{event.seq:02d}",
        "EventCode": DIALECT.events[event.kind],
        "StepName": event.step,
        "Handler": event.actor,
        "HandlerDept": case.implementation.department if event.actor else "",
        "BeginTime": _date(event.at),
        "EndTime": _date(event.ended),
        "Opinion": event.opinion,
        "DocNo": f"渝交许{event.document}" if event.document else "",
    }
    return f"<Step>{''.join(tag(name, value) for name, value in values.items())}</Step>"


def _date(value: datetime | None) -> str:
    return value.strftime(DATE) if value else ""


def _read_date(text: str) -> datetime | None:
    """Raises SoapFaultError for anything but yyyyMMddHHmmss or nothing."""
    if not text:
        return None
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=SHANGHAI)
    except ValueError as problem:
        raise SoapFaultError("E400", f"日期格式须为yyyyMMddHHmmss：{text}") from problem
