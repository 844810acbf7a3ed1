"""GSJ-LICENSE, 市工商行政管理局: REST JSON in a `{code,msg,data}` envelope, page and size, an API key.

Every answer has HTTP status 200; `code` other than 0 is the failure. Field names are pinyin initials, states are
numbers 0..14, times are `yyyy/MM/dd HH:mm:ss`. It takes applications (`sbtj`), and takes the same one twice: there is no
field for the sender's own number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from samples.cases import SHANGHAI, Case, Change, Event, served_items
from samples.credentials import credential
from samples.filing import Application, FilingError, Intake
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry

__all__ = ["DIALECT", "ONLY_FILED", "PATH", "build"]

SYSTEM = "GSJ-LICENSE"
PATH = "/djgl/api/v1"
DATE = "%Y/%m/%d %H:%M:%S"
LARGEST_PAGE = 100

DIALECT = Dialect(
    events={
        "SUBMIT": "9",
        "PRE_ACCEPT": "10",
        "ACCEPT": "1",
        "REFUSE_ACCEPTANCE": "2",
        "REQUEST_CORRECTION": "3",
        "STEP_START": "12",
        "DECIDE": "4",
        "CLOSE": "5",
        "VOID": "7",
        "WITHDRAW": "13",
        "CORRECTION_RECEIVED": "14",
    },
    statuses={},
    case_types={"INSTANT": "1", "COMMITTED": "2"},
    channels={"ONLINE": "1", "WINDOW": "2", "MOBILE": "3", "PROXY": "4"},
    stray="33",
)

ONLY_FILED = frozenset({"WITHDRAW", "CORRECTION_RECEIVED"})
REFUSALS = {"item": 2001, "missing": 1404, "state": 2003}

Row = dict[str, Any]  # Any: JSON values


class RefusalError(Exception):
    """The system refuses: its own code and words, told with HTTP status 200."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def build(seed: int, environment: Mapping[str, str]) -> Starlette:
    register = open_cases(
        SYSTEM, seed=seed, dialect=DIALECT, summary=_summary, detail=_detail, only_filed=ONLY_FILED
    )
    intake = Intake(SYSTEM, register, _summary, _detail)
    key = credential("QUANYU_SAMPLE_GSJ_LICENSE_KEY", environment)

    def guarded(answer: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                if request.headers.get("X-Api-Key") != key:
                    raise RefusalError(1001, "apiKey无效或未授权")
                return JSONResponse({"code": 0, "msg": "成功", "data": answer(request)})
            except RefusalError as problem:
                return JSONResponse({"code": problem.code, "msg": problem.message, "data": None})

        return endpoint

    def taking(take: Callable[[Intake[Row], Row], Row]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                if request.headers.get("X-Api-Key") != key:
                    raise RefusalError(1001, "apiKey无效或未授权")
                body = await request.json()
                return JSONResponse({"code": 0, "msg": "成功", "data": take(intake, body)})
            except (ValueError, KeyError, TypeError):
                return JSONResponse({"code": 1002, "msg": "报文格式错误", "data": None})
            except FilingError as problem:
                return JSONResponse({"code": REFUSALS[problem.kind], "msg": problem.message, "data": None})
            except RefusalError as problem:
                return JSONResponse({"code": problem.code, "msg": problem.message, "data": None})

        return endpoint

    return Starlette(
        routes=[
            Route(f"{PATH}/bjlb", guarded(lambda request: _list(intake.register, request))),
            Route(f"{PATH}/bjxq", guarded(lambda request: _case(intake.register, request))),
            Route(f"{PATH}/sxlb", guarded(lambda _request: _items())),
            Route(f"{PATH}/sbtj", taking(_submit), methods=["POST"]),
            Route(f"{PATH}/bjbz", taking(_supplement), methods=["POST"]),
            Route(f"{PATH}/bjcx", taking(_withdraw), methods=["POST"]),
            Route(f"{PATH}/yysl", taking(_book), methods=["POST"]),
            Route(f"{PATH}/bgjl", guarded(lambda request: _changes(intake.register, request))),
        ]
    )


def _submit(intake: Intake[Row], body: Row) -> Row:
    """Files whatever comes, as often as it comes."""
    if not body.get("jyfw"):
        raise RefusalError(2002, f"经营范围不能为空（申请人：{body['sqr']}）")
    case = intake.submit(
        Application(
            item=body["sxbm"],
            title=body.get("xmmc") or "",
            kind="NATURAL" if int(body["sqrlx"]) == 0 else "LEGAL",
            name=body["sqr"],
            number=body["zjhm"],
            mobile=body.get("lxdh") or "",
            representative=body.get("fddbr") or "",
            region=body.get("xzqh") or "",
        )
    )
    return {"bjbh": case.number, "xmzt": int(DIALECT.status(case)), "sqsj": _date(case.applied_at)}


def _supplement(intake: Intake[Row], body: Row) -> Row:
    case = intake.add_step(body["bjbh"], "CORRECTION_RECEIVED", body.get("bzsm") or "补正材料已收")
    return {"bjbh": case.number, "xmzt": int(DIALECT.status(case))}


def _withdraw(intake: Intake[Row], body: Row) -> Row:
    case = intake.add_step(body["bjbh"], "WITHDRAW", body["cxyy"])
    return {"bjbh": case.number, "xmzt": int(DIALECT.status(case))}


def _book(intake: Intake[Row], body: Row) -> Row:
    """Every call books: there is no field by which it would know the same again."""
    number, slot = intake.book("", {"yysj": body["yysj"], "yydd": body.get("yydd") or "一楼综合窗口"})
    return {"yyh": number, "yysj": slot["yysj"], "yydd": slot["yydd"]}


def _case(register: Register[Row], request: Request) -> Row:
    number = request.query_params.get("bjbh", "")
    if number not in register.details:
        raise RefusalError(1404, f"办件不存在：{number}")
    return register.details[number]


def _list(register: Register[Row], request: Request) -> Row:
    page, size = _paging(request)
    selection = register.select(
        start=(page - 1) * size,
        size=size,
        applicant=request.query_params.get("zjhm", ""),
        since=_read_date(request, "kssj"),
        until=_read_date(request, "jssj"),
    )
    return {"total": selection.total, "pageNo": page, "pageSize": size, "rows": selection.rows}


def _items() -> Row:
    rows = [
        {
            "sxid": f"SX{index:04d}",
            "sxmc": item.name,
            "sxbm": item.base_code,
            "bjlx": DIALECT.case_types[item.case_type],
            "cnqx": item.promised_days,
            "qybz": 1,
        }
        for index, item in enumerate(served_items(load_registry(), "GSJ"), start=1)
    ]
    return {"total": len(rows), "pageNo": 1, "pageSize": len(rows), "rows": rows}


def _changes(register: Register[Row], request: Request) -> Row:
    page, size = _paging(request)
    since = _read_date(request, "sj")
    changes, _more = register.changes_since(since, size, start=(page - 1) * size)
    everything, _more = register.changes_since(since, len(register.changes))
    return {
        "total": len(everything),
        "pageNo": page,
        "pageSize": size,
        "rows": [_change(change) for change in changes],
    }


def _change(change: Change) -> Row:
    code = int(DIALECT.events[change.event.kind])
    return {
        "bgid": change.id,
        "bjbh": change.case.number,
        "czdm": code,
        "xmzt": code,
        "bgsj": change.event.at.strftime(DATE),
    }


def _paging(request: Request) -> tuple[int, int]:
    values = []
    for name, default in (("page", "1"), ("size", "20")):
        text = request.query_params.get(name, default)
        if not text.isdigit() or int(text) < 1:
            raise RefusalError(1002, f"参数{name}错误：{text}")
        values.append(int(text))
    if values[1] > LARGEST_PAGE:
        raise RefusalError(1003, f"size不能超过{LARGEST_PAGE}")
    return values[0], values[1]


def _summary(case: Case) -> Row:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    return {
        "bjbh": case.number,
        "xmmc": case.title,
        "sxbm": case.item.base_code,
        "ssbm": case.implementation.task_code,
        "xzqh": case.implementation.region,
        "sldw": case.implementation.department,
        "sqrlx": 0 if natural else 1,
        "sqr": person.name,
        "zjlx": "10" if natural else "50",
        "zjhm": person.id_number,
        "fddbr": person.representative or None,
        "lxdh": person.mobile,
        "bjlx": DIALECT.case_types[case.item.case_type],
        "sqfs": DIALECT.channels[case.channel],
        "xmzt": int(DIALECT.status(case)),
        "sqsj": _date(case.applied_at),
        "slsj": _date(case.time_of("ACCEPT")),
        "cnsj": _date(case.promised_at),
        "bjsj": _date(case.time_of("CLOSE")),
    }


def _detail(case: Case) -> Row:
    return _summary(case) | {"lcjl": [_step(case, event) for event in case.events]}


def _step(case: Case, event: Event) -> Row:
    return {
        "lcxh": event.seq,
        "czdm": int(DIALECT.events[event.kind]),
        "hjmc": event.step,
        "czr": event.actor or None,
        "czbm": case.implementation.department,
        "kssj": _date(event.at),
        "jssj": _date(event.ended),
        "czyj": event.opinion or None,
        "wh": f"渝工商登字{event.document}" if event.document else None,
    }


def _date(value: datetime | None) -> str | None:
    return value.strftime(DATE) if value else None


def _read_date(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=SHANGHAI)
    except ValueError as problem:
        raise RefusalError(1002, f"参数{name}格式须为yyyy/MM/dd HH:mm:ss：{text}") from problem
