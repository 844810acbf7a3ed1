"""GHJ-PLAN, 市规划局: REST JSON with limit and offset, ISO times with +08:00, and slow by design.

Every answer waits QUANYU_SAMPLE_GHJ_PLAN_DELAY_S seconds (default 3). There is no list of items.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from samples.cases import SHANGHAI, Case, Event
from samples.register import Dialect, Register, open_cases

__all__ = ["DEFAULT_DELAY_S", "DELAY_VARIABLE", "DIALECT", "PATH", "build"]

SYSTEM = "GHJ-PLAN"
PATH = "/ghgl/api"
DELAY_VARIABLE = "QUANYU_SAMPLE_GHJ_PLAN_DELAY_S"
DEFAULT_DELAY_S = 3.0
LARGEST_PAGE = 100

DIALECT = Dialect(
    events={
        "SUBMIT": "E10",
        "RECEIVE": "E20",
        "REQUEST_CORRECTION": "E25",
        "CORRECTION_RECEIVED": "E26",
        "ACCEPT": "E30",
        "REFUSE_ACCEPTANCE": "E31",
        "STEP_START": "E40",
        "SPECIAL_START": "E50",
        "SPECIAL_END": "E51",
        "DECIDE": "E60",
        "CLOSE": "E70",
        "DELIVER": "E80",
        "WITHDRAW": "E91",
    },
    statuses={
        "SUBMITTED": "S10",
        "RECEIVED": "S20",
        "CORRECTION_REQUIRED": "S25",
        "ACCEPTED": "S30",
        "NOT_ACCEPTED": "S31",
        "UNDER_REVIEW": "S40",
        "SPECIAL_PROCEDURE": "S50",
        "DECIDED": "S60",
        "CLOSED": "S70",
        "DELIVERED": "S80",
        "WITHDRAWN": "S91",
    },
    case_types={"COMMITTED": "CN", "INSTANT": "JB"},
    channels={"ONLINE": "ONLINE", "WINDOW": "HALL", "MOBILE": "WECHAT", "PROXY": "AGENCY"},
    stray="S45",
)
LABELS = {
    "S10": "已提交",
    "S20": "已收件",
    "S25": "待补正",
    "S30": "已受理",
    "S31": "不予受理",
    "S40": "技术审查",
    "S45": "方案公示异议处理",
    "S50": "公示（评审）中",
    "S60": "已审定",
    "S70": "已办结",
    "S80": "已发证",
    "S91": "已撤件",
}

Row = dict[str, Any]  # Any: JSON values


def build(seed: int, environment: Mapping[str, str]) -> Starlette:
    register = open_cases(SYSTEM, seed=seed, dialect=DIALECT, summary=_summary, detail=_detail)
    delay_s = float(environment.get(DELAY_VARIABLE, DEFAULT_DELAY_S))

    def slow(answer: Callable[[Request], tuple[Row, int]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            await asyncio.sleep(delay_s)
            body, status = answer(request)
            return JSONResponse(body, status_code=status)

        return endpoint

    return Starlette(
        routes=[
            Route(f"{PATH}/projects", slow(lambda request: _list(register, request))),
            Route(f"{PATH}/projects/{{no}}", slow(lambda request: _case(register, request))),
            Route(f"{PATH}/logs", slow(lambda request: _changes(register, request))),
        ]
    )


def _case(register: Register[Row], request: Request) -> tuple[Row, int]:
    found = register.details.get(request.path_params["no"])
    return (found, 200) if found else ({"detail": "未找到该项目"}, 404)


def _list(register: Register[Row], request: Request) -> tuple[Row, int]:
    try:
        offset, limit = _paging(request)
        since, until = _read_date(request, "submitted_after"), _read_date(request, "submitted_before")
    except ValueError as problem:
        return {"detail": f"参数错误：{problem}"}, 400
    selection = register.select(
        start=offset,
        size=limit,
        applicant=request.query_params.get("applicant_code", ""),
        since=since,
        until=until,
    )
    return {"count": selection.total, "limit": limit, "offset": offset, "results": selection.rows}, 200


def _changes(register: Register[Row], request: Request) -> tuple[Row, int]:
    try:
        offset, limit = _paging(request)
        since = _read_date(request, "since")
    except ValueError as problem:
        return {"detail": f"参数错误：{problem}"}, 400
    changes, more = register.changes_since(since, limit, start=offset)
    rows = [
        {
            "log_id": change.id,
            "project_no": change.case.number,
            "event": DIALECT.events[change.event.kind],
            "status": DIALECT.status_after("", change.event.state),
            "time": change.event.at.isoformat(),
        }
        for change in changes
    ]
    return {"has_more": more, "limit": limit, "offset": offset, "results": rows}, 200


def _paging(request: Request) -> tuple[int, int]:
    """Offset and limit; the limit is cut to the largest page without a word, as this system does."""
    offset, limit = int(request.query_params.get("offset", 0)), int(request.query_params.get("limit", 20))
    if offset < 0 or limit < 1:
        raise ValueError("limit/offset")
    return offset, min(limit, LARGEST_PAGE)


def _read_date(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    # A plus sign that was not percent-encoded arrives as a space.
    value = datetime.fromisoformat(text.replace(" ", "+"))
    return value if value.tzinfo else value.replace(tzinfo=SHANGHAI)


def _summary(case: Case) -> Row:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    status = DIALECT.status(case)
    return {
        "project_no": case.number,
        "project_name": case.title,
        "project_code": case.project_code,
        "item_code": case.item.base_code,
        "task_code": case.implementation.task_code,
        "region_code": case.implementation.region,
        "applicant": {
            "category": "natural" if natural else "legal",
            "name": person.name,
            "id_type": "resident_id" if natural else "uscc",
            "code": person.id_number,
            "legal_person": person.representative or None,
            "phone": person.mobile,
        },
        "case_type": DIALECT.case_types[case.item.case_type],
        "channel": DIALECT.channels[case.channel],
        "status": {"code": status, "label": LABELS[status], "since": case.events[-1].at.isoformat()},
        "submitted_at": case.applied_at.isoformat(),
        "received_at": _date(case.time_of("RECEIVE")),
        "accepted_at": _date(case.time_of("ACCEPT")),
        "due_at": _date(case.promised_at),
        "decided_at": _date(case.time_of("DECIDE")),
        "closed_at": _date(case.time_of("CLOSE")),
    }


def _detail(case: Case) -> Row:
    return _summary(case) | {"events": [_event(case, event) for event in case.events]}


def _event(case: Case, event: Event) -> Row:
    return {
        "id": f"{case.number}E{event.seq}",
        "code": DIALECT.events[event.kind],
        "name": event.step,
        "handler": {"name": event.actor, "dept": case.implementation.department} if event.actor else None,
        "time": event.at.isoformat(),
        "end_time": _date(event.ended),
        "comment": event.opinion or None,
        "doc_no": f"渝规许{event.document}" if event.document else None,
    }


def _date(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
