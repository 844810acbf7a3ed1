"""GA-ENTRY, 市公安局: REST JSON behind OAuth2 client credentials, cursor links, epoch milliseconds.

A token lasts 300 s or a number of calls (QUANYU_SAMPLE_GA_ENTRY_TOKEN_CALLS, default 200), whichever ends first, as
the real one was said to do; then comes 401 and the caller must fetch another. Failures are problem+json (RFC 9457).
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from samples.cases import SHANGHAI, Case, Change, Event, served_items
from samples.credentials import credential
from samples.register import Dialect, Register, open_cases
from samples.registry import load_registry

__all__ = ["DIALECT", "PATH", "TOKEN_PATH", "build"]

SYSTEM = "GA-ENTRY"
PATH = "/zwfw/v2"
TOKEN_PATH = "/oauth/token"
TOKEN_LIFE_S = 300
DEFAULT_TOKEN_CALLS = 200
LARGEST_PAGE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=SHANGHAI) + timedelta(hours=8)

DIALECT = Dialect(
    events={
        "SUBMIT": "apply",
        "PRE_ACCEPT": "precheck",
        "RECEIVE": "intake",
        "REQUEST_CORRECTION": "ask_supplement",
        "CORRECTION_RECEIVED": "supplement",
        "ACCEPT": "accept",
        "REFUSE_ACCEPTANCE": "decline",
        "STEP_START": "review",
        "SPECIAL_START": "inspect_begin",
        "SPECIAL_END": "inspect_end",
        "SUSPEND": "hold",
        "RESUME": "resume",
        "DECIDE": "decide",
        "CLOSE": "finish",
        "DELIVER": "hand_over",
        "WITHDRAW": "withdraw",
        "VOID": "void",
    },
    statuses={
        "SUBMITTED": "applied",
        "PRE_ACCEPTED": "prechecked",
        "RECEIVED": "received",
        "CORRECTION_REQUIRED": "supplement_needed",
        "ACCEPTED": "accepted",
        "NOT_ACCEPTED": "declined",
        "UNDER_REVIEW": "in_review",
        "SPECIAL_PROCEDURE": "in_inspection",
        "SUSPENDED": "on_hold",
        "DECIDED": "decided",
        "CLOSED": "finished",
        "DELIVERED": "handed_over",
        "WITHDRAWN": "withdrawn",
        "VOIDED": "void",
    },
    case_types={"INSTANT": "INST", "COMMITTED": "PROM"},
    channels={"ONLINE": "web", "WINDOW": "counter", "MOBILE": "app", "PROXY": "agent"},
    stray="archived_legacy",
)

Row = dict[str, Any]  # Any: JSON values


class ProblemError(Exception):
    """An answer that is not 200, told as problem+json."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Tokens:
    """Tokens handed out, with the calls that each has left."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._left: dict[str, tuple[float, int]] = {}

    def issue(self) -> Row:
        token = secrets.token_urlsafe(24)
        self._left[token] = (time.monotonic() + TOKEN_LIFE_S, self._calls)
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S}

    def spend(self, authorization: str) -> None:
        """Use a token once; raises ProblemError 401 where it is unknown, too old or used up."""
        token = authorization.removeprefix("Bearer ").strip()
        until, left = self._left.get(token, (0.0, 0))
        if left < 1 or time.monotonic() > until:
            self._left.pop(token, None)
            raise ProblemError(401, "TOKEN_INVALID", "访问令牌无效或已过期")
        self._left[token] = (until, left - 1)


def build(seed: int, environment: Mapping[str, str]) -> Starlette:
    register = open_cases(SYSTEM, seed=seed, dialect=DIALECT, summary=_row, detail=_row)
    client = (
        credential("QUANYU_SAMPLE_GA_ENTRY_CLIENT_ID", environment),
        credential("QUANYU_SAMPLE_GA_ENTRY_CLIENT_SECRET", environment),
    )
    tokens = Tokens(int(environment.get("QUANYU_SAMPLE_GA_ENTRY_TOKEN_CALLS", DEFAULT_TOKEN_CALLS)))

    def guarded(answer: Callable[[Request], Row]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                tokens.spend(request.headers.get("Authorization", ""))
                return JSONResponse(answer(request))
            except ProblemError as problem:
                return _problem(problem)

        return endpoint

    async def token(request: Request) -> Response:
        form = {
            name: values[0]
            for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()
        }
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        given = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if given != client:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        return JSONResponse(tokens.issue(), headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route(TOKEN_PATH, token, methods=["POST"]),
            Route(f"{PATH}/applications", guarded(lambda request: _list(register, request))),
            Route(f"{PATH}/applications/{{no}}", guarded(lambda request: _case(register, request))),
            Route(f"{PATH}/services", guarded(lambda _request: _items())),
            Route(f"{PATH}/changes", guarded(lambda request: _changes(register, request))),
        ]
    )


def _problem(problem: ProblemError) -> Response:
    body = {
        "type": f"urn:ga:problem:{problem.code.lower()}",
        "title": problem.detail,
        "status": problem.status,
        "errorCode": problem.code,
    }
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if problem.status == 401 else None
    return JSONResponse(
        body, status_code=problem.status, headers=headers, media_type="application/problem+json"
    )


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of a Basic header (RFC 6749 section 2.3.1), if there is one."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(name), unquote(secret)


def _case(register: Register[Row], request: Request) -> Row:
    number = request.path_params["no"]
    if number not in register.details:
        raise ProblemError(404, "APPLICATION_NOT_FOUND", f"没有业务编号为{number}的申请")
    return register.details[number]


def _list(register: Register[Row], request: Request) -> Row:
    start, size = _position(request), _limit(request)
    selection = register.select(
        start=start,
        size=size,
        applicant=request.query_params.get("holderNumber", ""),
        since=_read_time(request, "appliedFrom"),
        until=_read_time(request, "appliedTo"),
    )
    return {
        "items": selection.rows,
        "links": _links(request, start, size, more=start + size < selection.total),
    }


def _items() -> Row:
    rows = [
        {
            "id": f"GAFW-{index:02d}",
            "name": item.name,
            "baseCode": item.base_code,
            "handling": DIALECT.case_types[item.case_type],
            "promiseDays": item.promised_days,
            "online": True,
        }
        for index, item in enumerate(served_items(load_registry(), "GAJ"), start=1)
    ]
    return {"items": rows, "links": {"next": None}}


def _changes(register: Register[Row], request: Request) -> Row:
    start, size = _position(request), _limit(request)
    changes, more = register.changes_since(_read_time(request, "since"), size, start=start)
    return {
        "items": [_change(change) for change in changes],
        "links": _links(request, start, size, more=more),
    }


def _change(change: Change) -> Row:
    return {
        "id": change.id,
        "no": change.case.number,
        "action": DIALECT.events[change.event.kind],
        "state": DIALECT.status_after("", change.event.state),
        "at": _milliseconds(change.event.at),
    }


def _links(request: Request, start: int, size: int, *, more: bool) -> Row:
    """Absolute links; the cursor is opaque to callers."""
    following = None
    if more:
        query = dict(request.query_params) | {
            "cursor": base64.urlsafe_b64encode(f"p:{start + size}".encode()).decode()
        }
        following = str(request.url.replace(query=urlencode(query)))
    return {"self": str(request.url), "next": following}


def _position(request: Request) -> int:
    cursor = request.query_params.get("cursor", "")
    if not cursor:
        return 0
    try:
        kind, _, position = base64.urlsafe_b64decode(cursor).decode().partition(":")
        if kind == "p":
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise ProblemError(400, "CURSOR_INVALID", "游标无效")


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "20")
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise ProblemError(400, "LIMIT_INVALID", f"limit须在1至{LARGEST_PAGE}之间")
    return int(text)


def _read_time(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise ProblemError(400, "TIME_INVALID", f"{name}须为毫秒时间戳")
    return EPOCH + timedelta(milliseconds=int(text))


def _row(case: Case) -> Row:
    person, natural = case.applicant, case.applicant.kind == "NATURAL"
    return {
        "no": case.number,
        "subject": case.title,
        "service": {"baseCode": case.item.base_code, "taskCode": case.implementation.task_code},
        "place": {"code": case.implementation.region},
        "authority": {"uscc": case.implementation.department},
        "holder": {
            "type": "P" if natural else "O",
            "name": person.name,
            "document": {"type": "ID" if natural else "USC", "number": person.id_number},
            "chief": person.representative or None,
            "phone": person.mobile,
        },
        "handling": DIALECT.case_types[case.item.case_type],
        "via": DIALECT.channels[case.channel],
        "state": DIALECT.status(case),
        "stateAt": _milliseconds(case.events[-1].at),
        "times": {
            "applied": _milliseconds(case.applied_at),
            "received": _milliseconds(case.time_of("RECEIVE")),
            "accepted": _milliseconds(case.time_of("ACCEPT")),
            "due": _milliseconds(case.promised_at),
            "decided": _milliseconds(case.time_of("DECIDE")),
            "finished": _milliseconds(case.time_of("CLOSE")),
        },
        "history": [_step(case, event) for event in case.events],
    }


def _step(case: Case, event: Event) -> Row:
    return {
        "id": f"{case.number}/{event.seq}",
        "action": DIALECT.events[event.kind],
        "stage": event.step,
        "officer": event.actor or None,
        "unit": case.implementation.department,
        "at": _milliseconds(event.at),
        "until": _milliseconds(event.ended),
        "note": event.opinion or None,
        "documentNo": f"渝公许{event.document}" if event.document else None,
    }


def _milliseconds(value: datetime | None) -> int | None:
    return int(value.timestamp() * 1000) if value else None
