"""SLJ-WATER, 市水利局: REST JSON from one address, and one call in five fails.

The failures take turns by a counter of calls: HTTP 500, a reset connection, an HTML error page with status 200. Times
have no zone; pages count from 0. There is no list of changes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from samples.cases import SHANGHAI, Case, Event, served_items
from samples.lean_http import Handler, Request, response
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry

__all__ = ["DIALECT", "FAIL_EVERY", "PATH", "build"]

SYSTEM = "SLJ-WATER"
PATH = "/slxk/permit.ashx"
DATE = "%Y-%m-%dT%H:%M:%S"
FAIL_EVERY = 5
LARGEST_PAGE = 100
JSON_TYPE = "application/json; charset=utf-8"
ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>系统维护</title></head>"
    "<body><h1>“/slxk”应用程序中的服务器错误</h1><p>超时时间已到。</p></body></html>"
).encode()

DIALECT = Dialect(
    events={
        "SUBMIT": "TJ",
        "RECEIVE": "SJ",
        "REQUEST_CORRECTION": "BZ",
        "CORRECTION_RECEIVED": "BQ",
        "ACCEPT": "SL",
        "REFUSE_ACCEPTANCE": "BSL",
        "STEP_START": "SC",
        "SPECIAL_START": "PS",
        "SPECIAL_END": "PJ",
        "SUSPEND": "GQ",
        "RESUME": "HF",
        "DECIDE": "JD",
        "CLOSE": "BJ",
        "DELIVER": "LZ",
    },
    statuses={"CORRECTION_RECEIVED": "SJ", "SPECIAL_END": "SC", "RESUME": "SC"},
    case_types={"COMMITTED": "承诺件", "INSTANT": "即办件"},
    channels={"ONLINE": "外网", "WINDOW": "窗口", "MOBILE": "渝快办", "PROXY": "代办员"},
    stray="XZFY",
)

Row = dict[str, Any]  # Any: JSON values
Query = Mapping[str, str]


class RefusalError(Exception):
    """The system refuses: `Success` false with its own code, HTTP status 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def build(seed: int, environment: Mapping[str, str]) -> Handler:  # noqa: ARG001 - every builder takes both
    register = open_cases(SYSTEM, seed=seed, dialect=DIALECT, summary=_summary, detail=_detail)
    methods: dict[str, Callable[[Query], Row]] = {
        "get": lambda query: _case(register, query),
        "list": lambda query: _list(register, query),
        "items": lambda _query: _items(),
    }
    failures = itertools.cycle(
        (
            response(b"", content_type="text/plain", status="500 Internal Server Error"),
            None,
            response(ERROR_PAGE, content_type="text/html; charset=utf-8"),
        )
    )
    calls = itertools.count(1)

    def handle(request: Request) -> bytes | None:
        if next(calls) % FAIL_EVERY == 0:
            return next(failures)
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        if path != PATH:
            return response(b"", content_type="text/plain", status="404 Not Found")
        return _answer(methods, {name: values[0] for name, values in parse_qs(query).items()})

    return handle


def _answer(methods: Mapping[str, Callable[[Query], Row]], query: Query) -> bytes:
    try:
        method = query.get("method", "")
        if method not in methods:
            raise RefusalError("W400", f"不支持的method：{method}")
        body: Row = {"Success": True, "ErrorCode": None, "Message": None} | methods[method](query)
    except RefusalError as problem:
        body = {"Success": False, "ErrorCode": problem.code, "Message": problem.message}
    return response(json.dumps(body, ensure_ascii=False).encode(), content_type=JSON_TYPE)


def _case(register: Register[Row], query: Query) -> Row:
    number = query.get("permitNo", "")
    if number not in register.details:
        raise RefusalError("W404", f"无此许可申请：{number}")
    return {"Data": register.details[number]}


def _list(register: Register[Row], query: Query) -> Row:
    page, size = _whole(query, "pageIndex", 0), _whole(query, "pageSize", 20)
    if not 1 <= size <= LARGEST_PAGE:
        raise RefusalError("W413", f"pageSize须在1至{LARGEST_PAGE}之间")
    selection = register.select(
        start=page * size,
        size=size,
        applicant=query.get("cardNo", ""),
        since=_read_date(query, "beginDate"),
        until=_read_date(query, "endDate"),
    )
    return {"Total": selection.total, "PageIndex": page, "Rows": selection.rows}


def _items() -> Row:
    rows = [
        {
            "Code": f"SL-{index:02d}",
            "Name": item.name,
            "BaseCode": item.base_code,
            "CaseType": DIALECT.case_types[item.case_type],
            "PromiseDay": str(item.promised_days),
            "IsUse": "1",
        }
        for index, item in enumerate(served_items(load_registry(), "SLJ"), start=1)
    ]
    return {"Total": len(rows), "Rows": rows}


def _summary(case: Case) -> Row:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    return {
        "PermitNo": case.number,
        "PermitName": case.title,
        "BaseCode": case.item.base_code,
        "TaskCode": case.implementation.task_code,
        "AreaCode": case.implementation.region,
        "OrgCode": case.implementation.department,
        "ApplyType": "自然人" if natural else "法人",
        "ApplyName": person.name,
        "CardType": "身份证" if natural else "信用代码",
        "CardNo": person.id_number,
        "LegalName": person.representative,
        "Phone": person.mobile,
        "CaseType": DIALECT.case_types[case.item.case_type],
        "ApplyFrom": DIALECT.channels[case.channel],
        "State": DIALECT.status(case),
        "ApplyDate": _date(case.applied_at),
        "ReceiveDate": _date(case.time_of("RECEIVE")),
        "AcceptDate": _date(case.time_of("ACCEPT")),
        "PromiseDate": _date(case.promised_at),
        "DecideDate": _date(case.time_of("DECIDE")),
        "FinishDate": _date(case.time_of("CLOSE")),
    }


def _detail(case: Case) -> Row:
    return _summary(case) | {"Flows": [_flow(case, event) for event in case.events]}


def _flow(case: Case, event: Event) -> Row:
    return {
        "FlowId": f"{case.number}.{event.seq}",
        "Action": DIALECT.events[event.kind],
        "NodeName": event.step,
        "UserName": event.actor,
        "OrgCode": case.implementation.department,
        "StartTime": _date(event.at),
        "EndTime": _date(event.ended),
        "Opinion": event.opinion,
        "DocNo": f"渝水许{event.document}" if event.document else "",
    }


def _date(value: datetime | None) -> str:
    """An empty string where there is none, as this system writes it."""
    return value.strftime(DATE) if value else ""


def _whole(query: Query, name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not text.isdigit():
        raise RefusalError("W400", f"{name}不是整数：{text}")
    return int(text)


def _read_date(query: Query, name: str) -> datetime | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=SHANGHAI)
    except ValueError as problem:
        raise RefusalError("W400", f"{name}格式须为yyyy-MM-ddTHH:mm:ss：{text}") from problem
